"""Tables for people, JSON for machines."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from bench.angarium_peer import TOP
from bench.measure import Result

RESULTS: Final = TOP / "bench/results"
_COLUMNS: Final = (
    "octets",
    "system",
    "accepted/s",
    "end to end/s",
    "of rounds",
    "CPU ms",
    "of the load ms",
    "peak MB",
    "anon MB",
    "exactly once",
)
_WORDS: Final = ("system", "exactly once")
console: Final = Console(highlight=False)
if not console.is_terminal:
    console.width = 170  # in a file or a pipe a table need not be squeezed


def print_machine(machine: dict[str, Any]) -> None:
    commit = machine["commit"] + (" + changes" if machine["modified"] else "")
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_octets'] / 2**30:.0f} GiB, "
        f"{machine['file_system']}, Python {machine['python']}, Postfix {machine['postfix']}, "
        f"Exim {machine['exim']}, OpenSMTPD {machine['opensmtpd']}, "
        f"commit {commit}, load average {machine['load_average_before']:.2f}, "
        f"processor time of {machine['processor_time_of']}"
    )


def print_results(title: str, results: Sequence[Result], *references: str) -> None:
    """Print one line per system and size."""
    table = Table(title=title, title_justify="left")
    for name in (*_COLUMNS, *(f"of {each}" for each in references)):
        table.add_column(name, justify="left" if name in _WORDS else "right")
    for row in result_rows(results, references):
        table.add_row(*row)
    console.print(table)


def result_rows(results: Sequence[Result], references: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the cells under ``_COLUMNS``, then the ratio to each reference at the same size.

    A cell is empty where there is nothing to say: what costs nothing, or a reference that did not run.
    """
    rates = {(each.peer, each.size): each.end_to_end_per_s for each in results}
    return [
        (
            f"{each.size:,}",
            each.peer,
            f"{each.accept_per_s:,.0f}",
            f"{each.end_to_end_per_s:,.0f}",
            f"{each.slowest_per_s:,.0f}-{each.fastest_per_s:,.0f}",
            f"{each.cpu_ms:.3f}" if each.cpu_ms else "",
            f"{each.load_ms:.3f}",
            f"{each.memory_pss / 1e6:,.0f}" if each.memory_pss else "",
            f"{each.memory_anonymous / 1e6:,.0f}" if each.memory_pss else "",
            "proved" if each.proved_once else "count only",
            *(
                f"{each.end_to_end_per_s / rate:.2f}"
                if (rate := rates.get((name, each.size)))
                else ""
                for name in references
            ),
        )
        for each in results
    ]


def ratios(results: Sequence[Result], reference: str) -> dict[str, float]:
    rates = {each.size: each.end_to_end_per_s for each in results if each.peer == reference}
    return {
        f"{each.peer}, {each.size} octets": round(each.end_to_end_per_s / rates[each.size], 3)
        for each in results
        if each.size in rates and each.peer != reference
    }


def save(name: str, machine: dict[str, Any], **parts: Any) -> Path:
    """Write one run as JSON and return its file."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = RESULTS / f"{name}-{at}.json"
    octets = msgspec.json.encode({"benchmark": name, "machine": machine, **parts})
    path.write_bytes(msgspec.json.format(octets, indent=2) + b"\n")
    console.print(f"written to {path.relative_to(TOP)}\n")
    return path
