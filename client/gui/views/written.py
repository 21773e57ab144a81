"""What somebody is writing, while what is put into their field arrives there later than they type.

Belongs here: telling what they mean. No Flet.

A field is emptied when its text was sent; but who types on meanwhile, types behind the old text, and what
they typed is gone when the field is emptied at last. All that they type is heard, in order, each time with
the whole text of the field. So one knows what they mean, and puts it there again. One thing is put at a time;
it is known to be there (``settled``) before the next one is.
"""

from __future__ import annotations


class Written:
    """``text`` is what they mean."""

    def __init__(self) -> None:
        self.text = ""
        self._there = ""
        """What stood in the field when it was last heard of."""
        self._put: str | None = None
        """What was put into it and is not known to be there."""
        self._came = False
        """Whether something was typed behind that."""

    def typed(self, value: str) -> None:
        """This stands in the field now."""
        if self._put is None or self._came:
            self._edited(value)
        elif self._put and value.startswith(self._put):
            self._came = True
            self.text += value[len(self._put) :]
        elif value != self._there and value.startswith(self._there):
            self.text += value[len(self._there) :]
        else:
            self._came = True
            self.text = value if self._put else self.text + value
        self._there = value

    def _edited(self, value: str) -> None:
        there = self._there
        if self.text == there:
            self.text = value
        elif value.startswith(there):
            self.text += value[len(there) :]
        elif there.startswith(value):
            self.text = self.text[: len(self.text) - len(there) + len(value)]
        else:
            self.text = value

    def put(self) -> str | None:
        """What has to be put into the field now; None when nothing has to, or something is on its way."""
        if self._put is not None or self.text == self._there:
            return None
        self._put, self._came = self.text, False
        return self._put

    def settled(self) -> None:
        """What was put is there."""
        if not self._came and self._put is not None:
            self._there = self._put
        self._put = None
