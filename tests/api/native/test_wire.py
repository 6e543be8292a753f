"""Mirrors angarium/api/native/wire.py."""

from typing import Annotated

import pytest
from aiohttp.test_utils import make_mocked_request
from msgspec import Meta

from angarium.api.native.wire import Asked, TimeGiven, cursor_of, read_cursor, read_query, unix_ms
from angarium.intake.order import FaultError


class Query(Asked, frozen=True, kw_only=True):
    how_many: Annotated[int, Meta(ge=1)] | None = None
    names: tuple[str, ...] = ()
    until: TimeGiven | None = None
    dry: bool = False


def query(text: str) -> Query:
    return read_query(make_mocked_request("GET", f"/x?{text}"), Query)


def test_parameters_are_read_as_their_types() -> None:
    found = query("howMany=3&names=a&names=b&until=1970-01-01T00:00:01Z&dry=true")
    assert (found.how_many, found.names, found.dry) == (3, ("a", "b"), True)
    assert found.until is not None
    assert unix_ms(found.until) == 1000


def test_what_is_empty_is_as_if_it_were_not_there() -> None:
    assert query("howMany=&names=&until=&dry=") == Query()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("howMany=0", "howMany"),
        ("howMany=x", "howMany"),
        ("howMany=null", "howMany"),
        ("howMany=1&howMany=2", "howMany"),
        ("until=5", "until"),
        ("until=2026-01-01", "until"),
        ("dry=maybe", "dry"),
        ("how_many=1", "how_many"),
    ],
)
def test_a_wrong_parameter_is_named(text: str, field: str) -> None:
    with pytest.raises(FaultError) as raised:
        query(text)
    assert raised.value.fault.field == field


def test_a_cursor_comes_back_as_it_was() -> None:
    last = bytes(range(256))
    text = cursor_of(last)
    assert text is not None
    assert read_cursor(text) == last
    assert read_cursor("") is None
    with pytest.raises(FaultError):
        read_cursor("xyz")
