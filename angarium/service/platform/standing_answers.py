"""Answers how senders stand, which blocklists have us, and lets a sender go on that was stopped."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from angarium.config.schema import Config
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.standing import (
    SUBJECTS_LISTED,
    AskListings,
    AskStanding,
    ListingsNow,
    PausedSender,
    ResumeSender,
    StandingNow,
    SubjectStanding,
    Unanswered,
)
from angarium.insight.blocklist_subjects import addresses_of_source
from angarium.insight.egress_addresses import egress_addresses
from angarium.queue import (
    Actor,
    Affected,
    QueueFullError,
    UnixMs,
    UnknownHoldRuleError,
)
from angarium.queue.administration import QueueAdministration
from angarium.reputation.breaker import Party, Pause
from angarium.reputation.breaker import Standing as Verdict
from angarium.reputation.figures import Kind, Subject, Tally, Window
from angarium.reputation.score import ListedAt, Score, find_score
from angarium.service.admin_socket import Asker, Handlers
from angarium.service.platform.blocklist_watch import BlocklistWatch
from angarium.service.platform.standing import Standing
from angarium.telemetry import log

_NOTHING: Final = Tally()


class StandingAnswers:
    def __init__(
        self,
        standing: Standing,
        watch: BlocklistWatch,
        queue: QueueAdministration,
        config: Config,
        clock: Callable[[], UnixMs],
    ) -> None:
        self._standing = standing
        self._watch = watch
        self._queue = queue
        self._config = config
        self._clock = clock

    def exchange(self, config: Config) -> None:
        self._config = config

    def handlers(self) -> Handlers:
        return (
            Handlers()
            .on(AskStanding, self.tell)
            .on(ResumeSender, self.resume)
            .on(AskListings, self.list_listings)
        )

    async def tell(self, asked: AskStanding, _: Asker) -> StandingNow:
        now = self._clock()
        pauses = self._standing.breaker.breaker.pauses()
        found = [self._shown(each, now) for each in self._wanted(asked)]
        found.sort(key=lambda each: (each.kind, -each.week.sent, each.name))
        return StandingNow(
            subjects=tuple(found[:SUBJECTS_LISTED]),
            paused=tuple(_paused(party, pause) for party, pause in pauses.items()),
            left_off=len(found[SUBJECTS_LISTED:]),
        )

    async def resume(self, asked: ResumeSender, asker: Asker) -> Affected | Refused:
        party = Party(tenant=asked.tenant, campaign=asked.campaign)
        pause = self._standing.breaker.breaker.pauses().get(party)
        if pause is None:
            return Refused("not_found", f"{party.text} is not paused")
        by = Actor(who=asker.name, reason=asked.reason)
        try:
            affected = await self._queue.remove_hold_rule(pause.rule, by, release=True)
        except UnknownHoldRuleError:
            return Refused("not_found", f"{party.text} goes on already")
        except QueueFullError as error:
            return Refused(
                "no_room", f"{error}; it is resumed, but not all that was held is released"
            )
        log("hold_rule_removed", rule=pause.rule, by=by.who, reason=by.reason)
        return affected

    async def list_listings(self, asked: AskListings, _: Asker) -> ListingsNow:
        watch = self._watch
        if asked.check_now and watch.settings.enabled:
            await watch.check()
        return ListingsNow(
            enabled=watch.settings.enabled,
            checked_at=watch.checked_at,
            zones=tuple(each.name for each in watch.zones),
            subjects=tuple(watch.asked_for),
            listings=tuple(watch.listings),
            removals={each.name: each.remove for each in watch.zones if each.remove},
            unanswered=tuple(
                Unanswered(zone=zone, why=why) for zone, why in sorted(watch.unanswered.items())
            ),
        )

    def scores(self, kind: Kind) -> Iterator[tuple[str, int]]:
        """Names and scores of a kind, for the metrics."""
        now = self._clock()
        for subject in self._standing.figures.subjects(kind):
            score = self._score(subject, self._tally(subject, "day", now), now)
            if score is not None:
                yield subject.name, score.value

    # ----------------------------------------------------------------------------------------

    def _wanted(self, asked: AskStanding) -> Sequence[Subject]:
        known = self._standing.figures.subjects(asked.kind)
        return [each for each in known if asked.name in ("", each.name)]

    def _shown(self, subject: Subject, now: UnixMs) -> SubjectStanding:
        day = self._tally(subject, "day", now)
        party = _party_of(subject)
        breaker = self._standing.breaker.breaker
        pause = None if party is None else breaker.pauses().get(party)
        ruling = None if party is None or pause is not None else breaker.ruling_of(party, now)
        is_warned = ruling is not None and ruling.standing is not Verdict.WELL
        return SubjectStanding(
            kind=subject.kind,
            name=subject.name,
            hour=self._tally(subject, "hour", now),
            day=day,
            week=self._tally(subject, "week", now),
            score=self._score(subject, day, now),
            warning=ruling.why if ruling is not None and is_warned else "",
            pause=None if pause is None or party is None else _paused(party, pause),
        )

    def _score(self, subject: Subject, day: Tally, now: UnixMs) -> Score | None:
        if subject.kind == "provider":
            return None
        windows = {"day": day, "week": self._tally(subject, "week", now)}
        return find_score(windows, self._listed(subject))

    def _tally(self, subject: Subject, window: Window, now: UnixMs) -> Tally:
        return self._standing.figures.tally(subject, window, now) or _NOTHING

    def _listed(self, subject: Subject) -> list[ListedAt]:
        """Return the listings of a source's addresses, or of a domain and of those that it is below."""
        listings, name = self._watch.listings, subject.name
        if not listings or subject.kind not in ("source", "domain"):
            return []
        if subject.kind == "source":
            egress = egress_addresses(self._config)
            own = addresses_of_source(name, egress, self._config.blocklists.addresses)
            found = [each for each in listings if each.address in own]
        else:
            found = [each for each in listings if f".{name}".endswith(f".{each.address}")]
        weights = {each.name: each.weight for each in self._watch.zones}
        return [
            ListedAt(
                zone=each.zone,
                address=each.address,
                meaning=each.meaning,
                weight=weights.get(each.zone, 0),
            )
            for each in found
        ]


def _party_of(subject: Subject) -> Party | None:
    if subject.kind == "tenant":
        return Party(tenant=subject.name)
    if subject.kind == "campaign":
        tenant, _, campaign = subject.name.partition("/")
        return Party(tenant=tenant, campaign=campaign)
    return None


def _paused(party: Party, pause: Pause) -> PausedSender:
    return PausedSender(
        tenant=party.tenant,
        campaign=party.campaign,
        rule=pause.rule,
        since=pause.since,
        until=pause.until,
        why=pause.why,
    )
