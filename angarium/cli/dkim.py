"""``postmaster dkim``: make keys, print their DNS records, verify signed messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import (
    EX_CANTCREAT,
    EX_CONFIG,
    EX_DATAERR,
    EX_NOINPUT,
    EX_TEMPFAIL,
    EX_USAGE,
    CommandError,
)
from angarium.config.address import is_ip, parse_host_port
from angarium.config.loader import load
from angarium.dkim.errors import DkimError, KeyFileError
from angarium.dkim.keygen import generate, record_text, write_private_key, zone_line
from angarium.dkim.keyring import KeyRing, check_name
from angarium.dkim.keys import KeyType, SigningKey, load_private_key
from angarium.dkim.record_lookup import from_file, from_nameservers
from angarium.dkim.txt import txt_strings
from angarium.dkim.verify import SignatureResult, TxtLookup, verify

MAX_MESSAGE_OCTETS = 67_108_864  # ours: what `verify` reads into memory


@click.group()
def dkim() -> None:
    """DKIM keys, their DNS records, and signatures."""


@dkim.command()
@click.option("--domain", required=True, help="The domain that signs (d=).")
@click.option("--selector", required=True, help="The key's name under the domain (s=).")
@click.option("--type", "kind", type=click.Choice(["rsa", "ed25519"]), default="rsa")
@click.option("--out", type=click.Path(path_type=Path), help="Default: DOMAIN.SELECTOR.pem")
@click.option("--json", "as_json", is_flag=True)
def keygen(domain: str, selector: str, kind: KeyType, out: Path | None, as_json: bool) -> None:
    """Make a key and print its DNS record. RSA with 2048 bits, or Ed25519; the file gets mode 0600."""
    try:
        name = check_name("domain", domain)
        label = check_name("selector", selector)
    except KeyFileError as e:
        raise CommandError(str(e), EX_USAGE) from None
    path = out or Path(f"{name}.{label}.pem")
    key = SigningKey(domain=name, selector=label, private=generate(kind))
    try:
        write_private_key(path, key.private)
    except KeyFileError as e:
        raise CommandError(str(e), EX_CANTCREAT) from None
    if as_json:
        _print_json({**_record(key), "file": str(path.absolute())})
        return
    click.echo(f"The private key is in {path} (mode 0600). Publish its public half:\n")
    click.echo(zone_line(key))
    click.echo("\nThen name it in the configuration:\n\n[dkim]")
    entry = f'domain = "{name}", selector = "{label}", file = "{path}"'
    click.echo(f"keys = [{{ {entry} }}]")


@dkim.command()
@config_option
@click.option("--key-file", type=click.Path(path_type=Path), help="One key, not the configured.")
@click.option("--domain", help="With --key-file: its domain.")
@click.option("--selector", help="With --key-file: its selector.")
@click.option("--json", "as_json", is_flag=True)
def dns(
    config_file: Path,
    key_file: Path | None,
    domain: str | None,
    selector: str | None,
    as_json: bool,
) -> None:
    """Print the keys' DNS records. As zone file lines, of the configured keys or of one key file."""
    keys = _keys(config_file, key_file, domain, selector)
    if not keys:
        raise CommandError(f"no key in [dkim] of {config_file}; see `dkim keygen`", EX_CONFIG)
    if as_json:
        _print_json([_record(key) for key in keys])
        return
    for key in keys:
        click.echo(zone_line(key))


@dkim.command("verify")
@click.argument("file", type=click.File("rb"))
@click.option("--nameserver", help="host:port to ask, not the system's.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="A key (PEM, private or public) or a TXT record; DNS is not asked.",
)
@click.option("--json", "as_json", is_flag=True)
def verify_command(
    file: BinaryIO, nameserver: str | None, key_file: Path | None, as_json: bool
) -> None:
    """Check a message's signatures. FILE is the whole message; - reads standard input.

    Exits with 0 when one is good, 65 when none is, 75 when a key could not be fetched just now.
    """
    if nameserver and key_file:
        raise CommandError("--nameserver and --key-file exclude each other", EX_USAGE)
    content = file.read(MAX_MESSAGE_OCTETS + 1)
    if len(content) > MAX_MESSAGE_OCTETS:
        raise CommandError(f"the message is larger than {MAX_MESSAGE_OCTETS} octets", EX_DATAERR)
    results = verify(content, _lookup(nameserver, key_file))
    if as_json:
        _print_json(results)
    else:
        _print_results(results)
    states = {result.status for result in results}
    if "pass" not in states:
        raise SystemExit(EX_TEMPFAIL if "temperror" in states else EX_DATAERR)


def _lookup(nameserver: str | None, key_file: Path | None) -> TxtLookup:
    if key_file is not None:
        try:
            return from_file(key_file)
        except DkimError as e:
            raise CommandError(str(e), EX_NOINPUT) from None
    if nameserver is None:
        return from_nameservers(())
    try:
        server = parse_host_port(nameserver, default_port=53)
    except ValueError as e:
        raise CommandError(f"--nameserver: {e}", EX_USAGE) from None
    if not is_ip(server.host):
        raise CommandError("--nameserver: give its address, not a name", EX_USAGE)
    return from_nameservers((server,))


def _keys(
    config_file: Path, key_file: Path | None, domain: str | None, selector: str | None
) -> tuple[SigningKey, ...]:
    if key_file is None:
        try:
            return KeyRing.load(load(config_file).dkim).keys()
        except KeyFileError as e:
            raise CommandError(str(e), EX_CONFIG) from None
    if not domain or not selector:
        raise CommandError("--key-file needs --domain and --selector", EX_USAGE)
    try:
        name, label = check_name("domain", domain), check_name("selector", selector)
        return (SigningKey(domain=name, selector=label, private=load_private_key(key_file)),)
    except KeyFileError as e:
        raise CommandError(str(e), EX_NOINPUT) from None


def _record(key: SigningKey) -> dict[str, object]:
    record = record_text(key.private.public_key())
    return {
        "domain": key.domain,
        "selector": key.selector,
        "type": key.type,
        "name": key.record_name,
        "record": record,
        "strings": txt_strings(record),
    }


def _print_json(value: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def _print_results(results: Sequence[SignatureResult]) -> None:
    if not results:
        click.echo("not signed")
    for result in results:
        name = f"{result.selector}._domainkey.{result.domain}" if result.domain else "signature"
        words = [result.status, name, result.algorithm, result.reason]
        if result.body_octets is not None:
            words.append(f"(covers the first {result.body_octets} octets of the body only)")
        click.echo(" ".join(word for word in words if word))
