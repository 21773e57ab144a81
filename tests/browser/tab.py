"""A tab of a browser, and what somebody sees and does in it: by names, as a screen reader tells them.

Knows the tree of semantics that Flutter puts beside its canvas, and nothing of what a window shows: the words
of the plays are in ``visitor``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, Locator, Page, Route, TimeoutError, WebSocket

PATIENCE: Final = 30.0
"""Seconds within which what must be seen is seen."""
TRIES: Final = 10
"""Times that something is typed until it stands there."""
BEAT: Final = 0.05
"""Seconds between two looks."""

_READ: Final = """(within) => {
  const lines = [];
  const kinds = ['flt-semantics', 'h1', 'h2', 'h3', 'input', 'textarea'];
  const wanted = kinds.map(kind => `${within} ${kind}`).join();
  for (const each of document.querySelectorAll(`${wanted}, ${within}`)) {
    const own = [...each.childNodes].filter(node => node.nodeType === 3 || node.nodeName === 'SPAN');
    lines.push(each.getAttribute('aria-label') || '', own.map(node => node.textContent).join(''),
               each.type === 'password' ? '' : (each.value || ''));
  }
  return lines.filter(line => line.trim()).join('\\n');
}"""
"""Every text, a line each."""

_REMEMBER: Final = """() => {
  window.pesanPlaces = {};
  const look = () => {
    for (const each of document.querySelectorAll('[flt-semantics-identifier]'))
      window.pesanPlaces[each.getAttribute('flt-semantics-identifier')] = each.id;
  };
  new MutationObserver(look).observe(document, {childList: true, subtree: true, attributes: true,
                                                attributeFilter: ['flt-semantics-identifier']});
  look();
}"""
"""Where each identifier was seen. An element that gets another role is made anew by Flutter's engine: under
the same id, and without the identifier."""

_NOTICE: Final = """
for (const [name, listens] of [['addEventListener', true], ['removeEventListener', false]]) {
  const own = EventTarget.prototype[name];
  EventTarget.prototype[name] = function (kind, ...rest) {
    if (kind === 'input') this.pesanListens = listens;
    return own.call(this, kind, ...rest);
  };
}
"""
_LISTENS: Final = "field => field === document.activeElement && field.pesanListens === true"
"""Flutter listens to a field some frames after the browser has put its cursor there. What is typed before is
shown by the browser, and lost."""

_PLACE: Final = "(identifier) => window.pesanPlaces[identifier] || 'not-there'"

_CONTROLS: Final = """() => {
  const wanted = '[role=button], [role=checkbox], [role=radio], [role=switch], [role=tab], [role=link], '
    + '[role=slider], [role=menuitem], [flt-tappable], input, textarea';
  return [...document.querySelectorAll('flt-semantics-host')]
    .flatMap(host => [...host.querySelectorAll(wanted)])
    .map(each => {
      const box = each.getBoundingClientRect();
      return {role: each.getAttribute('role') || each.tagName.toLowerCase(),
              name: (each.getAttribute('aria-label') || each.textContent || '').trim(),
              left: box.left, right: box.right, top: box.top, bottom: box.bottom};
    });
}"""
"""Everything that can be used, with its name and place."""


class Tab:
    """One page in a context of its own. ``foreign``: what it asked of others than ``home``; none is let out.

    ``said``: errors on the console; ``asked``: how many requests went to ``home``.
    """

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.home = home
        self.foreign: list[str] = []
        self.said: list[str] = []
        self.asked = 0
        context.route(lambda url: not url.startswith(home), self._refuse)
        context.add_init_script(_NOTICE)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("websocket", self._socket)
        self.page.on("request", self._count)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def _refuse(self, route: Route) -> None:
        self.foreign.append(route.request.url)
        route.abort()

    def _socket(self, socket: WebSocket) -> None:
        if not socket.url.startswith(self.home.replace("http", "ws", 1)):
            self.foreign.append(socket.url)

    def _count(self, _: Any) -> None:
        self.asked += 1

    # --- opening --------------------------------------------------------------------------------

    def opens(self) -> None:
        """Load the page, and turn its semantics on, as a screen reader does."""
        self.page.goto(self.home)
        self._listen()

    def reloads(self) -> None:
        """Load it again."""
        self.page.reload()
        self._listen()

    def _listen(self) -> None:
        placeholder = self.page.locator("flt-semantics-placeholder")
        placeholder.wait_for(state="attached")
        placeholder.dispatch_event("click")
        self.page.locator("flt-semantics-host flt-semantics").first.wait_for(state="attached")
        self.page.evaluate(_REMEMBER)

    # --- seeing ---------------------------------------------------------------------------------

    def text(self, within: str = "") -> str:
        """Everything that can be read, or what is inside of what has this identifier."""
        place = f"#{self.page.evaluate(_PLACE, within)}" if within else "flt-semantics-host"
        return str(self.page.evaluate(_READ, place))

    def comes(self, text: str, within: str) -> bool:
        """Whether this can be read before long."""
        deadline = time.monotonic() + PATIENCE / 3
        while text not in self.text(within):
            if time.monotonic() > deadline:
                return False
            self.page.wait_for_timeout(BEAT * 1000)
        return True

    def until(self, holds: Callable[[], object], called: str) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {called}\n{self.text()}")
            self.page.wait_for_timeout(BEAT * 1000)

    def sees(self, *texts: str, within: str = "") -> None:
        """Wait until all of these can be read."""
        for text in texts:
            self.until(lambda text=text: text in self.text(within), f"{text!r} in {within or 'the page'}")  # type: ignore[misc]

    def sees_no(self, text: str, within: str = "") -> None:
        """Wait until it cannot be read."""
        self.until(lambda: text not in self.text(within), f"no {text!r} in {within or 'the page'}")

    def times(self, text: str, within: str = "") -> int:
        """How many lines have this text in them."""
        return sum(text in line for line in self.text(within).split("\n"))

    def controls(self) -> list[dict[str, Any]]:
        """Everything that can be used: ``role``, ``name`` and place in pixels."""
        found: list[dict[str, Any]] = self.page.evaluate(_CONTROLS)
        return found

    def nameless(self) -> list[dict[str, Any]]:
        """What can be used, but has no name to tell."""
        return [control for control in self.controls() if not control["name"]]

    def outside(self) -> list[dict[str, Any]]:
        """What can be used, but reaches over the left or right edge of the window."""
        size = self.page.viewport_size
        assert size is not None
        return [each for each in self.controls() if each["left"] < -1 or each["right"] > size["width"] + 1]

    # --- doing ----------------------------------------------------------------------------------

    def control(self, role: Any, name: str) -> Locator:
        """What has this role, and a name that begins so."""
        begins = re.compile("^" + re.escape(name), re.IGNORECASE)
        return self.page.get_by_role(role, name=begins).first

    def clicks(self, name: str, role: str = "button") -> None:
        """Click on what has this name."""
        self.control(role, name).click()

    def downloads(self, name: str) -> Path:
        """What comes when that is clicked; a click beside what moved just then is made once more."""
        for _ in range(TRIES):
            try:
                with self.page.expect_download(timeout=PATIENCE / TRIES * 1000) as coming:
                    self.clicks(name)
            except TimeoutError:
                continue
            return Path(coming.value.path())
        raise AssertionError(f"never: {name!r}\n{self.text()}")

    def focuses(self, name: str) -> Locator:
        """Put the cursor into a field; whoever sees that it is not there clicks once more."""
        field = self.control("textbox", name)
        for _ in range(TRIES):
            field.click()
            if self._listens(field, PATIENCE / TRIES):
                return field
        raise AssertionError(f"never: the cursor in {name!r}\n{self.text()}")

    def listens(self, name: str) -> None:
        """Wait until what is typed goes into this field."""
        assert self._listens(self.control("textbox", name), PATIENCE), f"never: the cursor in {name!r}"

    def _listens(self, field: Locator, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not field.evaluate(_LISTENS):
            if time.monotonic() > deadline:
                return False
            self.page.wait_for_timeout(BEAT * 1000)
        return True

    def writes(self, name: str, text: str) -> None:
        """Have this text, and nothing else, in a field; whoever sees that it went wrong does it once more.

        A screen that has just come puts the cursor where it wants it, a round trip later.
        """
        for _ in range(TRIES):
            field = self.focuses(name)
            if field.input_value():
                field.press("ControlOrMeta+a")
                field.press("Delete")
            field.press_sequentially(text, delay=10)
            deadline = time.monotonic() + PATIENCE / TRIES
            while time.monotonic() < deadline:
                if field.input_value() == text:
                    return
                self.page.wait_for_timeout(BEAT * 1000)
        raise AssertionError(f"never: {name!r} holds what was typed\n{self.text()}")

    def presses(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def tabs_to(self, name: str, role: str, most: int = 40) -> None:
        """Press Tab until what has this name has the focus."""
        wanted = self.control(role, name)
        wanted.wait_for(state="attached")
        for _ in range(most):
            if wanted.evaluate(
                "each => each === document.activeElement || each.contains(document.activeElement)"
            ):
                if role == "textbox":
                    self.listens(name)
                return
            self.presses("Tab")
            self.page.wait_for_timeout(BEAT * 1000)
        raise AssertionError(f"{most} × Tab never came to {role} {name!r}\n{self.text()}")
