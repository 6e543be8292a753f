"""A source that is new beside a warm one, through providers that throttle and block as the real ones do.

The real parts together, from the queue to the outcomes: dispatcher, policy with all its gates, warm-up, the shipped
rules and limits, retries, DSNs. The queue is in memory, the providers are values, and time passes when nothing is left
to do.
"""

import pytest

from tests.week.passing_time import passing_time
from tests.week.promises import broken_promises
from tests.week.week import Story, Week

DAY_AND_A_QUARTER = Story(
    days=1.25,
    volume=8,
    crashes=(9.0003, 22.1),
    drains=(10.2, 15.0004, 26),
    clock_set=((5.5, 70_000), (18.4, 0)),
    outlook_busy=(8.9, 13),
    unauthenticated=(8.5, 16),
    yahoo_bears=12,
)
WEEK = Story(
    days=7.5,
    volume=20,
    # At half past, at night, and in the first seconds of a campaign
    crashes=(9.0003, 33.0008, 57.2, 81.001, 105.0002, 129.5, 153.0001),
    drains=(20.5, 45.0, 63.0005, 90.3, 111.0003, 140.2),
    clock_set=((28.5, 70_000), (50.4, 0), (70.2, -40_000), (100.7, 0), (120.6, 5_000)),
    outlook_busy=(78, 86),
    unauthenticated=(58, 70),
)


def lived(story: Story) -> Week:
    async def live() -> Week:
        week = Week(story)
        await week.live()
        return week

    with passing_time() as runner:
        return runner.run(live())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_day_and_a_quarter_keeps_all_promises() -> None:
    assert broken_promises(lived(DAY_AND_A_QUARTER)) == {}


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_week_keeps_all_promises() -> None:
    assert broken_promises(lived(WEEK)) == {}


@pytest.mark.slow
def test_without_a_warm_up_these_providers_refuse_a_stranger() -> None:
    """The model bites: rules alone, which stop at once where they can, come too late at one of them."""
    week = lived(Story(days=0.5, volume=20, warms_up=False))
    refused = {name for name, each in week.providers.items() if each.said_too_much}
    assert refused >= {"gmail", "yahoo", "outlook", "apple"}
    assert week.providers["gmail"].blocks
