"""What serves the HTTP API in an ingress process, made of its configuration."""

import asyncio
import os
from pathlib import Path

import msgspec
from aiohttp import web

from angarium.analytics.access import CounterAccess
from angarium.api.access import Access, bearer_token, presented_key
from angarium.api.compat.mailgun.callers import Callers
from angarium.api.compat.mailgun.dialect import Mailgun
from angarium.api.compat.mailgun.domains import DomainList
from angarium.api.compat.mailgun.events import EventList
from angarium.api.compat.mailgun.templates import Templates as MailgunTemplates
from angarium.api.compat.postmark.dialect import Postmark
from angarium.api.compat.postmark.lacking import Lacking as PostmarkLacking
from angarium.api.compat.postmark.sent import SentMessages
from angarium.api.compat.postmark.templates import Templates as PostmarkTemplates
from angarium.api.compat.postmark.words import KEY_FIELD
from angarium.api.compat.resend.dialect import Resend
from angarium.api.compat.resend.domains import Domains as ResendDomains
from angarium.api.compat.resend.emails import Emails
from angarium.api.compat.resend.keys import Keys as ResendKeys
from angarium.api.compat.resend.lacking import Lacking
from angarium.api.compat.resend.sent import SentEmails
from angarium.api.compat.resend.suppressions import Suppressions as ResendSuppressions
from angarium.api.compat.resend.templates import Templates as ResendTemplates
from angarium.api.compat.resend.webhooks import Webhooks as ResendWebhooks
from angarium.api.compat.sendgrid.callers import Callers as SendGridCallers
from angarium.api.compat.sendgrid.dialect import SendGrid
from angarium.api.compat.sendgrid.templates import Templates as SendGridTemplates
from angarium.api.compat.ses.dialect import Ses
from angarium.api.cors import Cors
from angarium.api.dialect import Dialect
from angarium.api.issued_tokens import IssuedTokens
from angarium.api.load import Load
from angarium.api.native.campaign_making import CampaignMaking
from angarium.api.native.campaigns import CampaignResource
from angarium.api.native.checking import CheckResource, KnownDomains
from angarium.api.native.dialect import NativeDialect
from angarium.api.native.history import HistoryResource
from angarium.api.native.insights import InsightsResource
from angarium.api.native.lake import LakeResource
from angarium.api.native.management import management
from angarium.api.native.oauth import TokenResource
from angarium.api.native.persons import PersonResource
from angarium.api.native.premises import Premises
from angarium.api.native.providers import ProviderResource
from angarium.api.native.receiver_reports import ReceiverReportResource
from angarium.api.native.receivers import ReceiverSight, ReceiverTables
from angarium.api.native.resources import with_reference
from angarium.api.native.sending import SendResource
from angarium.api.native.stats import StatsResource
from angarium.api.native.upload_bringing import UploadBringing
from angarium.api.native.upload_content import UploadContent
from angarium.api.native.uploads import UploadResource
from angarium.api.native.waiting import WaitingResource
from angarium.api.oidc_client import OidcClient
from angarium.api.platform_access import PlatformAccess
from angarium.api.reading import ReadingLimits
from angarium.api.sessions import Sessions
from angarium.api.tokens import Tokens
from angarium.config.schema import Config
from angarium.config.streams import streams_to_leave
from angarium.dkim import SigningDomains
from angarium.history.access import HistoryAccess, QueueEvents
from angarium.intake.checking.mail_check import MailCheck
from angarium.intake.checking.scanners import Scanners
from angarium.intake.checking.sending_check import PolicyCheck
from angarium.intake.order import Caller
from angarium.intake.order_desk import OrderDesk
from angarium.intake.order_preparation import OrderPreparation
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import SubmissionBuilder
from angarium.intake.template_desk import TemplateDesk
from angarium.intake.waiting_mail import WaitingMail
from angarium.lake.access import LakeAccess
from angarium.queue import LmdbSpool, MessageIdGenerator, UnixMs
from angarium.receiver_reports.access import ReportAccess
from angarium.service.ingress.key_sets import KeySets
from angarium.service.ingress.observer import IngressObserver
from angarium.service.ingress.ses_dialect import ses_dialect
from angarium.service.ingress.tenants import SnapshotTenants
from angarium.service.order_limits import order_limits
from angarium.service.rendering import open_pool
from angarium.service.runtime import Runtime
from angarium.tenancy import KeyGrant, KeyProblem, Snapshot, SnapshotFile
from angarium.tenancy.check_policy import CheckPolicy
from angarium.tenancy.scopes import read_scopes
from angarium.tenancy.secret_file import read_secrets, secret_path
from angarium.tenancy.templates.files import TemplateFiles
from angarium.uploads import UploadStore, uploads_directory
from angarium.uploads.signed_url import UrlSigner


class ApiParts:
    def __init__(
        self,
        runtime: Runtime,
        spool: LmdbSpool,
        snapshots: SnapshotFile,
        builder: SubmissionBuilder,
        signatures: RequiredSignatures,
        new_message_id: MessageIdGenerator,
        observer: IngressObserver,
    ) -> None:
        """Raises TenancySetupError: the file of the platform's secret cannot be read. TenancyError: an issuer of tokens
        has a scope that is none.
        """
        config = runtime.config.api
        self._config = runtime.config
        self._snapshots = snapshots
        self.reading = ReadingLimits(
            body_octets=config.body_octets, body_s=config.body_timeout_s, depth=config.depth
        )
        cors = Cors(config.cors_origins)
        self.cors = cors if cors.is_used else None
        # Of all listeners of the process
        self.load = Load(requests=config.requests_in_hand, octets=config.octets_in_hand)
        self.renderer = open_pool(runtime)
        secrets = read_secrets(secret_path(runtime.config))
        self.tokens = Tokens(secrets.token_keys, self._snapshot)
        for each in config.issuer:
            if each.scopes:
                read_scopes(each.scopes)
        self.key_sets = KeySets(config.issuer)
        self.issued = IssuedTokens(config.issuer, self._snapshot, self.key_sets.ask_anew)
        self.access = Access(
            self._snapshot,
            runtime.clock,
            runtime.rates,
            config.requests_per_second,
            self._find_token,
        )
        self.access.traces = runtime.config.tracing.is_used
        tenants = SnapshotTenants(snapshots)
        self.scanners = Scanners(runtime.config.check)
        preparation = OrderPreparation(
            builder,
            spool.suppressions,
            signatures,
            tenants,
            observer,
            clock=runtime.clock,
            new_message_id=new_message_id,
            random_octets=os.urandom,
            limits=order_limits(config),
            checks=PolicyCheck(
                self._check_of,
                self._is_bulk,
                self.scanners,
                runtime.clock,
            ),
        )
        templates = TemplateDesk(
            TemplateFiles(Path(runtime.config.server.data_dir)), self.renderer, runtime.clock
        )
        self.sending = OrderDesk(
            preparation,
            templates,
            spool,
            tenants,
            observer,
            runtime.clock,
        )
        self.waiting = WaitingMail(spool.administration)
        self.history: HistoryAccess | None = None
        if runtime.config.history_of != "none":
            log = QueueEvents(spool.events, spool.administration)
            self.history = HistoryAccess.of(runtime.config, log, runtime.clock)
        self.counters: CounterAccess | None = None
        if runtime.config.analytics.counts:
            self.counters = CounterAccess(Path(runtime.config.server.data_dir))
        self.lake: LakeAccess | None = None
        if runtime.config.lake.enabled:
            self.lake = LakeAccess(runtime.config)
        self.platform = PlatformAccess.of(runtime.config, snapshots)
        self.sessions = Sessions(self.platform, snapshots, runtime.rates, runtime.clock)
        self.providers = OidcClient(runtime.clock)
        premises = Premises(
            admit=self._admit,
            platform=self.platform,
            snapshots=snapshots,
            suppressions=spool.suppressions,
            config=lambda: self._config,
            clock=runtime.clock,
            renderer=self.renderer,
            quota_use=spool.quota_use,
        )
        self.receiver_reports = ReportAccess(premises.data_dir)
        sight = ReceiverSight(premises, self.receiver_reports)
        uploads = UploadStore(uploads_directory(premises.data_dir), runtime.clock)
        making = CampaignMaking(
            premises,
            uploads,
            TemplateFiles(Path(runtime.config.server.data_dir)),
            preparation,
            new_message_id,
        )
        signer = UrlSigner(secrets.upload_keys)
        self.bringing = UploadBringing(premises, uploads)
        self.dialects: tuple[Dialect, ...] = (
            NativeDialect(
                with_reference(
                    (
                        SendResource(self.sending, self._admit),
                        WaitingResource(self.waiting, self._admit),
                        CampaignResource(premises, spool.ledger, making),
                        HistoryResource(self.history, self._admit),
                        StatsResource(premises, self.counters),
                        InsightsResource(premises, self.counters),
                        LakeResource(premises, self.lake),
                        ReceiverTables(premises, sight),
                        ReceiverReportResource(premises, sight),
                        PersonResource(premises),
                        CheckResource(self._mail_check(runtime, templates), premises),
                        TokenResource(self.tokens, self.access.find_key, runtime.clock),
                        ProviderResource(
                            premises, self.sessions, self.providers, secrets, os.urandom
                        ),
                        *management(premises, self.sessions, self.sending),
                        UploadResource(premises, uploads, signer, self.bringing),
                        UploadContent(premises, uploads, signer),
                    )
                )
            ),
            self._resend(msgspec.structs.replace(premises, admit=self._admit_by_bearer)),
            self._sendgrid(premises),
            Postmark(
                self.access,
                self.sending,
                runtime.clock,
                SentMessages(self.access, self.history),
                PostmarkTemplates(
                    msgspec.structs.replace(premises, admit=self._admit_by_server_token)
                ),
                PostmarkLacking(self.access),
            ),
            self._mailgun(premises),
            self._ses(runtime, spool, premises),
        )

    def _mail_check(self, runtime: Runtime, templates: TemplateDesk) -> MailCheck:
        return_path = runtime.config.feedback.return_path_domain
        return MailCheck(
            self.scanners,
            KnownDomains(self.platform, self._snapshots, return_path, self._is_signed),
            templates,
            self._is_bulk,
            clock=runtime.clock,
            random_octets=os.urandom,
        )

    def _check_of(self, tenant: str) -> CheckPolicy:
        return self._snapshots.current.check_of(tenant)

    def _is_signed(self, domain: str) -> bool:
        """By a key of the configuration."""
        return SigningDomains.of(self._config.dkim).covers(domain)

    def _is_bulk(self, stream: str) -> bool:
        """Its mail says how to leave: nobody waits for it."""
        return stream in streams_to_leave(self._config.stream)

    def _resend(self, premises: Premises) -> Resend:
        return Resend(
            Emails(self.access, self.sending, self.waiting, premises.clock),
            SentEmails(self.access, self.history),
            ResendDomains(premises),
            ResendKeys(premises),
            ResendSuppressions(premises),
            ResendWebhooks(premises),
            ResendTemplates(premises),
            Lacking(self.access),
        )

    def _sendgrid(self, premises: Premises) -> SendGrid:
        callers = SendGridCallers(self.access)
        return SendGrid(callers, self.sending, SendGridTemplates(callers, premises))

    def _mailgun(self, premises: Premises) -> Mailgun:
        callers = Callers(self.access)
        return Mailgun(
            callers,
            self.sending,
            premises.clock,
            EventList(callers, self.history),
            DomainList(callers, premises),
            MailgunTemplates(callers, premises),
        )

    def _ses(self, runtime: Runtime, spool: LmdbSpool, premises: Premises) -> Ses:
        return ses_dialect(
            self.access,
            self.sending,
            spool,
            self._snapshot,
            read_secrets(secret_path(runtime.config)),
            runtime.clock,
            premises,
        )

    def exchange(self, config: Config) -> None:
        """Work by a changed configuration. What is of [api] stays as it was at the start."""
        self._config = config
        if self.lake is not None:
            self.lake.exchange(config)

    async def close(self) -> None:
        """Once nobody asks any more."""
        self.sessions.close()
        await self.renderer.close()
        await self.bringing.close()
        await self.providers.close()
        await self.scanners.close()
        await asyncio.to_thread(self.platform.close)
        if self.history is not None:
            await asyncio.to_thread(self.history.close)
        if self.counters is not None:
            await asyncio.to_thread(self.counters.close)
        await asyncio.to_thread(self.receiver_reports.close)

    def _find_token(
        self, presented: str, now: UnixMs, address: str
    ) -> KeyGrant | KeyProblem | None:
        found = self.issued.find_grant(presented, now, address)
        return self.tokens.find_grant(presented, now, address) if found is None else found

    def _admit(self, request: web.Request, resource: str, action: str) -> Caller:
        return self.access.caller(request, presented_key(request), resource, action)

    def _admit_by_bearer(self, request: web.Request, resource: str, action: str) -> Caller:
        """As clients of Resend send their keys."""
        presented = bearer_token(request)
        return self.access.caller(request, presented, resource, action, dialect="resend")

    def _admit_by_server_token(self, request: web.Request, resource: str, action: str) -> Caller:
        """As clients of Postmark send their keys."""
        presented = request.headers.get(KEY_FIELD, "").strip()
        return self.access.caller(request, presented, resource, action, dialect="postmark")

    def _snapshot(self) -> Snapshot:
        """As it is on disk: a new key works at once."""
        self._snapshots.refresh()
        return self._snapshots.current
