"""Mirrors angarium/routing/silent_zones.py."""

from angarium.routing.silent_zones import MANY, REMEMBERED_S, SILENT_S, ZONES, SilentZones


def suspects(zones: SilentZones, *names: str, now: float = 0) -> list[str]:
    return [zone for name in names if (zone := zones.unanswered(name, now)) is not None]


def names_in(zone: str, count: int = MANY) -> list[str]:
    return [f"{number}.{zone}" for number in range(count)]


def test_many_names_without_an_answer_make_their_zone_suspect_once() -> None:
    zones = SilentZones()
    assert suspects(zones, *names_in("silent.example", MANY - 1)) == []
    assert suspects(zones, "0.silent.example") == []  # the same one
    assert suspects(zones, "last.silent.example", "more.silent.example") == ["silent.example"]
    assert zones.find("x.silent.example", 0) is None  # SZ1: not before its own name was asked


def test_a_silent_zone_is_asked_again_after_a_while_and_one_name_is_enough_then() -> None:
    zones = SilentZones()
    suspects(zones, *names_in("silent.example"))
    zones.own_name_unanswered("silent.example", 0)
    assert zones.find("x.silent.example", SILENT_S - 1) == "silent.example"
    assert zones.find("deeper.x.silent.example", SILENT_S - 1) == "silent.example"
    assert zones.find("silent.example", 0) is None  # its own name may always be asked
    assert zones.find("x.other.example", 0) is None
    assert zones.find("x.silent.example", SILENT_S) is None
    assert suspects(zones, "y.silent.example", now=SILENT_S) == ["silent.example"]


def test_no_single_label_is_a_zone() -> None:
    zones = SilentZones()
    assert suspects(zones, *names_in("example", 3 * MANY)) == []


def test_what_lives_is_not_suspected_for_some_below_it() -> None:  # SZ1
    zones = SilentZones()
    suspects(zones, *names_in("co.example"))
    zones.own_name_answered("co.example", 0)
    assert zones.find("x.co.example", 0) is None
    assert suspects(zones, *names_in("co.example", 3 * MANY), now=1) == []
    assert suspects(zones, *names_in("co.example"), now=REMEMBERED_S) == ["co.example"]


def test_an_answer_ends_the_silence() -> None:
    zones = SilentZones()
    suspects(zones, *names_in("silent.example"))
    zones.own_name_unanswered("silent.example", 0)
    zones.answered("x.silent.example", 1)
    assert zones.find("y.silent.example", 1) is None


def test_what_is_remembered_is_bounded() -> None:
    zones = SilentZones()
    for number in range(ZONES + 10):
        suspects(zones, f"a.{number}.example")
        zones.answered(f"b.{number}.example", 0)
        zones.own_name_unanswered(f"{number}.example", 0)
    assert zones.find("x.0.example", 0) is None
    assert zones.find(f"x.{ZONES + 9}.example", 0) is not None
