"""The pages of LMDB's file, read without mapping it: a damaged one cannot end the process that looks at it.

As liblmdb 0.9 lays them out on a 64-bit little-endian machine (mdb.c: MDB_meta, MDB_page, MDB_node, MDB_db). Knows
nothing of what the queue keeps there.
"""

import os
import struct
from collections.abc import Iterator
from typing import Final

import msgspec

_MAGIC: Final = 0xBEEFC0DE
_VERSION: Final = 1
_PAGE: Final = struct.Struct("<QHHHH")  # number, padding, flags, end of pointers, start of nodes
# Magic, version, two databases, last page, transaction
_META: Final = struct.Struct("<II16x48s48sQQ")
# Size of a page, flags, depth, pages of three kinds, entries, root
_DATABASE: Final = struct.Struct("<IHHQQQQQ")
_NODE: Final = struct.Struct("<HHHH")  # low and high half of a number, flags, size of the key
_BRANCH, _LEAF, _OVERFLOW, _META_PAGE = 1, 2, 4, 8
# Of a node: its data are on pages of their own; are a database
_BIG, _SUBDATABASE = 1, 2
_NO_ROOT: Final = (1 << 64) - 1
_MAX_DEPTH: Final = 32  # CURSOR_STACK
_PAGE_SIZES: Final = frozenset(1 << each for each in range(8, 17))


class PageError(Exception):
    """What is on disk is not a file of LMDB's, or a page of it is damaged."""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """The newer of the two meta pages: what the last committed transaction left."""

    page_octets: int
    last_page: int
    transaction: int
    free_root: int
    main_root: int


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a leaf page."""

    key: bytes
    data: bytes  # of a big one only its beginning is read: eight octets, the number of its page
    is_big: bool
    is_database: bool


def read_meta(fd: int) -> Meta:
    """Raises PageError: the file is none of LMDB's, or one of its meta pages is damaged."""
    first = _read_meta(fd, 0, 0)
    second = _read_meta(fd, 1, first.page_octets)
    return max(first, second, key=lambda meta: meta.transaction)


def _read_meta(fd: int, number: int, at: int) -> Meta:
    raw = os.pread(fd, _PAGE.size + _META.size, at)
    if len(raw) < _PAGE.size + _META.size:
        raise PageError(f"it ends within page {number}")
    _, _, flags, _, _ = _PAGE.unpack_from(raw)
    magic, version, free, main, last_page, transaction = _META.unpack_from(raw, _PAGE.size)
    page_octets, _, _, _, _, _, _, free_root = _DATABASE.unpack(free)
    is_right = (magic, version, flags & _META_PAGE) == (_MAGIC, _VERSION, _META_PAGE)
    if not is_right or page_octets not in _PAGE_SIZES:
        raise PageError(f"page {number} is no meta page of LMDB's")
    return Meta(
        page_octets=page_octets,
        last_page=last_page,
        transaction=transaction,
        free_root=free_root,
        main_root=_DATABASE.unpack(main)[7],
    )


class Pages:
    """Walks trees of pages. Each fault is noted and what is below it left out, so that a walk always ends.

    Invariant PG1: no page is read twice: a tree with a loop ends, too.
    """

    def __init__(self, fd: int, meta: Meta) -> None:
        self._fd = fd
        self._meta = meta
        self._seen = bytearray(meta.last_page + 1)
        self.faults: list[str] = []
        self.read = 0  # pages

    def free_pages(self) -> Iterator[int]:
        """Yield the pages that nothing uses."""
        for node in self.nodes(self._meta.free_root):
            raw = self._big_data(node) if node.is_big else node.data
            count = int.from_bytes(raw[:8], "little")
            if len(raw) < 8 + count * 8:
                self.faults.append("a list of free pages is damaged")
                continue
            yield from struct.unpack_from(f"<{count}Q", raw, 8)

    def check_all(self) -> None:
        """Read each page that is in use, but of values on pages of their own only the first."""
        for _ in self.free_pages():
            pass
        for node in self.nodes(self._meta.main_root):
            if node.is_database and len(node.data) == _DATABASE.size:
                for _ in self.nodes(_DATABASE.unpack(node.data)[7]):
                    pass

    def nodes(self, root: int, depth: int = 0) -> Iterator[Node]:
        """Yield the entries of the tree below a page, in the order of their keys."""
        if root == _NO_ROOT:
            return
        try:
            page = self._page(root)
            kind = _PAGE.unpack_from(page)[2] & (_BRANCH | _LEAF)
            if kind not in (_BRANCH, _LEAF) or depth >= _MAX_DEPTH:
                raise PageError(f"page {root} is no page of a tree")
            places = _places(root, page)
        except PageError as error:
            self.faults.append(str(error))
            return
        for at in places:
            low, high, flags, key_octets = _NODE.unpack_from(page, at)
            key = page[at + 8 : at + 8 + key_octets]
            if kind == _BRANCH:
                yield from self.nodes(low | high << 16 | flags << 32, depth + 1)
                continue
            is_big = bool(flags & _BIG)
            octets = low | high << 16
            start = at + 8 + key_octets
            end = start + (8 if is_big else octets)
            if len(key) < key_octets or end > len(page):
                self.faults.append(f"an entry of page {root} goes beyond it")
                continue
            node = Node(
                key=key,
                data=page[start:end],
                is_big=is_big,
                is_database=bool(flags & _SUBDATABASE),
            )
            if not is_big or self._check_big(node, octets):
                yield node

    def _page(self, number: int) -> bytes:
        if number > self._meta.last_page:
            raise PageError(
                f"page {number} is said to be in use, the last one is {self._meta.last_page}"
            )
        if self._seen[number]:
            raise PageError(f"page {number} is used twice")
        self._seen[number] = 1  # PG1
        self.read += 1
        octets = self._meta.page_octets
        page = os.pread(self._fd, octets, number * octets)
        if len(page) < octets:
            raise PageError(f"page {number} is missing")
        if _PAGE.unpack_from(page)[0] != number:
            raise PageError(f"page {number} has another's number")
        return page

    def _check_big(self, node: Node, octets: int) -> bool:
        """Whether the pages that hold a big value can."""
        number = int.from_bytes(node.data, "little")
        try:
            page = self._page(number)
            _, _, flags, low, high = _PAGE.unpack_from(page)
            room = (low | high << 16) * self._meta.page_octets - _PAGE.size
            if not flags & _OVERFLOW or room < octets:
                raise PageError(f"page {number} does not begin a value of {octets} octets")
            if number + (low | high << 16) - 1 > self._meta.last_page:
                raise PageError(f"the value at page {number} goes beyond the file")
        except PageError as error:
            self.faults.append(str(error))
            return False
        return True

    def _big_data(self, node: Node) -> bytes:
        """Of a list of free pages; it was checked."""
        octets = self._meta.page_octets
        at = int.from_bytes(node.data, "little") * octets
        _, _, _, low, high = _PAGE.unpack(os.pread(self._fd, _PAGE.size, at))
        return os.pread(self._fd, (low | high << 16) * octets - _PAGE.size, at + _PAGE.size)


def _places(number: int, page: bytes) -> tuple[int, ...]:
    """Where the nodes of a page of a tree are."""
    _, _, _, lower, upper = _PAGE.unpack_from(page)
    if not _PAGE.size <= lower <= upper <= len(page):
        raise PageError(f"page {number} is damaged")
    places = struct.unpack_from(f"<{(lower - _PAGE.size) // 2}H", page, _PAGE.size)
    if any(not upper <= at <= len(page) - _NODE.size for at in places):
        raise PageError(f"page {number} is damaged")
    return places
