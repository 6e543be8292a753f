"""Which language is nearest."""

import pytest

from angarium.config.languages import is_tag, is_within, nearest


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de-AT", "de-AT"),
        ("DE_at", "de-AT"),
        ("de-AT-1996", "de-AT"),
        ("de-CH", "de"),
        ("zh-Hant-TW", "zh_Hant"),
        ("zh", "en"),
        ("dex", "en"),
        ("", "en"),
        ("-", "en"),
    ],
)
def test_the_nearest_is_what_is_left_when_the_end_is_cut_off(wanted: str, found: str) -> None:
    assert nearest(("en", "de", "de-AT", "zh_Hant"), wanted, "EN") == found


def test_without_any_the_default_is_said() -> None:
    assert nearest((), "de", "en") == "en"


def test_a_country_is_within_its_language() -> None:
    assert is_within("de_AT", "de")
    assert is_within("de", "DE")
    assert not is_within("de", "de-AT")
    assert not is_within("dex", "de")


def test_a_tag_has_the_form_of_one() -> None:
    assert all(is_tag(each) for each in ("de", "de-AT", "zh_Hant_TW", "gsw"))
    assert not any(is_tag(each) for each in ("", "d", "deutsch!", "de-", "de AT", "de:AT"))
