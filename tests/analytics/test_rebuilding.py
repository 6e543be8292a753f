"""Mirrors angarium/analytics/rebuilding.py, generations.py and counter_tables.py: the same figures, counted anew."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.analytics import generations
from angarium.analytics.forgetting import Forgetting, Kept
from angarium.analytics.rebuilding import NothingKept, Rebuilding, Rebuilt
from angarium.queue.model import UnixMs
from tests.analytics.conftest import Counted
from tests.analytics.test_counting import logs
from tests.history.samples import Log

DAY_MS = 86_400_000


def rebuild(counted: Counted, first_kept: int = 1, batch: int = 3) -> Rebuilt | NothingKept:
    rebuilding = Rebuilding(counted.file, counted.writer)
    position = rebuilding.begin(first_kept)
    if isinstance(position, NothingKept):
        rebuilding.undo()
        return position
    assert position >= first_kept - 1
    while events := counted.log.positions[position : position + batch]:
        rebuilding.write(events)
        position = events[-1].sequence
    return rebuilding.finish()


def forget(counted: Counted, days: int, first_kept: int) -> None:
    now = UnixMs(counted.log.clock.now)
    since = UnixMs(now - days * DAY_MS)
    kept = Kept(
        counters={"minute": since, "hour": since, "day": since},
        mail_ms=90 * DAY_MS,
        now=now,
        first_event=first_kept,
    )
    forgetting = Forgetting(counted.file, kept)
    while forgetting.step():
        pass


@given(log=logs(), data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_counted_anew_from_any_part_of_the_log_all_figures_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, log: Log, data: st.DataObject
) -> None:
    """CG1"""
    folder = tmp_path_factory.mktemp("rebuilt")
    batch = data.draw(st.integers(1, 9))
    of_generation = data.draw(st.integers(1, 20))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(generations, "GENERATION_EVENTS", of_generation)
        counted = Counted(folder, log)
        counted.catch_up(batch)
        for _ in range(2):
            first_kept = data.draw(st.integers(1, log.last + 1))
            if data.draw(st.booleans()):
                forget(counted, 3000, first_kept)
            before = counted.tables()
            # The queue trims no earlier than it says that it did
            rebuilt = rebuild(counted, first_kept, data.draw(st.integers(1, 9)))
            assert counted.tables() == before
            if isinstance(rebuilt, Rebuilt):
                assert (rebuilt.changed, rebuilt.before) == (0, rebuilt.after)
            else:
                assert first_kept > log.last + 1 - of_generation
        counted.close()
