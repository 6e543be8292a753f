"""The command's configuration: to whom it submits, and who its users are outside.

A file of its own, ``/etc/angarium/sendmail.toml``, since everybody who may send must be able to read it.
"""

import os
import pwd
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from angarium.config.address import HostPort, is_host_name, is_ip, parse_host_port

DEFAULT_FILE: Final = Path("/etc/angarium/sendmail.toml")
_MAILNAME: Final = Path("/etc/mailname")  # Debian's: the domain of a local user's address
_MAX_OCTETS: Final = 1_048_576  # ours


class SettingsError(Exception):
    """The file cannot be used; the text names it, the key, and what to do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    server: str = "127.0.0.1:25"
    # omitted: none on loopback, else starttls
    tls: Literal["none", "starttls", "implicit"] | None = None
    user: str | None = None
    password_file: str | None = None  # relative to the file; its first line
    # behind names without one; omitted: /etc/mailname, or the host's name
    domain: str | None = None
    sender: str | None = None  # envelope sender and From of all mail; omitted: the caller's
    aliases: dict[str, str] = {}  # name without a domain -> address; "*": all others
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs the command."""

    name: str
    full_name: str


def read_settings(named: str | None) -> Settings:
    """The file named, or the default one, which may be absent. Raises SettingsError."""
    path = Path(named or os.environ.get("ANGARIUM_SENDMAIL") or DEFAULT_FILE)
    try:
        with path.open("rb") as file:
            octets = file.read(_MAX_OCTETS)
    except FileNotFoundError:
        if path != DEFAULT_FILE:
            raise SettingsError(f"{path}: there is no such file") from None
        return Settings()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        settings = msgspec.convert(tomllib.loads(octets.decode()), Settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from None
    _check(path, settings)
    if settings.password_file is not None:
        absolute = str(path.absolute().parent / settings.password_file)
        settings = msgspec.structs.replace(settings, password_file=absolute)
    return settings


def _check(path: Path, settings: Settings) -> None:
    try:
        to = parse_host_port(settings.server, default_port=587)
    except ValueError as error:
        raise SettingsError(f"{path}: server: {error}") from None
    if settings.domain is not None and not is_host_name(settings.domain):
        raise SettingsError(f"{path}: domain: {settings.domain!r} is not a domain")
    if (settings.user is None) != (settings.password_file is None):
        raise SettingsError(f"{path}: user and password_file go together")
    if settings.user is not None and settings.tls == "none" and not is_loopback(to):
        raise SettingsError(f'{path}: tls = "none" would send the password in the clear')
    for name, address in [*settings.aliases.items(), ("sender", settings.sender or "a@b")]:
        if "@" not in address:
            raise SettingsError(f"{path}: {name}: {address!r} is not an address")


def is_loopback(to: HostPort) -> bool:
    return to.host == "localhost" or (is_ip(to.host) and to.host.startswith(("127.", "::1")))


def password(settings: Settings) -> str:
    """Raises SettingsError."""
    assert settings.password_file is not None
    try:
        return Path(settings.password_file).read_text().partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"password_file {settings.password_file}: {error}") from None


def local_domain(settings: Settings) -> str:
    """The domain of who has none."""
    if settings.domain is not None:
        return settings.domain
    try:
        name = _MAILNAME.read_text().strip()
    except (OSError, UnicodeDecodeError):
        name = ""
    return name if is_host_name(name) else socket.gethostname()


def caller() -> Caller:
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:  # a uid without a name, as in containers
        return Caller(name=f"uid{os.getuid()}", full_name="")
    # GECOS: the name ends at the first comma, and & is the capitalised login name
    full_name = entry.pw_gecos.partition(",")[0].replace("&", entry.pw_name.capitalize())
    return Caller(name=entry.pw_name, full_name=os.environ.get("NAME") or full_name)
