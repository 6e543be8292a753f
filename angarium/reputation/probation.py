"""Who is tried with one message at a time, once a suspension is over, until one is taken. Pure.

Without it, all that waited and may go at once met the same refusal each time. In memory only: a restart in the middle
of a trial lets all go.
"""

from collections import Counter, OrderedDict
from typing import Final

import msgspec

from angarium.queue.model import UnixMs
from angarium.reputation.reply_rules import Reach

# What went and was not answered by then may never be: its site took no connection. Ours: few transactions take longer
ANSWER_MS: Final = 60_000
# Ours: who sent nothing for so long after a suspension is tried like anybody
KEPT_MS: Final = 86_400_000
LIMIT: Final = 10_000


class _Trial(msgspec.Struct, kw_only=True):
    rule: str
    since: UnixMs  # the end of the suspension; before that nobody goes anyway
    went: UnixMs | None = None  # the one that is under way


class Probation:
    """Invariant PRB1: of who is on probation one message is under way, until its answer or for ``ANSWER_MS``.

    Invariant PRB2: at most LIMIT are; of more the oldest is forgotten, and goes on like anybody.
    """

    def __init__(self) -> None:
        self._trials: OrderedDict[Reach, _Trial] = OrderedDict()
        self._of_provider: Counter[str] = Counter()

    def begin(self, reach: Reach, rule: str, since: UnixMs) -> None:
        """Try it from then on, or from later if that was said before."""
        known = self.forget(reach)
        trial = _Trial(rule=rule, since=since if known is None else max(since, known.since))
        self._trials[reach] = trial
        self._of_provider[reach.provider] += 1
        while len(self._trials) > LIMIT:
            self.forget(next(iter(self._trials)))  # PRB2

    def forget(self, reach: Reach) -> "_Trial | None":
        """Let it go on: one was taken, or somebody said so."""
        trial = self._trials.pop(reach, None)
        if trial is not None:
            self._of_provider[reach.provider] -= 1
            if not self._of_provider[reach.provider]:
                del self._of_provider[reach.provider]
        return trial

    def has_any(self, provider: str) -> bool:
        return provider in self._of_provider

    def find_wait(self, reach: Reach, now: UnixMs) -> tuple[UnixMs, str] | None:
        """Return until when one that is under way may be answered, and the rule; None: another one may go."""
        trial = self._find(reach, now)
        if trial is None or trial.went is None or not 0 <= now - trial.went < ANSWER_MS:
            return None
        return UnixMs(trial.went + ANSWER_MS), trial.rule

    def goes(self, reach: Reach, now: UnixMs) -> None:
        trial = self._find(reach, now)
        if trial is not None:
            trial.went = now  # PRB1

    def answered(self, reach: Reach, now: UnixMs, *, is_taken: bool) -> None:
        trial = self._find(reach, now)
        if trial is None:
            return
        trial.went = None
        if is_taken:
            self.forget(reach)

    def _find(self, reach: Reach, now: UnixMs) -> _Trial | None:
        """Return its trial, if that has begun."""
        trial = self._trials.get(reach)
        if trial is None or now < trial.since:
            return None
        if now - trial.since >= KEPT_MS:
            self.forget(reach)
            return None
        return trial
