"""What the demo shows: a live table on a terminal, plain lines elsewhere. Draws; decides nothing."""

import contextlib
import re
from collections.abc import Iterator, Sequence

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from angarium.simulator.demo.ledger import Ledger
from angarium.simulator.demo.plan import TEMPERS
from angarium.simulator.demo.standing import Standing
from angarium.simulator.demo.verdict import VerdictLine
from angarium.simulator.demo.world import SENDERS_PROVIDER
from angarium.simulator.internet import Internet

REFRESH_PER_S = 4
PLAIN_EVERY_S = 2.0
MIN_WIDTH = 130  # of a table that is not on a terminal
WIDTH_WITH_TEMPER = 105


class View:
    """Prints to ``console``; ``elapsed_s`` is the caller's clock."""

    def __init__(self, console: Console, ledger: Ledger, net: Internet) -> None:
        self._console = console
        self._ledger = ledger
        self._net = net
        self._live: Live | None = None
        self._plain_at = 0.0
        self._finals: int | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While inside, ``update`` redraws; without a terminal it prints a line now and then."""
        if not self._console.is_terminal:
            yield
            return
        with Live(
            self.table(0), console=self._console, refresh_per_second=REFRESH_PER_S, transient=True
        ) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def update(self, elapsed_s: float) -> None:
        if self._live is not None:
            self._live.update(self.table(elapsed_s))
        elif elapsed_s - self._plain_at >= PLAIN_EVERY_S:
            self._plain_at = elapsed_s
            self.say(self._summary(elapsed_s))

    def update_finals(self, elapsed_s: float) -> None:
        """Print a line when more recipients have their outcome than at the last call."""
        finals = sum(len(entry.finals) for entry in self._ledger.entries.values())
        if self._finals not in (None, finals):
            self.say(self._summary(elapsed_s))
        self._finals = finals

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show_table(self, elapsed_s: float) -> None:
        self._console.print(self.table(elapsed_s))

    def show_standing(self, standing: Standing) -> None:
        """What an operator would ask for, as the commands print it."""
        for command, said in standing.shown:
            self._console.print(Text(f"$ postmaster {command}", "bold"))
            self.say(f"{said}\n")

    def table(self, elapsed_s: float) -> RenderableType:
        with_temper = self._console.width >= WIDTH_WITH_TEMPER
        title = "Angarium delivers to a small internet on loopback"
        table = Table(title=title, box=SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0))
        table.add_column("provider", no_wrap=True, min_width=max(map(len, TEMPERS)))
        if with_temper:
            width = max(map(len, TEMPERS.values()))
            table.add_column("temper", no_wrap=True, min_width=width, style="dim")
        for name, style in (
            ("sent", ""),
            ("delivered", "green"),
            ("deferred", "yellow"),
            ("bounced", "red"),
            ("retrying", "cyan"),
        ):
            table.add_column(name, justify="right", style=style, no_wrap=True, min_width=len(name))
        table.add_column("last reply", no_wrap=True, overflow="ellipsis", ratio=1)
        for provider, temper in TEMPERS.items():
            row = self._ledger.rows[provider]
            counts = (
                row.sent,
                row.delivered,
                row.deferrals,
                row.bounced,
                self._ledger.waiting(row),
            )
            cells = [provider, temper] if with_temper else [provider]
            cells += (str(count) if count else "." for count in counts)
            table.add_row(*cells, Text(row.last_reply))
        return Group(table, Text(self._summary(elapsed_s)))

    def _summary(self, elapsed_s: float) -> str:
        rows = self._ledger.rows.values()
        counts = {
            "sent": sum(row.sent for row in rows),
            "delivered": sum(row.delivered for row in rows),
            "deferred": sum(row.deferrals for row in rows),
            "bounced": sum(row.bounced for row in rows),
            "retrying": sum(self._ledger.waiting(row) for row in rows),
            "DSNs at the senders": self._net.mailboxes[SENDERS_PROVIDER].statistics.messages,
        }
        return f"{elapsed_s:5.1f} s   " + "   ".join(f"{k} {v}" for k, v in counts.items())


def show_findings(console: Console, findings: Sequence[VerdictLine]) -> None:
    for finding in findings:
        mark = Text("ok   ", "green") if finding.ok else Text("FAIL ", "bold red")
        console.print(mark + Text(finding.text, "" if finding.ok else "red"))
        for example in finding.examples:
            console.print(f"       {example}", markup=False, highlight=False, soft_wrap=True)


def guide(postmaster: str, config: str, web: str, queue_id: str | None, status: str) -> str:
    """Return where to look next, with commands that work as they stand."""
    some = queue_id or "ID"
    return f"""
The server is still running. In another terminal:

  {postmaster} queue list --config {config}
  {postmaster} queue explain {some} --config {config}
  {postmaster} queue list --config {config} --domain hazel.example --json
  {postmaster} top --config {config}
  {postmaster} warmup show --config {config}
  {postmaster} rules list --config {config}
  {postmaster} trace --config {config} cedar.example
  {postmaster} dkim dns --config {config}
  {postmaster} webhook list --config {config}
  {postmaster} key create --config {config}      (then: curl {web}/v1/key -H "X-API-Key: ...")
  curl -s {web}/metrics          (also /healthz and /readyz)
  curl -s -X POST {status}/providers/hazel/up     (hazel comes back: watch its mail arrive)

The ten-minute path to a real server is in README.md.
"""


def save_picture(console: Console, path: str) -> None:
    """What a recording console printed, as an SVG that fetches no font from anywhere."""
    plain = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    console.save_svg(path, title="bin/demo --once", code_format=plain)
