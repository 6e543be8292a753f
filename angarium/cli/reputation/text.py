"""How senders stand, and what blocklists have of us, in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from angarium.insight.admin.standing import ListingsNow, PausedSender, SubjectStanding
from angarium.insight.units import count_text, span_text
from angarium.reputation.figures import Tally
from angarium.reputation.score import Reason


def table_lines(found: Sequence[SubjectStanding]) -> list[str]:
    """One line for each, of its last seven days."""
    if not found:
        return ["nothing was sent within seven days"]
    lines = [
        f"{'':<40} {'score':>5} {'sent':>9} {'delivered':>9} {'deferred':>9} {'bounced':>8} {'complained':>10}"
    ]
    for each in found:
        week = each.week
        score = "-" if each.score is None else str(each.score.value)
        flag = "  paused" if each.pause is not None else "  over a limit" * bool(each.warning)
        lines.append(
            f"{f'{each.kind} {each.name}':<40} {score:>5} {week.sent:>9} {week.delivered:>9}"
            f" {sum(week.deferred.values()):>9} {sum(week.refusals.values()):>8}"
            f" {week.complained:>10}{flag}"
        )
    return lines


def subject_lines(standing: SubjectStanding, now: int) -> list[str]:
    score = standing.score
    head = f"{standing.kind} {standing.name}"
    lines = [head if score is None else f"{head}: {score.value} of 100"]
    lines += [_reason_line(each) for each in (() if score is None else score.reasons)]
    if standing.pause is not None:
        lines.append(paused_line(standing.pause, now))
    elif standing.warning:
        lines.append(f"over a limit of [breaker]: {standing.warning}")
    for name, tally in (("hour", standing.hour), ("day", standing.day), ("week", standing.week)):
        lines += _tally_lines(name, tally)
    return lines


def _reason_line(reason: Reason) -> str:
    points = f"-{reason.points}" if reason.points else ""
    return f"    {points:>4} {reason.text}"


def paused_line(paused: PausedSender, now: int) -> str:
    whose = f"campaign {paused.campaign} of {paused.tenant}" if paused.campaign else paused.tenant
    left = "" if paused.until is None else f", {span_text(paused.until - now)} to go"
    arguments = " ".join(filter(None, (paused.tenant, paused.campaign)))
    return (
        f"{whose} is paused for {span_text(now - paused.since)}{left}: {paused.why};"
        f" hold rule {paused.rule}; postmaster reputation resume {arguments}"
    )


def listings_lines(found: ListingsNow, now: int) -> list[str]:
    return list(_listings_lines(found, now))


def _listings_lines(found: ListingsNow, now: int) -> Iterator[str]:
    for each in found.listings:
        yield f"{each.address} is listed at {each.zone} for {span_text(now - each.since)}: {each.meaning}"
        if each.text:
            yield f"    {each.text}"
        if (removal := found.removals.get(each.zone)) is not None:
            yield f"    removal: {removal}"
    for silent in found.unanswered:
        yield f"{silent.zone} does not tell: {silent.why}"
    if not found.enabled:
        yield "nobody is asked: [blocklists] enabled = false"
        return
    if found.checked_at is None:
        yield "not asked yet since the server started"
        return
    zones, subjects = count_text(len(found.zones), "list"), len(found.subjects)
    listed = count_text(len(found.listings), "listing")
    yield (
        f"{listed}: {zones} asked {span_text(now - found.checked_at)} ago for"
        f" {count_text(subjects, 'address or domain') if subjects == 1 else f'{subjects} addresses and domains'}"
        + ("" if subjects else " (none of ours is public: [blocklists] addresses, domains)")
    )


def _tally_lines(name: str, tally: Tally) -> Iterator[str]:
    unwanted = f", {tally.unsubscribed} unsubscribed" if tally.unsubscribed else ""
    yield (
        f"{name:>5}: {tally.sent} sent, {tally.delivered} delivered,"
        f" {tally.complained} complained{unwanted}"
    )
    for what, counts in (
        ("deferred", tally.deferred),
        ("bounced", tally.bounced),
        ("sent back later", tally.returned),
    ):
        if counts:
            yield f"       {what}: {_classes_text(counts)}"


def _classes_text(counts: Mapping[str, int]) -> str:
    by_number = sorted(counts.items(), key=lambda each: -each[1])
    return ", ".join(f"{number} {name}" for name, number in by_number)
