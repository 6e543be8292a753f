"""How senders stand, and what blocklists have of us, as JSON for programs. Pure."""

from typing import Any

from angarium.insight.admin.standing import ListingsNow, PausedSender, SubjectStanding
from angarium.reputation.figures import Tally
from angarium.telemetry.timestamp import rfc3339


def subject_json(standing: SubjectStanding) -> dict[str, Any]:
    score = standing.score
    return {
        "kind": standing.kind,
        "name": standing.name,
        "score": None if score is None else score.value,
        "reasons": []
        if score is None
        else [{"points": each.points, "text": each.text} for each in score.reasons],
        "warning": standing.warning or None,
        "paused": None if standing.pause is None else paused_json(standing.pause),
        "hour": _tally_json(standing.hour),
        "day": _tally_json(standing.day),
        "week": _tally_json(standing.week),
    }


def paused_json(paused: PausedSender) -> dict[str, Any]:
    return {
        "tenant": paused.tenant,
        "campaign": paused.campaign or None,
        "rule": paused.rule,
        "since": rfc3339(paused.since),
        "until": None if paused.until is None else rfc3339(paused.until),
        "reason": paused.why,
    }


def listings_json(found: ListingsNow) -> dict[str, Any]:
    return {
        "enabled": found.enabled,
        "checked_at": None if found.checked_at is None else rfc3339(found.checked_at),
        "zones": list(found.zones),
        "asked_for": list(found.subjects),
        "listings": [
            {
                "zone": each.zone,
                "address": each.address,
                "codes": list(each.codes),
                "meaning": each.meaning,
                "text": each.text,
                "since": rfc3339(each.since),
                "removal": found.removals.get(each.zone),
            }
            for each in found.listings
        ],
        "unanswered": [{"zone": each.zone, "reason": each.why} for each in found.unanswered],
    }


def _tally_json(tally: Tally) -> dict[str, Any]:
    return {
        "sent": tally.sent,
        "delivered": tally.delivered,
        "deferred": tally.deferred,
        "bounced": tally.bounced,
        "returned": tally.returned,
        "complained": tally.complained,
        "unsubscribed": tally.unsubscribed,
    }
