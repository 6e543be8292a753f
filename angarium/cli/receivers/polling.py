"""``postmaster receivers poll``: asks Google or Microsoft now, as the server does daily."""

import asyncio
from pathlib import Path

import click

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_OK, EX_UNAVAILABLE, EX_USAGE, CommandError
from angarium.cli.receivers.opening import load_config, writing
from angarium.cli.receivers.printing import print_json
from angarium.queue.wall_clock import wall_clock
from angarium.receiver_reports.accounts import accounts_of
from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.poll_state import PollKeeper
from angarium.receiver_reports.polling import Poller, PollError
from angarium.receiver_reports.writing import ReportWriter


@click.command(help="Ask Google and Microsoft now for their figures, as the server does daily.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.argument("provider", type=click.Choice(["google", "microsoft"]), required=False)
@config_option
def poll(as_json: bool, provider: str | None, config_file: Path) -> int:
    config = load_config(config_file)
    accounts = [each for each in accounts_of(config) if provider in (None, each.provider)]
    if not accounts:
        text = (
            "there is nobody to ask: [receiver_reports] names no google_key_file or snds_key_file"
        )
        raise CommandError(text, EX_USAGE)
    told: list[dict[str, object]] = []
    count = 0
    for account in accounts:
        with writing(config) as file:
            keeper = PollKeeper(file)
            problem, figures = "", list[Figure]()
            try:
                figures = asyncio.run(Poller(account, keeper, wall_clock).poll())
            except PollError as error:
                problem = str(error)
            else:
                ReportWriter(file).note(figures, wall_clock())
            keeper.note(account.provider, wall_clock(), problem)
        count += len(figures)
        told.append({"provider": account.provider, "figures": len(figures), "problem": problem})
    asked = ", ".join(each.provider for each in accounts)
    note_act(config_file, "receiver_figures.polled", asked, figures=str(count))
    if as_json:
        print_json(told)
    else:
        for each in told:
            result = each["problem"] or f"{each['figures']} figures"
            click.echo(f"{each['provider']}: {result}")
    return EX_UNAVAILABLE if any(each["problem"] for each in told) else EX_OK
