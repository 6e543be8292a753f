"""``bin/bench rewriting``: what a tracked mail costs: prepared once, when accepted, and filled for each recipient.

Processor time of this process, so that how the machine is shared matters little.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from rich.table import Table

from angarium.queue.model import MessageId
from angarium.smtp.transfer_encoding import base64_lines, quoted_printable
from angarium.tracking.preparing import Prepared, Wishes, prepare
from angarium.tracking.slots import filled, plain
from angarium.tracking.tokens import TrackingKeys
from bench.errors import BenchError
from bench.machine import describe
from bench.render import Rate, measured
from bench.report import console, print_machine, save

MESSAGE: Final = MessageId(b"m" * 16)
KEYS: Final = TrackingKeys({1: b"k" * 32})
WHO: Final = KEYS.who(MESSAGE, 0, "bench", 0)
WISHES: Final = Wishes(opens=True, clicks=True, text_links=True, base_url="https://t.example.com")
ENCODINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "8bit": bytes,
    "quoted-printable": quoted_printable,
    "base64": base64_lines,
}
# Tables in tables, styles in attributes: as letters are written
STYLE: Final = "<style>td { padding: 4px } .x > a:hover { color: red }</style>"
ARTICLE: Final = (
    '<tr><td align="center" valign="top" style="padding:4px 8px;color:#333333;font-family:Arial,sans-serif">'
    '<table role="presentation" width="100%" cellpadding="0"><tr><td style="font-size:16px;line-height:24px">'
    '<img src="https://cdn.example.com/pictures/{n}.png" alt="" width="200" style="display:block"></td>'
    '<td><p style="margin:0">Some words about this &amp; that, which people read, and cost 5 €.</p>'
    '<p style="margin:0 0 12px;color:#777">And some more, so that the text is as long as texts are.</p></td></tr>'
    '<tr><td><a href="https://shop.example.com/articles/{n}?utm_source=news&amp;utm_campaign=autumn" target="_blank"'
    ' style="color:#1155cc;text-decoration:none" class="button">Look at the <b>article</b></a></td></tr>'
    "</table></td></tr>\r\n"
)
# More than are remembered
LETTERS: Final = 40
FILLER: Final = "<tr><td>Filler text, as there is much of it.</td></tr>\r\n"
END: Final = '</table><a href="{{unsubscribe_url}}">Unsubscribe</a></body></html>\r\n'


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds of one core, the median round and the extremes."""

    section: str
    us: float
    fastest: float
    slowest: float


def letter(octets: int, links: int, encoding: str = "8bit") -> tuple[bytes, int]:
    """Return a message of HTML, about as long as asked when it is decoded, and its header's octets."""
    html = f"<!DOCTYPE html><html><head>{STYLE}</head><body><table>\r\n"
    html += "".join(ARTICLE.replace("{n}", str(each)) for each in range(links))
    html += FILLER * max(0, (octets - len(html.encode()) - len(END)) // len(FILLER)) + END
    header = (
        "From: shop@example.com\r\nTo: ada@example.org\r\nSubject: News\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    ).encode()
    return header + ENCODINGS[encoding](html.encode()), len(header)


def run(folder: Path, seconds: float) -> None:
    machine = describe(folder)
    print_machine(machine)
    costs = [
        _cost(measured(f"prepare, 50 kB, 40 links, {each}", _preparing(each), seconds))
        for each in ENCODINGS
    ]
    again = _preparing("8bit", letters=1)
    costs.append(_cost(measured("the same letter again, to somebody else", again, seconds)))
    ready = _prepared(*letter(13_500, 20))
    title = f"{len(ready.content) / 1000:.0f} kB, {len(ready.links)} links"
    leave = KEYS.link(MESSAGE, "bench", 0, "https://x.example/" + "l" * 220)  # as long as one

    def fill() -> bytes:
        return filled(ready.content, ready.header_octets, who=WHO, leave=leave)

    costs += (
        _cost(measured(f"fill, {title}", fill, seconds)),
        _cost(
            measured(
                f"make plain, {title}", lambda: plain(ready.content, ready.header_octets), seconds
            )
        ),
    )
    table = Table(title="rewriting: microseconds of one core", title_justify="left")
    for name in ("section", "us", "of rounds"):
        table.add_column(name, justify="left" if name == "section" else "right")
    for each in costs:
        table.add_row(each.section, f"{each.us:,.1f}", f"{each.fastest:,.1f}-{each.slowest:,.1f}")
    console.print(table)
    save("rewriting", machine, costs=costs)


def _mint(number: int, target: str) -> str:
    return KEYS.link(MESSAGE, "bench", number, target)


def _prepared(content: bytes, header_octets: int) -> Prepared:
    result = prepare(content, header_octets, WISHES, _mint)
    if not isinstance(result, Prepared):
        raise BenchError(f"the letter is left as it is: {result.why}")
    return result


def _preparing(encoding: str, letters: int = LETTERS) -> Callable[[], object]:
    made = [letter(50_000 + 60 * each, 40, encoding) for each in range(letters)]
    if len(_prepared(*made[0]).links) != 40:
        raise BenchError("not all links are counted")
    turns = itertools.cycle(made)
    return lambda: prepare(*next(turns), WISHES, _mint)


def _cost(rate: Rate) -> Cost:
    return Cost(
        section=rate.section,
        us=1e6 / rate.per_s,
        fastest=1e6 / rate.fastest,
        slowest=1e6 / rate.slowest,
    )
