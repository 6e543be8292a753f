"""``postmaster template test``: a mail of a template to those who are to look at it, by the HTTP API."""

from collections.abc import Sequence
from pathlib import Path

import click

from angarium.cli.exit import EX_OK, EX_TEMPFAIL, EX_USAGE, CommandError
from angarium.cli.platform_access import json_option, print_json
from angarium.cli.send_by_api import code_of, find_key
from angarium.cli.template.options import (
    data_option,
    locale_option,
    name_argument,
    read_data,
    version_option,
)
from angarium.client import ApiError, Client, ConnectionFailedError
from angarium.smtp.reply import clean_text


@click.command()
@name_argument
@click.option(
    "--to", "recipients", multiple=True, required=True, help="Who gets it; repeat for more."
)
@click.option("--from", "sender", required=True, help="Whom it is from.")
@click.option(
    "--api",
    metavar="URL",
    required=True,
    help="Of the server; the key is in ANGARIUM_API_KEY, or is asked for.",
)
@version_option
@data_option
@locale_option
@click.option("--key-stdin", is_flag=True, help="Read the key from stdin's first line.")
@json_option
def test(
    name: str,
    recipients: Sequence[str],
    sender: str,
    api: str,
    number: int | None,
    data_file: Path | None,
    locale: str,
    key_stdin: bool,
    as_json: bool,
) -> int:
    """Send template NAME to some addresses, filled with its sample or with other data; a draft, too."""
    if not api.startswith(("http://", "https://")):
        raise CommandError("--api is a URL, as https://mail.example.com", EX_USAGE)
    data = read_data(data_file)
    key = find_key(from_stdin=key_stdin)
    try:
        with Client(api, key) as client:
            sent = client.test_template(
                name, sender=sender, to=recipients, version=number, data=data, locale=locale
            )
    except ConnectionFailedError as error:
        raise CommandError(clean_text(str(error)), EX_TEMPFAIL) from error
    except ApiError as error:
        raise CommandError(f"{error.status} {clean_text(str(error))}", code_of(error)) from error
    if as_json:
        print_json({"email_id": sent.email_id, "message_id": sent.message_id})
        return EX_OK
    click.echo(f"{sent.email_id} {sent.status}, Message-ID {clean_text(sent.message_id)}")
    return EX_OK
