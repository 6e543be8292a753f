"""How a campaign is made of what is asked: its file is linked, its template pinned, its sender looked at."""

import asyncio
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

import msgspec

from angarium.api.native.campaign_file import FileChoice, FileChoosing
from angarium.api.native.campaign_wire import CampaignAsked, ScheduleAsked
from angarium.api.native.premises import Premises
from angarium.api.native.webhooks import check_url
from angarium.api.native.wire import invalid, unix_ms
from angarium.campaigns.asked import Asked, AskedError, Blank, caller_of, encode_asked
from angarium.campaigns.source import campaign_file, campaigns_directory
from angarium.content.letter import LetterError
from angarium.content.mailbox import read_mailbox
from angarium.intake.faults import fault_of
from angarium.intake.once_answer import DAY_MS
from angarium.intake.order import Caller, Fault, FaultError, FaultKind, Order
from angarium.intake.template_filling import fault_of_name
from angarium.queue.ledger.values import LedgerCampaign, NewCampaign
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.terms import MAX_KEY_CHARACTERS, OnceKey
from angarium.tenancy.templates.index import TemplateEntry, TemplateProblem
from angarium.uploads import UploadError, UploadStore

_SECRET_OCTETS: Final = 16
_PROBE: Final = "someone@example.com"


class FindsTemplates(Protocol):
    def find(
        self, tenant: str, name: str, version: int | None
    ) -> TemplateEntry | TemplateProblem: ...


class LooksAtOrders(Protocol):
    """Satisfied by ``order_preparation.OrderPreparation``."""

    def find_fault(self, caller: Caller, order: Order) -> Fault | None: ...


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be written, and the key that it is written once for."""

    new: NewCampaign
    once: OnceKey | None
    kept: Asked


class CampaignMaking:
    def __init__(
        self,
        premises: Premises,
        uploads: UploadStore,
        templates: FindsTemplates,
        orders: LooksAtOrders,
        new_id: Callable[[], MessageId],
    ) -> None:
        self._premises = premises
        self._uploads = uploads
        self._choosing = FileChoosing(premises, uploads)
        self._templates = templates
        self._orders = orders
        self._new_id = new_id

    @property
    def directory(self) -> Path:
        return campaigns_directory(self._premises.data_dir)

    async def wanted(self, caller: Caller, asked: CampaignAsked, once: str) -> Wanted:
        """Its file has its second name when this returns. Raises FaultError."""
        asked = _merged(asked)
        choice = await self._choosing.choose(caller, asked)
        start = start_of(asked.schedule)
        kept = self._kept(caller, asked, choice, start)
        self._look(caller, kept)
        if asked.callback_url:
            check_url(self._premises, caller, asked.callback_url, "callbackUrl")
        campaign = self._new_id()
        if choice.layout is not None:
            await asyncio.to_thread(self._link, caller.tenant, choice.upload_id, campaign)
        return self._wanted(caller, campaign, kept, once, start, asked)

    async def again(
        self, caller: Caller, parent: LedgerCampaign, kept: Asked, *, dry_run: bool, once: str
    ) -> Wanted:
        """The same of the rows that failed. Raises FaultError."""
        self._look(caller, kept)
        campaign = self._new_id()
        await asyncio.to_thread(self._link_again, parent.id, campaign)
        new = NewCampaign(
            id=campaign,
            tenant=caller.tenant,
            asked=encode_asked(kept),
            secret=os.urandom(_SECRET_OCTETS),
            start=kept.send_at,
            parent=parent.id,
            callback_url=parent.callback_url,
            is_dry=dry_run,
        )
        digest = msgspec.msgpack.encode([parent.id, kept, dry_run], order="deterministic")
        return Wanted(new=new, once=self._once(caller, once, digest, campaign), kept=kept)

    def pinned(self, tenant: str, name: str, version: int | None) -> TemplateEntry:
        """Raises FaultError."""
        found = self._templates.find(tenant, name, version)
        if isinstance(found, TemplateProblem):
            raise FaultError(fault_of_name(found))
        return found

    def forget_file(self, campaign: bytes) -> None:
        campaign_file(self.directory, campaign).unlink(missing_ok=True)

    def _kept(
        self,
        caller: Caller,
        asked: CampaignAsked,
        choice: FileChoice,
        start: UnixMs,
    ) -> Asked:
        entry = None
        if asked.template_id:
            entry = self.pinned(caller.tenant, asked.template_id, asked.template_version)
        reply_to = (asked.reply_to,) if isinstance(asked.reply_to, str) else asked.reply_to
        kept = Asked(
            layout=choice.layout,
            csv_url=choice.url,
            wish=choice.wish,
            filename=choice.filename,
            upload_id=choice.upload_id,
            template="" if entry is None else entry.id,
            template_version=0 if entry is None else entry.version,
            text=asked.body_text or None,
            html=asked.body_html or None,
            author=asked.from_ or _usual_author(caller),
            reply_to=tuple([each for each in reply_to if each]),
            subject=asked.subject,
            locale=asked.locale,
            data=asked.template_data,
            stream=asked.stream,
            topic=asked.topic,
            language=asked.language,
            name=asked.name,
            tags=_tags(asked),
            metadata=asked.metadata,
            send_at=start,
            expires_at=UnixMs(0) if asked.expires_at is None else unix_ms(asked.expires_at),
            opens=asked.tracking.opens,
            clicks=asked.tracking.clicks,
            duplicates=asked.duplicates,
            dry_rows=asked.dry_run_rows if asked.dry_run else 0,
            key_id=caller.key_id,
            address=caller.address,
            listener=caller.listener,
            request_id=caller.request_id,
        )
        if kept.expires_at and kept.expires_at <= max(start, self._premises.clock()):
            raise invalid("expiresAt", "expiresAt: is over before it begins")
        return kept

    def _look(self, caller: Caller, kept: Asked) -> None:
        """Refuse what would refuse every row. Raises FaultError."""
        again = caller_of(kept, caller.tenant, domains=caller.domains, senders=caller.senders)
        try:
            order = Blank(kept, "").order_to(read_mailbox(_PROBE, "to"), {})
        except AskedError as error:
            raise invalid(str(error).partition(":")[0], str(error)) from None
        except LetterError as error:
            raise FaultError(fault_of(error)) from None
        if (fault := self._orders.find_fault(again, order)) is not None:
            if fault.field == "subject" and order.template is None:
                text = "Missing required field: templateId, or subject with bodyText or bodyHtml"
                raise invalid("templateId", text, FaultKind.MISSING, "required")
            raise FaultError(fault)

    def _link(self, tenant: str, upload_id: str, campaign: bytes) -> None:
        try:
            self.directory.mkdir(mode=0o700, exist_ok=True)
            self._uploads.link(tenant, upload_id, campaign_file(self.directory, campaign))
        except UploadError as error:
            raise invalid("uploadId", f"uploadId: {error.reason}") from None

    def _link_again(self, parent: bytes, campaign: bytes) -> None:
        try:
            campaign_file(self.directory, campaign).hardlink_to(
                campaign_file(self.directory, parent)
            )
        except FileNotFoundError:
            text = "Its file is there no more"
            raise FaultError(Fault(kind=FaultKind.CONFLICT, message=text)) from None

    def _wanted(
        self,
        caller: Caller,
        campaign: MessageId,
        kept: Asked,
        once: str,
        start: UnixMs,
        asked: CampaignAsked,
    ) -> Wanted:
        new = NewCampaign(
            id=campaign,
            tenant=caller.tenant,
            asked=encode_asked(kept),
            secret=os.urandom(_SECRET_OCTETS),
            start=start,
            callback_url=asked.callback_url,
            is_dry=asked.dry_run,
        )
        digest = msgspec.msgpack.encode(asked, order="deterministic")
        return Wanted(new=new, once=self._once(caller, once, digest, campaign), kept=kept)

    def _once(self, caller: Caller, key: str, digest: bytes, campaign: MessageId) -> OnceKey | None:
        if not key:
            return None
        if len(key) > MAX_KEY_CHARACTERS or not key.isprintable():
            text = f"Idempotency-Key: has at most {MAX_KEY_CHARACTERS} printable characters"
            raise invalid("Idempotency-Key", text, constraint="idempotency")
        return OnceKey(
            tenant=caller.tenant,
            key=f"campaign:{key}"[:MAX_KEY_CHARACTERS],
            digest=sha256(digest).digest(),
            answer=campaign,
            expires=UnixMs(self._premises.clock() + DAY_MS),
        )


def start_of(schedule: ScheduleAsked) -> UnixMs:
    """Return when it is to begin; 0: at once. Raises FaultError."""
    at = schedule.send_at or schedule.send_at_too
    if at is None:
        return UnixMs(0)
    start = unix_ms(at)
    if start < 0:
        raise invalid("schedule.sendAt", "schedule.sendAt: is before 1970")
    return start


def _merged(asked: CampaignAsked) -> CampaignAsked:
    """Return it with what was said in snake_case in its place. Raises FaultError."""
    values = {}
    for name in ("template_id", "csv_file_url", "callback_url"):
        camel, snake = getattr(asked, name), getattr(asked, f"{name}_too")
        if camel and snake and camel != snake:
            raise invalid(name, f"{name}: is given twice, and differs: give it once")
        values[name] = camel or snake
        values[f"{name}_too"] = ""
    return msgspec.structs.replace(asked, **values)


def _tags(asked: CampaignAsked) -> tuple[str, ...]:
    if isinstance(asked.tags, tuple):
        return tuple(dict.fromkeys(asked.tags))
    return tuple([f"{name}:{value}" for name, value in asked.tags.items()])


def _usual_author(caller: Caller) -> str:
    if not caller.domains:
        text = "from: the tenant has no verified domain to send as"
        raise FaultError(Fault(kind=FaultKind.DOMAIN, message=text, field="from"))
    return f"noreply@{caller.domains[0]}"
