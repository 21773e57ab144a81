"""What is asked about groups in a dialog: a new one, joining, leaving, removing a member; and logging out.

Belongs here: these forms. What is done with the answers is the model's (``groups``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import flet as ft

from client.gui.model.changes import Part
from client.gui.model.groups import GroupRow
from client.gui.model.transfer import State
from client.gui.views import controls, look
from client.gui.views.piece import Piece
from client.gui.views.window import Panel, Window


class Dialog(Piece):
    """A form above everything. Enter does what it is for, Esc closes it; one at a time."""

    parts: ClassVar[frozenset[Part]] = frozenset({Part.GROUPS})

    def __init__(self, window: Window, name: str, act: str) -> None:
        super().__init__(window)
        self.sure = controls.BusyButton(act, self.submit)
        self.alarm = controls.Alarm()
        self.body = ft.Column(
            controls=[self.alarm.control],
            spacing=look.GAP * 2,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            tight=True,
        )
        self.cancel = controls.text_button(self.words.say("Cancel"), self.close)
        self.control: ft.AlertDialog = controls.dialog(name, self.body, [self.cancel, self.sure.control])
        self.control.on_dismiss = self._dismissed

    def show(self) -> None:
        """Open it."""
        if self.window.dialog is not None:
            return
        self.window.dialog = self
        self.model.groups.clear()
        self.shown()
        self.window.page.show_dialog(self.control)

    def close(self) -> None:
        """Close it."""
        if self.window.dialog is self:
            self.window.dialog = None
            self.control.open = False
            self.redraw(self.control)

    def submit(self) -> None:
        """Do what it is for."""
        raise NotImplementedError

    def refresh(self, parts: frozenset[Part]) -> None:
        """Draw what the model says now; ``parts`` have changed."""
        groups = self.model.groups
        self.sure.busy(groups.busy)
        wrong = groups.problem
        fields = self.fields()
        for about, field in fields.items():
            field.wrong(self.words.problem(wrong) if wrong is not None and wrong.about == about else "")
        elsewhere = wrong is not None and wrong.about not in fields
        self.alarm.say(self.words.problem(wrong) if wrong is not None and elsewhere else "")
        self.redraw(self.control)

    def fields(self) -> dict[str, controls.Field]:
        """What is filled in, by what a problem would be about."""
        return {}

    def shown(self) -> None:
        """The cursor goes into the first field; where there is none, Enter does nothing that is regretted."""
        first = next(iter(self.fields().values()), None)
        if first is not None:
            first.control.autofocus = True
        else:
            self.cancel.autofocus = True

    def gone(self) -> None:
        """The screen beneath is gone."""
        self.close()

    def after(self, done: bool) -> None:
        """Close, if it was done, and show the room that is open now; else stay and say why."""
        if done:
            self.close()
            self.window.go(Panel.NONE)

    def _dismissed(self, _: ft.Event[ft.DialogControl]) -> None:
        if self.window.dialog is self:
            self.window.dialog = None


class NewGroup(Dialog):
    """Name and password of a group to be."""

    def __init__(self, window: Window) -> None:
        say = window.words.say
        super().__init__(window, say("New group"), say("Create group"))
        clear = self.model.groups.clear
        self._name = controls.Field(say("Group name"), changed=clear, entered=self.submit)
        self._password = _password(window, self.submit)
        hint = controls.quiet(
            say("Letters, digits, dots and dashes. Everyone can see the group in the list.")
        )
        self.body.controls = [
            self._name.control,
            hint,
            self._password.control,
            controls.quiet(say("With a password only those who know it can join.")),
            self.alarm.control,
        ]

    def fields(self) -> dict[str, controls.Field]:
        """What is filled in, by what a problem would be about."""
        return {"name": self._name, "password": self._password}

    def submit(self) -> None:
        """Create it."""
        name = self._name.text.strip()
        if not name:
            self._name.wrong(self.words.say("A group needs a name."))
            self.redraw(self.control)
            return

        async def create() -> None:
            self.after(await self.model.groups.create(name, self._password.text))

        self.window.run(create)


class JoinGroup(Dialog):
    """A group that is not ours yet. ``known`` is what the list says of it; None: it is another realm's."""

    def __init__(self, window: Window, name: str, known: GroupRow | None) -> None:
        say = window.words.say
        super().__init__(window, say("Join {group}?", group=f"#{name}"), say("Join"))
        self._group = name
        self._password = _password(window, self.submit) if known is None or known.password else None
        if known is not None:
            text = self.words.count("It has one member.", "It has {n} members.", known.members)
        else:
            text = say("It is a group of another server. Leave the password empty if it has none.")
        self.body.controls = [controls.quiet(text)]
        if self._password is not None:
            self.body.controls.append(self._password.control)
        self.body.controls.append(self.alarm.control)

    def fields(self) -> dict[str, controls.Field]:
        """What is filled in, by what a problem would be about."""
        return {"password": self._password} if self._password is not None else {}

    def submit(self) -> None:
        """Join it."""
        password = self._password.text if self._password is not None else ""

        async def join() -> None:
            self.after(await self.model.groups.join(self._group, password))

        self.window.run(join)


class LeaveGroup(Dialog):
    """Whether somebody really leaves."""

    def __init__(self, window: Window, name: str) -> None:
        say = window.words.say
        super().__init__(window, say("Leave {group}?", group=f"#{name}"), say("Leave group"))
        self._group = name
        text = say("You will hear nothing more that is said there. If you are the last, the group is gone.")
        self.body.controls = [controls.quiet(text), self.alarm.control]

    def submit(self) -> None:
        """Leave it."""

        async def leave() -> None:
            self.after(await self.model.groups.leave(self._group))

        self.window.run(leave)


class RemoveMember(Dialog):
    """Whether somebody is really put out of a group."""

    def __init__(self, window: Window, group: str, user: str) -> None:
        say = window.words.say
        super().__init__(
            window, say("Remove {name} from {group}?", name=user, group=f"#{group}"), say("Remove")
        )
        self._group, self._user = group, user
        text = say("They can join again, if they know the password.")
        self.body.controls = [controls.quiet(text), self.alarm.control]

    def submit(self) -> None:
        """Remove them."""

        async def remove() -> None:
            if await self.model.groups.remove(self._group, self._user):
                self.close()

        self.window.run(remove)


class LogOut(Dialog):
    """Logging out although something has not been sent yet."""

    def __init__(self, window: Window) -> None:
        say = window.words.say
        super().__init__(window, say("Log out?"), say("Log out all the same"))
        text = say("Something has not been sent yet. It will be lost.")
        self.body.controls = [controls.quiet(text), self.alarm.control]

    def submit(self) -> None:
        """Log out."""
        self.close()
        self.window.run(self.model.logout)


def log_out(window: Window) -> None:
    """Log out; first ask if something would be lost."""
    under_way = (State.QUEUED, State.COMING, State.MOVING, State.PAUSED, State.WAITING)
    files = any(row.up and row.state in under_way for row in window.model.transfers.rows)
    if files or window.model.outbox.parcels:
        LogOut(window).show()
    else:
        window.run(window.model.logout)


def _password(window: Window, entered: Callable[[], object]) -> controls.Field:
    say = window.words.say
    return controls.Field(
        say("Password"),
        secret=(say("Show password"), say("Hide password")),
        changed=window.model.groups.clear,
        entered=entered,
    )
