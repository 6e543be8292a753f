"""``<data_dir>/acme``: accounts, certificates with their keys, and what orders need while they last. Blocks on disk.

    accounts/DIGEST.json   one for each authority, with its key
    hosts/HOST.pem         a private key and its certificate's chain, exchanged together
    hosts/HOST.json        what was tried
    orders/HOST.json       an order that has begun
    challenges/TOKEN.json  what the authority looks for now
    asked/HOST             somebody wants it tried again

All of it is private: directories have mode 0700, files 0600. The platform process writes; others read.
"""

import contextlib
import hashlib
import os
import re
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from angarium.access.certificates import CertificateInfo, check_files
from angarium.access.tls_file import TlsFileError
from angarium.host.exchanged_file import exchange, sync_directory
from angarium.issuance.model import Account, Answer, HostStatus, PendingOrder, Validity
from angarium.queue.model import UnixMs

FOLDER: Final = "acme"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MAX_OCTETS: Final = 262_144
_PARTS: Final = ("accounts", "hosts", "orders", "challenges", "asked")
T = TypeVar("T", bound=msgspec.Struct)


class IssuanceError(Exception):
    """What is on disk cannot be used; the text names it and says what to do."""


class IssuanceStore:
    """Invariant ISS1: a file is there whole or not at all, and a key never without its certificate."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / FOLDER

    # ---- written by the platform process -------------------------------------------------

    def prepare(self) -> None:
        """Make the folders. What the authority looked for when a server died is looked for no more. Raises OSError."""
        for name in ("", *_PARTS):
            (self._root / name).mkdir(mode=0o700, exist_ok=True)
            (self._root / name).chmod(0o700)
        for each in (self._root / "challenges").iterdir():
            each.unlink(missing_ok=True)

    def write_account(self, account: Account) -> None:
        """On disk on return. Raises OSError."""
        exchange(self._account(account.directory_url), msgspec.json.encode(account))

    def write_certificate(self, host: str, private_key: str, chain: str) -> None:
        """On disk on return. Raises OSError; TlsFileError: it is not the key's, and that of before stays."""
        path = self.certificate_path(host)
        candidate = path.with_suffix(".new")
        try:
            exchange(candidate, f"{private_key.rstrip()}\n{chain.strip()}\n".encode())
            check_files(candidate, candidate)
            candidate.replace(path)  # ISS1
            sync_directory(path.parent)
        finally:
            candidate.unlink(missing_ok=True)

    def write_status(self, host: str, status: HostStatus) -> None:
        """On disk on return. Raises OSError."""
        exchange(self._root / "hosts" / f"{host}.json", msgspec.json.encode(status))

    def write_order(self, host: str, order: PendingOrder) -> None:
        """On disk on return. Raises OSError."""
        exchange(self._root / "orders" / f"{host}.json", msgspec.json.encode(order))

    def forget_order(self, host: str) -> None:
        (self._root / "orders" / f"{host}.json").unlink(missing_ok=True)

    def write_answer(self, token: str, answer: Answer) -> None:
        """Raises OSError; ValueError: a token as no authority has it."""
        if _TOKEN.fullmatch(token) is None:
            raise ValueError(f"{token[:80]!a} is no token")
        exchange(self._root / "challenges" / f"{token}.json", msgspec.json.encode(answer))

    def forget_answer(self, token: str) -> None:
        (self._root / "challenges" / f"{token}.json").unlink(missing_ok=True)

    def take_asked(self) -> frozenset[str]:
        """Return hosts that somebody has asked for since the last call."""
        found: set[str] = set()
        with contextlib.suppress(OSError):
            for each in (self._root / "asked").iterdir():
                each.unlink(missing_ok=True)
                found.add(each.name)
        return frozenset(found)

    def forget_host(self, host: str) -> None:
        """Of a host that is ours no more."""
        for suffix in ("pem", "json", "new"):
            (self._root / "hosts" / f"{host}.{suffix}").unlink(missing_ok=True)
        self.forget_order(host)

    # ---- read by whoever may ---------------------------------------------------------------

    def hosts(self) -> frozenset[str]:
        """Return those of which anything is kept."""
        with contextlib.suppress(OSError):
            return frozenset([each.stem for each in (self._root / "hosts").glob("*.json")])
        return frozenset()

    def ask_again(self, host: str) -> None:
        """Have the server try again soon, where it has tried. By any user who may; nothing happens to others."""
        path = self._root / "asked" / host
        if (self._root / "hosts" / f"{host}.json").exists():
            with contextlib.suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def certificate_path(self, host: str) -> Path:
        """Where its certificate is, key and all, or would be."""
        return self._root / "hosts" / f"{host}.pem"

    def find_certificate(self, host: str) -> CertificateInfo | None:
        """None: there is none that could be used."""
        path = self.certificate_path(host)
        try:
            return check_files(path, path)
        except TlsFileError:
            return None

    def find_validity(self, host: str) -> Validity | None:
        info = self.find_certificate(host)
        if info is None:
            return None
        return Validity(
            begins=UnixMs(int(info.not_before.timestamp() * 1000)),
            ends=UnixMs(int(info.not_after.timestamp() * 1000)),
        )

    def status(self, host: str) -> HostStatus:
        """Raises IssuanceError."""
        return self._read(self._root / "hosts" / f"{host}.json", HostStatus) or HostStatus()

    def find_order(self, host: str) -> PendingOrder | None:
        """Raises IssuanceError."""
        return self._read(self._root / "orders" / f"{host}.json", PendingOrder)

    def find_account(self, directory_url: str) -> Account | None:
        """Raises IssuanceError: an account is not made anew because its file is damaged."""
        return self._read(self._account(directory_url), Account)

    def find_answer(self, host: str, token: str) -> str | None:
        """Return what is to be found at a host; None: nothing is looked for there. Whatever the token is (C6)."""
        if _TOKEN.fullmatch(token) is None:
            return None
        try:
            answer = self._read(self._root / "challenges" / f"{token}.json", Answer)
        except IssuanceError:
            return None
        return answer.text if answer is not None and answer.host == host else None

    def _account(self, directory_url: str) -> Path:
        digest = hashlib.sha256(directory_url.encode()).hexdigest()[:16]
        return self._root / "accounts" / f"{digest}.json"

    def _read(self, path: Path, kind: type[T]) -> T | None:
        try:
            with path.open("rb") as file:
                octets = file.read(_MAX_OCTETS)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IssuanceError(f"{path} cannot be read: {error.strerror}") from None
        try:
            return msgspec.json.decode(octets, type=kind)
        except msgspec.DecodeError as error:
            raise IssuanceError(f"{path} is damaged ({error}): put it back, or delete it") from None
