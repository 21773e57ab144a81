"""The catalogues hold what the window says: all of it, and nothing else."""

from __future__ import annotations

from string import Formatter

import pytest
from babel.messages.catalog import Message

from client.gui.model.preferences import LANGUAGES
from client.gui.words import gather
from client.gui.words.catalogue import place
from client.gui.words.words import OWN_NAMES

AGAIN = "python -m client.gui.words.gather brings it up to the code"


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _strings(message: Message) -> list[str]:
    return [*message.string] if isinstance(message.string, (list, tuple)) else [message.string or ""]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_code_has_its_translation_and_the_catalogue_no_other(language: str) -> None:
    new, lacking = gather.renewed(language, gather.load(language))
    assert not lacking, f"{language}.po: {AGAIN}, and names what to translate"
    assert place(language).read_bytes() == gather.written(new), f"{language}.po: {AGAIN}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_to_fill_in_that_the_sentence_has(language: str) -> None:
    for message in gather.load(language):
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        wanted = _places(ids[-1])
        for string in _strings(message) if message.id else []:
            # One of something need not be a number: "One member".
            assert _places(string) == wanted or (len(ids) > 1 and _places(string) == wanted - {"n"}), string


def test_each_language_has_as_many_forms_of_a_plural_as_it_needs() -> None:
    forms = {
        language: {len(_strings(message)) for message in gather.load(language) if message.pluralizable}
        for language in LANGUAGES
    }
    assert forms == {"en": {2}, "id": {1}}


def test_english_says_what_the_code_says() -> None:
    assert len(list(gather.load("en"))) > 50
    for message in gather.load("en"):
        if message.id:
            assert _strings(message) == ([message.id] if isinstance(message.id, str) else list(message.id))


def test_what_can_be_chosen_has_a_name_of_its_own() -> None:
    assert set(OWN_NAMES) == set(LANGUAGES)
