"""What a look at a tracking host has found: expected, found, what to do; and when to look again. Pure values."""

from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs
from angarium.tenancy.model import TrackingHostState
from angarium.tenancy.tracking_policy import TrackingHost

HostPurpose = Literal["ownership", "dns", "answer", "certificate"]
HostVerdict = Literal["ok", "warn", "fail"]

# Ours. Daily, from when all is well
DAY_MS: Final = 86_400_000
SOON_MS: Final = 60_000
FAILED_MS: Final = 3_600_000
# What waits for somebody is looked for after another tenth of the time that it has waited
_PATIENCE: Final = 10


class HostFinding(msgspec.Struct, frozen=True, kw_only=True):
    purpose: HostPurpose
    verdict: HostVerdict
    expected: str
    found: str
    remedy: str = ""  # "": nothing is to be done
    is_certain: bool = True  # False: nobody answered, so it may be well


class HostCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The last look at a host."""

    host: str
    checked: UnixMs
    findings: tuple[HostFinding, ...]

    def state_after(self, before: TrackingHostState) -> TrackingHostState:
        """What nobody has answered makes nothing worse than ``before``."""
        wrong = {each.purpose for each in self.findings if each.verdict == "fail"}
        if wrong and all(
            each.is_certain is False for each in self.findings if each.verdict == "fail"
        ):
            return before
        if "ownership" in wrong or "answer" in wrong:
            return "failed" if before in ("verified", "failed") else "pending"
        return "reached" if "certificate" in wrong else "verified"

    @property
    def problem(self) -> HostFinding | None:
        """Return what is wrong first, and keeps links from leading there; None: nothing."""
        return next((each for each in self.findings if each.verdict == "fail"), None)


def health_of(
    state: TrackingHostState, before: Literal["pending", "verified", "failed"]
) -> Literal["pending", "verified", "failed"]:
    """Return what its tenant is told of a host in this state. ``before``: what was told last."""
    if state == "verified":
        return "verified"
    # One whose certificate has ended is "reached", and out of use all the same
    return "failed" if state == "failed" or before != "pending" else "pending"


def next_look(host: TrackingHost, check: HostCheck | None, spread: float) -> UnixMs:
    """Return when to look again. ``spread``: from 0 to 1, of this host: they are looked at all over the day."""
    if check is None or check.checked < host.created:
        return UnixMs(0)
    if host.state == "verified":
        return UnixMs(check.checked + int(DAY_MS * (0.75 + 0.25 * spread)))
    if host.state == "failed":
        return UnixMs(check.checked + FAILED_MS)
    waited = max(0, check.checked - host.created)
    # One that only lacks its certificate gets that any minute
    longest = 10 * SOON_MS if host.state == "reached" else DAY_MS
    return UnixMs(check.checked + min(longest, max(SOON_MS, waited // _PATIENCE)))
