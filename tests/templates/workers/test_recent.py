"""Mirrors angarium/templates/workers/recent.py."""

from angarium.templates.workers.recent import MAX_OCTETS, Recent


def test_what_was_not_used_for_longest_makes_room_wk3() -> None:
    recent: Recent[str] = Recent(2)
    recent.add("a", "A", 1)
    recent.add("b", "B", 1)
    assert recent.find("a") == "A"
    recent.add("c", "C", 1)
    assert [each in recent for each in "abc"] == [True, False, True]
    assert recent.find("b") is None


def test_octets_are_bounded_too_wk3() -> None:
    recent: Recent[str] = Recent(100)
    for name in "abc":
        recent.add(name, name, MAX_OCTETS // 2)
    assert [each in recent for each in "abc"] == [False, True, True]
    recent.add("d", "D", 2 * MAX_OCTETS)
    assert [each in recent for each in "bcd"] == [False, False, True], "one alone may be larger"
    recent.add("e", "E", 1)
    assert len(recent) == 1
    recent.forget("e")
    recent.forget("e")
    for name in "abc":
        recent.add(name, name, MAX_OCTETS // 4)
    assert len(recent) == 3, "what is gone takes no room"
