"""What somebody means is known whatever is under way between them and us."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from client.gui.views.written import Written


class Desk:
    """Somebody at a field, us, and the two ways between them, which take their time."""

    def __init__(self) -> None:
        self.field = ""
        self.meant = [""]
        self.sent: list[str] = []
        self.written = Written()
        self._up: deque[str | None] = deque()
        """Texts of the field; '\\n' for Enter; None for what was put and is there."""
        self._down: deque[str] = deque()
        self._letters = 0

    def types(self) -> None:
        """Another letter each time, so that one sees where each went."""
        self._letters += 1
        letter = chr(0x4E00 + self._letters)
        self.field += letter
        self.meant[-1] += letter
        self._up.append(self.field)

    def enters(self) -> None:
        self.meant.append("")
        self._up.append("\n")

    def we_hear(self) -> None:
        if not self._up:
            return
        heard = self._up.popleft()
        if heard is None:
            self.written.settled()
        elif heard == "\n":
            self.sent.append(self.written.text)
            self.written.text = ""
        else:
            self.written.typed(heard)
        text = self.written.put()
        if text is not None:
            self._down.append(text)

    def they_get(self) -> None:
        if self._down:
            self.field = self._down.popleft()
            self._up.append(None)

    def rest(self) -> None:
        while self._up or self._down:
            self.we_hear()
            self.they_get()


@given(st.lists(st.sampled_from(["types", "types", "enters", "we_hear", "we_hear", "they_get"]), max_size=80))
def test_every_letter_is_sent_once_in_the_message_that_it_was_typed_for(steps: list[str]) -> None:
    desk = Desk()
    for step in steps:
        getattr(desk, step)()
    desk.rest()
    assert [*desk.sent, desk.written.text] == desk.meant
    assert desk.field == desk.written.text


def test_a_letter_that_was_behind_the_old_text_is_put_into_the_empty_field() -> None:
    written = Written()
    written.typed("hello")
    written.text = ""
    assert written.put() == ""
    written.typed("hellow")
    assert written.text == "w"
    assert written.put() is None
    written.settled()
    assert written.put() == "w"


def test_what_is_taken_back_is_gone() -> None:
    written = Written()
    for value in ("a", "ab", "abc", "ab", "xab", ""):
        written.typed(value)
        assert written.text == value
        assert written.put() is None


def test_a_draft_is_gone_on_with() -> None:
    written = Written()
    written.text = "dra"
    assert written.put() == "dra"
    written.typed("draf")
    written.settled()
    assert written.text == "draf"
    assert written.put() is None
    written.typed("dra")
    assert written.text == "dra"
