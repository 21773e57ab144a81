"""One window in this process: what a browser would be sent, and what somebody would do in it.

Flet's client is played: every message to it is packed as for the wire (a control that cannot be sent fails
the test), its calls are answered, and its events are what clicking and typing would send. Layout is not seen:
a control that the client cannot draw looks well here, so a few tests in ``tests/browser`` look at real pages.

Leans on names of Flet's that are not promised to stay, which is why the extra ``gui`` pins its version; they
are used in this file alone.
"""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import flet as ft
import msgpack
from flet.controls.base_control import BaseControl
from flet.controls.context import _context_page, context
from flet.messaging.connection import Connection
from flet.messaging.protocol import (
    Message,
    MessageAction,
    RegisterClientResponseBody,
    configure_encode_object_for_msgpack,
    decode_ext_from_msgpack,
)
from flet.messaging.session import Session
from flet.pubsub.pubsub_hub import PubSubHub

from client.gui import faults

PATIENCE: Final = 10.0
"""Seconds within which what must be seen is seen."""
C = TypeVar("C", bound=BaseControl)
Main = Callable[[ft.Page], Awaitable[None]]


class Wire(Connection):
    """Keeps what was sent. ``asked`` is called for each call of a method of the client's."""

    def __init__(self, asked: Callable[[int, str, str, dict[str, Any]], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.loop = asyncio.get_running_loop()
        self.executor = ThreadPoolExecutor(1)
        self.pubsubhub = PubSubHub(loop=self.loop, executor=self.executor)
        self.page_url = "http://127.0.0.1/"
        self.sent: list[tuple[MessageAction, Any]] = []
        self.bytes = 0
        self._asked = asked

    def send_message(self, message: Message) -> None:
        """As for the wire, and read back."""
        packed = msgpack.packb(
            [message.action.value, message.body],
            default=configure_encode_object_for_msgpack(BaseControl),  # type: ignore[no-untyped-call]
        )
        self.bytes += len(packed)
        action, body = msgpack.unpackb(packed, ext_hook=decode_ext_from_msgpack, strict_map_key=False)
        self.sent.append((MessageAction(action), body))
        if message.action is MessageAction.INVOKE_METHOD:
            self._asked(body["control_id"], body["call_id"], body["name"], body.get("args") or {})

    def dispose(self) -> None:
        """The page is gone."""
        self.executor.shutdown(wait=False)


class Faults(logging.Handler):
    """Hears of mistakes of ours."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """One was logged."""
        self.told.append(record.getMessage())


class Pane:
    """A window that somebody looks at, and uses by the names of what they see.

    ``answers``: what the client answers to a method's name; None to any other. ``called``: (type of control,
    method, arguments), as they were called.
    """

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers = answers or {}
        self.called: list[tuple[str, str, dict[str, Any]]] = []
        self.wire = Wire(self._asked)
        self.session = Session(self.wire)
        self.page: ft.Page = self.session.page
        self._context = contextvars.copy_context()
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults = Faults()
        faults.LOG.addHandler(self._faults)

    @classmethod
    async def opened(
        cls,
        main: Main,
        *,
        width: float = 1200,
        height: float = 800,
        answers: dict[str, Any] | None = None,
    ) -> Pane:
        """A page on which ``main`` has run."""
        pane = cls(answers)
        pane.session.apply_page_patch(
            {"route": "/", "web": True, "platform": "linux", "width": width, "height": height}
        )
        patch = pane.session.get_page_patch()  # type: ignore[no-untyped-call]
        hello = RegisterClientResponseBody(pane.session.id, patch, "")
        pane.wire.send_message(Message(MessageAction.REGISTER_CLIENT, hello))
        await pane._in_its_context(pane._run(main))
        return pane

    async def _run(self, main: Main) -> None:
        _context_page.set(self.page)  # type: ignore[arg-type]
        context.reset_auto_update()  # type: ignore[no-untyped-call]
        await main(self.page)
        await self.session.after_event(self.page)

    async def _in_its_context(self, work: Any) -> None:
        """Whoever serves a page has a task for each event, which knows nothing of the others."""
        await asyncio.get_running_loop().create_task(work, context=self._context.copy())

    async def close(self) -> None:
        """The tab is closed, and its time has run out."""
        faults.LOG.removeHandler(self._faults)
        await self.session.disconnect(0)
        await self._in_its_context(self.session.dispatch_event(self.page._i, "close", None))
        self.session.close()  # type: ignore[no-untyped-call]
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    # --- seeing ---------------------------------------------------------------------------------

    def controls(self, kind: type[C]) -> list[C]:
        """Every visible control of a kind, in the order of the tree."""
        return [control for control in walk(self.page) if isinstance(control, kind)]

    def text(self) -> str:
        """Everything that can be read, a line for each text."""
        return "\n".join(said for control in walk(self.page) if (said := words_of(control)))

    def shows(self, *texts: str) -> bool:
        """Whether all of these can be read."""
        seen = self.text()
        return all(text in seen for text in texts)

    def find(self, name: str, kind: type[C]) -> C:
        """The one visible control of a kind with this name, or whose name begins with it."""
        all_of_them = self.controls(kind)
        found = [control for control in all_of_them if name_of(control) == name]
        found = found or [control for control in all_of_them if name_of(control).startswith(name)]
        assert found, (
            f"no {kind.__name__} {name!r} among {[name_of(each) for each in all_of_them]}\n{self.text()}"
        )
        assert len(found) == 1, f"{len(found)} × {kind.__name__} {name!r}\n{self.text()}"
        return found[0]

    def has(self, name: str, kind: type[BaseControl] = BaseControl) -> bool:
        """Whether there is one with this name."""
        return any(name_of(control) == name for control in self.controls(kind))

    async def until(self, holds: Callable[[], object] | str, called: str = "") -> None:
        """Wait until something can be read, or holds."""
        seen = (lambda: self.shows(holds)) if isinstance(holds, str) else holds
        deadline = time.monotonic() + PATIENCE
        while not seen():
            self.check()
            if time.monotonic() > deadline:
                raise AssertionError(f"never seen: {called or holds}\n{self.text()}")
            await asyncio.sleep(0.01)
        self.check()

    def check(self) -> None:
        """No handler has raised, and everything could be drawn."""
        crashed = [
            body["message"] for action, body in self.wire.sent if action is MessageAction.SESSION_CRASHED
        ]
        assert not crashed, crashed[0]
        assert not self._faults.told, self._faults.told[0]

    # --- doing ----------------------------------------------------------------------------------

    async def fire(self, control: BaseControl, event: str, data: Any = None) -> None:
        """What the client sends when something happens to a control."""
        assert not getattr(control, "disabled", False), f"{name_of(control)!r} is disabled"
        await self._in_its_context(self.session.dispatch_event(control._i, event, data))
        self.check()

    async def click(self, name: str) -> None:
        """Click on what has this name and can be clicked."""
        clickable = [
            control
            for control in walk(self.page)
            if getattr(control, "on_click", None) is not None and not getattr(control, "disabled", False)
        ]
        found = [control for control in clickable if name_of(control) == name]
        found = found or [control for control in clickable if name_of(control).startswith(name)]
        assert found, (
            f"nothing to click: {name!r} among {[name_of(each) for each in clickable]}\n{self.text()}"
        )
        await self.fire(found[0], "click")

    async def write(self, name: str, text: str) -> None:
        """Have ``text`` in a field, as if it had been typed."""
        field = self.find(name, ft.TextField)
        self.session.apply_patch(field._i, {"value": text})
        if field.on_change is not None:
            await self.fire(field, "change", text)

    async def enter(self, name: str) -> None:
        """Press Enter in a field."""
        field = self.find(name, ft.TextField)
        await self.fire(field, "submit", field.value)

    async def tick(self, name: str, value: bool = True) -> None:
        """Tick a box."""
        box = self.find(name, ft.Checkbox)
        self.session.apply_patch(box._i, {"value": value})
        if box.on_change is not None:
            await self.fire(box, "change", value)

    async def press(self, key: str, *, ctrl: bool = False, shift: bool = False, alt: bool = False) -> None:
        """Press a key that no field takes."""
        data = {"key": key, "ctrl": ctrl, "shift": shift, "alt": alt, "meta": False}
        await self.fire(self.page, "keyboard_event", data)

    async def resize(self, width: float, height: float) -> None:
        """Make the window another size."""
        self.session.apply_page_patch({"width": width, "height": height})
        await self.fire(self.page, "resize", {"width": width, "height": height})

    # --- the client's side ----------------------------------------------------------------------

    def _asked(self, control: int, call: str, name: str, arguments: dict[str, Any]) -> None:
        """Answer a call, a moment later as a client would."""
        known = self.session.index.get(control)
        self.called.append((type(known).__name__, name, arguments))
        answer = self.answers.get(name)
        result = answer(arguments) if callable(answer) else answer

        async def reply() -> None:
            if self.session.index.get(control) is not None:
                self.session.handle_invoke_method_results(control, call, result, None)

        task = asyncio.get_running_loop().create_task(reply())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


# --- controls as a tree -------------------------------------------------------------------------------


def walk(root: object) -> Iterator[BaseControl]:
    """Every visible control below ``root``, itself first."""
    if isinstance(root, BaseControl):
        if getattr(root, "visible", True) is False:
            return
        yield root
    if isinstance(root, BaseControl) or dataclasses.is_dataclass(root):
        for field in dataclasses.fields(root):
            if not field.metadata.get("skip") and field.name not in ("_parent", "parent", "data", "ref"):
                yield from walk_values(getattr(root, field.name, None))


def walk_values(value: object) -> Iterator[BaseControl]:
    """Controls among what a property holds."""
    if isinstance(value, BaseControl):
        yield from walk(value)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from walk_values(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from walk_values(each)


def words_of(control: BaseControl) -> str:
    """What one control says by itself."""
    if isinstance(control, ft.Text):
        spans = "".join(_span(span) for span in control.spans or [])
        return (control.value or "") + spans
    said = [getattr(control, name, None) for name in ("label", "hint_text", "error", "helper", "content")]
    value = getattr(control, "value", None) if isinstance(control, ft.TextField) else None
    return " ".join(each for each in (*said, value) if isinstance(each, str) and each)


def _span(span: ft.TextSpan) -> str:
    return (span.text or "") + "".join(_span(inner) for inner in span.spans or [])


def name_of(control: BaseControl) -> str:
    """What a screen reader says it is: its label, or what stands in it, or its tooltip; '' when nothing."""
    label = getattr(control, "label", None)
    if isinstance(label, str) and label:
        return label
    inside = _said_inside(control)
    if inside:
        return inside
    above = control.parent
    if isinstance(above, (ft.Semantics, ft.MergeSemantics)) and _said_above(above):
        return _said_above(above)
    tooltip = getattr(control, "tooltip", None)
    return tooltip if isinstance(tooltip, str) else ""


def _said_inside(control: BaseControl) -> str:
    content = getattr(control, "content", None)
    if isinstance(content, str):
        return content
    if isinstance(control, ft.Text):
        return words_of(control)
    said = []
    for inner in walk_values(content):
        if isinstance(inner, ft.Semantics) and inner.label:
            return str(inner.label)
        if isinstance(inner, ft.Text) and words_of(inner):
            said.append(words_of(inner))
    return " ".join(said)


def _said_above(above: BaseControl) -> str:
    label = getattr(above, "label", None)
    return label if isinstance(label, str) else ""
