"""How well verdicts on fetches are told apart, by the labelled set in tests/data/tracking (docs/tracking.md)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from angarium.config.machine_networks import shipped_networks
from angarium.queue.events import Fetched
from angarium.queue.model import MessageId, UnixMs
from angarium.tracking.fetches import Fetches
from angarium.tracking.judging import HONEYPOT, PICTURE
from angarium.tracking.networks import MachineNetworks, NetworkOwner
from angarium.tracking.signs import Seen, signs_of
from angarium.tracking.visitor import network_of, reduced_agent

FILE: Final = Path(__file__).parents[1] / "tests" / "data" / "tracking" / "copies.jsonl"
SENT_MS: Final = 1_800_000_000_000
WINDOW_MS: Final = 2_000
LATE_MS: Final = 1 << 50
Label = Literal["human", "machine"]


class LabelledFetch(msgspec.Struct, frozen=True, kw_only=True):
    after_ms: int  # since the copy was made
    what: int | Literal["picture", "honeypot"]  # int: number of a link
    address: str
    agent: str
    by: Label
    method: str = "GET"
    accept: str = ""
    language: str = ""
    fetch_mode: str = ""


class LabelledCopy(msgspec.Struct, frozen=True, kw_only=True):
    part: Literal["tuning", "held-out"]
    client: str  # the behaviour
    fetches: tuple[LabelledFetch, ...]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One fetch that makes an event, and what was found of it."""

    part: str
    client: str
    is_picture: bool
    by: Label
    verdict: Label
    reasons: tuple[str, ...]


def read_set() -> list[LabelledCopy]:
    decode = msgspec.json.Decoder(LabelledCopy).decode
    return [decode(line) for line in FILE.read_bytes().splitlines()]


def shipped_machine_networks() -> MachineNetworks:
    return MachineNetworks(
        (NetworkOwner(name=each.name, kind=each.kind), network)
        for each in shipped_networks()
        for network in each.networks
    )


def judge_set(copies: Iterable[LabelledCopy]) -> list[Told]:
    networks = shipped_machine_networks()
    told: list[Told] = []
    for number, copy in enumerate(copies):
        fetches = Fetches(WINDOW_MS)
        for sequence, each in enumerate(copy.fetches):
            fetches.take(sequence, _fetched(each, number, networks))
        for judged in fetches.due(UnixMs(LATE_MS), len(copy.fetches)):
            labelled = copy.fetches[judged.sequence]
            if labelled.what != "honeypot":
                told.append(
                    Told(
                        part=copy.part,
                        client=copy.client,
                        is_picture=labelled.what == "picture",
                        by=labelled.by,
                        verdict=judged.verdict.by,
                        reasons=judged.verdict.reasons,
                    )
                )
    return told


class Confusion(msgspec.Struct, frozen=True):
    """Of fetches, by who made them and whose they were called."""

    found: int  # machines, called machines
    missed: int  # machines, called people
    wronged: int  # people, called machines
    spared: int  # people, called people

    @property
    def precision(self) -> float:
        called = self.found + self.wronged
        return self.found / called if called else 1.0

    @property
    def recall(self) -> float:
        machines = self.found + self.missed
        return self.found / machines if machines else 1.0


def confusion(told: Sequence[Told]) -> Confusion:
    counts = Counter((each.by, each.verdict) for each in told)
    return Confusion(
        counts["machine", "machine"],
        counts["machine", "human"],
        counts["human", "machine"],
        counts["human", "human"],
    )


def by_client(told: Sequence[Told]) -> dict[str, Confusion]:
    names = dict.fromkeys(each.client for each in told)
    return {name: confusion([each for each in told if each.client == name]) for name in names}


def rows_of(told: Sequence[Told]) -> list[tuple[str, Confusion]]:
    """Return what is worth a row: each part, whole and by what was fetched."""
    rows: list[tuple[str, Confusion]] = []
    for part in ("tuning", "held-out"):
        of_part = [each for each in told if each.part == part]
        rows.append((part, confusion(of_part)))
        rows.append((f"{part}, opens", confusion([each for each in of_part if each.is_picture])))
        rows.append(
            (f"{part}, clicks", confusion([each for each in of_part if not each.is_picture]))
        )
    return rows


def facts_of(told: Sequence[Told]) -> list[dict[str, Any]]:
    return [
        {
            "part": name,
            "found": each.found,
            "missed": each.missed,
            "wronged": each.wronged,
            "spared": each.spared,
            "precision": round(each.precision, 4),
            "recall": round(each.recall, 4),
        }
        for name, each in rows_of(told)
    ]


def _fetched(each: LabelledFetch, copy: int, networks: MachineNetworks) -> Fetched:
    seen = Seen(
        is_picture=each.what == "picture",
        address=each.address,
        agent=each.agent,
        method=each.method,
        accept=each.accept,
        language=each.language,
        fetch_mode=each.fetch_mode,
    )
    numbers = {"picture": PICTURE, "honeypot": HONEYPOT}
    return Fetched(
        at=UnixMs(SENT_MS + each.after_ms),
        message_id=MessageId(copy.to_bytes(16, "big")),
        tenant="default",
        index=0,
        link_number=each.what if isinstance(each.what, int) else numbers[each.what],
        link="",
        sent_s=SENT_MS // 1000,
        network=network_of(each.address),
        agent=reduced_agent(each.agent),
        method=each.method,
        signs=signs_of(seen, networks),
    )
