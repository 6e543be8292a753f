"""What of a message is made personal: whether it is tracked, where its links lead, and how one leaves. Pure.

Asked once for each message, before it is queued; what is put in for each recipient waits until the transfer.
"""

from collections.abc import Callable, Set
from typing import Final, Protocol

import msgspec

from angarium.config.schema import Stream, Tracking
from angarium.config.streams import is_commercial
from angarium.config.tracking_host import links_lead_to
from angarium.content.checking.checking import check
from angarium.content.checking.mail import Facts
from angarium.intake.checking.checked_mail import mail_of_raw
from angarium.queue.model import Personal, Submission
from angarium.smtp.refusal import Refusal
from angarium.tenancy.model import TrackingPolicy
from angarium.tracking.addresses import base_url
from angarium.tracking.postal import may_have_codes
from angarium.tracking.preparing import Prepared, Wishes, prepare
from angarium.tracking.tokens import TrackingKeys

# The status of what is refused here (RFC 3463 section 3.8): others say of whom it is
LACKING: Final = "5.7.0"
_NO_HOST: Final = "this server has no tracking host: its operator gives [tracking] host, or you add one of your own"
_WAY_OUT: Final = frozenset({"unsubscribe_link_missing"})
_POSTAL: Final = frozenset({"postal_address_missing"})


class TenantTracking(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant has said."""

    policy: TrackingPolicy = "full"
    host: str = ""  # its own one, with its port where that is unusual; "": the server's
    postal_address: str = ""  # lines; ""


class TrackedTenants(Protocol):
    def find_tracking(self, tenant: str) -> TenantTracking: ...


class Nobody:
    """Satisfies TrackedTenants where no tenant has said anything."""

    def find_tracking(self, _tenant: str) -> TenantTracking:
        return TenantTracking()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a message's sender says of it. None: as its stream has it."""

    opens: bool | None = None
    clicks: bool | None = None
    untracked: Set[str] = frozenset()  # forward-paths of recipients who are not


class MailTracking:
    def __init__(
        self,
        config: Tracking,
        keys: TrackingKeys | None = None,
        tenants: TrackedTenants | None = None,
    ) -> None:
        """``keys`` None: no listener answers for tracking hosts, so nothing is tracked."""
        self._config = config
        self._keys = keys
        self._tenants = tenants or Nobody()

    def find_fault(self, tenant: str, *, is_wanted: bool) -> str | None:
        """Say why a tenant's mail cannot be tracked that is to be; None: it can."""
        if is_wanted and not self._host(self._tenants.find_tracking(tenant)):
            return _NO_HOST
        return None

    def personal(
        self, submission: Submission, stream: Stream, wanted: Wanted
    ) -> Submission | Refusal:
        """Return the message as it is to be queued; or why it may not be sent so."""
        tenant = self._tenants.find_tracking(submission.tenant)
        host = self._host(tenant)
        if self._keys is None or not host:
            if wanted.opens or wanted.clicks:
                return Refusal(550, LACKING, f"It is to be tracked, and {_NO_HOST}")
            return submission
        opens, clicks = self._switches(stream, wanted, tenant)
        commercial = is_commercial(stream, has_host=self._config.host is not None)
        if not (opens or clicks or commercial or may_have_codes(submission.content)):
            return submission
        prepared = prepare(
            submission.content,
            submission.header_octets,
            Wishes(
                opens=opens,
                clicks=clicks,
                text_links=self._config.text_links,
                base_url=base_url(host, insecure=self._config.insecure),
                postal_address=tenant.postal_address,
            ),
            self._minting(self._keys, submission),
        )
        if isinstance(prepared, Prepared):
            submission = _with(submission, prepared, wanted, tenant.policy)
        if commercial and (lack := _find_lack(submission, prepared, tenant)) is not None:
            return Refusal(550, LACKING, lack)
        return submission

    def _host(self, tenant: TenantTracking) -> str:
        return "" if self._keys is None else links_lead_to(self._config, tenant.host)

    def _switches(
        self, stream: Stream, wanted: Wanted, tenant: TenantTracking
    ) -> tuple[bool, bool]:
        """The message wins over its stream, that over the configuration, and the tenant's policy over all."""
        if tenant.policy == "none":
            return False, False
        usual = self._config
        opens = _first(wanted.opens, stream.opens, usual.opens)
        clicks = _first(wanted.clicks, stream.clicks, usual.clicks)
        return opens, clicks

    @staticmethod
    def _minting(keys: TrackingKeys, submission: Submission) -> Callable[[int, str], str]:
        def mint(number: int, target: str) -> str:
            return keys.link(submission.message_id, submission.tenant, number, target)

        return mint


def _first(*values: bool | None) -> bool:
    return next((each for each in values if each is not None), False)


def _with(
    submission: Submission, prepared: Prepared, wanted: Wanted, policy: TrackingPolicy
) -> Submission:
    envelope = submission.envelope
    untracked = tuple(
        index
        for index, each in enumerate(envelope.recipients)
        if each.forward_path in wanted.untracked
    )
    personal = None
    if prepared.is_personal:
        personal = Personal(untracked=untracked, anonymous=policy == "aggregate")
    return msgspec.structs.replace(
        submission,
        content=prepared.content,
        header_octets=prepared.header_octets,
        envelope=msgspec.structs.replace(envelope, body_8bit=not prepared.content.isascii()),
        personal=personal,
    )


def _find_lack(submission: Submission, prepared: object, tenant: TenantTracking) -> str | None:
    """Say what of the law's demands of advertising (CAN-SPAM section 5) the mail lacks; None: nothing."""
    needed = _WAY_OUT | _POSTAL
    if isinstance(prepared, Prepared):
        needed -= _WAY_OUT if prepared.has_leave else frozenset()
        needed -= _POSTAL if prepared.has_postal_address else frozenset()
    if not needed:
        return None
    mail = mail_of_raw(submission.content)
    shown = f"{mail.text or ''}{mail.html or ''}"
    if tenant.postal_address and all(each in shown for each in tenant.postal_address.split("\n")):
        needed -= _POSTAL
    broken = {each.code for each in check(mail, Facts(is_bulk=True), needed)}
    if "unsubscribe_link_missing" in broken:
        return (
            f"Mail of the stream {submission.stream} says how to leave: write {{{{unsubscribe_url}}}} where its link "
            "is to be, or a link of your own"
        )
    if "postal_address_missing" in broken:
        return (
            f"Mail of the stream {submission.stream} has its sender's postal address: write {{{{postal_address}}}}, "
            "and say it once for your tenant, or write it yourself"
        )
    return None
