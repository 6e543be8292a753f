"""Which addresses is nothing sent to? And: suppress them, or no more. Answered by the platform process."""

from typing import Final

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.queue import Scope, Suppression, SuppressionFilter, SuppressionPage

# Ours, of one answer: who wants more asks again with its cursor
SUPPRESSIONS_LISTED: Final = 1000


class ListSuppressions(Question[SuppressionPage, None], frozen=True, tag="suppressions"):
    """By domain, local part and scope."""

    wanted: SuppressionFilter
    after: bytes | None = None  # the cursor of the page before
    limit: int = 100  # at most SUPPRESSIONS_LISTED are returned


class SuppressionsChanged(msgspec.Struct, frozen=True):
    """On disk when this comes."""

    done: tuple[bool, ...]  # of each, in order, whether it changed anything


class AddSuppressions(
    Question[SuppressionsChanged, None], frozen=True, kw_only=True, tag="suppress"
):
    """Who does it is the user at the other end of the socket."""

    suppressions: tuple[Suppression, ...]
    replaces: bool = False  # whatever is there; else what weighs as much stays
    reason: str = ""


class SuppressedAddress(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    scope: Scope


class RemoveSuppressions(
    Question[SuppressionsChanged, None], frozen=True, kw_only=True, tag="unsuppress"
):
    """Who does it is the user at the other end of the socket."""

    addresses: tuple[SuppressedAddress, ...]
    reason: str = ""
