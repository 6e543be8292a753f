"""What became of one recipient, and whether its sender asked to be told."""

import re
from typing import Final, Literal

import msgspec

from angarium.queue.model import Attempt, Claimed
from angarium.smtp.envelope import NOTIFY_DEFAULT, Notify

# RFC 3464 section 2.3.3; `delivered` and `expanded` are a later host's to say
Action = Literal["failed", "delayed", "relayed", "delivered", "expanded"]

_ENHANCED: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
_CLASS: Final[dict[Action, str]] = {
    "failed": "5",
    "delayed": "4",
    "relayed": "2",
    "delivered": "2",
    "expanded": "2",
}
_ASKED: Final[dict[Action, Notify]] = {
    "failed": Notify.FAILURE,
    "delayed": Notify.DELAY,
    "relayed": Notify.SUCCESS,
    "delivered": Notify.SUCCESS,
    "expanded": Notify.SUCCESS,
}


class RecipientReport(msgspec.Struct, frozen=True, kw_only=True):
    recipient: Claimed
    action: Action
    attempt: Attempt  # the last one: what the peer said, or why none was reached
    # `failed` because its time ran out, not because somebody refused for good
    expired: bool = False
    # `failed` without an attempt: we send nothing to the address
    suppressed: bool = False
    # A host that had taken the message says so in a report that came back; ``attempt`` is what that has of it
    later: bool = False

    @property
    def status(self) -> str:
        """RFC 3463. Its class follows the action, whatever mixture of codes the peer sent."""
        if self.expired:
            return "4.4.7"  # RFC 3463 section 3.5: delivery time expired
        enhanced = self.attempt.enhanced
        if not _ENHANCED.fullmatch(enhanced):
            return _CLASS[self.action] + ".0.0"
        return _CLASS[self.action] + enhanced[1:]

    @property
    def is_peer_reply(self) -> bool:
        """Whether the text is a reply of another host, not a finding of ours."""
        return (bool(self.attempt.host) or self.later) and self.attempt.code > 0

    @property
    def reply(self) -> str:
        """The reply as it stood on the wire, code first; or our finding. Not yet cleaned."""
        text = self.attempt.text
        if self.attempt.code <= 0 or text.startswith(str(self.attempt.code)):
            return text
        enhanced = self.attempt.enhanced
        if enhanced and not text.startswith(enhanced):
            text = f"{enhanced} {text}"
        return f"{self.attempt.code} {text}".rstrip()


def is_wanted(report: RecipientReport) -> bool:
    """NOTIFY of RFC 3461 section 4.1; without one, failures and delays are told, and of delays only our own.

    What hosts behind us write of theirs has no bound of ours.
    """
    notify = report.recipient.notify
    if notify is None and report.later:
        return report.action == "failed"
    return bool((NOTIFY_DEFAULT if notify is None else notify) & _ASKED[report.action])
