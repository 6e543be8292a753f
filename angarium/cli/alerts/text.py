"""What ``postmaster alerts`` prints, in lines. Pure."""

from collections.abc import Iterator

from angarium.alarms.alarm import RUNBOOKS, Alarm, figure_text, level_text
from angarium.alarms.raised import Raised
from angarium.alarms.silence import Silence
from angarium.alarms.wording import commands, figure_line, moment_text
from angarium.config.quantity import duration_text
from angarium.insight.admin.alarms import AlarmsNow, TargetNow
from angarium.queue.model import UnixMs


def raised_lines(found: AlarmsNow) -> Iterator[str]:
    if not found.enabled:
        yield "Nothing is looked for: [alarms] enabled is false."
    if not found.raised:
        yield "No alarm is raised."
    for each in found.raised:
        mark = "  (silenced)" if each.id in found.silenced else ""
        yield (
            f"{each.severity:<8}  {each.alarm:<22}  {each.subject.text:<28}"
            f"  {_figure(each):<18}  {ago(each.since, found.at):>8}  {each.id}{mark}"
        )
    for silence in found.silences:
        yield silence_line(silence, found.at)
    for target in found.targets:
        if target.failures or target.waiting:
            yield target_line(target)


def history_lines(found: AlarmsNow) -> Iterator[str]:
    if not found.over:
        yield "No alarm is over, as far as is kept."
    for each in found.over:
        assert each.ended_at is not None
        lasted = duration_text((each.ended_at - each.since) // 1000)
        yield (
            f"{moment_text(each.since)}  {lasted:>10}  {each.severity:<8}  {each.alarm:<22}"
            f"  {each.subject.text:<28}  worst {figure_text(each.unit, each.worst)}  {each.id}"
        )


def show_lines(raised: Raised, alarm: Alarm, *, is_silenced: bool) -> Iterator[str]:
    """All that is known of one."""
    state = "is over" if raised.ended_at is not None else "is raised"
    yield f"{alarm.about.title} ({raised.alarm}, {raised.severity}): {state}"
    yield f"  {figure_line(raised, alarm)}"
    if raised.detail:
        yield f"  {raised.detail}"
    yield f"  worst: {figure_text(raised.unit, raised.worst)}; raised at {moment_text(raised.raised_at)}"
    if is_silenced:
        yield "  it is silenced: nobody is told of it now"
    yield ""
    yield f"What is measured: {alarm.about.figure}. Raised {level_text(alarm)}."
    yield f"What it means: {alarm.about.why}"
    told = ", ".join(f"{target} at {moment_text(at)}" for target, at in raised.told.items())
    yield f"Told: {told or 'nobody'}"
    yield f"Runbook: {RUNBOOKS}/{raised.alarm}.md"
    yield "To look further:"
    for command in commands(alarm, [raised])[:-1]:
        yield f"  {command}"


def silence_line(silence: Silence, now: UnixMs) -> str:
    what = silence.alarm or "all alarms"
    where = "" if silence.subject is None else f" of {silence.subject.text}"
    left = duration_text(max(0, silence.until - now) // 1000)
    why = f": {silence.reason}" if silence.reason else ""
    return f"silence {silence.id}: {what}{where}, for {left} more, by {silence.who}{why}"


def target_line(target: TargetNow) -> str:
    text = f"{target.name} ({target.kind}): {target.waiting} to be told"
    return f"{text}; failed {target.failures} times: {target.problem}" if target.failures else text


def ago(since: UnixMs, now: UnixMs) -> str:
    seconds = max(0, now - since) // 1000
    return duration_text(seconds if seconds < 60 else seconds - seconds % 60)


def _figure(raised: Raised) -> str:
    figure = figure_text(raised.unit, raised.figure)
    return figure if raised.volume is None else f"{figure} of {raised.volume:,}"
