"""Reads the plans of warm-ups: files of their own, since several sources may follow one. The default one is shipped."""

import tomllib
from pathlib import Path
from typing import Final

import msgspec

from angarium.config.shape import Count

DEFAULT_PLAN: Final = "default"
SHIPPED_PLAN: Final = Path(__file__).parent / "shipped" / "warmup.toml"
# Ours: a year
MAX_DAYS: Final = 366
# Ours: a year of numbers with a comment each
MAX_PLAN_OCTETS: Final = 65_536


class PlanError(ValueError):
    """The file is no plan; the text names it, and says what to do."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    messages_per_hour: tuple[Count, ...]


def read_plan(path: Path) -> tuple[int, ...]:
    """Return how many messages an hour a plan's file allows, by day. Raises PlanError."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_PLAN_OCTETS + 1)
    except OSError as error:
        raise PlanError(
            f'{path}: cannot be read ({error.strerror}); name a file, or "{DEFAULT_PLAN}"'
        ) from None
    if len(octets) > MAX_PLAN_OCTETS:
        raise PlanError(f"{path}: larger than {MAX_PLAN_OCTETS} octets")
    try:
        return parse_plan(octets.decode())
    except UnicodeDecodeError:
        raise PlanError(f"{path}: not UTF-8; TOML files are; save it as UTF-8") from None
    except PlanError as error:
        raise PlanError(f"{path}: {error}") from None


def parse_plan(text: str) -> tuple[int, ...]:
    """Raises PlanError."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"not TOML: {error}") from None
    except RecursionError:
        raise PlanError("nested too deeply to be a plan") from None
    try:
        plan = msgspec.convert(tree, _File).messages_per_hour
    except msgspec.ValidationError as error:
        raise PlanError(
            f"{error}; a plan is one line: messages_per_hour = [20, 28, 39], day 0 first"
        ) from None
    try:
        check_plan(plan)
    except PlanError as error:
        raise PlanError(f"messages_per_hour: {error}") from None
    return plan


def check_plan(plan: tuple[int, ...]) -> None:
    """Raises PlanError for numbers that are no way up."""
    if not 1 <= len(plan) <= MAX_DAYS:
        raise PlanError(f"has {len(plan)} days; write 1 to {MAX_DAYS} numbers of messages")
    for day in range(1, len(plan)):
        if plan[day] < plan[day - 1]:
            raise PlanError(
                f"day {day} allows {plan[day]} an hour, fewer than the day before ({plan[day - 1]});"
                " a plan only goes up"
            )
