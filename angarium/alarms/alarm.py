"""The form of an alarm, and its figures in words. Pure."""

from typing import Final

import msgspec

from angarium.alarms.subject import Kind
from angarium.config.alarm_limits import AlarmLimits
from angarium.config.alarms import AlarmUnit
from angarium.config.quantity import duration_text

RUNBOOKS: Final = "docs/runbooks"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Of an alarm, whatever its limits are."""

    name: str
    title: str
    subjects: tuple[Kind, ...] = ("all",)  # each is judged by itself
    figure: str  # what is measured
    why: str  # what it means
    look: tuple[str, ...]  # commands that show more; {name}: the subject's name
    # While one of these is raised of the same or of the whole, nobody is told of this
    explained_by: tuple[str, ...] = ()


class Alarm(AlarmLimits, frozen=True, kw_only=True):
    """One that is looked for: all that is known of it."""

    about: About

    def is_over(self, figure: float) -> bool:
        """Whether a figure is beyond the level."""
        return figure < self.level if self.is_floor else figure > self.level

    def is_calm(self, figure: float) -> bool:
        """Whether a figure has come back far enough (ALM1)."""
        return figure >= self.end_level if self.is_floor else figure <= self.end_level

    def worse(self, one: float, other: float) -> float:
        return min(one, other) if self.is_floor else max(one, other)


def figure_text(unit: AlarmUnit, figure: float) -> str:
    """Return it as people read it: "5.3 %", "2m30s", "120"."""
    if unit == "percent":
        return f"{figure:.3g} %" if figure < 99.5 else f"{figure:.4g} %"
    if unit == "seconds":
        return duration_text(round(figure)) if figure >= 10 else f"{figure:.2g}s"
    return f"{round(figure):,}"


def level_text(alarm: AlarmLimits) -> str:
    """Return when it is raised: "above 5 % over 1h, of 100 and more, for 2m"."""
    text = f"{side_text(alarm)} {figure_text(alarm.unit, alarm.level)}"
    if alarm.window_s is not None:
        text += f" over {duration_text(alarm.window_s)}"
    if alarm.minimum is not None:
        text += f", of {alarm.minimum:,} and more"
    return f"{text}, for {duration_text(alarm.for_s)}" if alarm.for_s else text


def side_text(alarm: AlarmLimits) -> str:
    return "below" if alarm.is_floor else "above"
