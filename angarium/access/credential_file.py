"""The file of users: ``<data_dir>/credentials.jsonl``, mode 0600, one JSON object per line behind a line with the
format's number. Read by the listeners, changed by ``postmaster user``.

Blocks on disk. A change is on disk, under the file's own name, when the function returns; a crash leaves the file as
it was before or after, never between.
"""

import fcntl
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import argon2
import msgspec

from angarium.access.senders import Senders
from angarium.access.user_name import comparable_name, names_by_comparison
from angarium.config.address import LABEL_RULE, is_label
from angarium.queue.model import DEFAULT_TENANT

FILE_NAME: Final = "credentials.jsonl"
FORMAT: Final = 1
MAX_USER_OCTETS: Final = 255  # RFC 4616 section 2 sets 255 for authcid
MAX_PASSWORD_OCTETS: Final = 1024  # ours: an AUTH line is not much longer
MAX_SENDERS: Final = 1000  # ours, per user
MAX_OTHER_STREAMS: Final = 100  # ours, per user
MAX_FILE_OCTETS: Final = 64 * 1024 * 1024  # ours: some 200,000 users
# RFC 9106 section 4, second recommended option: 64 MiB, 3 passes, 4 lanes. The first one takes 2 GiB, which a server
# that anyone may make hash cannot give. With two hashes at a time this is 128 MiB at most.
HASHER: Final = argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY)


class CredentialError(Exception):
    """What was asked cannot be done; the text says why. Nothing has changed."""


class CredentialFileError(CredentialError):
    """The file cannot be used: unreadable, open to others, or not of our format."""


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the file."""

    name: str
    hash: str  # argon2id, PHC string format
    tenant: str = DEFAULT_TENANT
    senders: tuple[str, ...]  # "*", "@domain", "user@domain"
    created: str  # RFC 3339, UTC
    stream: str = ""  # what its mail is; "": it may choose any
    other_streams: tuple[str, ...] = ()  # that it may choose by a header field; "*" is any

    @property
    def streams(self) -> "UserStreams":
        return UserStreams(stream=self.stream, others=self.other_streams)


class UserStreams(msgspec.Struct, frozen=True, kw_only=True):
    """What a user's mail is, and what it may be at the sender's wish."""

    stream: str = ""
    others: tuple[str, ...] = ()


ANY_STREAM: Final = "*"
ANY_STREAMS: Final = UserStreams()


class _Head(msgspec.Struct, frozen=True):
    format: int


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """Differs whenever the file was changed: each change makes a new inode."""

    inode: int
    mtime_ns: int
    size: int
    mode: int


def credential_path(data_dir: str | Path) -> Path:
    return Path(data_dir) / FILE_NAME


def find_state(path: Path) -> FileState | None:
    """Return None if there is no file. Raises CredentialFileError."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CredentialFileError(f"{path}: {error.strerror}") from error
    return _state(status)


def read_users(path: Path) -> tuple[FileState | None, dict[str, User]]:
    """Return all users by name; none if there is no file. Raises CredentialFileError."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & 0o077 or not stat.S_ISREG(status.st_mode):  # P8
                raise CredentialFileError(
                    f"{path}: others may read it (mode {stat.filemode(status.st_mode)}): chmod 0600"
                )
            octets = file.read(MAX_FILE_OCTETS + 1)
    except FileNotFoundError:
        return None, {}
    except OSError as error:
        raise CredentialFileError(f"{path}: {error.strerror}") from error
    return _state(status), _decode(path, octets)


def add_user(
    path: Path,
    name: str,
    password: str,
    *,
    senders: Sequence[str],
    created: str,
    tenant: str = DEFAULT_TENANT,
    streams: UserStreams = ANY_STREAMS,
    hasher: argon2.PasswordHasher = HASHER,
) -> User:
    """Add a user. Raises CredentialError: the name is taken or not usable, a pattern or the password is not."""
    check_streams(streams)
    user = User(
        name=check_name(name),
        hash=hasher.hash(check_password(password)),
        tenant=check_tenant(tenant),
        senders=check_senders(senders),
        created=created,
        stream=streams.stream,
        other_streams=streams.others,
    )
    with _changing(path) as users:
        check_new_name(users, name)
        users[name] = user
    return user


def set_password(
    path: Path, name: str, password: str, *, hasher: argon2.PasswordHasher = HASHER
) -> None:
    """Raises CredentialError: there is no such user, or the password is not usable."""
    hashed = hasher.hash(check_password(password))
    with _changing(path) as users:
        user = _known(users, name)
        users[user.name] = msgspec.structs.replace(user, hash=hashed)


def set_rights(
    path: Path,
    name: str,
    *,
    senders: Sequence[str] | None = None,
    tenant: str | None = None,
    streams: UserStreams | None = None,
) -> User:
    """Change as whom a user may send, whose mail it is and by which streams; None leaves it. Returns the user as it
    now is.

    Raises CredentialError: there is no such user, or a pattern, the tenant or a stream is not usable.
    """
    if streams is not None:
        check_streams(streams)
    given = None if senders is None else check_senders(senders)
    owner = None if tenant is None else check_tenant(tenant)
    with _changing(path) as users:
        user = _known(users, name)
        users[name] = changed = msgspec.structs.replace(
            user,
            senders=user.senders if given is None else given,
            tenant=user.tenant if owner is None else owner,
            stream=user.stream if streams is None else streams.stream,
            other_streams=user.other_streams if streams is None else streams.others,
        )
    return changed


def remove_user(path: Path, name: str) -> None:
    """Raises CredentialError: there is no such user."""
    with _changing(path) as users:
        del users[_known(users, name).name]


def list_users(path: Path) -> list[User]:
    """Return all users by name, hashes included."""
    return sorted(read_users(path)[1].values(), key=lambda user: user.name)


def find_user(path: Path, name: str) -> User:
    """Raises CredentialError if there is no such user."""
    return _known(read_users(path)[1], name)


def normal_password(password: str) -> str:
    """Return the form that is hashed (RFC 8265 section 4.2.2: NFC), so that every keyboard's é is the same."""
    return unicodedata.normalize("NFC", password)


def check_name(name: str) -> str:
    if not name or len(name.encode("utf-8", "replace")) > MAX_USER_OCTETS:
        raise CredentialError(f"a user's name has 1 to {MAX_USER_OCTETS} octets")
    if not name.isprintable() or name != name.strip():
        raise CredentialError("a user's name is printable, without blanks at its ends")
    return name


def check_new_name(names: Iterable[str], name: str) -> None:
    """Raises CredentialError if one of the names is the same to a comparison (``user_name``)."""
    for each in names:
        if comparable_name(each) == comparable_name(name):
            raise CredentialError(f"user {each!r} exists already: postmaster user passwd {each}")


def check_password(password: str) -> str:
    if not password:
        raise CredentialError("the password is empty")
    if "\0" in password or len(password.encode("utf-8", "replace")) > MAX_PASSWORD_OCTETS:
        raise CredentialError(f"a password has at most {MAX_PASSWORD_OCTETS} octets and no NUL")
    return normal_password(password)


def check_tenant(tenant: str) -> str:
    if not is_label(tenant):
        raise CredentialError(f"a tenant is {LABEL_RULE}")
    return tenant


def check_streams(streams: UserStreams) -> UserStreams:
    if streams.stream and not is_label(streams.stream):
        raise CredentialError(f"a stream is {LABEL_RULE}")
    for other in streams.others:
        if other != ANY_STREAM and not is_label(other):
            raise CredentialError(f"a stream is {LABEL_RULE}, or {ANY_STREAM} for any")
    if len(streams.others) > MAX_OTHER_STREAMS:
        raise CredentialError(f"a user has at most {MAX_OTHER_STREAMS} other streams")
    if streams.others and not streams.stream:
        raise CredentialError("who has no stream may choose any: give it one, or no others")
    return streams


def check_senders(senders: Sequence[str]) -> tuple[str, ...]:
    if not 1 <= len(senders) <= MAX_SENDERS:
        raise CredentialError(f"a user has 1 to {MAX_SENDERS} sender patterns")
    try:
        Senders(senders)
    except ValueError as error:
        raise CredentialError(str(error)) from error
    return tuple(senders)


def _known(users: dict[str, User], name: str) -> User:
    if name not in users:
        name = names_by_comparison(users).get(comparable_name(name), name)
    if (user := users.get(name)) is None:
        raise CredentialError(f"there is no user {name!r}")
    return user


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, User]]:
    """Give the users to change, and write them when the block ends without an error. One at a time.

    The directory itself is locked: a lock file made by root would shut out the server's user ever after.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CredentialFileError(f"{error.filename}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        users = read_users(path)[1]
        yield users
        try:
            _write(path, users)
        except OSError as error:
            raise CredentialFileError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        os.close(lock)


def _write(path: Path, users: dict[str, User]) -> None:
    lines = [msgspec.json.encode(_Head(FORMAT)), *map(msgspec.json.encode, users.values())]
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)  # of a crash; we hold the lock
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(b"".join(line + b"\n" for line in lines))
            if os.geteuid() == 0:  # the server, which drops its rights, must be able to read it
                owner = path.parent.stat()
                os.fchown(stream.fileno(), owner.st_uid, owner.st_gid)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)  # else the rename may be lost
    finally:
        os.close(directory)


def _decode(path: Path, octets: bytes) -> dict[str, User]:
    if len(octets) > MAX_FILE_OCTETS:
        raise CredentialFileError(f"{path}: over {MAX_FILE_OCTETS} octets")
    users: dict[str, User] = {}
    decoder = msgspec.json.Decoder(User)
    for number, line in enumerate(octets.splitlines(), 1):
        if not line.strip():
            continue
        try:
            if number == 1:
                _check_head(path, msgspec.json.decode(line, type=_Head))
                continue
            user = decoder.decode(line)
            check_senders(user.senders)
        except (msgspec.DecodeError, CredentialError, UnicodeDecodeError) as error:
            if isinstance(error, CredentialFileError):
                raise
            raise CredentialFileError(f"{path}:{number}: {error}") from error
        users[user.name] = user
    return users


def _check_head(path: Path, head: _Head) -> None:
    if head.format != FORMAT:
        raise CredentialFileError(f"{path}: format {head.format}; this Angarium reads {FORMAT}")


def _state(status: os.stat_result) -> FileState:
    return FileState(
        inode=status.st_ino, mtime_ns=status.st_mtime_ns, size=status.st_size, mode=status.st_mode
    )
