"""The other programs that are asked about mail: as many messages at once as allowed, each for as long as allowed."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final, Literal

import msgspec

from angarium.config.schema import Check
from angarium.content.checking.checking import finding
from angarium.content.checking.rule import Broken, Finding
from angarium.intake.checking.clamd import Clamd
from angarium.intake.checking.rspamd import Rspamd, SpamOpinion
from angarium.telemetry.log import log

Scanner = Literal["clamd", "rspamd"]
BOTH: Final[tuple[Scanner, ...]] = ("clamd", "rspamd")
_WAITING: Final = 8  # messages that wait for each one that is scanned; ours
_FIELD: Final = "body"


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    findings: tuple[Finding, ...] = ()
    opinion: SpamOpinion | None = None  # None: rspamd was not asked


NO_SCAN: Final = Scan()


class Scanners:
    """Invariant CK3: no more messages than ``at_once`` are scanned at a time, and no more wait for that than eight
    times as many; others are told as not scanned.
    """

    def __init__(self, config: Check) -> None:
        self._clamd = (
            Clamd(config.clamd, timeout_s=config.clamd_timeout_s, octets=config.clamd_octets)
            if config.clamd
            else None
        )
        self._rspamd = (
            Rspamd(config.rspamd_url, timeout_s=config.rspamd_timeout_s)
            if config.rspamd_url
            else None
        )
        self._needs_clamd = config.clamd_failure == "refuse"
        self.at_sending: Final = config.at_sending
        self._slots = asyncio.Semaphore(config.at_once)
        self._most = config.at_once * (1 + _WAITING)
        self._in_hand = 0

    @property
    def is_used(self) -> bool:
        return self._clamd is not None or self._rspamd is not None

    async def scan(
        self,
        content: bytes,
        reverse_path: str,
        recipients: Sequence[str],
        *,
        by: Collection[Scanner] = BOTH,
    ) -> Scan:
        """Never raises for what they do."""
        clamd = self._clamd if "clamd" in by else None
        rspamd = self._rspamd if "rspamd" in by else None
        if clamd is None and rspamd is None:
            return NO_SCAN
        if self._in_hand >= self._most:  # CK3
            text = "too many messages wait to be scanned"
            return self._told(None if clamd is None else text, None if rspamd is None else text)
        self._in_hand += 1
        try:
            async with self._slots:  # CK3
                return await self._scanned(clamd, rspamd, content, reverse_path, recipients)
        finally:
            self._in_hand -= 1

    async def close(self) -> None:
        if self._rspamd is not None:
            await self._rspamd.close()

    async def _scanned(
        self,
        clamd: Clamd | None,
        rspamd: Rspamd | None,
        content: bytes,
        reverse_path: str,
        recipients: Sequence[str],
    ) -> Scan:
        async with asyncio.TaskGroup() as tasks:
            scanning = None if clamd is None else tasks.create_task(clamd.scan(content))
            asking = (
                None
                if rspamd is None
                else tasks.create_task(rspamd.ask(content, reverse_path, recipients))
            )
        findings: list[Finding] = []
        if scanning is not None:
            scanned = scanning.result()
            if scanned.malware:
                findings.append(_found("malware_found", scanned.malware))
            elif scanned.trouble:
                findings.append(self._unscanned(scanned.trouble))
        opinion = None if asking is None else asking.result()
        if opinion is not None:
            findings += _of_opinion(opinion)
        return Scan(findings=tuple(findings), opinion=opinion)

    def _told(self, clamd: str | None, rspamd: str | None) -> Scan:
        findings: list[Finding] = []
        if clamd is not None:
            findings.append(self._unscanned(clamd))
        opinion = None if rspamd is None else SpamOpinion(trouble=rspamd)
        if opinion is not None:
            findings += _of_opinion(opinion)
        return Scan(findings=tuple(findings), opinion=opinion)

    def _unscanned(self, trouble: str) -> Finding:
        log("malware_not_looked_for", "warning", problem=trouble)
        found = _found("malware_not_looked_for", trouble)
        return msgspec.structs.replace(found, level="blocker") if self._needs_clamd else found


def _of_opinion(opinion: SpamOpinion) -> Sequence[Finding]:
    if opinion.trouble:
        log("rspamd_not_asked", "warning", problem=opinion.trouble)
        return (_found("rspamd_not_asked", opinion.trouble),)
    if opinion.rejects or opinion.suspects:
        code = "rspamd_rejects" if opinion.rejects else "rspamd_suspects"
        shown = f"{opinion.action}: {opinion.score:g} of {opinion.required_score:g}"
        return (_found(code, shown),)
    return ()


def _found(code: str, detail: str) -> Finding:
    return finding(Broken(code=code, field=_FIELD, examples=(detail,)), is_bulk=False)
