"""Bundles: what is stored of a version, and by what name."""

import msgspec
import pytest

from angarium.templates.bundle import (
    PARTS,
    Bundle,
    BundleError,
    Parts,
    Piece,
    decode_bundle,
    encode_bundle,
)
from angarium.templates.variables import Variable

BUNDLE = Bundle(
    locales={
        "en": Parts(subject="Hello {{ name }}", html="<p>{{ name }}</p>"),
        "de": Parts(subject="Hallo {{ name }}", text="{{ name }}"),
    },
    layout="frame",
    pieces={"frame": Piece(locales={"en": Parts(html="{% block content %}{% endblock %}")})},
    variables={
        "name": Variable(type="string", required=True),
        "items": Variable(type="array", items=Variable(type="object")),
    },
    missing="lenient",
)


def test_a_bundle_is_read_as_it_was_written() -> None:
    assert decode_bundle(encode_bundle(BUNDLE)) == BUNDLE


def test_equal_bundles_have_one_digest_however_they_came_to_be() -> None:
    turned = msgspec.structs.replace(BUNDLE, locales=dict(reversed(BUNDLE.locales.items())))
    assert list(turned.locales) != list(BUNDLE.locales)
    assert turned.digest == BUNDLE.digest
    assert msgspec.structs.replace(BUNDLE, layout="other").digest != BUNDLE.digest


def test_the_digest_of_a_bundle_stays_what_it_was() -> None:
    # On disk by this name: a field that is added has a default, and is left out where it has it
    small = Bundle(locales={"en": Parts(subject="Hi")})
    assert small.digest == "db8d354f5140335bb737eabe05bc34aef3bf3fc9f65828332d74274c26e6e218"


@pytest.mark.parametrize("octets", [b"", b"\xc1", b"\x80", encode_bundle(BUNDLE)[:-1]])
def test_octets_that_are_no_bundle_are_an_error_that_says_so(octets: bytes) -> None:
    with pytest.raises(BundleError, match="not a template's bundle"):
        decode_bundle(octets)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    encoded = msgspec.msgpack.decode(encode_bundle(BUNDLE))
    assert decode_bundle(msgspec.msgpack.encode({**encoded, "later": 1})) == BUNDLE


def test_a_part_that_is_not_written_has_no_source() -> None:
    parts = Parts(subject="Hi", text="")
    assert [parts.source(each) for each in PARTS] == ["Hi", None, None, "", None]


def test_a_key_that_a_variable_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="minLength"):
        msgspec.convert({"type": "string", "minLength": 3}, Variable)
