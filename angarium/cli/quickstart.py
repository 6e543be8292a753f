"""``postmaster quickstart``: from a domain to a server that can be started, and the DNS records that it wants."""

import datetime
import ipaddress
import os
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.access.credential_file import CredentialError, add_user, credential_path, list_users
from angarium.access.self_signed import VALID_DAYS, make_self_signed
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_CANTCREAT, EX_CONFIG, EX_NOPERM, EX_USAGE, CommandError
from angarium.cli.quickstart_files import (
    PRIVILEGED,
    UNPRIVILEGED,
    Answers,
    configuration,
    sendmail_configuration,
)
from angarium.config.address import a_labels, is_host_name
from angarium.config.loader import load, parse
from angarium.config.schema import Config, Server
from angarium.dkim.errors import KeyFileError
from angarium.dkim.keygen import generate, record_text, write_private_key
from angarium.dkim.keys import KeyType, load_private_key
from angarium.host.directory import Directory
from angarium.host.identity import Identity, find_identity
from angarium.host.owner import acting_as_owner
from angarium.insight.dns_records import DnsRecord, PublishedKey, wanted_records

DATA_DIR: Final = "/var/lib/angarium"  # of a server for the system
_SERVER_USER: Final = "angarium"
_KEYS: Final[tuple[tuple[str, KeyType], ...]] = (("s1", "rsa"), ("s2", "ed25519"))
_PASSWORD_OCTETS: Final = 18  # ours: 144 bits, 24 characters
# RFC 5737: nobody is there, and a datagram socket that connects sends nothing
_ANYBODY: Final = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    """What the command printed, for programs."""

    config: str
    written: list[str]  # files; empty: all was there already
    user: str | None = None
    password: str | None = None  # shown this once
    records: list[DnsRecord]


@click.command()
@click.argument("domain")
@click.option(
    "--hostname", help="The server's name in DNS (default: this machine's, or mx1.DOMAIN)."
)
@click.option(
    "--address",
    "addresses",
    multiple=True,
    help="From which mail leaves; repeat for IPv6 (default: this machine's, where it is public).",
)
@click.option("--user", "name", help="The first user (default: the domain's first label).")
@click.option("--json", "as_json", is_flag=True)
@config_option
def quickstart(
    domain: str,
    hostname: str | None,
    addresses: tuple[str, ...],
    name: str | None,
    as_json: bool,
    config_file: Path,
) -> None:
    """Write a first configuration for DOMAIN, and print its DNS records.

    Makes the configuration with its keys, a certificate to begin with, and a first user. As root for the system;
    else in the directory of --config, with ports that need no rights. Where the configuration exists it is kept,
    and only the records are printed.
    """
    domain = _host_name("DOMAIN", domain)
    hostname = _host_name("--hostname", hostname or _own_name(domain))
    addresses = tuple(map(_address, addresses)) or _own_addresses()
    config_file = config_file.absolute()
    if config_file.exists():
        done = _existing(config_file, domain, addresses)
    else:
        done = _new(config_file, domain, hostname, addresses, name or domain.partition(".")[0])
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(done)).decode())
    else:
        _print(done, domain, hostname, addresses)


def _existing(config_file: Path, domain: str, addresses: Sequence[str]) -> _Done:
    config = load(config_file)
    if all(each.domain != domain for each in config.dkim.keys):
        raise CommandError(
            f"{config_file} exists, without a key of {domain}: add one by `postmaster dkim keygen`,"
            " or begin another configuration by --config FILE",
            EX_CANTCREAT,
        )
    return _Done(config=str(config_file), written=[], records=_records(config, addresses))


def _new(
    config_file: Path, domain: str, hostname: str, addresses: Sequence[str], name: str
) -> _Done:
    folder = config_file.parent
    is_root = os.geteuid() == 0
    user = _SERVER_USER if is_root else None
    identity = find_identity(Server(hostname=hostname, user=user)) if is_root else None
    answers = Answers(
        domain=domain,
        hostname=hostname,
        data_dir=DATA_DIR if is_root else "data",
        user=user,
        key_files=[(selector, f"keys/{domain}.{selector}.pem") for selector, _ in _KEYS],
        ports=PRIVILEGED if is_root else UNPRIVILEGED,
    )
    text = configuration(answers)
    config = parse(text, config_file)  # a fault of ours is found before anything is written
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot(folder, error) from error
    for below in ("keys", "tls"):
        _directory(folder / below, identity)
    with acting_as_owner(folder / "keys"):
        for (_, file), (_, kind) in zip(answers.key_files, _KEYS, strict=True):
            if not (folder / file).exists():  # of a run that ended early
                written.append(_key(folder / file, kind))
    with acting_as_owner(folder / "tls"):
        if not (folder / "tls" / "fullchain.pem").exists():
            written += _certificate(folder / "tls", hostname)
    password = _first_user(Path(config.server.data_dir), identity, name, domain)
    if not (folder / "sendmail.toml").exists():
        written.append(_file(folder / "sendmail.toml", sendmail_configuration(answers), 0o644))
    written.append(_file(config_file, text, 0o644))  # last: with it all is there
    return _Done(
        config=str(config_file),
        written=written,
        user=name,
        password=password,
        records=_records(config, addresses),
    )


def _first_user(data_dir: Path, identity: Identity | None, name: str, domain: str) -> str | None:
    """Return the password; None: there is such a user already."""
    _directory(data_dir, identity)
    path = credential_path(data_dir)
    password = secrets.token_urlsafe(_PASSWORD_OCTETS)
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    try:
        with acting_as_owner(data_dir):
            if any(each.name == name for each in list_users(path)):
                return None
            add_user(path, name, password, senders=[f"@{domain}"], created=created)
    except CredentialError as error:
        raise CommandError(str(error), EX_CONFIG) from error
    return password


def _key(path: Path, kind: KeyType) -> str:
    try:
        write_private_key(path, generate(kind))
    except KeyFileError as error:
        raise CommandError(str(error), EX_CANTCREAT) from error
    return str(path)


def _certificate(folder: Path, hostname: str) -> list[str]:
    certificate, key = make_self_signed(hostname, datetime.datetime.now(datetime.UTC))
    return [
        _file(folder / "privkey.pem", key.decode(), 0o600),
        _file(folder / "fullchain.pem", certificate.decode(), 0o644),
    ]


def _directory(path: Path, identity: Identity | None) -> None:
    """Make it, where it is missing; then it is the identity's, mode 0700."""
    try:
        with Directory(path.parent, path.name, make=True) as directory:
            if identity is not None:
                directory.give(identity)
    except OSError as error:
        raise _cannot(path, error) from error


def _file(path: Path, text: str, mode: int) -> str:
    """Write a new file; on disk when it returns."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(fd, "w") as file:
            os.fchmod(fd, mode)
            file.write(text)
            file.flush()
            os.fsync(fd)
    except OSError as error:
        raise _cannot(path, error) from error
    return str(path)


def _cannot(path: Path, error: OSError) -> CommandError:
    code = EX_NOPERM if isinstance(error, PermissionError) else EX_CANTCREAT
    return CommandError(f"{path}: {error.strerror}; run it as root, or give --config FILE", code)


def _records(config: Config, addresses: Sequence[str]) -> list[DnsRecord]:
    keys = []
    for each in config.dkim.keys:
        try:
            public = load_private_key(Path(each.file)).public_key()
        except KeyFileError as error:
            raise CommandError(str(error), EX_CONFIG) from error
        name = f"{each.selector}._domainkey.{each.domain}"
        keys.append(PublishedKey(record_name=name, record=record_text(public)))
    domains = dict.fromkeys(each.domain for each in config.dkim.keys)
    hostname = config.server.hostname
    return list(wanted_records(hostname=hostname, addresses=addresses, domains=domains, keys=keys))


def _host_name(what: str, text: str) -> str:
    try:
        name = a_labels(text.strip().rstrip(".")).lower()
    except ValueError:
        name = ""
    if not is_host_name(name) or "." not in name:
        raise CommandError(f"{what}: {text!r} is no domain name, as example.com is", EX_USAGE)
    return name


def _own_name(domain: str) -> str:
    """This machine's name, where it is one below the domain."""
    name = socket.gethostname().lower()
    return name if name.endswith(f".{domain}") else f"mx1.{domain}"


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise CommandError(f"--address: {text!r} is no IP address", EX_USAGE) from None


def _own_addresses() -> tuple[str, ...]:
    """From which the system would send to anybody, where that is a public address. Sends nothing."""
    found = []
    for anybody, family in _ANYBODY:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((anybody, 9))
                address = ipaddress.ip_address(probe.getsockname()[0])
            except OSError:
                continue
        if address.is_global:
            found.append(str(address))
    return tuple(found)


def _print(done: _Done, domain: str, hostname: str, addresses: Sequence[str]) -> None:
    here = f" -c {done.config}" if os.geteuid() else ""
    if done.written:
        click.echo("Written:")
        for each in done.written:
            click.echo(f"  {each}")
        if done.password is not None:
            click.echo(f"\nThe first user is {done.user}, who sends as @{domain}.")
            click.echo(f"Its password, shown this once: {done.password}")
        click.echo(
            f"\nThe certificate is self-signed, for {VALID_DAYS} days: programs here take it, others will not.\n"
            f"Replace tls/fullchain.pem and tls/privkey.pem by one from a certificate authority."
        )
    else:
        click.echo(f"{done.config} was there already and is kept.")
    click.echo("\nDNS, as lines of a zone file:\n")
    for record in done.records:
        if record.purpose != "ptr":
            click.echo(record.zone_line)
    pointers = [each for each in done.records if each.purpose == "ptr"]
    if pointers:
        click.echo("\nand in the reverse zone, which belongs to whoever rents you the address:\n")
        for record in pointers:
            click.echo(record.zone_line)
    else:
        click.echo(
            f"\nThis machine's public address is not known: give it by --address for the A and PTR\n"
            f"records of {hostname} and a complete SPF record; run this again, nothing is written twice."
        )
    click.echo(
        f"\nThen:\n  postmaster{here} check\n  "
        + ("systemctl enable --now angarium" if not here else f"postmaster{here} serve")
    )
