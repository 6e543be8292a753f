"""Mirrors angarium/api/leaving/words.py and words/*.toml."""

import re
from importlib import resources

import msgspec
import pytest

from angarium.api.leaving.words import LANGUAGES, Words, all_words, chosen_language

PLACES = re.compile(r"\{[^{}]*\}")


def test_each_file_is_of_a_language_that_is_offered() -> None:
    place = resources.files("angarium.api.leaving").joinpath("words")
    assert {each.name for each in place.iterdir()} == {f"{each}.toml" for each in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_names_what_the_english_text_names(language: str) -> None:
    english, other = msgspec.structs.asdict(all_words()["en"]), all_words()[language]
    for name, text in english.items():
        translated = getattr(other, name)
        assert translated.strip() == translated != ""
        assert sorted(PLACES.findall(translated)) == sorted(PLACES.findall(text)), name


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_no_sentence_was_left_in_english(language: str) -> None:
    english, other = all_words()["en"], all_words()[language]
    same = {
        each.name
        for each in msgspec.structs.fields(Words)
        if getattr(english, each.name) == getattr(other, each.name)
    }
    assert same <= {"direction"}


@pytest.mark.parametrize(
    ("asked", "own", "accepted", "chosen"),
    [
        ("de", "fr", "es", "de"),
        ("", "fr", "es", "fr"),
        ("", "", "es", "es"),
        ("", "", "", "en"),
        ("xx", "ja", "ko, zh", "en"),
        ("", "pt_BR", "", "pt"),
        ("", "", "ja, de-AT;q=0.8, fr;q=0.9", "fr"),
        ("", "", "de;q=0, nl;q=0.1", "nl"),
        ("", "", "*, pl;q=oops, it;q=0.2", "it"),
        ("", "", "x" * 500 + ", de", "en"),
        ("", "", ";;;,,q=,", "en"),
    ],
)
def test_the_language_is_what_the_link_says_then_the_mail_then_the_browser(
    asked: str, own: str, accepted: str, chosen: str
) -> None:
    assert chosen_language(asked, own, accepted) == chosen
