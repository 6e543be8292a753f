"""The audit entry of a reload that a signal asked for. One that ``postmaster reload`` asked for is the command's."""

import asyncio
from typing import Final

from angarium.config.schema import Config
from angarium.insight.admin.reloading import ReloadResult, act_of
from angarium.telemetry.log import log
from angarium.tenancy import TenancySetupError

# Nobody knows who sends a signal
ACTOR: Final = "SIGHUP"


class ReloadAudit:
    def __init__(self, config: Config) -> None:
        self._config = config

    async def note(self, result: ReloadResult) -> None:
        """Leave it, on disk on return. What cannot be written is in the log."""
        if not result.answers:
            await asyncio.to_thread(self._write, result)

    def _write(self, result: ReloadResult) -> None:
        from angarium.tenancy.platform import Platform

        act = act_of(result)
        told = {"problem": act.problem} if act.problem else {}
        try:
            with Platform.open(self._config, actor=ACTOR) as platform:
                platform.audit.note(act.action, "", act.subject, **told)
        except TenancySetupError as error:
            log(
                "audit_entry_lost",
                "error",
                action=act.action,
                subject=act.subject,
                problem=str(error),
            )
