"""Have the server read its configuration again, and hear what became of it. Answered by the platform process."""

from typing import Final

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.queue import UnixMs

_PROBLEM_CHARACTERS: Final = 500


class ReloadResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload came to for the server as a whole. It was taken unless ``refused`` says why not."""

    number: int  # counts reloads since the server started, the refused ones too
    at: UnixMs
    refused: tuple[str, ...] = ()  # what is wrong with the configuration; then nothing has changed
    restart: tuple[str, ...] = ()  # keys that wait for a restart of the server
    renewed: tuple[str, ...] = ()  # processes that end, and start anew with it
    answers: tuple[int, ...] = ()  # tokens of those who asked for it


class ReloadAct(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit has of a reload, whoever asked for it."""

    action: str
    subject: str
    problem: str = ""


def act_of(result: ReloadResult) -> ReloadAct:
    return ReloadAct(
        action="server.reload_refused" if result.refused else "server.reloaded",
        subject=f"reload {result.number}",
        problem="; ".join(result.refused)[:_PROBLEM_CHARACTERS],
    )


class ProcessReload(msgspec.Struct, frozen=True, kw_only=True):
    """The last reload as one process has it."""

    server: ReloadResult
    problems: tuple[str, ...] = ()  # what the process could not take: there the old state holds

    @property
    def is_taken(self) -> bool:
        return not (self.server.refused or self.problems)


class AskReload(Question[ReloadResult, None], frozen=True, tag="reload"):
    """Answered once the configuration is checked and on its way to all; ``Status.reload`` has what each made of it."""
