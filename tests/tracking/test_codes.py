"""Mirrors angarium/tracking/codes.py."""

import time

import pytest

from angarium.tracking.codes import MAX_STEMS, of_codes
from angarium.tracking.edits import edited
from angarium.tracking.slots import LEAVE_SLOT
from tests.tracking.mail import BASE

LEAVE = f"{BASE}/u/{LEAVE_SLOT}"
PREFERENCES = f"{BASE}/p/{LEAVE_SLOT}"


def replaced(text: str, *, is_html: bool = True) -> str:
    return "".join(edited(text, of_codes(text, BASE, is_html=is_html)))


@pytest.mark.parametrize(
    ("code", "address"),
    [
        ("{{unsubscribe_url}}", LEAVE),
        ("{{ unsubscribe_url }}", LEAVE),
        ("{{{unsubscribe_url}}}", LEAVE),
        ("%7B%7Bunsubscribe_url%7D%7D", LEAVE),
        ("%7B%7B%20unsubscribe_url%20%7D%7D", LEAVE),
        ("%unsubscribe_url%", LEAVE),
        ("%tag_unsubscribe_url%", LEAVE),
        ("%mailing_list_unsubscribe_url%", LEAVE),
        ("<%asm_group_unsubscribe_raw_url%>", LEAVE),
        ("&lt;%asm_group_unsubscribe_raw_url%&gt;", LEAVE),
        ("%3C%asm_global_unsubscribe_raw_url%%3E", LEAVE),
        ("<% asm_global_unsubscribe_raw_url %>", LEAVE),
        ("[unsubscribe]", LEAVE),
        ("{{{unsubscribe}}}", LEAVE),
        ("{{{ pm:unsubscribe_url }}}", LEAVE),
        ("{{{RESEND_UNSUBSCRIBE_URL}}}", LEAVE),
        ("{{amazonSESUnsubscribeUrl}}", LEAVE),
        ("*|UNSUB|*", LEAVE),
        ("{{preferences_url}}", PREFERENCES),
        ("<%asm_preferences_raw_url%>", PREFERENCES),
        ("{{{unsubscribe_preferences}}}", PREFERENCES),
        ("*|UPDATE_PROFILE|*", PREFERENCES),
    ],
)
def test_a_code_becomes_the_address_wherever_it_stands(code: str, address: str) -> None:
    for text in (f'<a href="{code}">x</a>', f"<p>{code}</p>", code, f"<a href={code}>"):
        assert replaced(text) == text.replace(code, address)
        assert replaced(text, is_html=False) == text.replace(code, address)


@pytest.mark.parametrize(
    ("code", "address", "words"),
    [
        ("<%asm_group_unsubscribe_url%>", LEAVE, "Unsubscribe"),
        ("<%asm_global_unsubscribe_url%>", LEAVE, "Unsubscribe"),
        ("<%unsubscribe%>", LEAVE, "Unsubscribe"),
        ("{{{ pm:unsubscribe }}}", LEAVE, "Unsubscribe"),
        ("<%asm_preferences_url%>", PREFERENCES, "Manage preferences"),
    ],
)
def test_a_code_for_a_link_becomes_one_with_words_in_text_of_html(
    code: str, address: str, words: str
) -> None:
    assert replaced(f"<p>{code}</p>") == f'<p><a href="{address}">{words}</a></p>'
    assert replaced(f"<a href='{code}'>x</a>") == f"<a href='{address}'>x</a>"
    assert replaced(f"Leave: {code}", is_html=False) == f"Leave: {address}"


@pytest.mark.parametrize(
    "text",
    [
        "{unsubscribe_url}",
        "{{unsubscribe}}",
        "unsubscribe_url",
        "%Unsubscribe_url%",
        "[unsubscribe](https://x.example/)",
        "[Unsubscribe]",
        "{{ unsubscribe_url",
        "{{name}} preferences",
    ],
)
def test_what_is_no_code_stays(text: str) -> None:
    assert replaced(text) == text


def test_several_codes_are_replaced_each() -> None:
    text = "*|UNSUB|*[unsubscribe]{{preferences_url}}" * 50
    assert replaced(text) == f"{LEAVE}{LEAVE}{PREFERENCES}" * 50


@pytest.mark.parametrize(
    "piece", ["{{unsubscribe_url}}", "unsubscribe", "{{{{ ", "{{unsubscribe_url ", "[unsubscribe]("]
)
def test_a_megabyte_of_one_thing_takes_little_c4(piece: str) -> None:
    began = time.process_time()
    text = replaced(piece * (1_000_000 // len(piece)))
    assert text.count(LEAVE) <= MAX_STEMS
    assert time.process_time() - began < 5
