"""A letter in HTML of a size, with links to count: what ``smtp-source -F`` sends."""

from pathlib import Path
from typing import Final

LINKS: Final = 5
_HEAD: Final = """\
From: Bench <bench@example.com>
To: somebody@sink.test
Subject: news of the week
MIME-Version: 1.0
Content-Type: text/html; charset=us-ascii
Content-Transfer-Encoding: 7bit

<html><body>
"""
_LINK: Final = (
    '<p><a href="https://shop.example.com/offers/{number}?from=news">Offer {number}</a></p>\n'
)
_FILLING: Final = "<p>Some words that nobody reads, and that are as long as a line is.</p>\n"


def write_letter(path: Path, octets: int) -> Path:
    """Write one of about so many octets, at least of its links."""
    links = "".join(_LINK.format(number=number) for number in range(LINKS))
    room = octets - len(_HEAD) - len(links) - 20
    path.write_text(f"{_HEAD}{links}{_FILLING * max(0, room // len(_FILLING))}</body></html>\n")
    return path
