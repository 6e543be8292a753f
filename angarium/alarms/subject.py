"""What an alarm is about. Pure."""

from typing import Final, Literal, get_args

import msgspec

Kind = Literal[
    "all",
    "tenant",
    "stream",
    "provider",
    "source",
    "consumer",
    "endpoint",
    "way",
    "certificate",
    "domain",
    "tracking_host",
    "address",
    "campaign",
    "path",
    "process",
    "target",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Subject(msgspec.Struct, frozen=True, kw_only=True, array_like=True, order=True):
    """A stream is "tenant/stream", a campaign "tenant/campaign", a path "ip1 at gmail". On disk as it stands."""

    kind: Kind
    name: str

    @property
    def text(self) -> str:
        """Return it as people read and write it: "tenant acme"."""
        return "all" if self.kind == "all" else f"{self.kind} {self.name}"

    def is_part_of(self, other: "Subject") -> bool:
        """Whether what is said of the other one is said of this one, too, and more."""
        if self == other:
            return False
        if other.kind == "all":
            return True
        below = self.kind in ("stream", "campaign") and other.kind == "tenant"
        return below and self.name.partition("/")[0] == other.name


ALL: Final = Subject(kind="all", name="")


def find_subject(text: str) -> Subject | None:
    """Return what a text means, as ``Subject.text`` has it; None: nothing."""
    kind, _, name = text.strip().partition(" ")
    if kind == "all":
        return None if name else ALL
    if kind not in KINDS or not name.strip():
        return None
    return Subject(kind=kind, name=name.strip())
