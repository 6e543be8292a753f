"""Checks of this machine: directories, disk, ports, users, clock, limits."""

import contextlib
import fcntl
import ipaddress
import os
import resource
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from angarium.config.address import parse_host_port
from angarium.config.extras import Extra, lacking
from angarium.config.schema import Config
from angarium.host.directory import Directory
from angarium.host.identity import Identity, find_identity, refuse_closed_paths
from angarium.host.sockets import bind
from angarium.host.sysexits import StartError
from angarium.insight.checks.finding import Finding
from angarium.insight.checks.queue import check_queue
from angarium.insight.checks.reach import may
from angarium.insight.units import octets_text
from angarium.routing.patient_limit import SLOW

EARLIEST_CLOCK_S: Final = 1_735_689_600  # 2025-01-01: a clock before it has not been set
WIDEST_PREFIX: Final = {4: 8, 6: 7}  # 10.0.0.0/8 and fc00::/7 are the widest private networks
FILES_PER_CONNECTION: Final = 1
FILES_OF_OUR_OWN: Final = 64
NETWORK_FILE_SYSTEMS: Final = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "9p",
    "fuse.sshfs",
    "ceph",
    "glusterfs",
)


def check_host(config: Config) -> Iterator[Finding]:
    yield from _data_dir(config)
    yield from _mail_log(config)
    yield from check_queue(config)
    yield from _disk(config)
    yield from _user(config)
    yield from check_ports(config)
    yield from _sources(config)
    yield from _relay(config)
    yield from check_clock()
    yield from _open_files(config)
    yield from _traces(config)
    if not config.queue.sync:
        yield Finding(
            "queue", "warn", "queue.sync = false loses accepted mail on power loss; set it to true"
        )


def _is_running(config: Config) -> bool:
    """Whether a server holds the data directory's lock."""
    try:
        with Directory(Path(config.server.data_dir), "run") as run:
            fd = run.open("lock")
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _data_dir(config: Config) -> Iterator[Finding]:
    path = Path(config.server.data_dir)
    try:
        found = path.stat()
    except FileNotFoundError:
        parent = next(each for each in path.parents if each.exists())
        if os.access(parent, os.W_OK):
            yield Finding("data_dir", "ok", f"{path} will be made at the first start")
        else:
            yield Finding(
                "data_dir", "fail", f"{path} is missing and {parent} is not writable: make it"
            )
        return
    except OSError as error:
        yield Finding(
            "data_dir", "fail", f"{path}: {error.strerror}; run this as the server's user"
        )
        return
    if not stat.S_ISDIR(found.st_mode):
        yield Finding("data_dir", "fail", f"{path} is not a directory")
    elif os.statvfs(path).f_flag & os.ST_RDONLY:
        yield Finding(
            "data_dir", "fail", f"{path} is on a file system mounted read-only: remount it"
        )
    elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("data_dir", "fail", f"{path} is not ours: chown it to the server's user")
    elif found.st_mode & 0o077:
        yield Finding("data_dir", "warn", f"{path} is open to others: chmod 0700 {path}")
    else:
        yield Finding("data_dir", "ok", f"{path}, mode 0700")
    if kind := _network_file_system(path):
        yield Finding("data_dir", "fail", f"{path} is on {kind}: the queue needs a local disk")


def _mail_log(config: Config) -> Iterator[Finding]:
    path = Path(config.log.mail_log or "-")
    if config.log.mail_log in (None, "-") or path.parent == Path(config.server.data_dir):
        return
    existing = next(each for each in (path, *path.parents) if each.exists())
    identity = None
    with contextlib.suppress(StartError):  # _user says so
        identity = find_identity(config.server)
    if path.is_dir():
        yield Finding("mail_log", "fail", f"{path} is a directory: name a file as log.mail_log")
    elif (existing != path and not existing.is_dir()) or not _may_write(existing, identity):
        yield Finding("mail_log", "fail", f"{path}: the server's user may not write {existing}")
    else:
        yield Finding("mail_log", "ok", str(path))


def _may_write(path: Path, identity: Identity | None) -> bool:
    return os.access(path, os.W_OK) and (identity is None or may(path, identity, 0o2))


def _network_file_system(path: Path) -> str | None:
    """Return the kind of network file system that the path is on, if it is on one (LMDB cannot use any)."""
    best = ("", "")
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in mounts.splitlines():
        _, place, kind, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        if path.is_relative_to(place) and len(place) >= len(best[0]):
            best = (place, kind)
    return best[1] if best[1] in NETWORK_FILE_SYSTEMS else None


def _disk(config: Config) -> Iterator[Finding]:
    path = Path(config.server.data_dir)
    existing = next(each for each in (path, *path.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    mark = config.queue.min_free_octets
    text = f"{octets_text(free)} free on {existing}"
    if free < mark:
        yield Finding(
            "disk",
            "fail",
            f"{text}: below queue.min_free_octets ({octets_text(mark)}), new mail is refused; make room",
        )
    elif free < 4 * mark:
        yield Finding("disk", "warn", f"{text}: new mail is refused below {octets_text(mark)}")
    else:
        yield Finding("disk", "ok", text)
    inodes = os.statvfs(existing)
    if inodes.f_files and inodes.f_favail < 1000:
        yield Finding("disk", "warn", f"only {inodes.f_favail} inodes free on {existing}")


def _user(config: Config) -> Iterator[Finding]:
    try:
        identity = find_identity(config.server)
        if identity is not None:
            refuse_closed_paths(identity, Path(config.server.data_dir))
    except StartError as error:
        yield Finding("user", "fail", str(error))
        return
    if identity is None and os.geteuid() == 0:
        yield Finding("user", "warn", "the server would run as root: set server.user")
    else:
        yield Finding("user", "ok", config.server.user or f"runs as uid {os.geteuid()}")


def check_ports(config: Config) -> Iterator[Finding]:
    running = _is_running(config)
    if not config.listener:
        yield Finding("ports", "warn", "no [[listener]]: nothing can be submitted")
    for listener in config.listener:
        address = parse_host_port(listener.address)
        if running:
            yield Finding(
                "ports", "ok", f"{listener.kind} {listener.address}: the server is running"
            )
            continue
        try:
            bind(address, listener.address, shared=False).close()
        except StartError as error:
            yield Finding("ports", "fail", str(error))
        else:
            yield Finding("ports", "ok", f"{listener.kind} {listener.address} can be bound")


def _relay(config: Config) -> Iterator[Finding]:
    """A1: who may send without a password should be few enough to know."""
    for listener in config.listener:
        if listener.kind == "http":
            continue
        trusted = [ipaddress.ip_network(each) for each in listener.trusted_networks]
        for network in trusted:
            if network.prefixlen < WIDEST_PREFIX[network.version]:
                yield Finding(
                    "relay",
                    "warn",
                    f"{listener.address} relays for anybody in {network}: spammers find that within"
                    " hours; name your own networks in trusted_networks",
                )
        for proxy in map(ipaddress.ip_network, listener.proxy_peers):
            if any(
                proxy.network_address in each or each.network_address in proxy for each in trusted
            ):
                yield Finding(
                    "relay",
                    "warn",
                    f"{listener.address}: proxy_peers {proxy} is in trusted_networks too, so whoever the"
                    " proxy does not name (UNKNOWN, LOCAL) may relay",
                )


def _sources(config: Config) -> Iterator[Finding]:
    """Whether mail can be sent from the addresses that the configuration names."""
    for source in config.source:
        if source.address is None:
            continue
        family = socket.AF_INET6 if ":" in source.address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.bind((source.address, 0))
        except OSError as error:
            yield Finding(
                "sources",
                "fail",
                f"{source.name}: this machine cannot send from {source.address}"
                f" ({error.strerror}); `ip addr` lists what it has",
            )
        else:
            yield Finding("sources", "ok", f"{source.name}: {source.address} can be bound")


def check_clock() -> Iterator[Finding]:
    now = time.time()
    if now < EARLIEST_CLOCK_S:
        yield Finding(
            "clock", "fail", f"it is {time.strftime('%Y-%m-%d')} here: set the clock (NTP)"
        )
    elif (synchronised := _is_synchronised()) is None:
        yield Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))
    elif not synchronised:
        yield Finding(
            "clock", "warn", "the kernel's clock is not synchronised: run chrony or timesyncd"
        )
    else:
        yield Finding(
            "clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC, synchronised", time.gmtime(now))
        )


def _is_synchronised() -> bool | None:
    """Whether the kernel was told that its clock is right (adjtimex(2): TIME_ERROR is 5); None: we may not ask."""
    import ctypes

    # Struct timex, larger than any version of it; modes 0: read only.
    buffer = ctypes.create_string_buffer(512)
    state: int = ctypes.CDLL(None).adjtimex(buffer)
    return None if state == -1 else state != 5


def _open_files(config: Config) -> Iterator[Finding]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    incoming = sum(each.limits.connections for each in config.listener)
    outgoing = config.delivery.connections + config.delivery.opening
    outgoing += config.dns.look_ups * (1 + SLOW)
    needed = max(incoming, outgoing) * FILES_PER_CONNECTION + FILES_OF_OUR_OWN
    if hard != resource.RLIM_INFINITY and hard < needed:
        yield Finding(
            "open files", "warn", f"{hard} allowed, {needed} may be needed: raise LimitNOFILE"
        )
    else:
        yield Finding("open files", "ok", f"{hard} allowed, {needed} may be needed")


def _traces(config: Config) -> Iterator[Finding]:
    if not config.tracing.is_used:
        return
    if (library := lacking(Extra.TRACING)) is not None:
        yield Finding("traces", "warn", f"none are sent: they need {library}")
    else:
        yield Finding("traces", "ok", "are sent to a collector")
