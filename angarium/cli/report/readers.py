"""``postmaster report readers``: who opened mail and followed its links."""

from collections.abc import Iterator
from pathlib import Path

import click

from angarium.cli.config_option import config_option
from angarium.cli.counter_access import config_of
from angarium.cli.exit import EX_IOERR, EX_USAGE, CommandError
from angarium.cli.moment import Moment
from angarium.cli.platform_access import print_json
from angarium.config.schema import Config
from angarium.history.opening import history_url
from angarium.history.readers import Reader
from angarium.history.story import HistoryAwayError, StoryFilter
from angarium.host.owner import acting_as_owner
from angarium.insight.csv_text import csv_octets
from angarium.queue.model import DEFAULT_TENANT, UnixMs
from angarium.queue.wall_clock import wall_clock
from angarium.telemetry.timestamp import rfc3339

_PAGE = 500
_COLUMNS = (
    *("recipient", "email_id", "campaign", "opened", "first_opened_at"),
    *("clicked", "first_clicked_at", "links"),
)


@click.command()
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Of this tenant's mail.")
@click.option("--campaign", default="", help="Only of this campaign.")
@click.option("--stream", default="", help="Only of this stream.")
@click.option("--tag", default="", help="Only of mail with this tag: name:value, or a word.")
@click.option(
    "--since", type=Moment(wall_clock), help="Only of mail accepted since: 7d, 2026-07-01."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@config_option
def readers(
    tenant: str,
    campaign: str,
    stream: str,
    tag: str,
    since: int | None,
    as_json: bool,
    as_csv: bool,
    config_file: Path,
) -> None:
    """List who opened mail and followed links in it, as far as can be told as persons; the newest mail first.

    Of mail that is tracked without names, and of recipients without consent, it is not known.
    """
    if as_json and as_csv:
        raise CommandError("--json and --csv: choose one of them", EX_USAGE)
    wanted = StoryFilter(
        campaign=campaign,
        stream=stream,
        tag=tag,
        since=None if since is None else UnixMs(since),
    )
    found = _read(config_of(config_file), tenant, wanted)
    if as_csv:
        lines = [[_cell(each) for each in _shown(reader).values()] for reader in found]
        click.echo(csv_octets([_COLUMNS, *lines]), nl=False)
        return
    anybody = False
    for each in found:
        anybody = True
        if as_json:
            print_json(_shown(each))
        else:
            links = f"  {' '.join(each.links)}" if each.links else ""
            click.echo(f"{each.address}  opened {each.opens}  clicked {each.clicks}{links}")
    if not anybody and not as_json:
        click.echo("Nobody is known to have read any.")


def _read(config: Config, tenant: str, wanted: StoryFilter) -> Iterator[Reader]:
    """Raises CommandError."""
    # Imported where it is used: SQLAlchemy is 25 MB
    from angarium.history.database import HistoryDatabase
    from angarium.history.reading import SqlReader

    data_dir = Path(config.server.data_dir)
    try:
        with acting_as_owner(data_dir):
            database = HistoryDatabase(history_url(config), data_dir)
            reader = SqlReader(database, wall_clock)
            try:
                cursor: str | None = None
                while True:
                    page = reader.readers(tenant, wanted, cursor, _PAGE)
                    yield from page.readers
                    if page.cursor is None:
                        return
                    cursor = page.cursor
            finally:
                database.close()
    except HistoryAwayError as error:
        text = f"{error}: nothing was written yet, or [history] of is none"
        raise CommandError(text, EX_IOERR) from None


def _shown(reader: Reader) -> dict[str, object]:
    opened, clicked = reader.first_opened, reader.first_clicked
    return {
        "recipient": reader.address,
        "email_id": reader.email_id,
        "campaign": reader.campaign,
        "opened": reader.opens,
        "first_opened_at": None if opened is None else rfc3339(opened),
        "clicked": reader.clicks,
        "first_clicked_at": None if clicked is None else rfc3339(clicked),
        "links": list(reader.links),
    }


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)
