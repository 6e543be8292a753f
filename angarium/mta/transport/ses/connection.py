"""SES in the place of an SMTP session: opened, used for one transfer at a time, closed by the same carriers."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Final

from angarium.config.schema import Ses
from angarium.config.ses import endpoint_of
from angarium.host.aws_credentials import CredentialsError, read_credentials
from angarium.mta.transport.outcome import Failure, Outcome, Scope, Transient
from angarium.mta.transport.reply_meaning import Where, attempt, in_doubt
from angarium.mta.transport.ses.call import (
    SEND_PATH,
    Answer,
    find_refusal,
    meaning,
    room_for,
    send_email,
)
from angarium.mta.transport.ses.client import INLINE_OCTETS, Api, Lost, SesClient
from angarium.mta.transport.ses.pacer import Pacer
from angarium.mta.transport.transfer import (
    ALL_EXTENSIONS,
    EgressPath,
    Extensions,
    Progress,
    TlsPolicy,
    Transfer,
)
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost

_BROKEN_OFF: Final = (
    "broken off here: by an operator, at the end of the process, or after transaction_s"
)


class SesConnector:
    """Satisfies ``transfer.Connector``. A connection costs nothing until its first call."""

    def __init__(
        self, ses: Ses, connect_s: float, clock: Callable[[], UnixMs], pacer: Pacer
    ) -> None:
        self._ses = ses
        self._pacer = pacer
        self._connect_s = connect_s
        self._clock = clock
        self._tls = ssl.create_default_context()

    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions = ALL_EXTENSIONS,
        progress: Progress | None = None,
    ) -> "SesConnection | Failure":
        """Never raises for what a peer does. TLS is always verified; ``tls`` and ``use`` are those of SMTP."""
        ses = self._ses
        is_tls = endpoint_of(ses).startswith("https")
        where = Where(
            host=host.name,
            address=address,
            source=path.source,
            tls="TLS" if is_tls else "",
            tls_verified=is_tls,
        )
        if path.proxy is not None:
            text = f"source {path.source} sends through a proxy, and SES's API is not called through one"
            made = attempt(where, self._clock(), "connect", enhanced="4.3.5", reason=text)
            return Transient(made, Scope.SITE)
        try:
            credentials = await asyncio.to_thread(
                read_credentials, "ses", ses.access_key_id, ses.secret_key_file
            )
        except CredentialsError as error:
            made = attempt(where, self._clock(), "auth", enhanced="4.7.8", reason=str(error))
            return Transient(made, Scope.SITE)
        client = SesClient(
            Api(url=endpoint_of(ses), region=ses.region, credentials=credentials),
            address,
            path.bind_address,
            connect_s=self._connect_s,
            timeout_s=ses.timeout_s,
            tls=self._tls,
        )
        return SesConnection(client, host, where, ses.configuration_set, self._clock, self._pacer)


class SesConnection:
    """Satisfies ``transfer.Connection``."""

    def __init__(
        self,
        client: SesClient,
        host: MxHost,
        where: Where,
        configuration_set: str | None,
        clock: Callable[[], UnixMs],
        pacer: Pacer,
    ) -> None:
        self._client = client
        self._pacer = pacer
        self.host: Final = host
        self.address: Final = where.address
        self._where = where
        self._configuration_set = configuration_set
        self._clock = clock
        self.transfers = 0
        self.is_open = True
        self._call: asyncio.Task[Answer | Lost] | None = None

    @property
    def offers_dsn(self) -> bool:
        return False

    @property
    def offers_8bit(self) -> bool:
        return True

    @property
    def content_sent(self) -> bool:
        return self._client.sent

    def on_end(self, tell: Callable[[], None] | None) -> None:
        """An idle connection that the peer closes is opened again by the next call: nobody need know."""

    def room_for(self, transfer: Transfer) -> int:
        return room_for(transfer)

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        """Carry one message; one outcome for all recipients. Raises only when cancelled."""
        refusal = find_refusal(transfer, self._where, self._clock())
        outcome: Outcome = refusal if refusal is not None else await self._send(transfer)
        return [outcome] * len(transfer.recipients)

    async def _send(self, transfer: Transfer) -> Outcome:
        if len(transfer.body) <= INLINE_OCTETS:
            body = send_email(transfer, self._configuration_set)
        else:
            body = await asyncio.to_thread(send_email, transfer, self._configuration_set)
        self._client.sent = False
        recipients = len(transfer.recipients)
        self._call = asyncio.ensure_future(self._paced(body, recipients))
        del body
        try:
            await asyncio.wait({self._call})
            answer = self._call.result()
        except asyncio.CancelledError:
            if not self._call.cancelled():  # it is our own task that is cancelled
                self._call.cancel()
                raise
            answer = Lost(text=_BROKEN_OFF, sent=self._client.sent)
        finally:
            self._call = None
        self.transfers += self._client.sent
        at = self._clock()
        if isinstance(answer, Answer):
            return meaning(answer, self._where, at)
        self.is_open = False
        if answer.sent:
            return in_doubt(self._where, at, "4.4.1" if answer.timed_out else "4.4.2", answer.text)
        made = attempt(self._where, at, "connect", enhanced="4.4.1", reason=answer.text)
        return Transient(made, Scope.SITE)

    async def _paced(self, body: bytes, recipients: int) -> Answer | Lost:
        await self._pacer.turn(recipients)
        return await self._client.call("POST", SEND_PATH, body)

    async def close(self) -> None:
        """Never raises but when cancelled."""
        self.is_open = False
        await self._client.close()

    def abort(self) -> None:
        """Break it off, at once: a call under way ends as if the connection had been lost."""
        self.is_open = False
        if self._call is not None:
            self._call.cancel()
