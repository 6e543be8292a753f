"""``postmaster receivers import``: takes reports and figures out of files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_OK, EX_USAGE, CommandError
from angarium.cli.receivers.opening import load_config, writing
from angarium.cli.receivers.printing import print_json
from angarium.queue.wall_clock import wall_clock
from angarium.receiver_reports.bringing import Bringing, Brought
from angarium.receiver_reports.model import domain_name
from angarium.receiver_reports.writing import ReportWriter

# Ours: a mail with a packed report
MAX_OCTETS: Final = 64 << 20


@click.command(
    "import",
    help="Take reports out of files, or of all files of folders: XML, JSON, either in gzip or zip, and mails that have"
    " such. One that came before counts once. Or figures that were downloaded as CSV. The files stay.",
)
@click.option(
    "--kind",
    type=click.Choice(["reports", "snds", "snds-status", "postmaster-tools"]),
    default="reports",
    show_default=True,
    help="snds: Microsoft's data of addresses; snds-status: what it blocks; postmaster-tools: Google's figures.",
)
@click.option("--domain", default="", help="Whose figures of postmaster-tools they are.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per report.")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE...",
)
@config_option
def import_reports(
    kind: str, domain: str, as_json: bool, files: tuple[Path, ...], config_file: Path
) -> int:
    if bool(domain) != (kind == "postmaster-tools"):
        raise CommandError("--domain belongs to --kind postmaster-tools, which needs it", EX_USAGE)
    config = load_config(config_file)
    brought: list[Brought] = []
    # The files are read as who calls, the file of reports is opened as whose it is
    for path, octets in _read(files):
        with writing(config) as file:
            bringing = Bringing(ReportWriter(file), "import", wall_clock())
            if kind == "reports":
                found = bringing.file(path.name, octets)
            else:
                found = [bringing.figures(path.name, octets, kind, domain_name(domain))]  # type: ignore[arg-type]
        for each in found:
            _tell(each, as_json=as_json)
        brought += found
    taken = [each for each in brought if each.status != "refused"]
    if taken:
        about = taken[0].domain or kind
        note_act(config_file, "receiver_report.brought", about, reports=str(len(taken)))
    if not as_json:
        counts = {name: sum(it.status == name for it in brought) for name in ("new", "again")}
        refused = len(brought) - sum(counts.values())
        click.echo(f"{counts['new']} new, {counts['again']} there already, {refused} not taken")
    return EX_DATAERR if any(each.status == "refused" for each in brought) else EX_OK


def _read(files: tuple[Path, ...]) -> Iterator[tuple[Path, bytes]]:
    for path in files:
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if not each.is_file():
                continue
            try:
                with each.open("rb") as file:
                    yield each, file.read(MAX_OCTETS)
            except OSError as error:
                raise CommandError(f"{each}: {error.strerror}", EX_NOINPUT) from None


def _tell(brought: Brought, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.structs.asdict(brought))
        return
    if brought.status == "refused":
        click.echo(f"{brought.name}: not taken: {brought.why}")
        return
    what = " ".join(each for each in (brought.organization, brought.domain) if each)
    number = "" if brought.id is None else f" {brought.id}"
    again = ", there already" if brought.status == "again" else ""
    click.echo(f"{brought.name}: {brought.kind}{number} {what}, {brought.rows:,} rows{again}")
