"""Tells a data directory from a copy of it: what was restored would send again what has been delivered since.

Two files, neither of which a copy has with the same content. ``instance``, in the data directory, names the number of
its own inode: a copied file has another one. ``<data_dir>.instance``, beside it and so in no backup of it, names the
last event that was known: a queue that was put back in place has fewer.

Invariant IS1: what was judged a copy stays one, whatever happens in it, until somebody adopts it.
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from angarium.host.directory import Directory, ForeignFileError
from angarium.host.identity import Identity
from angarium.queue.model import UnixMs

FILE_NAME: Final = "instance"
_ID_OCTETS: Final = 8
_TRIES: Final = 100
_WITNESS_OCTETS: Final = 512  # written over in place: one sector
COPIED: Final = "this data directory is a copy, or was restored from one"
OLDER: Final = "the queue is older than what this server did last"


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    inode: int  # of the file that says so; 0: it was read from another one
    held: str = ""  # why nothing is sent; "": it may be
    since: UnixMs = UnixMs(0)  # of ``held``


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    event: int  # the last one of the queue, as far as it was told


class InstanceFiles:
    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.witness_path: Final = data_dir.with_name(data_dir.name + ".instance")

    def prepare(self, identity: Identity | None) -> None:
        """Make the file beside the data directory, which the server's user could not. Raises nothing: it is missed."""
        with contextlib.suppress(OSError), Directory(self.witness_path.parent) as parent:
            fd = parent.open(self.witness_path.name, os.O_WRONLY | os.O_CREAT)
            try:
                if identity is not None:
                    os.fchown(fd, identity.uid, identity.gid)
            finally:
                os.close(fd)

    def claim(self, last_event: int, now: UnixMs) -> str:
        """Return why nothing may be sent from here, "": it may. ``last_event``: the newest one of the queue.

        On disk then: whose the directory is, if nobody had said so; that it is held, if it is. Where that cannot be
        written, as on a full disk, the next start says so. Raises OSError: what is there cannot be read.
        """
        instance = self._read()
        if instance is None:
            with contextlib.suppress(OSError):
                self._write("", now)
            return ""
        if instance.held:  # IS1
            return instance.held
        held = self._judge(instance, last_event)
        if held:
            with contextlib.suppress(OSError):
                self._write(held, now, instance.id)
        return held

    def held(self) -> str:
        """Return why nothing may be sent, as it was judged. Raises OSError."""
        instance = self._read()
        return "" if instance is None else instance.held

    def find(self) -> Instance | None:
        return self._read()

    def tell(self, last_event: int) -> bool:
        """Write down how far the queue is; False: nobody would know, since the file beside it cannot be written."""
        instance = self._read()
        if instance is None or instance.held:
            return False
        try:
            with Directory(self.witness_path.parent) as parent:
                fd = parent.open(self.witness_path.name, os.O_WRONLY | os.O_CREAT)
        except OSError:
            return False
        try:
            text = msgspec.json.encode(Witness(id=instance.id, event=last_event))
            os.pwrite(fd, text.ljust(_WITNESS_OCTETS), 0)
        except OSError:
            return False
        finally:
            os.close(fd)
        return True

    def adopt(self, now: UnixMs) -> str:
        """From now on this is the one: whatever is in it is sent. Returns why it was held. Raises OSError."""
        held = self.held()
        self._write("", now)
        return held

    def _judge(self, instance: Instance, last_event: int) -> str:
        if not instance.inode:
            return COPIED
        witness = self._witness()
        if witness is not None and witness.id == instance.id and witness.event > last_event:
            return f"{OLDER}: {witness.event - last_event} events are missing"
        return ""

    def _read(self) -> Instance | None:
        fd = self._open()
        if fd is None:
            return None
        with os.fdopen(fd, "rb") as file:
            inode = os.fstat(fd).st_ino
            octets = file.read(_WITNESS_OCTETS * 8)
        try:
            found = msgspec.json.decode(octets, type=Instance)
        except msgspec.DecodeError:
            # Somebody wrote in it: it is not known to be ours
            return Instance(id="", inode=0)
        return found if found.inode == inode else msgspec.structs.replace(found, inode=0)

    def _open(self) -> int | None:
        """None: there is none. Another process may exchange it just then: what was opened has no name any more."""
        for _ in range(_TRIES):
            try:
                with Directory(self._data_dir) as directory:
                    return directory.open(FILE_NAME)
            except FileNotFoundError:
                return None
            except ForeignFileError:
                continue
        with Directory(self._data_dir) as directory:
            return directory.open(FILE_NAME)

    def _witness(self) -> Witness | None:
        try:
            with Directory(self.witness_path.parent) as parent:
                fd = parent.open(self.witness_path.name)
        except OSError:
            return None
        with os.fdopen(fd, "rb") as file:
            octets = file.read(_WITNESS_OCTETS)
        try:
            return msgspec.json.decode(octets, type=Witness)
        except msgspec.DecodeError:
            return None

    def _write(self, held: str, now: UnixMs, known_id: str = "") -> None:
        """Exchange the file whole: with the number of the new one's inode, so that it is no copy any more."""
        with Directory(self._data_dir) as directory:
            owner = os.fstat(directory.fd)
            # Processes of a server that starts do this at once: each exchanges a file of its own
            new_name = f"{FILE_NAME}.{secrets.token_hex(4)}"
            fd = directory.open(new_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                found = os.fstat(fd)
                if os.geteuid() == 0:
                    os.fchown(fd, owner.st_uid, owner.st_gid)
                instance = Instance(
                    id=known_id or secrets.token_hex(_ID_OCTETS),
                    inode=found.st_ino,
                    held=held,
                    since=now if held else UnixMs(0),
                )
                os.write(fd, msgspec.json.encode(instance) + b"\n")
                os.fsync(fd)
                os.rename(new_name, FILE_NAME, src_dir_fd=directory.fd, dst_dir_fd=directory.fd)
            except OSError:
                directory.remove(new_name)
                raise
            finally:
                os.close(fd)
            os.fsync(directory.fd)
