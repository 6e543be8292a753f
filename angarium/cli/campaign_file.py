"""Puts a file of this machine among the uploads of a server, by the HTTP API; what is there of it is continued."""

import hashlib
import time
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, Protocol, cast

import urllib3

from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_TEMPFAIL, CommandError
from angarium.cli.progress import octets_progress
from angarium.client.calls import wait_s
from angarium.smtp.reply import clean_text

PIECE_OCTETS: Final = 1 << 23
# In a row, without anything that came through
TRIES: Final = 6
TIMEOUT_S: Final = 60.0
# Between two looks at a file that the server fetches from its bucket
FETCHING_S: Final = 1.0
_OK: Final = frozenset({200, 202})
# It is not where we believe, or it is busy: it says where it is
_AGAIN: Final = frozenset({408, 409, 429})


class Asks(Protocol):
    """Satisfied by ``client.Client``."""

    def ask(self, method: str, *path: str, body: object = None, **query: Any) -> Any: ...


class PutFailedError(Exception):
    """Nobody answered."""


class Puts(Protocol):
    def put(self, url: str, offset: int, piece: bytes) -> tuple[int, str]:
        """Put what stands at an offset. Return the status, and what is said. Raises PutFailedError."""
        ...

    def put_whole(self, url: str, source: BinaryIO, size: int) -> tuple[int, str]:
        """Put all of the file, in the same way."""
        ...


def upload_file(
    client: Asks, path: Path, puts: Puts | None = None, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Return the id of the upload once it is complete. Raises CommandError, and what the client does."""
    try:
        with path.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
            size = source.tell()
            if not size:
                raise CommandError(f"{path} is empty", EX_DATAERR)
            new = {"filename": path.name, "size": size, "sha256": digest}
            found = _find_same(client, new) or client.ask("POST", "uploads", body=new)
            send = _send_to_bucket if found["place"] == "bucket" else _send
            send(client, found["uploadId"], source, puts or _Putting(), sleep)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", EX_NOINPUT) from error
    return str(found["uploadId"])


def _find_same(client: Asks, new: Mapping[str, Any]) -> Mapping[str, Any] | None:
    cursor: str | None = ""
    while cursor is not None:
        page = client.ask("GET", "uploads", cursor=cursor)
        for each in page["uploads"]:
            if all(each[name] == value for name, value in new.items()):
                found: Mapping[str, Any] = each
                return found
        cursor = page["cursor"]
    return None


def _send(
    client: Asks, upload_id: str, source: BufferedReader, puts: Puts, sleep: Callable[[float], None]
) -> None:
    tries, furthest = 0, -1
    with octets_progress(Path(source.name).name, hidden=False) as told:
        while (state := client.ask("GET", "uploads", upload_id))["state"] != "complete":
            offset, problem = state["offset"], ""
            tries = 0 if offset > furthest else tries + 1
            furthest = max(offset, furthest)
            try:
                while offset < state["size"]:
                    told(offset, state["size"])
                    source.seek(offset)
                    piece = source.read(PIECE_OCTETS)
                    status, said = puts.put(state["url"], offset, piece)
                    if status not in _OK:
                        problem = f"{status} {clean_text(said)[:300]}"
                        if status < 500 and status not in _AGAIN:
                            raise CommandError(problem, EX_DATAERR)
                        break
                    offset += len(piece)
            except PutFailedError as error:
                problem = clean_text(str(error))
            if problem:
                if tries + 1 >= TRIES:
                    text = f"{problem}; what came stays: the same command continues there"
                    raise CommandError(text, EX_TEMPFAIL)
                sleep(wait_s(None, tries + 1))


def _send_to_bucket(
    client: Asks, upload_id: str, source: BufferedReader, puts: Puts, sleep: Callable[[float], None]
) -> None:
    """A bucket takes a file whole; the server fetches it when it is asked for it."""
    tries, problem = 0, ""
    while True:
        state = client.ask("GET", "uploads", upload_id)
        if state["state"] == "complete":
            return
        if state["state"] == "fetching":
            sleep(FETCHING_S)
            continue
        if tries == TRIES:
            raise CommandError(f"the bucket has it not: {problem}", EX_TEMPFAIL)
        if tries:
            sleep(wait_s(None, tries))
        tries += 1
        source.seek(0)
        try:
            status, said = puts.put_whole(state["url"], source, state["size"])
        except PutFailedError as error:
            problem = clean_text(str(error))
            continue
        problem = f"{status} {clean_text(said)[:300]}"
        if 300 <= status < 500 and status not in _AGAIN:
            raise CommandError(problem, EX_DATAERR)


class _Putting:
    def __init__(self) -> None:
        timeout = urllib3.Timeout(total=TIMEOUT_S)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)

    def put(self, url: str, offset: int, piece: bytes) -> tuple[int, str]:
        headers = {
            "Upload-Offset": str(offset),
            "Content-Type": "application/octet-stream",
        }
        try:
            answer = self._pool.request("PUT", url, body=piece, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise PutFailedError(str(error)) from error
        return answer.status, answer.data.decode("utf-8", "replace")

    def put_whole(self, url: str, source: BinaryIO, size: int) -> tuple[int, str]:
        # Of each piece that goes out, not of all
        timeout = urllib3.Timeout(connect=TIMEOUT_S, read=TIMEOUT_S)
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        with octets_progress(Path(source.name).name, hidden=False) as told:
            body = cast("IO[bytes]", _Told(source, size, told))
            try:
                answer = self._pool.request(
                    "PUT", url, body=body, headers=headers, redirect=False, timeout=timeout
                )
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise PutFailedError(str(error)) from error
        return answer.status, answer.data.decode("utf-8", "replace")


class _Told:
    """A file whose reading is told of."""

    def __init__(self, source: BinaryIO, size: int, told: Callable[[int, int], None]) -> None:
        self._source = source
        self._size = size
        self._told = told

    def read(self, octets: int = -1) -> bytes:
        piece = self._source.read(octets)
        self._told(self._source.tell(), self._size)
        return piece
