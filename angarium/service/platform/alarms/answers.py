"""Answers what is raised and what was, keeps silences, and tries whom is to be told."""

from collections.abc import Callable

from angarium.alarms.board import Board
from angarium.alarms.notice import Notice
from angarium.alarms.raised import new_id
from angarium.alarms.silence import MAX_MS, MAX_SILENCES, REASON, Silence
from angarium.alarms.subject import ALL
from angarium.config.alarm_limits import ALARM_NAMES
from angarium.config.quantity import duration_text
from angarium.config.schema import Config
from angarium.insight.admin.alarms import (
    AlarmsNow,
    AskAlarms,
    EndSilence,
    SilenceAlarms,
    TargetNow,
    TriedTarget,
    TriedTargets,
    TryTargets,
)
from angarium.insight.admin.protocol import Refused
from angarium.queue import UnixMs
from angarium.service.admin_socket import Asker, Handlers
from angarium.service.platform.alarms.keeper import BoardKeeper
from angarium.service.platform.alarms.teller import Teller, words_of
from angarium.telemetry import log


class AlarmAnswers:
    def __init__(
        self, config: Config, keeper: BoardKeeper, teller: Teller, clock: Callable[[], UnixMs]
    ) -> None:
        self._config = config
        self._keeper = keeper
        self._teller = teller
        self._clock = clock

    def exchange(self, config: Config) -> None:
        self._config = config

    def handlers(self) -> Handlers:
        return (
            Handlers()
            .on(AskAlarms, self.tell)
            .on(SilenceAlarms, self.silence)
            .on(EndSilence, self.end_silence)
            .on(TryTargets, self.test)
        )

    async def tell(self, asked: AskAlarms, _: Asker) -> AlarmsNow | Refused:
        board, now = self._keeper.board, self._clock()
        raised = board.raised
        over = list(reversed(board.over))[: asked.over]
        if asked.id:
            found = board.find(asked.id)
            if found is None:
                return Refused("not_found", f"no alarm {asked.id}; postmaster alerts history")
            raised, over = ([found], []) if found.ended_at is None else ([], [found])
        return AlarmsNow(
            at=now,
            enabled=self._config.alarms.enabled,
            raised=tuple(raised),
            silenced=tuple(each.id for each in raised if board.silenced(each, now) is not None),
            over=tuple(over),
            silences=tuple(each for each in board.silences if now < each.until),
            targets=self._targets(board),
            runbooks={
                each.alarm: words_of(self._config, each.alarm).runbook for each in (*raised, *over)
            },
        )

    async def silence(self, asked: SilenceAlarms, asker: Asker) -> Silence | Refused:
        board, now = self._keeper.board, self._clock()
        if asked.alarm and asked.alarm not in ALARM_NAMES:
            names = ", ".join(ALARM_NAMES)
            return Refused("invalid", f"no alarm {asked.alarm!r}; there are: {names}")
        if not now < asked.until <= now + MAX_MS:
            most = duration_text(MAX_MS // 1000)
            return Refused("invalid", f"a silence has an end, {most} from now at the latest")
        if len(board.silences) >= MAX_SILENCES:
            text = (
                f"there are {MAX_SILENCES} silences already; end some: postmaster alerts unsilence"
            )
            return Refused("invalid", text)
        silence = Silence(
            id=max((each.id for each in board.silences), default=0) + 1,
            alarm=asked.alarm,
            subject=asked.subject,
            since=now,
            until=asked.until,
            who=asker.named(asked.behalf),
            reason=asked.reason[:REASON],
        )
        await self._keeper.write(board.silence(silence))
        log(
            "alarms_silenced",
            silence=silence.id,
            alarm=silence.alarm,
            subject="" if silence.subject is None else silence.subject.text,
            by=silence.who,
            reason=silence.reason,
        )
        return silence

    async def end_silence(self, asked: EndSilence, asker: Asker) -> Silence | Refused:
        board = self._keeper.board
        silence = next((each for each in board.silences if each.id == asked.id), None)
        if silence is None:
            return Refused("not_found", f"no silence {asked.id}; postmaster alerts list")
        await self._keeper.write(board.end_silence(asked.id))
        log("alarms_heard_again", silence=asked.id, by=asker.named(asked.behalf))
        return silence

    async def test(self, asked: TryTargets, _: Asker) -> TriedTargets | Refused:
        targets = [each for each in self._config.alarms.notify if asked.name in ("", each.name)]
        if not targets:
            names = ", ".join(each.name for each in self._config.alarms.notify) or "none"
            what = f"named {asked.name!r}" if asked.name else "configured"
            return Refused("not_found", f"no [[alarms.notify]] is {what}; there are: {names}")
        now = self._clock()
        found = []
        for each in targets:
            notice = Notice(
                id=new_id(f"test {each.name}", ALL, now),
                target=each.name,
                alarm="test",
                kind="test",
                at=now,
            )
            outcome = await self._teller.try_once(each, notice)
            found.append(
                TriedTarget(
                    name=each.name,
                    outcome="failed" if outcome.problem else "told",
                    problem=outcome.problem,
                )
            )
        return TriedTargets(targets=tuple(found))

    def _targets(self, board: Board) -> tuple[TargetNow, ...]:
        failures = self._teller.failures()
        waiting = [each.notice.target for each in board.pending.values()]
        return tuple(
            TargetNow(
                name=each.name,
                kind=each.kind,
                waiting=waiting.count(each.name),
                failures=failures.get(each.name, (0, ""))[0],
                problem=failures.get(each.name, (0, ""))[1],
            )
            for each in self._config.alarms.notify
        )
