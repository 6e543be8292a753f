"""Mirrors angarium/tracking/postal.py."""

import pytest

from angarium.tracking.edits import edited
from angarium.tracking.octets import characters
from angarium.tracking.postal import may_have_codes, of_address

ADDRESS = "Bäckerei <Süß>\nŁódź 5"


@pytest.mark.parametrize(
    ("charset", "is_html", "expected"),
    [
        ("utf-8", True, "<p>Bäckerei &lt;Süß&gt;<br>Łódź 5</p>"),
        ("iso-8859-1", True, "<p>Bäckerei &lt;Süß&gt;<br>&#321;ód&#378; 5</p>"),
        ("iso-8859-1", False, "<p>Bäckerei <Süß>\r\n?ód? 5</p>"),
        ("gb18030", True, "<p>Bäckerei &lt;Süß&gt;<br>Łódź 5</p>"),
    ],
)
def test_the_address_is_written_in_the_parts_charset(
    charset: str, is_html: bool, expected: str
) -> None:
    part = characters(b"<p>{{ postal_address }}</p>", charset)
    assert part is not None
    found = "".join(edited(part.text, of_address(part, ADDRESS, is_html=is_html)))
    assert found.encode(part.codec).decode(charset) == expected


def test_without_an_address_the_code_stays() -> None:
    part = characters(b"{{postal_address}}", "utf-8")
    assert part is not None
    assert not list(of_address(part, "", is_html=True))


@pytest.mark.parametrize(
    ("content", "may"),
    [
        (b"a\r\n\r\nplain", False),
        (b"a\r\n\r\n{{postal_=\r\naddress}}", True),
        (b"a\r\n\r\n{{{unsubscribe_url}}}", True),
        (b"Content-Transfer-Encoding: base64\r\n\r\nYQ==", True),
    ],
)
def test_what_cannot_have_codes_is_not_read(content: bytes, may: bool) -> None:
    assert may_have_codes(content) is may
