"""``bin/bench render``: mails made of templates per second and core, by workers and without; and mails built of parts.

Processor time of all processes, the hand-over to workers and back included: how the machine is shared does not matter.
"""

import email.policy
import gc
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
import uvloop
from rich.table import Table

from angarium.config.schema import Templates
from angarium.content.building import build
from angarium.content.letter import Letter, Mailbox
from angarium.service.rendering import settings_of
from angarium.smtp.address import parse_mailbox
from angarium.templates.bundle import Bundle, Parts, encode_bundle
from angarium.templates.compiled import Compiled
from angarium.templates.rendering import Filling, Problem
from angarium.templates.workers.observer import Unobserved
from angarium.templates.workers.pool import RenderPool
from bench.errors import BenchError
from bench.machine import describe
from bench.processes import TICK_S, cpu_ticks
from bench.report import console, print_machine, save

ROUNDS: Final = 5
BATCH: Final = 500
STYLE: Final = """<style>
td { padding: 4px 8px; color: #333333 } h1 { font-size: 20px } .price { text-align: right; font-weight: bold }
a:hover { color: red } @media (max-width: 600px) { td { padding: 2px } }
</style>"""
BODY: Final = """<body><h1>Hello {{ name }}</h1>
<p>Your order {{ order.id }} of {{ order.day }}:</p>
<table>
{% for item in order.items -%}
<tr><td>{{ item.name }}</td><td>{{ item.count }}</td><td class="price">{{ item.price }}</td></tr>
{% endfor -%}
</table>
{% if order.total > 100 %}<p>Shipping is free.</p>{% endif %}
<p><a href="https://shop.example.com/orders/{{ order.id }}">See your order</a></p></body>"""
TEXT: Final = """Hello {{ name }}, your order {{ order.id }}:
{% for item in order.items %}{{ item.count }} x {{ item.name }}: {{ item.price }}
{% endfor %}"""
ROWS: Final = 20
TYPICAL: Final = Bundle(
    locales={
        "en": Parts(
            subject="Your order {{ order.id }}",
            html=f"<html><head>{STYLE}</head>{BODY}</html>",
        )
    }
)
# The worst for whoever remembers what mails look like: each one has HTML of its own
OWN_HTML: Final = Bundle(
    locales={
        "en": Parts(
            subject="Your order {{ order.id }}",
            html=f"<html><head>{STYLE}</head>{{{{ note|safe }}}}{BODY}</html>",
        )
    }
)
# The engine alone: nothing to inline, and no text to make
PLAIN: Final = Bundle(
    locales={"en": Parts(subject="Your order {{ order.id }}", html=BODY, text=TEXT)}
)


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Mails per second of one core's time, the median round and the extremes."""

    section: str
    per_s: float
    slowest: float
    fastest: float
    beside: str = ""  # the section that it is compared with

    def ratio(self, others: Sequence["Rate"]) -> str:
        for each in others:
            if each.section == self.beside:
                return f"{self.per_s / each.per_s:.2f} of {each.section}"
        return ""


def run(folder: Path, seconds: float) -> None:
    machine = describe(folder)
    print_machine(machine)
    rates: list[Rate] = []
    for name, bundle in (("typical", TYPICAL), ("engine alone", PLAIN)):
        here = f"{name}, in this process"
        compiled = Compiled(bundle)
        filling = Filling(data=data_of(1))
        _expect(compiled.render(filling))
        rates += (
            measured(here, lambda: compiled.render(filling), seconds),  # noqa: B023
            uvloop.run(_by_workers(f"{name}, by a worker", bundle, seconds, here)),
        )
    beside = "typical, by a worker"
    for name, bundle, data in (
        ("1 to 20 rows, by a worker", TYPICAL, _of_varied_rows),
        ("HTML of its own in each, by a worker", OWN_HTML, _with_html),
    ):
        rates.append(uvloop.run(_by_workers(name, bundle, seconds, beside, data)))
    rates += _building(seconds)
    table = Table(title="render: mails per second and core", title_justify="left")
    for name in ("section", "per s", "of rounds", "beside"):
        table.add_column(name, justify="left" if name in ("section", "beside") else "right")
    for each in rates:
        extremes = f"{each.slowest:,.0f}-{each.fastest:,.0f}"
        table.add_row(each.section, f"{each.per_s:,.0f}", extremes, each.ratio(rates))
    console.print(table)
    save("render", machine, rates=rates)


def data_of(number: int, rows: int = ROWS) -> dict[str, Any]:
    """Return what one mail is filled with."""
    items = [
        {"name": f"Article <{row}>", "count": row, "price": f"{row}.99"} for row in range(rows)
    ]
    order = {"id": f"A-{number}", "day": "2026-11-29", "total": 123.5, "items": items}
    return {"name": "Ada & Co", "order": order}


def _of_varied_rows(number: int) -> dict[str, Any]:
    return data_of(number, 1 + number % ROWS)


def _with_html(number: int) -> dict[str, Any]:
    return {**data_of(number), "note": f"<p>Your number is <b>{number}</b></p>"}


def _expect(answer: object) -> None:
    if isinstance(answer, Problem):
        raise BenchError(f"the template cannot be rendered: {answer.message}")


async def _by_workers(
    section: str,
    bundle: Bundle,
    seconds: float,
    beside: str,
    data: Callable[[int], dict[str, Any]] = data_of,
) -> Rate:
    """A batch at a time, as a caller of the API gives them, over to one worker and back."""
    settings = msgspec.structs.replace(settings_of(Templates()), workers=1, wall_s=60.0, cpu_s=60.0)
    pool = RenderPool(settings, Unobserved())
    encoded = encode_bundle(bundle)
    fillings = [Filling(data=data(number)) for number in range(BATCH)]

    async def batch() -> None:
        answers = await pool.render(bundle.digest, lambda: encoded, fillings, tenant="bench")
        for each in answers:
            _expect(each)

    def taken() -> float:
        return time.process_time() + sum(cpu_ticks(pool.pids)) * TICK_S

    rates = []
    try:
        await batch()
        for _ in range(ROUNDS):
            gc.collect()
            count, begun = 0, taken()
            while (used := taken() - begun) < seconds:
                await batch()
                count += BATCH
            rates.append(count / used)
    finally:
        await pool.close()
    return _rate(section, rates, beside)


def _building(seconds: float) -> list[Rate]:
    """MIME messages of a text and HTML, of 5 KB together: ours, and by the standard library."""
    text = "A line of text that says something about an order.\r\n" * 30
    html = "<p>A line of text that says <b>something</b> about an order.</p>\r\n" * 50
    author = Mailbox(address=parse_mailbox("shop@example.com"), name="The Shop")
    reader = Mailbox(address=parse_mailbox("ada@example.org"), name="Ada")
    letter = Letter(
        author=author,
        to=(reader,),
        subject="Your order A-1",
        date="Sun, 29 Nov 2026 21:00:00 +0000",
        text=text,
        html=html,
    )

    def theirs() -> bytes:
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"] = "The Shop <shop@example.com>"
        message["To"] = "Ada <ada@example.org>"
        message["Subject"] = "Your order A-1"
        message["Date"] = "Sun, 29 Nov 2026 21:00:00 +0000"
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        return message.as_bytes()

    library = "MIME by the standard library"
    return [
        measured(library, theirs, seconds),
        measured(
            "MIME, text and HTML", lambda: build(letter, "=_0123456789abcdef"), seconds, library
        ),
    ]


def measured(section: str, make: Callable[[], object], seconds: float, beside: str = "") -> Rate:
    """Make mails in this process for some seconds of processor time a round."""
    rates = []
    make()
    for _ in range(ROUNDS):
        gc.collect()
        count, begun = 0, time.process_time()
        while (used := time.process_time() - begun) < seconds:
            for _ in range(20):
                make()
            count += 20
        rates.append(count / used)
    return _rate(section, rates, beside)


def _rate(section: str, rates: Sequence[float], beside: str) -> Rate:
    return Rate(
        section=section,
        per_s=median(rates),
        slowest=min(rates),
        fastest=max(rates),
        beside=beside,
    )
