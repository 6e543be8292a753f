"""Mirrors angarium/reputation/smart_host_rests.py."""

from angarium.reputation.smart_host_rests import (
    FAILURES,
    FIRST_REST_MS,
    MAX_REST_MS,
    PROBE_MS,
    SmartHostRests,
)

ONE, OTHER = "smtp://one", "ses"


def failed(at: int = 0) -> SmartHostRests:
    rests = SmartHostRests()
    for _ in range(FAILURES):
        rests.fails(ONE, "no answer", at)
    return rests


def test_failures_in_a_row_rest_it_and_only_it_shr1() -> None:
    rests = SmartHostRests()
    for _ in range(5):
        rests.fails(ONE, "no answer", 0)
        rests.works(ONE, 0)
    assert rests.find_rest(ONE, 0) is None
    rests = failed()
    rest = rests.find_rest(ONE, FIRST_REST_MS - 1)
    assert rest is not None
    assert (rest.reason, rest.until) == ("no answer", FIRST_REST_MS)
    assert rests.find_rest(OTHER, 0) is None


def test_what_is_of_the_account_rests_it_at_once_shr1() -> None:
    rests = SmartHostRests()
    rests.fails(OTHER, "AccountSuspendedException", 0, at_once=True)
    assert rests.find_rest(OTHER, 1) is not None


def test_one_probes_it_and_the_others_wait_for_what_becomes_of_it_shr2() -> None:
    rests, now = failed(), FIRST_REST_MS
    assert rests.find_rest(ONE, now) is None
    rests.begins(ONE, now)
    assert rests.find_rest(ONE, now + 1) is not None
    rests.works(ONE, now + 5)
    assert rests.find_rest(ONE, now + 6) is None
    assert [each.is_back for each in rests.take_changes()] == [False, True]
    assert rests.take_changes() == []


def test_each_probe_that_fails_doubles_its_rest_shr2() -> None:
    rests, now, lengths = failed(), 0, []
    for _ in range(8):
        rest = rests.find_rest(ONE, now)
        assert rest is not None
        lengths.append(rest.until - now)
        now = rest.until
        rests.begins(ONE, now)
        rests.fails(ONE, "still no answer", now)
        rests.fails(ONE, "another that was under way", now)
    assert lengths[:3] == [FIRST_REST_MS, 2 * FIRST_REST_MS, 4 * FIRST_REST_MS]
    assert lengths[-1] == MAX_REST_MS
    assert len(rests.take_changes()) == 1  # it was never back


def test_a_probe_of_which_nothing_is_heard_does_not_rest_it_for_ever() -> None:
    rests = failed()
    rests.begins(ONE, FIRST_REST_MS)
    assert rests.find_rest(ONE, FIRST_REST_MS + PROBE_MS - 1) is not None
    assert rests.find_rest(ONE, FIRST_REST_MS + PROBE_MS) is None


def test_a_clock_that_steps_back_keeps_nothing_waiting() -> None:
    assert failed(at=10 * MAX_REST_MS).find_rest(ONE, 0) is None


def test_an_operator_s_word_ends_every_rest() -> None:
    rests = failed()
    rests.forget()
    assert rests.find_rest(ONE, 1) is None
    assert rests.take_changes()[-1].is_back
