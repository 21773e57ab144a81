"""Controls that more than one piece is made of: each has a name for who does not see it.

Belongs here: what they look like and how they are named. What happens when one is used, the piece says.
Everything is made with keyword arguments: Flet takes a wrong positional one silently, and draws grey.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from typing import Any

import flet as ft

from client.gui.views import look
from client.gui.views.palette import AVATARS, ON_AVATAR

Act = Callable[[], object]
"""What a control does when it is used. What takes a while goes through ``window.run``."""

Colour = ft.Colors


def _called(act: Act) -> Callable[[Any], None]:
    def handler(_: Any) -> None:
        act()

    return handler


# --- texts --------------------------------------------------------------------------------------


def title(text: str) -> ft.Control:
    """The name of a screen or a panel; screen readers go from one to the next."""
    return ft.Semantics(header=True, content=ft.Text(value=text, theme_style=ft.TextThemeStyle.TITLE_LARGE))


def heading(text: str) -> ft.Control:
    """The name of a part of a panel."""
    return ft.Semantics(
        header=True,
        content=ft.Text(value=text, theme_style=ft.TextThemeStyle.TITLE_SMALL, color=Colour.PRIMARY),
    )


def quiet(text: str, *, align: ft.TextAlign = ft.TextAlign.START) -> ft.Text:
    """What stands beside something more important."""
    return ft.Text(
        value=text,
        theme_style=ft.TextThemeStyle.BODY_MEDIUM,
        color=Colour.ON_SURFACE_VARIANT,
        text_align=align,
    )


def one_line(text: str, style: ft.TextThemeStyle, color: ft.ColorValue = Colour.ON_SURFACE) -> ft.Text:
    """Text that ends in an ellipsis where there is no more room; put it where it can ``expand``."""
    return ft.Text(
        value=text,
        theme_style=style,
        color=color,
        max_lines=1,
        no_wrap=True,
        overflow=ft.TextOverflow.ELLIPSIS,
    )


def apart(content: ft.Control) -> ft.Control:
    """Text that screen readers meet by itself, and not as part of whatever is around it."""
    return ft.Semantics(container=True, content=content)


# --- buttons ------------------------------------------------------------------------------------


class IconAction:
    """A button that is only an icon, with a name. ``control`` is what is put on the window."""

    def __init__(
        self,
        name: str,
        icon: ft.IconData,
        act: Act,
        *,
        color: ft.ColorValue | None = None,
        size: int = 22,
        filled: bool = False,
    ) -> None:
        self.button = ft.IconButton(
            icon=icon,
            icon_size=size,
            icon_color=color or (Colour.ON_PRIMARY if filled else Colour.ON_SURFACE_VARIANT),
            bgcolor=Colour.PRIMARY if filled else None,
            tooltip=name,
            on_click=_called(act),
        )
        # The tooltip alone names nothing: merged, it is the button's name.
        self.control = ft.MergeSemantics(content=self.button)

    def rename(self, name: str, icon: ft.IconData) -> None:
        """It does the opposite now."""
        self.button.tooltip = name
        self.button.icon = icon

    def disable(self, disabled: bool) -> None:
        """Whether it can be used."""
        self.button.disabled = disabled


def icon_button(
    name: str, icon: ft.IconData, act: Act, *, color: ft.ColorValue | None = None, size: int = 22
) -> ft.Control:
    """``IconAction`` that never changes."""
    return IconAction(name, icon, act, color=color, size=size).control


class BusyButton:
    """The button that does what a form is for. While it is ``busy`` it cannot be used, and shows that."""

    def __init__(self, name: str, act: Act, *, danger: bool = False) -> None:
        self._ring = ft.ProgressRing(width=16, height=16, stroke_width=2, visible=False)
        text = ft.Text(value=name, weight=ft.FontWeight.W_600)
        self.control = ft.FilledButton(
            content=ft.Row(
                controls=[self._ring, text],
                alignment=ft.MainAxisAlignment.CENTER,
                tight=True,
                spacing=look.GAP * 1.5,
            ),
            bgcolor=Colour.ERROR if danger else None,
            color=Colour.ON_ERROR if danger else None,
            on_click=_called(act),
        )

    def busy(self, busy: bool) -> None:
        """Whether what it does is under way."""
        self._ring.visible = busy
        self.control.disabled = busy


def text_button(
    name: str, act: Act, *, icon: ft.IconData | None = None, danger: bool = False
) -> ft.TextButton:
    """A button for what matters less."""
    color = Colour.ERROR if danger else Colour.PRIMARY
    return ft.TextButton(
        content=name, icon=icon, icon_color=color, style=ft.ButtonStyle(color=color), on_click=_called(act)
    )


def outlined_button(name: str, act: Act, *, icon: ft.IconData | None = None) -> ft.OutlinedButton:
    """A button for what is as good as the filled one beside it."""
    return ft.OutlinedButton(content=name, icon=icon, on_click=_called(act))


# --- forms --------------------------------------------------------------------------------------


class Field:
    """One line to fill in, with room for what is wrong with it.

    ``changed`` is called at each key, ``entered`` at Enter.
    """

    def __init__(
        self,
        name: str,
        *,
        value: str = "",
        hint: str = "",
        secret: tuple[str, str] | None = None,
        changed: Act | None = None,
        entered: Act | None = None,
        autofill: ft.AutofillHint | None = None,
        icon: ft.IconData | None = None,
    ) -> None:
        """``secret``: it is a password; the names of the buttons that show and hide it."""
        self._secret = secret
        self.control = ft.TextField(
            label=name,
            value=value,
            hint_text=hint or None,
            password=secret is not None,
            border=look.field_border(),
            prefix_icon=icon,
            content_padding=ft.Padding.symmetric(horizontal=look.GAP * 2, vertical=look.GAP * 2),
            error_max_lines=4,
            helper_max_lines=3,
            text_size=15,
            autocorrect=False,
            enable_suggestions=secret is None,
            autofill_hints=autofill,
            on_change=_called(changed) if changed is not None else None,
            on_submit=_called(entered) if entered is not None else None,
        )
        if secret is not None:
            self._eye = IconAction(secret[0], ft.Icons.VISIBILITY_OUTLINED, self._reveal, size=20)
            self.control.suffix_icon = ft.Container(
                content=self._eye.control, padding=ft.Padding.only(right=look.GAP // 2)
            )

    @property
    def text(self) -> str:
        """What stands in it."""
        return self.control.value or ""

    def put(self, text: str) -> None:
        """Have something else stand in it."""
        self.control.value = text

    def wrong(self, sentence: str) -> None:
        """What is wrong with it; '' when nothing is."""
        self.control.error = sentence or None

    async def focus(self) -> None:
        """Put the cursor into it, unless it or its page is gone by then."""
        with contextlib.suppress(RuntimeError, TimeoutError):
            await self.control.focus()  # type: ignore[no-untyped-call]

    def _reveal(self) -> None:
        assert self._secret is not None
        hidden = self.control.password = not self.control.password
        self._eye.rename(
            self._secret[0] if hidden else self._secret[1],
            ft.Icons.VISIBILITY_OUTLINED if hidden else ft.Icons.VISIBILITY_OFF_OUTLINED,
        )
        self.control.update()


class Alarm:
    """What went wrong with a form as a whole: read out as it appears."""

    def __init__(self) -> None:
        self._text = ft.Text(
            theme_style=ft.TextThemeStyle.BODY_MEDIUM, color=Colour.ON_ERROR_CONTAINER, expand=True
        )
        self.control = ft.Semantics(
            live_region=True,
            content=ft.Container(
                content=ft.Row(
                    controls=[
                        ft.Icon(
                            icon=ft.Icons.ERROR_OUTLINE_ROUNDED, size=20, color=Colour.ON_ERROR_CONTAINER
                        ),
                        self._text,
                    ],
                    spacing=look.GAP * 1.5,
                    vertical_alignment=ft.CrossAxisAlignment.START,
                ),
                padding=ft.Padding.symmetric(horizontal=look.GAP * 2, vertical=look.GAP * 1.5),
                border_radius=look.RADIUS,
                bgcolor=Colour.ERROR_CONTAINER,
            ),
            visible=False,
        )

    def say(self, sentence: str) -> None:
        """What is wrong; '' when nothing is."""
        self._text.value = sentence
        self.control.visible = bool(sentence)


# --- people, groups, emptiness ------------------------------------------------------------------


def initials(name: str) -> str:
    """One or two letters that stand for an address: ``B``, ``#``; '' for everyone."""
    bare = name.lstrip("#")
    words = [word for word in bare.replace("_", "-").replace(".", "-").split("@")[0].split("-") if word]
    return "".join(word[0] for word in words[:2]).upper() or name[:1]


def avatar(name: str, size: float = 40, online: bool | None = None) -> ft.Control:
    """The sign of a person (round), a group (a rounded square), or everyone. Screen readers skip it.

    ``online``: a dot at its edge; it is no text, so whoever draws it says so in words, too.
    """
    group = name.startswith("#")
    sign: ft.Control
    if name == "*":
        sign = ft.Icon(icon=ft.Icons.CAMPAIGN_OUTLINED, size=size * 0.55, color=ON_AVATAR)
    elif group:
        sign = ft.Icon(icon=ft.Icons.TAG_ROUNDED, size=size * 0.5, color=ON_AVATAR)
    else:
        sign = ft.Text(
            value=initials(name), size=size * 0.4, weight=ft.FontWeight.W_600, color=ON_AVATAR, no_wrap=True
        )
    face = ft.Container(
        content=sign,
        width=size,
        height=size,
        alignment=ft.Alignment.CENTER,
        border_radius=size * 0.3 if group or name == "*" else size / 2,
        bgcolor=AVATARS[zlib.crc32(name.lower().encode()) % len(AVATARS)],
    )
    layers: list[ft.Control] = [face]
    if online:
        layers.append(ft.Container(content=_dot(size * 0.3), right=-1, bottom=-1))
    return ft.Semantics(
        exclude_semantics=True,
        content=ft.Stack(controls=layers, width=size, height=size, clip_behavior=ft.ClipBehavior.NONE),
    )


def _dot(size: float) -> ft.Control:
    return ft.Container(
        width=size,
        height=size,
        border_radius=size / 2,
        bgcolor=Colour.PRIMARY,
        border=ft.Border.all(width=2, color=Colour.SURFACE),
    )


def badge(text: str) -> ft.Control:
    """A number that stands out: how many are unread."""
    return ft.Container(
        content=ft.Text(
            value=text, theme_style=ft.TextThemeStyle.LABEL_SMALL, color=Colour.ON_PRIMARY, no_wrap=True
        ),
        height=20,
        padding=ft.Padding.symmetric(horizontal=7),
        alignment=ft.Alignment.CENTER,
        border_radius=10,
        bgcolor=Colour.PRIMARY,
    )


def empty(icon: ft.IconData, name: str, text: str, *actions: ft.Control) -> ft.Control:
    """What stands where there is nothing: why, and what one can do. In the middle of whatever holds it."""
    return ft.Container(
        content=ft.Column(
            controls=[
                ft.Container(
                    content=ft.Icon(icon=icon, size=32, color=Colour.ON_SECONDARY_CONTAINER),
                    width=72,
                    height=72,
                    alignment=ft.Alignment.CENTER,
                    border_radius=36,
                    bgcolor=Colour.SECONDARY_CONTAINER,
                ),
                ft.Text(
                    value=name,
                    theme_style=ft.TextThemeStyle.TITLE_MEDIUM,
                    text_align=ft.TextAlign.CENTER,
                ),
                quiet(text, align=ft.TextAlign.CENTER),
                *actions,
            ],
            horizontal_alignment=ft.CrossAxisAlignment.CENTER,
            alignment=ft.MainAxisAlignment.CENTER,
            spacing=look.GAP * 1.5,
            tight=True,
        ),
        alignment=ft.Alignment.CENTER,
        padding=ft.Padding.all(look.GAP * 4),
        expand=True,
    )


# --- dialogs ------------------------------------------------------------------------------------


def dialog(name: str, content: ft.Control, actions: list[ft.Control]) -> ft.AlertDialog:
    """A dialog for ``page.show_dialog``; ``page.pop_dialog`` and Esc close it. The main action is last."""
    return ft.AlertDialog(
        title=ft.Text(value=name, theme_style=ft.TextThemeStyle.TITLE_LARGE),
        content=ft.Container(content=content, width=look.DIALOG_WIDTH),
        actions=actions,
        scrollable=True,
        inset_padding=ft.Padding.all(look.GAP * 2),
        semantics_label=name,
    )


def ask(
    page: ft.Page, name: str, text: str, *, yes: str, no: str, act: Act, danger: bool = True
) -> ft.AlertDialog:
    """Show a question before something is done that cannot be undone; ``act`` when they say yes."""

    def close() -> None:
        page.pop_dialog()

    def done() -> None:
        page.pop_dialog()
        act()

    cancel = text_button(no, close)
    cancel.autofocus = True
    shown = dialog(name, quiet(text), [cancel, BusyButton(yes, done, danger=danger).control])
    page.show_dialog(shown)
    return shown
