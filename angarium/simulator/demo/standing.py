"""How the server's sources stand with providers, as its own commands tell: warm-ups, and rules in force."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import msgspec

from angarium.simulator.demo.server import ServerError, environment

# Shown as they are, and read as JSON
WARMUPS: Final = ("warmup", "show")
RULES: Final = ("rules", "list")
ANSWER_S: Final = 30.0


class WarmupRow(msgspec.Struct, frozen=True, kw_only=True):
    """Of ``warmup show --json``; other fields are ignored."""

    source: str
    provider: str
    day: int
    hour_limit: int | None
    note: str


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """Of ``rules list --json``."""

    rule: str
    action: str
    scope: str
    until: str | None
    reply: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    warmups: tuple[WarmupRow, ...] = ()
    rules: tuple[RuleRow, ...] = ()
    # What people see: each command, and its lines
    shown: tuple[tuple[str, str], ...] = ()


class _Answers(msgspec.Struct, frozen=True, kw_only=True):
    warmups: tuple[WarmupRow, ...] = ()
    rules: tuple[RuleRow, ...] = ()


async def ask_standing(config: Path) -> Standing:
    """Run the commands. Raises ServerError when one of them fails."""
    asked = (
        *((each, ()) for each in (WARMUPS, RULES)),
        *((each, ("--json",)) for each in (WARMUPS, RULES)),
    )
    said = await asyncio.gather(
        *(run_postmaster(config, *command, *more) for command, more in asked)
    )
    shown = tuple((" ".join(each), said[at].rstrip()) for at, each in enumerate((WARMUPS, RULES)))
    warmups, rules = (_decode(each) for each in said[2:])
    return Standing(warmups=warmups.warmups, rules=rules.rules, shown=shown)


def _decode(said: str) -> _Answers:
    return msgspec.json.decode(said, type=_Answers)


async def run_postmaster(config: Path, *arguments: str) -> str:
    """Return what the command prints. Raises ServerError when it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", *arguments, "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(),
    )
    try:
        async with asyncio.timeout(ANSWER_S):
            said, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        command = " ".join(arguments)
        raise ServerError(f"postmaster {command} failed: {said.decode('utf-8', 'replace')}")
    return said.decode("utf-8", "replace")
