"""Links and code in a message's text: what is found, what is not, and that nothing is lost or made up."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.gui.model.markup import BLOCKS_MOST, RUNS_MOST, Block, Code, Paragraph, Run, Style, blocks

pieces = st.lists(
    st.sampled_from(
        [
            "```",
            "`",
            "\n",
            "```py\n",
            "http://",
            "https://a.b/c",
            "mailto:",
            "x@y",
            " ",
            "(",
            ")",
            ".",
            "é",
            "w",
        ]
    )
    | st.text(max_size=5),
    max_size=40,
).map("".join)


def plain(text: str) -> Run:
    return Run(text)


def link(text: str) -> Run:
    return Run(text, Style.LINK, text)


def code(text: str) -> Run:
    return Run(text, Style.CODE)


def text_of(block: Block) -> list[str]:
    return [block.text] if isinstance(block, Code) else [run.text for run in block.runs]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("hello", [plain("hello")]),
        ("", [plain("")]),
        ("two\nlines", [plain("two\nlines")]),
        (
            "see https://a.example/x?y=1#z now",
            [plain("see "), link("https://a.example/x?y=1#z"), plain(" now")],
        ),
        ("https://a.example.", [link("https://a.example"), plain(".")]),
        ("(https://a.example/x)", [plain("("), link("https://a.example/x"), plain(")")]),
        ("https://a.example/x_(y)", [link("https://a.example/x_(y)")]),
        ("HTTP://A.EXAMPLE", [link("HTTP://A.EXAMPLE")]),
        ("mailto:ani@a.example!", [link("mailto:ani@a.example"), plain("!")]),
        ("http://[::1]:8080/", [link("http://[::1]:8080/")]),
        ("https://müller.example/ü", [link("https://müller.example/ü")]),
        ("run `ls -l` now", [plain("run "), code("ls -l"), plain(" now")]),
        ("``a``", [code("a")]),
        ("```a```", [code("a")]),
        ("`https://a.example`", [code("https://a.example")]),
    ],
)
def test_running_text_has_links_and_code_in_it(text: str, runs: list[Run]) -> None:
    assert blocks(text) == (Paragraph(tuple(runs)),)


@pytest.mark.parametrize(
    "text",
    [
        "https://",
        "http://...",
        "mailto:",
        "mailto:nobody",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "xhttps://a.example",
        "www.example.org",
        "a ` b",
        "`a\nb`",
        "``",
        "```py",
        "text ```\nmore",
        "```\nnot closed",
    ],
)
def test_what_is_no_markup_is_text(text: str) -> None:
    assert blocks(text) == (Paragraph((Run(text),)),)


def test_a_fenced_block_is_code_and_the_text_around_it_paragraphs() -> None:
    text = "before\n\n```python\nprint('`')\n\nhttps://a.example\n```\nafter `x`"
    assert blocks(text) == (
        Paragraph((plain("before"),)),
        Code("print('`')\n\nhttps://a.example", "python"),
        Paragraph((plain("after "), code("x"))),
    )


def test_lines_end_as_they_do_on_any_machine() -> None:
    assert blocks("a\r\n```\r\nb\r\n```") == (Paragraph((plain("a"),)), Code("b"))


def test_a_link_ends_where_something_would_hide_its_end() -> None:
    (paragraph,) = blocks("https://a.example/\u202egpj.exe")
    assert isinstance(paragraph, Paragraph)
    assert paragraph.runs[0] == link("https://a.example/")


@given(pieces)
def test_nothing_is_made_up_and_order_is_kept(text: str) -> None:
    rest = text.replace("\r\n", "\n")
    for block in blocks(text):
        for part in text_of(block):
            assert part in rest
            rest = rest[rest.index(part) + len(part) :]


@given(pieces)
def test_nothing_but_marks_is_left_out(text: str) -> None:
    shown = "".join("".join(text_of(block)) for block in blocks(text))
    for character in set(text) - set("`\r\n \t"):
        missing = text.count(character) - shown.count(character)
        # A block's language is not in its text.
        languages = "".join(block.language for block in blocks(text) if isinstance(block, Code))
        assert missing == languages.count(character)


@given(pieces)
def test_a_link_shows_where_it_leads(text: str) -> None:
    for block in blocks(text):
        for run in block.runs if isinstance(block, Paragraph) else ():
            assert bool(run.target) == (run.style is Style.LINK)
            if run.target:
                assert run.target == run.text
                assert run.target.lower().startswith(("http://", "https://", "mailto:"))
                assert not any(map(unseen, run.target))


def unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")


def test_no_character_that_is_not_seen_is_in_a_link() -> None:
    for character in filter(unseen, map(chr, range(sys.maxunicode + 1))):
        (paragraph,) = blocks(f"https://a.example/x{character}y")
        assert isinstance(paragraph, Paragraph)
        assert paragraph.runs[0] == link("https://a.example/x"), hex(ord(character))


@given(pieces)
def test_a_text_is_few_things_to_draw(text: str) -> None:
    assert_few(blocks(text * 20))


def assert_few(found: tuple[Block, ...]) -> None:
    assert sum(isinstance(block, Code) for block in found) <= BLOCKS_MOST
    runs = sum(len(block.runs) for block in found if isinstance(block, Paragraph))
    assert runs <= RUNS_MOST + BLOCKS_MOST + 1


@pytest.mark.parametrize(
    "piece",
    ["`", "``a", "`a", "```a\n", "```\n", "http://", "https://a)", "(", "mailto:a@", "` `", "\n", "@", "."],
)
def test_the_longest_text_is_read_whatever_it_repeats(piece: str) -> None:
    """What took the square of its length would not end here before the test is stopped."""
    for text in (piece * (200_000 // len(piece)), "https://a" + piece * (200_000 // len(piece)) + " "):
        assert_few(blocks(text))
