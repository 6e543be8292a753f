"""Mirrors angarium/config/warmup_plan.py, and how the loader reads plans."""

from itertools import pairwise
from pathlib import Path

import pytest

from angarium.config import ConfigError, load
from angarium.config.warmup_plan import (
    SHIPPED_PLAN,
    PlanError,
    parse_plan,
    read_plan,
)

BASE = """
[server]
hostname = "mx1.example.com"
[[source]]
name = "ip2"
address = "192.0.2.2"
"""


def test_the_shipped_plan_is_the_published_one() -> None:
    plan = read_plan(SHIPPED_PLAN)
    assert (len(plan), plan[0], plan[2], plan[12], plan[25]) == (36, 20, 39, 1000, 89998)
    assert all(after <= before * 1.6 for before, after in pairwise(plan))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "required field `messages_per_hour`"),
        ("messages_per_hour = []", "has 0 days; write 1 to 366"),
        (f"messages_per_hour = {[1] * 367}", "has 367 days"),
        ("messages_per_hour = [20, 19]", "day 1 allows 19 an hour, fewer than the day before (20)"),
        ("messages_per_hour = [0]", ">= 1"),
        ('messages_per_hour = ["20"]', "Expected `int`"),
        ("messages_per_day = [20]", "unknown field `messages_per_day`"),
        ("messages_per_hour = [", "not TOML"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(text)
    assert says in str(caught.value)


def test_a_plan_is_read_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text("messages_per_hour = [5, 7]\n")
    path = tmp_path / "angarium.toml"
    path.write_text(BASE + '[[warmup]]\nsource = "ip2"\nplan = "slow.toml"\n')
    (warmup,) = load(path).warmup
    assert warmup.messages_per_hour == (5, 7)
    assert warmup.plan == str(tmp_path / "slow.toml")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('source = "ip3"', "[warmup] #1 source: no source is named 'ip3'; there are: ip2"),
        ('source = "ip2"\nplan = "gone.toml"', "gone.toml: cannot be read"),
        ('source = "ip2"\nplan = ""', 'must be "default" or name a file'),
        ('source = "ip2"\nplan = "bad.toml"', "bad.toml: messages_per_hour: has 0 days"),
        ('source = "ip2"\nmessages_per_hour = [3, 2]', "day 1 allows 2 an hour"),
        (
            'source = "ip2"\nplan = "slow.toml"\nmessages_per_hour = [3]',
            "plan is given as well",
        ),
        ('source = "ip2"\n[[warmup]]\nsource = "ip2"', "'ip2' is used twice"),
    ],
)
def test_a_warm_up_that_cannot_be_meant_is_refused(tmp_path: Path, table: str, says: str) -> None:
    (tmp_path / "bad.toml").write_text("messages_per_hour = []\n")
    path = tmp_path / "angarium.toml"
    path.write_text(BASE + f"[[warmup]]\n{table}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert says in "\n".join(caught.value.lines)


def test_the_default_plan_is_filled_in_when_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "angarium.toml"
    path.write_text(BASE + '[[warmup]]\nsource = "ip2"\n')
    assert load(path).warmup[0].messages_per_hour == read_plan(SHIPPED_PLAN)
