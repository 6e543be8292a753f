"""Mails to prepare, and what they are read as by Python's own parser, which knows nothing of ours."""

import email
import email.message

from angarium.queue.model import MessageId
from angarium.tracking.preparing import Prepared, Untouched, Wishes, prepare
from angarium.tracking.tokens import TrackingKeys

BASE = "https://t.example.com"
KEYS = TrackingKeys({1: b"k" * 32})
MESSAGE = MessageId(b"m" * 16)
WHO = KEYS.who(MESSAGE, 3, "acme", 1_700_000_000_000)
# As long as one by which one leaves
LEAVE = KEYS.link(MESSAGE, "acme", 1, "https://x.example/" + "l" * 230)
ALL = Wishes(opens=True, clicks=True, text_links=True, base_url=BASE)
CLICKS = Wishes(opens=False, clicks=True, text_links=False, base_url=BASE)
NOTHING = Wishes(opens=False, clicks=False, text_links=False, base_url=BASE)


def mint(number: int, target: str) -> str:
    return KEYS.link(MESSAGE, "acme", number, target)


def one_part(
    body: bytes, kind: str = "text/html; charset=utf-8", encoding: str = "8bit", more: str = ""
) -> tuple[bytes, int]:
    """Return a message of one part, and its header's octets."""
    header = (
        f"From: a@example.org\r\n{more}MIME-Version: 1.0\r\nContent-Type: {kind}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    ).encode()
    return header + body, len(header)


def prepared(content: bytes, header_octets: int, wishes: Wishes = CLICKS) -> Prepared:
    result = prepare(content, header_octets, wishes, mint)
    assert isinstance(result, Prepared), result
    return result


def untouched(content: bytes, header_octets: int, wishes: Wishes = ALL) -> str:
    result = prepare(content, header_octets, wishes, mint)
    assert isinstance(result, Untouched), result
    return result.why


def leaves(content: bytes) -> list[tuple[str, bytes]]:
    """The type and octets of each part that holds no others."""
    found = []
    for each in email.message_from_bytes(content).walk():
        if not each.is_multipart():
            octets = each.get_payload(decode=True)
            assert isinstance(octets, bytes)
            found.append((each.get_content_type(), octets))
    return found


def html_of(content: bytes) -> bytes:
    return next(octets for kind, octets in leaves(content) if kind == "text/html")


def rewritten(html: str, wishes: Wishes = CLICKS, *, charset: str = "utf-8") -> str:
    """Return a prepared HTML, its honeypot left out."""
    content, header = one_part(html.encode(charset) + b"\r\n", f"text/html; charset={charset}")
    result = prepared(content, header, wishes)
    text = html_of(result.content).decode(charset).removesuffix("\r\n")
    begin = text.find('<div style="display:none;mso-hide:all"')
    return text if begin < 0 else text[:begin] + text[text.index("</div>", begin) + 6 :]


def links_of(html: str, wishes: Wishes = CLICKS) -> tuple[str, ...]:
    """Return where the links lead that are counted."""
    content, header = one_part(html.encode())
    result = prepare(content, header, wishes, mint)
    return result.links if isinstance(result, Prepared) else ()
