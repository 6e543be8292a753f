"""Mirrors angarium.content.leaving_words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.content.leaving_words import _BY_STEM, speaks_of_leaving, which_speak_of_leaving


@pytest.mark.parametrize(("stem", "pattern"), _BY_STEM, ids=range(len(_BY_STEM)))
def test_a_stem_is_in_all_that_its_pattern_finds(stem: str, pattern: str) -> None:
    @given(st.from_regex(pattern, fullmatch=True))
    def holds(text: str) -> None:
        assert stem in text
        assert speaks_of_leaving(text)

    holds()


def test_words_are_known_in_several_languages() -> None:
    leaving = [
        *(
            "Unsubscribe",
            "https://x.example/opt-out?u=1",
            "Newsletter abbestellen",
            "Se désabonner",
        ),
        *(
            "Darse de baja",
            "Afmelden",
            "Wypisz się",
            "Отписаться",
            "退订",
            "Manage your email preferences",
        ),
    ]
    staying = [
        "Shop now",
        "Options",
        "https://x.example/manage",
        "remove all",
        "Baja-California"[:3],
        "",
    ]
    assert which_speak_of_leaving(leaving + staying) == [True] * len(leaving) + [False] * len(
        staying
    )
    assert [speaks_of_leaving(each) for each in leaving + staying] == [True] * len(leaving) + [
        False
    ] * len(staying)


def test_many_are_looked_at_only_in_their_beginning() -> None:
    assert which_speak_of_leaving(["x" * 2000 + "unsubscribe"]) == [False]
