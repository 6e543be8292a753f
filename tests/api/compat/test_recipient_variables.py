"""Mirrors angarium/api/compat/mailgun/variables.py and intake/recipient_places.py."""

from typing import Any

import pytest

from angarium.api.compat.mailgun.variables import (
    Room,
    filling,
    places_of,
    read_variables,
    refuse_places,
)
from angarium.content.letter import Mailbox
from angarium.intake.order import FaultError, FaultKind
from angarium.intake.recipient_places import PLACE, RecipientPlaces
from angarium.smtp.address import parse_mailbox

ANN = Mailbox(address=parse_mailbox("Ann@dest.example"), name="Ann de Lee")


def of_ann(variables: dict[str, Any]) -> RecipientPlaces:
    return places_of({"ann@dest.example": variables}, ANN)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("%recipient.a%%recipient.a%", "11"),
        ("%recipient.deep.er%", "x"),
        ("%recipient.dotted.name%", "whole"),
        ("%recipient.deep%", '{"er":"x"}'),
        ("%recipient.list%", "[1,2]"),
        ("%recipient.yes% %recipient.null%.", "true ."),
        (
            "%recipient.none% %recipient.deep.none% %recipient.a",
            "%recipient.none% %recipient.deep.none% %recipient.a",
        ),
        ("%recipient% %recipient_email%", "Ann@dest.example Ann@dest.example"),
        ("%recipient_name%: %recipient_fname%, %recipient_lname%", "Ann de Lee: Ann, de Lee"),
        ("%recipient.again%", "%recipient.a%"),
        ("%RECIPIENT.a% 100%", "%RECIPIENT.a% 100%"),
    ],
)
def test_a_text_is_filled_in(text: str, filled: str) -> None:
    variables = {
        "a": 1,
        "deep": {"er": "x"},
        "dotted.name": "whole",
        "list": [1, 2],
        "yes": True,
        "null": None,
        "again": "%recipient.a%",
    }
    assert filling(of_ann(variables), Room(10_000))(text) == filled


def test_what_is_filled_in_is_bounded_over_all_messages_ro1() -> None:
    room = Room(2 * PLACE + 80)
    for name in ("a", "b"):
        assert filling(of_ann({name: "x" * 40}), room)(f"%recipient.{name}%") == "x" * 40
    with pytest.raises(FaultError) as error:
        filling(of_ann({"a": ""}), room)("%recipient.a%")
    assert error.value.fault.kind is FaultKind.TOO_LARGE


def test_recipients_are_found_in_any_case_and_by_u_labels() -> None:
    found = read_variables('{"ANN@dest.example": {"a": 1}, "x@bücher.example": {"a": 2}, " ": {}}')
    assert places_of(found, ANN).variables == {"a": 1}
    other = Mailbox(address=parse_mailbox("X@xn--bcher-kva.example"))
    assert places_of(found, other).variables == {"a": 2}
    nobody = Mailbox(address=parse_mailbox("no@dest.example"))
    assert places_of(found, nobody).variables == {}


@pytest.mark.parametrize("text", ["", "[", "1", '{"a": []}', "[" * 10_000])
def test_what_is_no_object_of_objects_is_refused(text: str) -> None:
    with pytest.raises(FaultError):
        read_variables(text)


@pytest.mark.parametrize(
    "place",
    [
        "%unsubscribe_url%",
        "%tag_unsubscribe_url%",
        "%mailing_list_unsubscribe_url%",
        "%unsubscribe_email%",
    ],
)
def test_places_that_only_mailgun_fills_are_refused(place: str) -> None:
    with pytest.raises(FaultError) as error:
        refuse_places("html", f"<a href='{place}'>")
    assert error.value.fault.field == "html"
    refuse_places("html", "100% %recipient.unsubscribe_url% unsubscribe_url%")
