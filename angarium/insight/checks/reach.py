"""Check that server.user may read the files it needs. Root, who runs the check, may read them anyway."""

from collections.abc import Iterator
from pathlib import Path

from angarium.config.schema import Config
from angarium.host.identity import Identity, find_identity
from angarium.host.sysexits import StartError
from angarium.insight.checks.finding import Finding


def check_reach(config: Config) -> Iterator[Finding]:
    try:
        identity = find_identity(config.server)
    except StartError:
        return  # check_host says so
    if identity is None:
        return  # we are that user: whoever reads the files says what is wrong with them
    for path in sorted(_files(config)):
        barrier = find_barrier(path, identity)
        if barrier is not None:
            yield Finding(
                "files",
                "fail",
                f"{path} cannot be read by server.user {config.server.user!r}: {barrier} is closed"
                f" to it; chown {config.server.user} {barrier}",
            )


def find_barrier(path: Path, identity: Identity) -> Path | None:
    """Return the file or the topmost directory on the way to it that is closed to the identity; None: all is open.

    A file that is missing is not our business.
    """
    for directory in reversed(path.parents):
        if not may(directory, identity, 0o1):
            return directory
    return None if may(path, identity, 0o4) else path


def may(path: Path, identity: Identity, bit: int) -> bool:
    """Whether the mode of ``path`` lets the identity read (4), write (2) or pass (1); yes if it is missing."""
    try:
        found = path.stat()
    except OSError:
        return True
    if identity.uid == 0:
        return True
    if identity.uid == found.st_uid:
        return bool(found.st_mode & bit << 6)
    if found.st_gid in (identity.gid, *identity.groups):
        return bool(found.st_mode & bit << 3)
    return bool(found.st_mode & bit)


def _files(config: Config) -> set[Path]:
    names = [key.file for key in config.dkim.keys]
    for listener in config.listener:
        files = (
            listener.certificate,
            listener.private_key,
            listener.client_ca,
            listener.client_crl,
        )
        names += [name for name in files if name]
    names += [each.password_file for each in config.route if each.password_file]
    names += [each.password_file for each in config.smart_host if each.password_file]
    names += [each.client_secret_file for each in config.tenancy.oidc if each.client_secret_file]
    if config.ses is not None and config.ses.secret_key_file is not None:
        names.append(config.ses.secret_key_file)
    if config.uploads.secret_key_file is not None:
        names.append(config.uploads.secret_key_file)
    return {Path(name) for name in names}
