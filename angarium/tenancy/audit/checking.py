"""Whether a chain of audit entries is whole. Pure: entries in, the first fault out."""

from collections.abc import Iterable, Sequence

import msgspec

from angarium.tenancy.audit.link import Link, Place, content_digest, link_digest

# Actions of entries about the audit itself, and what their details have
TRIMMED = "audit.trimmed"  # ``through``, ``digest``: the last entry that was let go
REDACTED = "audit.redacted"  # ``entries``: numbers, divided by commas


class ChainHolds(msgspec.Struct, frozen=True, kw_only=True, tag="holds"):
    entries: int
    anchor: Place  # what is before it was let go when its time was over
    head: Place
    redacted: tuple[int, ...]  # a person's words were taken out of these, as later entries say


class ChainBroken(msgspec.Struct, frozen=True, kw_only=True, tag="broken"):
    number: int  # of the first entry that is not as it should be
    reason: str


Verdict = ChainHolds | ChainBroken


class ChainCheck:
    """``take`` each entry, in order, then ``end``.

    Invariant AUC1: what was changed, taken out, put in or put elsewhere is found; what was cut off at the end is found
    by a head that was written down elsewhere.
    """

    def __init__(self, anchor: Place, heads: Iterable[bytes] = ()) -> None:
        """``heads``: digests that were noted elsewhere, each of which has to be in the chain."""
        self._anchor = anchor
        self._last = anchor
        self._entries = 0
        self._unseen = set(heads) - {anchor.digest}
        self._redacted: set[int] = set()
        self._accounted: set[int] = set()
        self._trimmed: Place | None = None

    def take(self, link: Link) -> ChainBroken | None:
        entry = link.entry
        if link.number <= self._last.number:
            text = f"it is numbered {link.number} and comes behind {self._last.number}"
            return ChainBroken(number=link.number, reason=text)
        if link.salt is None:
            self._redacted.add(link.number)
        elif content_digest(link.salt, entry) != link.content:
            return ChainBroken(number=link.number, reason="its words were changed")
        # AUC1
        if link_digest(self._last.digest, link.number, entry, link.content) != link.digest:
            text = f"it does not follow entry {self._last.number}: one was changed or taken out"
            return ChainBroken(number=link.number, reason=text)
        if entry.action == TRIMMED:
            self._trimmed = _told_place(entry.details)
        elif entry.action == REDACTED:
            self._accounted |= {int(each) for each in entry.details["entries"].split(",")}
        self._unseen.discard(link.digest)
        self._last = link.place
        self._entries += 1
        return None

    def end(self, head: Place | None) -> Verdict:
        """``head``: what the database says is the last one; None: that is not known, as of an exported file."""
        if head is not None and head != self._last:
            text = f"entries behind {self._last.number} are missing: there were {head.number}"
            return ChainBroken(number=self._last.number + 1, reason=text)
        if self._anchor.number and self._trimmed != self._anchor:
            text = f"no entry says that those up to {self._anchor.number} were let go"
            return ChainBroken(number=self._anchor.number + 1, reason=text)
        if lost := sorted(self._redacted - self._accounted):
            text = "words were taken out of it, and no entry says so"
            return ChainBroken(number=lost[0], reason=text)
        if self._unseen:
            found = ", ".join(sorted(each.hex() for each in self._unseen))
            text = f"no entry has the digest {found}: entries at the end were cut off, or those that were let go had it"
            return ChainBroken(number=self._last.number + 1, reason=text)
        return ChainHolds(
            entries=self._entries,
            anchor=self._anchor,
            head=self._last,
            redacted=tuple(sorted(self._redacted)),
        )


def trimmed_details(anchor: Place) -> dict[str, str]:
    return {"through": str(anchor.number), "digest": anchor.digest.hex()}


def redacted_details(numbers: Sequence[int]) -> dict[str, str]:
    return {"entries": ",".join(map(str, numbers))}


def _told_place(details: dict[str, str]) -> Place:
    return Place(number=int(details["through"]), digest=bytes.fromhex(details["digest"]))
