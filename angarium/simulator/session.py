"""One SMTP session of a provider with whoever delivers to it: aiosmtpd, with a provider's behaviour.

Knows nothing of when a provider accepts or refuses; asks ``provider``.
"""

import asyncio
import collections
import ssl
import struct
from collections.abc import Callable
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from angarium.simulator.mailboxes import StoredMessage, find_id
from angarium.simulator.provider import MailboxProvider
from angarium.simulator.scenario import Behaviour, Drop

COMMAND_OCTETS: Final = 4096  # ours: RFC 5321's 512 with the extensions' additions, and room
READ_OCTETS: Final = 1 << 24  # more than a StreamReader ever holds: take all there is
END_OF_DATA: Final = b"\r\n.\r\n"
FATAL_ALERT: Final = b"\x15\x03\x03\x00\x02\x02\x28"  # RFC 8446 section 6: handshake_failure
TLS_HANDSHAKE_S: Final = 30.0
DSN_PARAMETERS: Final = frozenset({"RET", "ENVID", "NOTIFY", "ORCPT"})  # RFC 3461
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER, zero seconds: close sends RST

ReportSink = Callable[[MailboxProvider, StoredMessage, bytes, str, Behaviour], None]


class ProviderSession(SMTP):
    """Where this differs from aiosmtpd: the banner may refuse, 421 closes, DATA is read in blocks and may
    be cut off, STARTTLS may fail on purpose and runs through the loop's own start_tls, the size limits of commands
    are per connection."""

    session: Session
    envelope: Envelope
    transport: asyncio.Transport | None
    _reader: Any  # asyncio's streams, whose insides STARTTLS has to change
    _writer: Any

    line_length_limit = 1 << 16  # also the reader's buffer; our peers may send long lines

    def __init__(
        self,
        provider: MailboxProvider,
        host: str,
        tls: ssl.SSLContext | None,
        report: ReportSink,
        sessions: "set[ProviderSession]",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(
            _Hooks(provider),
            hostname=host,
            ident="ESMTP",
            enable_SMTPUTF8=provider.plan.offers_utf8,
            data_size_limit=provider.plan.message_octets,
            loop=loop,
        )
        # aiosmtpd shares one dict between all connections and clears it for each new one.
        self.command_size_limits = collections.defaultdict(lambda: COMMAND_OCTETS)
        self.command_size_limit = COMMAND_OCTETS
        self.provider = provider
        self.messages = 0
        self.parameters: list[str] = []
        self.secured = False
        self._tls_context = tls
        self._report = report
        self._sessions = sessions  # the open ones, so that they can be cut off

    @property
    def client(self) -> str:
        peer: Any = self.session.peer  # (address, port, ...)
        return str(peer[0])

    @property
    def reverse_path(self) -> str:
        path = self.envelope.mail_from
        return "" if path is None or path == "<>" else path

    # -- the connection

    async def _handle_client(self) -> None:
        self._sessions.add(self)
        refusal = self.provider.greet(self.client)
        try:
            await self.pause("banner")
            if self.provider.plan.banner == "silent":
                await asyncio.Event().wait()  # until the client gives up
            if refusal is not None:
                await self.push(refusal)
                await self.hang_up()
            await super()._handle_client()
        except ConnectionError:
            pass  # the client went away
        finally:
            self._sessions.discard(self)
            self.provider.leave()

    async def cut_off(self) -> None:
        """Abort the connection, from outside of the session."""
        task = self._handler_coroutine
        if self.transport is not None:
            self.transport.abort()
        while task is not None and not task.done():
            task.cancel()  # again, should a time limit that ended just then have swallowed it (Python 3.11.2)
            await asyncio.wait([task], timeout=0.2)

    async def push(self, status: str | bytes) -> None:
        await super().push(status.encode() if isinstance(status, str) else status)
        if status[:3] in ("421", b"421"):  # RFC 5321 section 3.8: 421 announces the close
            await self.hang_up()

    async def hang_up(self, *, reset: bool = False) -> None:
        """End the session here, after what was pushed; ``reset``: at once, with RST."""
        transport, task = self.transport, self._handler_coroutine
        if transport is not None:
            if reset:
                sock = transport.get_extra_info("socket")
                if sock is not None:
                    sock.setsockopt(SOL_SOCKET, SO_LINGER, RESET)
                transport.abort()
            else:
                transport.close()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)  # the cancellation arrives here

    async def pause(self, stage: str) -> None:
        delay = self.provider.delay_s(stage, self.envelope.rcpt_tos)
        if delay > 0:
            await asyncio.sleep(delay)

    async def drop_if_due(self, stage: str) -> Drop | None:
        """Reset the connection if the provider is to do so here; "content" is left to the reader."""
        drop = self.provider.next_drop(stage, self.envelope.rcpt_tos)
        if drop is not None and stage != "content":
            await self.hang_up(reset=True)
        return drop

    # -- commands

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Split a path from its parameters; aiosmtpd takes a third of a millisecond with the email package."""
        if not arg.startswith("<") or '"' in arg:
            address, rest = super()._getaddr(arg)
        else:
            path, closed, rest = arg[1:].partition(">")
            address = path if closed else None
        if address is None or rest is None:
            return None, None
        kept = []
        for parameter in rest.split():
            self.parameters.append(parameter)
            name = parameter.partition("=")[0].upper()
            if not (self.provider.plan.offers_dsn and name in DSN_PARAMETERS):
                kept.append(parameter)
        return address or "<>", " ".join(kept)  # "<>": aiosmtpd takes "" for a missing address

    @syntax("STARTTLS")
    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802
        if arg:
            await self.push("501 5.5.4 Syntax: STARTTLS")
            return
        if self.provider.plan.tls == "none" or self.secured:
            await self.push("503 5.5.1 TLS not available")
            return
        await self.push("220 2.0.0 Ready to start TLS")
        if self.provider.plan.tls == "broken":
            self.provider.statistics.tls_failures += 1
            await self._reader.read(READ_OCTETS)  # the ClientHello
            self._writer.write(FATAL_ALERT)
            await self.hang_up()
        await self._secure()

    async def _secure(self) -> None:
        assert self._tls_context is not None
        assert self.transport is not None
        self._reader._buffer.clear()  # RFC 3207 section 6: what came before TLS does not count
        try:
            transport = await self.loop.start_tls(
                self.transport,
                self,
                self._tls_context,
                server_side=True,
                ssl_handshake_timeout=TLS_HANDSHAKE_S,
            )
        except OSError as error:  # ssl.SSLError, reset or timeout
            self.provider.statistics.tls_failures += 1
            self.connection_lost(error)  # the loop does not say it for a failed handshake
            return
        assert transport is not None
        self.provider.statistics.tls_handshakes += 1
        self.secured = True
        self.transport = transport
        self._reader._transport = transport
        self._writer._transport = transport
        self._over_ssl = True
        self._set_rset_state()  # type: ignore[no-untyped-call]  # RFC 3207 section 4.2: all knowledge of the client is gone
        peer = self.session.peer
        self.session = self._create_session()
        self.session.peer = peer
        self.session.ssl = {"cipher": transport.get_extra_info("cipher")}

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.pause("data")
        await self.drop_if_due("data")
        drop = await self.drop_if_due("content")
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._read_content(drop)
        await self.drop_if_due("final_dot")
        await self.pause("final_dot")
        if content is None:
            reply = "552 5.3.4 Message too big for system"
            self.provider.count_refusal(reply, len(envelope.rcpt_tos))
        else:
            refusal = self.provider.answer_content(self.client, envelope.rcpt_tos)
            reply = refusal if refusal is not None else await self._accept(content)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        self.parameters = []
        await self.push(reply)
        if self.messages == self.provider.plan.close_after_messages:
            await self.hang_up()

    async def _read_content(self, drop: Drop | None) -> bytes | None:
        """Return the content without dot-stuffing, None if it is too large. Only CR LF . CR LF ends it."""
        limit = self.provider.plan.message_octets
        data = bytearray(b"\r\n")  # the line end of DATA: a first line may be the dot
        too_large = False
        while True:
            searched = max(0, len(data) - len(END_OF_DATA))
            block = await self._reader.read(READ_OCTETS)
            if not block:
                await self.hang_up()
            self._reset_timeout()
            data += block
            if drop is not None and len(data) > drop.after_octets:
                await self.hang_up(reset=True)
            end = data.find(END_OF_DATA, searched)
            if end >= 0:
                break
            if len(data) > limit:
                too_large = True
                del data[: -len(END_OF_DATA)]
        behind = bytes(data[end + len(END_OF_DATA) :])
        if behind and not self._reader.at_eof():
            self._reader.feed_data(behind)  # the read took all, so this stays in order
        if too_large or end > limit:
            return None
        del data[end + 2 :]
        return bytes(data).replace(b"\r\n.", b"\r\n")[2:]  # RFC 5321 section 4.5.2

    async def _accept(self, content: bytes) -> str:
        envelope = self.envelope
        provider = self.provider
        cipher = (self.session.ssl or {}).get("cipher")
        message = StoredMessage(
            at=provider.now(),
            host=self.hostname,
            client=self.client,
            ehlo=self.session.host_name or "",
            tls=cipher[1] if cipher else "",
            reverse_path=self.reverse_path,
            recipients=tuple(envelope.rcpt_tos),
            parameters=tuple(self.parameters),
            id=find_id(content),
            size_octets=len(content),
            content=content,
        )
        provider.mailboxes.receive(message)
        self.messages += 1
        for recipient, behaviour in provider.reports_for(envelope.rcpt_tos):
            self._report(provider, message, content, recipient, behaviour)
        await self.drop_if_due("accepted")
        reply = f"250 2.0.0 Ok: queued as {provider.statistics.messages:X}"
        provider.statistics.last_reply = reply
        return reply


class _Hooks:
    """aiosmtpd's handler: what a provider answers to each command."""

    def __init__(self, provider: MailboxProvider) -> None:
        self._provider = provider

    async def handle_EHLO(  # noqa: N802
        self,
        server: ProviderSession,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        await server.pause("ehlo")
        session.host_name = hostname
        plan = self._provider.plan
        keywords = [
            server.hostname,
            "PIPELINING",
            f"SIZE {plan.message_octets}",
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
        ]
        if plan.offers_utf8:
            keywords.append("SMTPUTF8")
        if plan.offers_dsn:
            keywords.append("DSN")
        if plan.tls != "none" and not server.secured:
            keywords.append("STARTTLS")
        return [f"250-{k}" for k in keywords[:-1]] + [f"250 {keywords[-1]}"]

    async def handle_MAIL(  # noqa: N802
        self,
        server: ProviderSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[Any],
    ) -> str:
        await server.pause("mail")
        await server.drop_if_due("mail")
        reply = self._provider.answer_mail(server.client, server.messages)
        if reply is not None:
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self,
        server: ProviderSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[Any],
    ) -> str:
        envelope.rcpt_tos.append(address)  # so that its own delays and drops count
        await server.pause("rcpt")
        await server.drop_if_due("rcpt")
        reply = self._provider.answer_rcpt(server.client, server.reverse_path, address)
        if reply is not None:
            envelope.rcpt_tos.pop()
            return reply
        return "250 2.1.5 Ok"

    async def handle_RSET(  # noqa: N802
        self, server: ProviderSession, session: Session, envelope: Envelope
    ) -> str:
        server.parameters = []
        return "250 2.0.0 Ok"
