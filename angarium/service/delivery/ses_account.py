"""Reads the account of SES: its quota at the start and then once a minute, by the process that sends by it."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

import msgspec

from angarium.config.schema import Config
from angarium.config.ses import endpoint_of
from angarium.host.aws_credentials import CredentialsError, read_credentials
from angarium.mta.egress.gates.ses import SesGate
from angarium.mta.transport.ses.call import (
    ACCOUNT_PATH,
    Answer,
    account_of,
    error_of,
    is_throttling,
)
from angarium.mta.transport.ses.client import Api, SesClient
from angarium.queue.destination import SES
from angarium.queue.model import UnixMs
from angarium.reputation.ses_quota import SANDBOX, Reading, SesQuota
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import Metrics

READ_EVERY_S: Final = 60.0
# While there is none: Amazon answers one a second
FIRST_READ_EVERY_S: Final = 5.0
WARN_AT: Final = 0.8
# Below it a warning may come again
CALM_AT: Final = 0.75


class SesAccount:
    """The owner of the readings. Not in use where ``[ses]`` is absent, or another process has its partition."""

    def __init__(
        self,
        config: Config,
        quota: SesQuota,
        gate: SesGate,
        owns: Callable[[str], bool],
        clock: Callable[[], UnixMs],
    ) -> None:
        self._quota = quota
        self._gate = gate
        self._owns = owns
        self._clock = clock
        self._changed = asyncio.Event()
        self._is_warned = False
        self._told = ""  # the last failure, so that each is logged once
        self.exchange(config)

    def exchange(self, config: Config) -> None:
        """Read anew, by this configuration."""
        self._connect_s = config.delivery.timeouts.connect_s
        self._ses = config.ses
        if config.ses is not None:
            self._gate.connections = config.ses.connections
        self._changed.set()

    async def run(self, has_changed: Callable[[], None]) -> None:
        """Read until cancelled. ``has_changed`` is called when what waits should be asked for again."""
        while True:
            self._changed.clear()
            wait_s = READ_EVERY_S
            if self._ses is not None and self._owns(SES):
                before = self._quota.reading
                try:
                    await self._read()
                except Exception as error:  # noqa: BLE001  (a task boundary)
                    log_exception("internal_error", error, where="ses_account")
                if self._quota.reading != before:
                    has_changed()
                if self._quota.reading is None:
                    wait_s = FIRST_READ_EVERY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def follow(self, metrics: Metrics) -> None:
        """Bring the gauges up to date, and warn once when most of the quota is used."""
        reading = self._quota.reading
        if reading is None:
            return
        used = self._quota.used
        metrics.ses_used.set(used)
        metrics.ses_quota.set(max(0, reading.per_day))
        metrics.ses_rate.set(reading.per_second)
        if reading.per_day <= 0:
            return
        part = used / reading.per_day
        if part >= WARN_AT and not self._is_warned:
            self._is_warned = True
            log("ses_quota_nearly_used", "warning", used=int(used), quota=int(reading.per_day))
        elif part < CALM_AT:
            self._is_warned = False

    async def _read(self) -> None:
        began = self._clock()
        found = await self._ask()
        if isinstance(found, Reading):
            self._quota.read(found, began)
            self._told = ""
            return
        self._gate.not_read = found
        if found != self._told:
            log("ses_quota_not_read", "warning", reason=found)
            self._told = found

    async def _ask(self) -> Reading | str:
        """Return what the account says, or why it cannot be read."""
        ses = self._ses
        assert ses is not None  # run has looked
        try:
            credentials = await asyncio.to_thread(
                read_credentials, "ses", ses.access_key_id, ses.secret_key_file
            )
        except CredentialsError as error:
            return str(error)
        client = SesClient(
            Api(url=endpoint_of(ses), region=ses.region, credentials=credentials),
            None,
            None,
            connect_s=self._connect_s,
            timeout_s=ses.timeout_s,
            tls=ssl.create_default_context(),
        )
        try:
            answer = await client.call("GET", ACCOUNT_PATH)
        finally:
            await client.close()
        if not isinstance(answer, Answer):
            return answer.text
        if answer.status == 200:
            said = account_of(answer.body)
            return "an answer without SendQuota" if said is None else _reading(*said)
        reason = error_of(answer) or f"HTTP status {answer.status}"
        if is_throttling(answer) or answer.status >= 500:
            return reason
        if self._quota.reading is None:
            # It may send, perhaps, but not say how much: then as little as any account may
            self._quota.read(msgspec.structs.replace(SANDBOX), self._clock())
        return f"{reason}: let the keys do ses:GetAccount"


def _reading(per_day: float, sent: float, per_second: float, is_enabled: bool) -> Reading:
    return Reading(per_day=per_day, sent=sent, per_second=per_second, is_enabled=is_enabled)
