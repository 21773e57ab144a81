from __future__ import annotations

import pytest

from client.cli.chat.words import WORDS, Order, Say, Unclear, help_lines, read

READ = [
    ("hello", Say("hello")),
    ("  hello  ", Say("  hello  ")),
    ("hello\n", Say("hello")),
    ("two\nlines", Say("two\nlines")),
    ("//shrug", Say("/shrug")),
    ("//", Say("/")),
    ("", None),
    ("   ", None),
    ("/to budi", Order("to", ("budi",))),
    ("/TO   #ops ", Order("to", ("#ops",))),
    ("/to *", Order("to", ("*",))),
    ("/to budi@lab", Order("to", ("budi@lab",))),
    ("/msg budi  see  you /soon", Order("msg", ("budi", "see  you /soon"))),
    ("/broadcast hello all", Order("broadcast", ("hello all",))),
    ("/join #ops", Order("join", ("ops",))),
    ("/join ops", Order("join", ("ops",))),
    ("/join #team@b", Order("join", ("team@b",))),
    ("/leave team@b", Order("leave", ("team@b",))),
    ("/msg #team@b hi", Order("msg", ("#team@b", "hi"))),
    ("/remove citra@c", Order("remove", ("citra@c",))),
    ("/realms", Order("realms")),
    ("/create ops", Order("create", ("ops",))),
    ("/create ops Password", Order("create", ("ops", "password"))),
    ("/leave", Order("leave")),
    ("/leave #ops", Order("leave", ("ops",))),
    ("/history", Order("history")),
    ("/history 5", Order("history", ("5",))),
    ("/remove citra", Order("remove", ("citra",))),
    ("/typing OFF", Order("typing", ("off",))),
    ("/help /to", Order("help", ("/to",))),
    ("/file  My Documents/Plan B.pdf ", Order("file", ("My Documents/Plan B.pdf",))),
    ("/get 17", Order("get", ("17",))),
    ("/get 17 My Documents", Order("get", ("17", "My Documents"))),
    ("/get [file 17]", Order("get", ("17",))),
    ("/get file 17 My Documents", Order("get", ("17", "My Documents"))),
    ("/cancel", Order("cancel")),
    ("/quit", Order("quit")),
]

UNCLEAR = [
    ("/", "There is no command /"),
    ("/hist", "did you mean /history?"),
    ("/hsitory", "did you mean /history?"),
    ("/xyzzy", "There is no command /xyzzy; /help lists them, //xyzzy says it."),
    ("/m", "did you mean /msg or /members?"),
    ("/x\x1b[2J", "There is no command /x[2J;"),
    ("/to", "It is typed /to WHO."),
    ("/to budi citra", "It is typed /to WHO."),
    ("/to bu!di", "is not a name"),
    ("/to budi@A!", "does not name a realm"),
    ("/msg budi", "It is typed /msg WHO TEXT."),
    ("/join", "It is typed /join GROUP."),
    ("/join *", "is not a name"),
    ("/join team@", "does not name a realm"),
    ("/create ops secret", "It is typed /create GROUP [password]."),
    ("/remove #ops", "is no person"),
    ("/history 0", "a number from 1 to 1000"),
    ("/history 1001", "a number from 1 to 1000"),
    ("/history -1", "a number from 1 to 1000"),
    ("/history ٣", "a number from 1 to 1000"),
    ("/history 99999999999999999999", "a number from 1 to 1000"),
    ("/typing maybe", "It is typed /typing [on|off]."),
    ("/quit now", "It is typed /quit."),
    ("/file", "It is typed /file PATH."),
    ("/get", "It is typed /get FILE [PATH]."),
    ("/get report.pdf", "A file is named by its number: /get 17 for [file 17]."),
    ("/get file x", "A file is named by its number"),
    ("/get 0", "A file is named by its number"),
    ("/get 99999999999999999999", "A file is named by its number"),
]


@pytest.mark.parametrize(("line", "meaning"), READ)
def test_a_line_means_what_it_says(line: str, meaning: Say | Order | None) -> None:
    assert read(line) == meaning


@pytest.mark.parametrize(("line", "sentence"), UNCLEAR)
def test_a_line_that_cannot_be_read_gets_a_sentence(line: str, sentence: str) -> None:
    with pytest.raises(Unclear) as caught:
        read(line)
    assert sentence in caught.value.message
    assert caught.value.message.isprintable()


def test_help_names_every_command_and_how_it_is_typed() -> None:
    text = "\n".join(help_lines())
    assert all(word.usage in text and word.help in text for word in WORDS.values())
    assert "/history [N]" in text


@pytest.mark.parametrize("about", ["to", "/to"])
def test_help_about_one_command_is_one_line(about: str) -> None:
    assert help_lines(about) == [f"/to WHO: {WORDS['to'].help}"]


def test_help_about_an_unknown_command_names_the_nearest() -> None:
    with pytest.raises(Unclear, match="did you mean /join"):
        help_lines("jion")
