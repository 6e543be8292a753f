"""``bin/bench feedback``: how much of what comes back one core understands a second."""

import gc
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from rich.table import Table

from angarium.feedback.classifier import classify
from angarium.feedback.reading import read_mail
from bench.angarium_peer import TOP
from bench.machine import describe
from bench.report import console, print_machine, save

REPLIES: Final = TOP / "tests" / "feedback" / "replies.toml"
MAILS: Final = TOP / "tests" / "feedback" / "mails"
ROUNDS: Final = 5


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Of one section: items per second of one core's time, the median round and the extremes."""

    section: str
    items: int
    octets_each: float
    per_s: float
    slowest: float
    fastest: float


def run(folder: Path, seconds: float) -> None:
    machine = describe(folder)
    print_machine(machine)
    rates = [_replies(seconds), _mails(seconds)]
    table = Table(title="feedback: understood per second and core", title_justify="left")
    for name in ("section", "samples", "octets each", "per s", "of rounds"):
        table.add_column(name, justify="left" if name == "section" else "right")
    for each in rates:
        table.add_row(
            each.section,
            f"{each.items:,}",
            f"{each.octets_each:,.0f}",
            f"{each.per_s:,.0f}",
            f"{each.slowest:,.0f}-{each.fastest:,.0f}",
        )
    console.print(table)
    save("feedback", machine, rates=rates)


def _replies(seconds: float) -> Rate:
    """Replies as mail hosts give them, each class and many languages."""
    classes = tomllib.loads(REPLIES.read_text(encoding="utf-8"))
    texts = [text for providers in classes.values() for each in providers.values() for text in each]
    return measured("replies", classify, texts, [len(text.encode()) for text in texts], seconds)


def _mails(seconds: float) -> Rate:
    """Mails of every kind that comes back, whole: taken apart, read, and each recipient classified."""
    mails = [path.read_bytes() for path in sorted(MAILS.glob("*.eml"))]
    return measured("mails", read_mail, mails, [len(each) for each in mails], seconds)


def measured(
    section: str,
    understand: Callable[[Any], object],
    items: Sequence[Any],
    octets: Sequence[int],
    seconds: float,
) -> Rate:
    """Give all items to ``understand``, again and again for some seconds of processor time a round."""
    rates = []
    for _ in range(ROUNDS):
        gc.collect()
        passes = 0
        begun = time.process_time()
        while (taken := time.process_time() - begun) < seconds:
            for item in items:
                understand(item)
            passes += 1
        rates.append(passes * len(items) / taken)
    return Rate(
        section=section,
        items=len(items),
        octets_each=sum(octets) / len(octets),
        per_s=median(rates),
        slowest=min(rates),
        fastest=max(rates),
    )
