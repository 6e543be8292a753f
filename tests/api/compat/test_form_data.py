"""Mirrors angarium/api/compat/mailgun/form_data.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.api.compat.mailgun.fields import FormField
from angarium.api.compat.mailgun.form_data import FormDataError, read_form_data


def form(*parts: bytes, boundary: bytes = b"b") -> bytes:
    pieces = [b"--" + boundary + b"\r\nContent-Disposition: form-data; " + each for each in parts]
    return b"\r\n".join((*pieces, b"--" + boundary + b"--\r\n"))


def read(octets: bytes, boundary: str = "b") -> list[FormField]:
    return list(read_form_data(octets, boundary))


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (b'name="a"\r\n\r\nx', FormField(name="a", content=b"x")),
        (b"name=a\r\n\r\n", FormField(name="a", content=b"")),
        (b'name="a"; filename=""\r\n\r\n', FormField(name="a", content=b"")),
        (
            'name="a"; filename="ä;b"\r\n\r\n'.encode(),
            FormField(name="a", content=b"", filename="ä;b"),
        ),
        (
            b'name="a"; filename="%22x%0d%0a%41"\r\n\r\n',
            FormField(name="a", content=b"", filename='"x\r\n%41'),
        ),
        (
            b'filename="a\\"b\\\\c\\d"; name="a"\r\n\r\n',
            FormField(name="a", content=b"", filename='a"b\\c\\d'),
        ),
        (
            b'name="a"; filename="x"; filename*=UTF-8\'\'%c3%a4\r\n\r\n',
            FormField(name="a", content=b"", filename="ä"),
        ),
        (
            b'name="a"\r\nContent-Type: text/plain; charset="iso-8859-1"\r\n\r\n\xe4',
            FormField(
                name="a",
                content=b"\xe4",
                charset="iso-8859-1",
                content_type='text/plain; charset="iso-8859-1"',
            ),
        ),
        (
            b'name="a"\r\n\r\n\r\n--bc\r\n--b x\r\n',
            FormField(name="a", content=b"\r\n--bc\r\n--b x\r\n"),
        ),
    ],
)
def test_a_field_is_read(part: bytes, field: FormField) -> None:
    assert read(form(part)) == [field]


def test_what_is_before_and_behind_and_padding_do_not_count() -> None:
    octets = b"preamble\r\n--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--  \r\nepilogue"
    assert read(octets) == [FormField(name="a", content=b"1")]
    assert read(b"--b--") == []


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"x",
        b"--b",
        b"--b\r\n",
        b"--bx\r\n",
        b"--b\r\n\r\n--b--",
        b"--b\r\n\r\nx\r\n--b--",
        form(b"name=a\r\n\r\nx")[:-4],
        form(b'name="a\r\n\r\nx'),
        form(b'name="a" x\r\n\r\nx'),
        form(b'name="a"; name="b"\r\n\r\nx'),
        form(b'filename="a"\r\n\r\nx'),
        form(b'name=""\r\n\r\nx'),
        form(b'name="\xff"\r\n\r\nx'),
        form(b"name=a\r\nno field\r\n\r\nx"),
        form(b"name=a\r\nContent-Disposition: form-data\r\n\r\nx"),
        form(b"name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nx"),
        form(b"name=a; filename*=x''%ff\r\n\r\nx"),
        form(b"name=a\r\nX: " + b"x" * 9000 + b"\r\n\r\nx"),
        b"--b\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--b--",
    ],
)
def test_what_is_no_form_is_refused(octets: bytes) -> None:
    with pytest.raises(FormDataError):
        read(octets)


@pytest.mark.parametrize("boundary", ["", "ä", "x" * 201])
def test_a_boundary_is_needed(boundary: str) -> None:
    with pytest.raises(FormDataError):
        read(b"--b--", boundary)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\r\n--b", b"--b--", b"\r\n", b"-"])))
def test_whatever_the_parts_hold_comes_back(contents: list[bytes]) -> None:
    boundary = "b" * 30
    parts = [b'name="f"\r\n\r\n' + each for each in contents]
    found = read(form(*parts, boundary=boundary.encode()), boundary)
    assert [each.content for each in found] == contents


@given(st.binary(max_size=200).map(lambda each: b"--b\r\n" + each))
def test_nothing_but_its_own_error_is_raised(octets: bytes) -> None:
    try:
        read(octets)
    except FormDataError as error:
        assert str(error)  # noqa: PT017
