"""Checks of key files, certificates, passwords and users."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from angarium.access.certificates import check_files
from angarium.access.client_trust import check_authority, read_lists
from angarium.access.credential_file import CredentialFileError, credential_path, read_users
from angarium.access.reference_keys import ReferenceKeyError, read_keys
from angarium.access.tls_file import TlsFileError
from angarium.config.schema import (
    Config,
    Listener,
    NamedSmartHost,
    Pool,
    Route,
    Ses,
    Source,
    Uploads,
)
from angarium.dkim import KeyFileError, KeyRing
from angarium.insight.checks.finding import Finding
from angarium.insight.checks.tenancy import check_secret
from angarium.insight.units import span_text

_Login = Route | NamedSmartHost | Pool | Source
SOON_S: Final = 21 * 86400  # a certificate that ends by then should have been renewed


def check_secrets(config: Config) -> Iterator[Finding]:
    yield from check_certificates(config)
    yield from _dkim(config)
    logins: list[_Login] = [*config.route, *config.smart_host]
    logins += [*config.pool, *config.source]
    for login in logins:
        yield from _password(login)
    if config.feedback.is_used:
        yield from _references(config)
    if config.acme is not None and config.acme.account_key_file:
        yield from _secret_file(Path(config.acme.account_key_file))
    yield from check_secret(config)
    if config.ses is not None:
        yield from _aws_keys("ses", config.ses)
    if config.uploads.bucket is not None:
        yield from _aws_keys("uploads", config.uploads)
    for provider in config.tenancy.oidc:
        if provider.client_secret_file:
            yield from _secret_file(Path(provider.client_secret_file))
    if any(each.kind == "submission" and each.auth == "required" for each in config.listener):
        yield from _users(config)


def check_certificates(config: Config) -> Iterator[Finding]:
    for listener in config.listener:
        if listener.tls != "none":
            assert listener.certificate is not None  # the loader saw to it
            assert listener.private_key is not None
            whose = f"listener {listener.address}"
            yield from _certificate(whose, listener.certificate, listener.private_key)
            yield from _clients(listener, datetime.now(UTC))
    for each in config.tracking_certificate:
        whose = f"tracking_certificate of {each.host}"
        yield from _certificate(whose, each.certificate, each.private_key)


def _certificate(whose: str, certificate: str, private_key: str) -> Iterator[Finding]:
    name, now = "certificate", datetime.now(UTC)
    try:
        info = check_files(Path(certificate), Path(private_key))
    except TlsFileError as error:
        yield Finding(name, "fail", f"{whose}: {error}")
        return
    left = info.expires_in_s(now)
    text = f"{certificate} for {', '.join(info.names) or info.subject}"
    if left <= 0:
        yield Finding(name, "fail", f"{text} has expired: renew it, then reload (SIGHUP)")
    elif info.not_before > now:
        yield Finding(name, "fail", f"{text} is not valid before {info.not_before:%Y-%m-%d}")
    elif left < SOON_S:
        yield Finding(name, "warn", f"{text} expires in {span_text(int(left * 1000))}: renew it")
    else:
        yield Finding(name, "ok", f"{text}, {span_text(int(left * 1000))} left")


def _clients(listener: Listener, now: datetime) -> Iterator[Finding]:
    """Whose certificates are believed, and whether the list of those taken back is one that OpenSSL goes by."""
    name = "client_ca"
    if listener.client_ca is None:
        return
    try:
        check_authority(Path(listener.client_ca))
        lists = [] if listener.client_crl is None else read_lists(Path(listener.client_crl))
    except TlsFileError as error:
        yield Finding(name, "fail", f"listener {listener.address}: {error}")
        return
    ended = [each for each in lists if each.next_update_utc and each.next_update_utc <= now]
    if ended:
        text = f"{listener.client_crl} has ended: all clients with certificates are refused; renew it, then reload"
        yield Finding(name, "fail", f"listener {listener.address}: {text}")
    else:
        yield Finding(name, "ok", f"{listener.client_ca}")


def _dkim(config: Config) -> Iterator[Finding]:
    if not config.dkim.keys:
        yield Finding("dkim", "warn", "no key: mail goes out unsigned; `postmaster dkim keygen`")
        return
    try:
        KeyRing.load(config.dkim)
    except KeyFileError as error:
        yield Finding("dkim", "fail", str(error))
    else:
        domains = ", ".join(sorted({key.domain for key in config.dkim.keys}))
        number = len(config.dkim.keys)
        yield Finding("dkim", "ok", f"{number} key{'s' * (number > 1)} for {domains}")


def _password(login: _Login) -> Iterator[Finding]:
    if login.password_file is not None:
        yield from _secret_file(Path(login.password_file))
    elif login.password_env is not None:
        if os.environ.get(login.password_env):
            yield Finding("password", "ok", f"${login.password_env} is set here")
        else:
            text = f"${login.password_env} is not set here: set it in the server's environment"
            yield Finding("password", "warn", text)


def _references(config: Config) -> Iterator[Finding]:
    """The keys of what mail carries to be known by, and whether what comes back has a way in."""
    name, feedback = "feedback", config.feedback
    path = Path(feedback.key_file)
    if not path.exists():
        yield Finding(name, "ok", f"{path} is not there yet: the first start makes it")
    else:
        try:
            number = len(read_keys(path))
        except ReferenceKeyError as error:
            yield Finding(name, "fail", str(error))
        else:
            yield Finding(name, "ok", f"{number} key{'s' * (number > 1)} in {path}")
    has_way_in = feedback.maildir or any(each.kind == "inbound" for each in config.listener)
    if not has_way_in:
        text = 'what comes back has no way in: add a [[listener]] of kind "inbound", or feedback.maildir'
        yield Finding(name, "warn", text)


def _aws_keys(name: str, table: Ses | Uploads) -> Iterator[Finding]:
    if table.secret_key_file is not None:
        yield from _secret_file(Path(table.secret_key_file))
    elif not (os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY")):
        text = f"[{name}] gives no keys, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set here"
        yield Finding(name, "warn", f"{text}: set them in the server's environment")


def _secret_file(path: Path) -> Iterator[Finding]:
    try:
        mode = path.stat().st_mode
        empty = not path.read_text(encoding="utf-8").strip()
    except OSError as error:
        advice = "write the password into it: owner the server's user, mode 0600"
        yield Finding("password", "fail", f"{path}: {error.strerror}; {advice}")
        return
    except UnicodeDecodeError:
        yield Finding("password", "fail", f"{path} is not UTF-8 text")
        return
    if empty:
        yield Finding("password", "fail", f"{path} is empty: write the password into it")
    elif mode & 0o077:
        yield Finding("password", "warn", f"{path} is readable by others: chmod 0600 {path}")
    else:
        yield Finding("password", "ok", f"{path}")


def _users(config: Config) -> Iterator[Finding]:
    path = credential_path(config.server.data_dir)
    try:
        _, users = read_users(path)
    except CredentialFileError as error:
        yield Finding("users", "fail", str(error))
        return
    if users:
        yield Finding("users", "ok", f"{len(users)} may log in")
    else:
        yield Finding("users", "warn", "nobody can log in: `postmaster user add NAME`")
