"""A message's text as controls: paragraphs with links, and blocks of code that can be copied.

Belongs here: drawing ``model.markup``'s blocks. Text is selected through the area around all messages.
"""

from __future__ import annotations

import flet as ft

from client.gui.model.markup import Block, Code, Paragraph, Run, Style
from client.gui.views import look
from client.gui.views.window import Window


def draw(window: Window, blocks: tuple[Block, ...], color: ft.ColorValue) -> list[ft.Control]:
    """One control for each block."""
    return [_code(window, block) if isinstance(block, Code) else _paragraph(block, color) for block in blocks]


def interactive(blocks: tuple[Block, ...]) -> bool:
    """Whether there is something in it that one can use: a link, a button."""
    return any(
        isinstance(block, Code) or any(run.style is Style.LINK for run in block.runs) for block in blocks
    )


def _paragraph(block: Paragraph, color: ft.ColorValue) -> ft.Text:
    if all(run.style is Style.PLAIN for run in block.runs):
        text = "".join(run.text for run in block.runs)
        return ft.Text(value=text, theme_style=ft.TextThemeStyle.BODY_LARGE, color=color)
    return ft.Text(
        theme_style=ft.TextThemeStyle.BODY_LARGE, color=color, spans=[_span(run) for run in block.runs]
    )


def _span(run: Run) -> ft.TextSpan:
    if run.style is Style.LINK:
        return ft.TextSpan(
            text=run.text,
            url=ft.Url(url=run.target, target=ft.UrlTarget.BLANK),
            style=ft.TextStyle(color=ft.Colors.PRIMARY, decoration=ft.TextDecoration.UNDERLINE),
        )
    if run.style is Style.CODE:
        return ft.TextSpan(
            text=run.text,
            style=ft.TextStyle(
                font_family=look.MONO, size=13.5, bgcolor=ft.Colors.with_opacity(0.08, ft.Colors.ON_SURFACE)
            ),
        )
    return ft.TextSpan(text=run.text)


def _code(window: Window, block: Code) -> ft.Control:
    copies = ft.MergeSemantics(
        content=ft.IconButton(
            icon=ft.Icons.CONTENT_COPY_ROUNDED,
            icon_size=16,
            icon_color=ft.Colors.ON_SURFACE_VARIANT,
            padding=0,
            width=30,
            height=30,
            tooltip=window.words.say("Copy"),
            action=ft.CopyToClipboard(block.text),
        )
    )
    text = ft.Text(value=block.text, font_family=look.MONO, size=13.5, color=ft.Colors.ON_SURFACE)
    language = ft.Text(
        value=block.language,
        theme_style=ft.TextThemeStyle.LABEL_SMALL,
        color=ft.Colors.ON_SURFACE_VARIANT,
        expand=True,
        max_lines=1,
    )
    head = ft.Row(controls=[language, copies], height=30, vertical_alignment=ft.CrossAxisAlignment.CENTER)
    return ft.Container(
        content=ft.Column(controls=[head, text], spacing=0, tight=True),
        bgcolor=ft.Colors.SURFACE_CONTAINER_LOWEST,
        border_radius=look.SMALL_RADIUS,
        padding=ft.Padding.only(left=look.GAP * 1.5, right=look.GAP / 2, top=2, bottom=look.GAP * 1.5),
    )
