from __future__ import annotations

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from client.cli.chat.completion import Names
from client.cli.chat.room import Room
from client.cli.chat.words import WORDS

ROWS = [
    ("/", [f"/{name}" for name in WORDS]),
    ("/hi", ["/history"]),
    ("/JO", ["/join"]),
    ("/to ", ["budi", "citra", "#lab", "#ops", "*"]),
    ("/to B", ["budi"]),
    ("/to #", ["#lab", "#ops"]),
    ("/to #o", ["#ops"]),
    ("/to budi ", []),
    ("/to ek@", ["ek@b", "ek@cabang"]),
    ("/to ek@c", ["ek@cabang"]),
    ("/msg budi@", ["budi@b", "budi@cabang"]),
    ("/to #lab@", ["#lab@b", "#lab@cabang"]),
    ("/join lab@c", ["lab@cabang"]),
    ("/join #lab@c", ["#lab@cabang"]),
    ("/to @", []),
    ("/msg ci", ["citra"]),
    ("/msg citra b", []),
    ("/join o", ["ops"]),
    ("/join #o", ["#ops"]),
    ("/remove ", ["budi", "citra"]),
    ("/typing o", ["on", "off"]),
    ("/create x p", ["password"]),
    ("/help un", ["unread"]),
    ("/history ", []),
    ("/nope b", []),
    ("/get ", ["18", "17"]),
    ("/get 1", ["18", "17"]),
    ("/get 17 ", ["a b", "report.pdf"]),
    ("/file ", ["a b", "report.pdf"]),
    ("/file rep", ["ort.pdf"]),
    ("/file a ", ["b"]),
    ("/file a b/", ["c"]),
    ("/file nowhere/", []),
    ("//", []),
    ("//to b", []),
    ("bu", []),
    ("hello /to b", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "offered"), ROWS, ids=[repr(row[0]) for row in ROWS])
def test_tab_offers_what_may_stand_there(
    text: str, offered: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/c").touch()
    (tmp_path / "report.pdf").touch()
    monkeypatch.chdir(tmp_path)
    room = Room("ani")
    room.files = {17: "report.pdf", 18: "notes\x1b[2J"}
    room.learn(people=["citra", "budi"], groups=["ops", "lab"])
    room.learn_realms(["cabang", "b"])
    document = Document(text, len(text))
    found = list(Names(room).get_completions(document, CompleteEvent()))
    assert [completion.text for completion in found] == offered
    assert "\x1b" not in "".join(completion.display_meta_text for completion in found)
    for completion in found:
        if not completion.start_position:
            continue  # the rest of a path
        replaced = text[len(text) + completion.start_position :]
        assert completion.text.lower().startswith(replaced.lower())
