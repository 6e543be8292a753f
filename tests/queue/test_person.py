"""Mirrors angarium/queue/person.py."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.queue.person import ALIAS_DOMAIN, Person, alias_of

KEY = bytes(range(32))
ANN = Person("Ann@Example.COM", KEY)
FORMS = (
    *("ann@example.com", "ANN@example.COM", "<ann@example.com>:", "Ann <ann@example.com>"),
    *(
        '"ann"@example.com',
        '\\"ann\\"@example.com',
        "to=ann%40example.com&x=1",
        "ann=40example.com",
    ),
    *("bounce+ann=example.com@lists.example.net", "rfc822;ann@example.com", "ann@example.com."),
    *("mailto:ann@example.com?subject=x", "(ann@example.com)", "'ann@example.com'"),
)
OTHERS = (
    *("joann@example.com", "x.ann@example.com", "ann+news@example.com", "a+ann@example.com"),
    *("ann@example.com.br", "ann@example.community", "ann@xexample.com", "ann@example", "ann"),
    *("ann@mail.example.com", "ann-b@example.com", "bounce+joann=example.com@lists.example.net"),
)


@pytest.mark.parametrize("text", FORMS)
def test_an_address_is_found_and_taken_out_in_each_form_pe1(text: str) -> None:
    assert ANN.is_in_text(text)
    assert not ANN.is_in_text(ANN.out_of_text(text))
    assert ANN.token in ANN.out_of_text(text)
    assert ANN.is_in_octets(text.encode())


@pytest.mark.parametrize("text", OTHERS)
def test_another_address_is_left_as_it_is_pe1(text: str) -> None:
    assert not ANN.is_in_text(text)
    assert ANN.out_of_text(text) == text


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("ann+news@example.com", "ann+2Bnews@example.com"),
        ("ann+news@example.com", "to=ann%2Bnews%40example.com"),
        ("ann@bücher.example", "ANN@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@bücher.example"),
        ("Änn@example.com", "änn@example.com"),
        ('"a b"@example.com', '<"a b"@example.com>'),
    ],
)
def test_stores_forms_of_an_address_are_known_pe1(address: str, text: str) -> None:
    assert Person(address, KEY).is_in_text(text)


def test_what_is_nested_is_looked_into_and_the_rest_stays_pe1() -> None:
    inner = msgspec.json.encode({"to": ["Ann <ann@example.com>", "bob@example.com"]})
    packed = msgspec.msgpack.encode([1, "ann@example.com", b"\x00\xff"])
    value = [7, None, True, 1.5, inner, packed, b"\x93\xff", {"ann@example.com": [packed]}]
    assert ANN.is_in(value)
    found = ANN.out_of(value)
    assert not ANN.is_in(found)
    assert found[:4] == value[:4]
    assert msgspec.msgpack.decode(found[5]) == [1, ANN.token, b"\x00\xff"]
    assert msgspec.json.decode(found[4])["to"][1] == "bob@example.com"
    assert found[6] == b"\x93\xff"
    assert list(found[7]) == [ANN.token]


def test_a_mail_is_read_through_its_encodings() -> None:
    body = base64.b64encode(b"dear ann@example.com, hello")
    mail = b"Content-Transfer-Encoding: base64\r\n\r\n" + body
    assert b"ann" not in mail.lower()
    assert ANN.is_in_mail(mail)
    assert not ANN.is_in_mail(mail.replace(body, base64.b64encode(b"dear joann@example.com")))


def test_what_stands_for_a_person_says_nothing_without_the_key_and_is_the_same_for_each_spelling() -> (
    None
):
    again, other_key = Person("ann@example.com", KEY), Person("ann@example.com", bytes(32))
    assert (ANN.token, ANN.alias) == (again.token, again.alias)
    assert ANN.alias == alias_of("ann@example.com", KEY)
    assert {ANN.token, ANN.alias}.isdisjoint({other_key.token, other_key.alias})
    assert ANN.alias.endswith(f"@{ALIAS_DOMAIN}")
    assert ANN.alias.partition("@")[0] not in ANN.token
    assert "ann@" not in ANN.token + ANN.alias


@given(st.recursive(st.text() | st.binary() | st.integers() | st.none(), st.lists))
def test_what_has_no_person_in_it_comes_back_as_it_was_pe1(value: object) -> None:
    if not ANN.is_in(value):
        assert ANN.out_of(value) == value
