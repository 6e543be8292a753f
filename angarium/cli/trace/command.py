"""``postmaster trace``: how a domain's mail hosts, or one host, answer us, up to RCPT. Nothing is sent."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option, load_for_queue
from angarium.cli.exit import EX_DATAERR, EX_OK, EX_TEMPFAIL, EX_UNAVAILABLE, EX_USAGE, CommandError
from angarium.cli.main import DEFAULT_CONFIG
from angarium.cli.trace import watch as trace_watch
from angarium.cli.trace.dialogue import Dialogue, DialogueError, Line
from angarium.config.address import is_ip, parse_host_port, parse_smart_host
from angarium.config.error import ConfigError
from angarium.config.loader import load
from angarium.config.schema import Config, Server
from angarium.mta.transport.client_tls import ClientTls
from angarium.mta.transport.transfer import TlsPolicy
from angarium.queue.destination import SES
from angarium.routing.address_rules import literal_address
from angarium.smtp.client.command import ArgumentError, ehlo_argument, path
from angarium.smtp.reply import Reply

_IMPLICIT_TLS_PORT: Final = 465  # RFC 8314 section 3.3
_Show = Callable[[Line], None]
_SHOWN: Final = {">": "-->", "<": "<--", "*": "   "}


class _Host(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    address: str
    port: int
    implicit_tls: bool


class _Wish(msgspec.Struct, frozen=True, kw_only=True):
    reverse_path: str
    forward_paths: tuple[str, ...]
    tls: str  # auto | starttls | none
    ehlo: str
    timeout_s: float


@click.command(
    help="See how the mail hosts of TARGET (a domain, an address at one, or host:port) answer us, up to RCPT."
    " Nothing is sent.\n\n"
    "With --watch or --watch-listener, without TARGET: the dialogues of the running server as they happen, without"
    " passwords and content."
)
@click.argument("target", required=False)
@click.option("--from", "reverse_path", default="", help="Sender for MAIL FROM (default: <>).")
@click.option(
    "--to", "forward_paths", multiple=True, help="Recipient for RCPT TO; may be repeated."
)
@click.option("--starttls", "tls", flag_value="starttls", help="Fail if there is no STARTTLS.")
@click.option("--no-tls", "tls", flag_value="none", help="Stay in the clear.")
@click.option("--all", "all_hosts", is_flag=True, help="Every host, not only until one answers.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 600),
    default=30.0,
    show_default=True,
    help="Seconds for each reply.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.option(
    "--watch",
    metavar="NAME",
    help="Outgoing sessions with mail for the domain NAME, or with the mail host NAME (or address).",
)
@click.option("--watch-listener", metavar="ADDRESS", help="Incoming sessions at a listener.")
@click.option("--for", "for_s", type=click.FloatRange(0.1), help="Watch so many seconds.")
@click.option("--sessions", type=click.IntRange(1), help="Watch until so many have ended.")
@config_option
def trace(
    target: str | None,
    reverse_path: str,
    forward_paths: tuple[str, ...],
    tls: str | None,
    all_hosts: bool,
    timeout_s: float,
    as_json: bool,
    watch: str | None,
    watch_listener: str | None,
    for_s: float | None,
    sessions: int | None,
    config_file: Path,
) -> int:
    if [target, watch, watch_listener].count(None) != 2:
        raise CommandError("give one of TARGET, --watch and --watch-listener", EX_USAGE)
    if target is None:
        note_act(config_file, "sessions.watched", watch or watch_listener or "")
        return trace_watch.watch(
            load_for_queue(config_file),
            domain=watch,
            listener=watch_listener,
            for_s=for_s,
            sessions=sessions,
            as_json=as_json,
        )
    if for_s is not None or sessions is not None:
        raise CommandError("--for and --sessions belong to --watch", EX_USAGE)
    if "@" in target and not forward_paths:
        forward_paths = (target,)
    try:
        for each in (reverse_path, *forward_paths):
            path(each)
    except ArgumentError as error:
        raise CommandError(str(error), EX_USAGE) from error
    config = _find_config(config_file)
    wish = _Wish(
        reverse_path=reverse_path,
        forward_paths=forward_paths,
        tls=tls or "auto",
        ehlo=config.server.hostname,
        timeout_s=timeout_s,
    )
    show = _show_json if as_json else _show
    return asyncio.run(_trace(target.rpartition("@")[2], config, wish, show, all_hosts=all_hosts))


async def _trace(target: str, config: Config, wish: _Wish, show: _Show, *, all_hosts: bool) -> int:
    code = EX_UNAVAILABLE
    for host in await _hosts(target, config, show):
        dialogue = Dialogue(show, wish.timeout_s)
        try:
            code = await _talk(dialogue, host, wish)
        except DialogueError as error:
            dialogue.note(str(error))
            await dialogue.close(quit_first=False)
            code = EX_UNAVAILABLE
            continue
        if not all_hosts:
            break
    return code


async def _talk(dialogue: Dialogue, host: _Host, wish: _Wish) -> int:
    dialogue.note(f"host {host.name}")
    context = ClientTls().context_for(TlsPolicy(mode="required"))
    implicit = host.implicit_tls and wish.tls != "none"
    await dialogue.connect(host.address, host.port, context if implicit else None, host.name)
    banner = await dialogue.reply()
    if banner.code != 220:
        await dialogue.close(quit_first=True)
        return _exit_code([banner.code])
    reply = await dialogue.ehlo(wish.ehlo)
    if not implicit and wish.tls != "none":
        if dialogue.capabilities.starttls:
            reply = await _secure(dialogue, host, context, wish)
        elif wish.tls == "starttls":
            dialogue.note("STARTTLS is not offered")
            await dialogue.close(quit_first=True)
            return EX_UNAVAILABLE
    codes = [reply.code]
    if reply.code // 100 == 2 and wish.forward_paths:
        codes = [each.code for each in await dialogue.probe(wish.reverse_path, wish.forward_paths)]
    await dialogue.close(quit_first=True)
    return _exit_code(codes)


async def _secure(dialogue: Dialogue, host: _Host, context: ssl.SSLContext, wish: _Wish) -> Reply:
    reply = await dialogue.starttls(context, host.name)
    if reply.code // 100 == 2:
        return await dialogue.ehlo(wish.ehlo)
    if wish.tls == "starttls":
        raise DialogueError("STARTTLS was refused")
    dialogue.note("going on in the clear")
    return reply


async def _hosts(target: str, config: Config, show: _Show) -> Sequence[_Host]:
    """The host that was named, or those of the domain in the order of delivery. Raises CommandError."""
    address = target if is_ip(target) else literal_address(target)
    if address is not None:
        return [_named(address, address, config.delivery.port)]
    if target.startswith("[") or ":" in target:
        try:
            at = parse_host_port(target, default_port=config.delivery.port)
        except ValueError as error:
            raise CommandError(str(error), EX_USAGE) from error
        address = at.host if is_ip(at.host) else await _system_address(at.host, at.port)
        return [_named(at.host, address, at.port)]
    return await _mx_hosts(target, config, show)


def _named(name: str, address: str, port: int) -> _Host:
    return _Host(name=name, address=address, port=port, implicit_tls=port == _IMPLICIT_TLS_PORT)


async def _system_address(host: str, port: int) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port)
    except OSError as error:
        raise CommandError(f"{host}: {error.strerror or error}", EX_UNAVAILABLE) from error
    return str(found[0][4][0])


async def _mx_hosts(domain: str, config: Config, show: _Show) -> Sequence[_Host]:
    from angarium.routing.dns import DnsResolver, DnsSetupError
    from angarium.routing.host_name import canonical_name
    from angarium.routing.resolution import Site, Unroutable
    from angarium.routing.resolver import Resolver
    from angarium.routing.routing import Routing
    from angarium.service.delivery.parts import own_host

    try:
        dns = DnsResolver(config.dns, time.monotonic)
    except DnsSetupError as error:
        raise CommandError(str(error), EX_UNAVAILABLE) from error
    own = own_host(config)
    resolver = Resolver(config, dns, own, Routing.of(config), time.monotonic)
    try:
        found = await resolver.resolve(canonical_name(domain))
    finally:
        await dns.close()
    if isinstance(found, Unroutable):
        code = EX_DATAERR if found.permanent else EX_TEMPFAIL
        raise CommandError(f"{domain}: {found.code} {found.enhanced} {found.text}", code)
    assert isinstance(found, Site)
    if found.via == SES:
        text = f"{domain} goes by the API of Amazon SES: there is no SMTP session to look at"
        raise CommandError(text, EX_DATAERR)
    how = "by MX" if found.via == "mx" else f"through {found.via}"
    text = f"{domain} goes {how}, provider {found.provider.name}: " + ", ".join(
        f"{each.name} ({each.preference})" for each in found.hosts
    )
    show(Line(at_ms=0, direction="*", text=text))
    implicit = found.via != "mx" and parse_smart_host(found.via).implicit_tls
    return [
        _Host(name=each.name, address=address, port=each.port, implicit_tls=implicit)
        for each in found.hosts
        for address in each.addresses
    ]


def _find_config(file: Path) -> Config:
    """The configuration if there is one: a host can be looked at from a machine that has none."""
    try:
        return load(file)
    except ConfigError as error:
        if file.exists() or file != Path(DEFAULT_CONFIG):  # one that was named is meant
            raise
        name = socket.getfqdn()
        try:
            return Config(server=Server(hostname=ehlo_argument(name)))
        except ArgumentError:
            raise error from None


def _exit_code(codes: Sequence[int]) -> int:
    if any(code >= 500 for code in codes):
        return EX_UNAVAILABLE
    return EX_TEMPFAIL if any(code >= 400 for code in codes) else EX_OK


def _show(line: Line) -> None:
    click.echo(f"{line.at_ms / 1000:8.3f} {_SHOWN[line.direction]} {line.text}")


def _show_json(line: Line) -> None:
    click.echo(msgspec.json.encode(line).decode())
