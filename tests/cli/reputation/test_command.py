"""Mirrors angarium/cli/reputation/text.py and reputation_json.py."""

from typing import Any

from angarium.cli.reputation.as_json import listings_json, subject_json
from angarium.cli.reputation.text import listings_lines, subject_lines, table_lines
from angarium.insight.admin.standing import (
    ListingsNow,
    PausedSender,
    SubjectStanding,
    Unanswered,
)
from angarium.queue import UnixMs
from angarium.reputation.blocklists import Listing
from angarium.reputation.figures import Tally
from angarium.reputation.score import Reason, Score

HOUR = 3_600_000
NOW = UnixMs(1_800_000_000_000)
WEEK = Tally(
    delivered=90,
    deferred={"greylisted": 3, "rate_limited": 7},
    bounced={"user_unknown": 10},
    returned={"mailbox_full": 1},
    complained=2,
    unsubscribed=1,
)
PAUSE = PausedSender(
    tenant="acme",
    campaign="spring",
    rule=7,
    since=UnixMs(NOW - HOUR),
    until=UnixMs(NOW + 3 * HOUR),
    why="10 of 100 recipients do not exist",
)


def standing(**fields: Any) -> SubjectStanding:
    usual: dict[str, Any] = {
        "kind": "campaign",
        "name": "acme/spring",
        "hour": Tally(),
        "day": Tally(delivered=1),
        "week": WEEK,
        "score": Score(value=65, reasons=(Reason(35, "10 % do not exist."),)),
    }
    return SubjectStanding(**{**usual, **fields})


def test_a_line_of_the_table_has_the_figures_of_the_week() -> None:
    head, line = table_lines([standing(pause=PAUSE)])
    assert head.split() == ["score", "sent", "delivered", "deferred", "bounced", "complained"]
    assert line.split() == [
        *("campaign", "acme/spring", "65", "100", "90", "10", "11", "2", "paused")
    ]
    (_, warned) = table_lines([standing(score=None, warning="too many")])
    assert warned.split()[2] == "-"
    assert warned.endswith("over a limit")
    assert table_lines([]) == ["nothing was sent within seven days"]


def test_one_of_them_is_told_with_its_reasons_its_pause_and_its_classes() -> None:
    assert subject_lines(standing(pause=PAUSE), NOW) == [
        "campaign acme/spring: 65 of 100",
        "     -35 10 % do not exist.",
        (
            "campaign spring of acme is paused for 1 h, 3 h to go: 10 of 100 recipients do not exist;"
            " hold rule 7; postmaster reputation resume acme spring"
        ),
        " hour: 0 sent, 0 delivered, 0 complained",
        "  day: 1 sent, 1 delivered, 0 complained",
        " week: 100 sent, 90 delivered, 2 complained, 1 unsubscribed",
        "       deferred: 7 rate_limited, 3 greylisted",
        "       bounced: 10 user_unknown",
        "       sent back later: 1 mailbox_full",
    ]


def test_the_same_as_json() -> None:
    row = subject_json(standing(pause=PAUSE))
    assert (row["score"], row["reasons"]) == (65, [{"points": 35, "text": "10 % do not exist."}])
    assert (row["week"]["sent"], row["week"]["deferred"]) == (100, WEEK.deferred)
    assert row["paused"]["campaign"] == "spring"
    assert row["paused"]["since"] == "2027-01-15T07:00:00.000Z"


LISTED = ListingsNow(
    enabled=True,
    checked_at=UnixMs(NOW - 60_000),
    zones=("bl.test", "dbl.test"),
    subjects=("192.0.2.1", "shop.example"),
    listings=(
        Listing(
            zone="bl.test",
            address="192.0.2.1",
            codes=("127.0.0.2",),
            meaning="sends spam",
            since=UnixMs(NOW - HOUR),
            text="see our page",
        ),
    ),
    removals={"bl.test": "https://bl.test/"},
    unanswered=(Unanswered(zone="dbl.test", why="it does not serve our resolver"),),
)


def test_a_listing_says_why_and_where_to_have_it_taken_off() -> None:
    assert listings_lines(LISTED, NOW) == [
        "192.0.2.1 is listed at bl.test for 1 h: sends spam",
        "    see our page",
        "    removal: https://bl.test/",
        "dbl.test does not tell: it does not serve our resolver",
        "1 listing: 2 lists asked 1 min ago for 2 addresses and domains",
    ]
    row = listings_json(LISTED)
    assert row["listings"][0]["removal"] == "https://bl.test/"
    assert row["unanswered"] == [{"zone": "dbl.test", "reason": "it does not serve our resolver"}]


def test_who_was_not_asked_is_told_too() -> None:
    nothing: dict[str, Any] = {
        "zones": ("bl.test",),
        "subjects": (),
        "listings": (),
        "removals": {},
        "unanswered": (),
    }
    off = ListingsNow(enabled=False, checked_at=None, **nothing)
    assert listings_lines(off, NOW) == ["nobody is asked: [blocklists] enabled = false"]
    new = ListingsNow(enabled=True, checked_at=None, **nothing)
    assert listings_lines(new, NOW) == ["not asked yet since the server started"]
    private = ListingsNow(enabled=True, checked_at=NOW, **nothing)
    assert listings_lines(private, NOW) == [
        (
            "0 listings: 1 list asked 0 ms ago for 0 addresses and domains"
            " (none of ours is public: [blocklists] addresses, domains)"
        )
    ]
