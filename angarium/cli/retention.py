"""``postmaster retention``: how long each kind of what is stored is kept, and how old it is."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.platform_access import json_option, print_json, time_text, using_platform
from angarium.cli.queue.file import queue_errors, queue_path
from angarium.config.schema import Config
from angarium.insight.units import octets_text, span_text
from angarium.personal_data.retention import Kept, kinds
from angarium.queue.lmdb.ages import QueueAges
from angarium.queue.lmdb.person.operator import PersonOperator
from angarium.queue.wall_clock import wall_clock


@click.command(
    help="How long each kind of what is stored is kept, by which key of the configuration, how old the oldest is, and"
    " how much there is. Old records go by themselves, in small steps; see docs/data-protection.md."
)
@json_option
@config_option
def retention(as_json: bool, config_file: Path) -> None:
    with using_platform(config_file) as (platform, config):
        found = list(kinds(config, _ages(config), platform.audit))
    if as_json:
        shown = [
            {**msgspec.structs.asdict(each), "oldest": time_text(each.oldest)} for each in found
        ]
        print_json({"kinds": shown})
        return
    for line in _lines(found):
        click.echo(line)


def _ages(config: Config) -> QueueAges | None:
    """None: there is no queue yet."""
    path = queue_path(config)
    if not (path / "data.mdb").exists():
        return None
    with queue_errors():
        queue = PersonOperator.open(path, config.queue, wall_clock)
        try:
            return queue.ages()
        finally:
            queue.close()


def _lines(found: list[Kept]) -> Iterator[str]:
    now = wall_clock()
    for each in found:
        old = "" if each.oldest is None else f"oldest {span_text(now - each.oldest)}"
        much = ""
        if each.amount is not None:
            is_octets = each.unit == "octets"
            much = octets_text(each.amount) if is_octets else f"{each.amount} {each.unit}"
        kept = span_text(each.kept_s * 1000)
        yield f"{each.kind:<19} kept {kept:<8} {old:<16} {much:<16} {each.key}".rstrip()
