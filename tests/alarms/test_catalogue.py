"""Mirrors angarium/alarms/catalogue.py and config/alarm_limits.py: each alarm is whole, each limit can be another."""

from pathlib import Path

import pytest

from angarium.alarms.alarm import figure_text, level_text
from angarium.alarms.catalogue import ABOUT, CATALOGUE, alarms_of
from angarium.config.alarm_limits import ALARM_NAMES
from angarium.config.alarms import OwnLimits
from angarium.config.error import ConfigError
from angarium.config.loader import load

SERVER = '[server]\nhostname = "mx1.example.com"\n'
ASKED_FOR = {
    "bounce_rate": 5.0,
    "complaint_rate": 0.1,
    "delivery_rate": 95.0,
    "event_lag": 30.0,
    "dead_letters": 100.0,
    "smart_host_quota": 80.0,
    "api_latency": 2.0,
    "api_throttled": 50.0,
    "smtp_success_drop": 20.0,
    "api_errors": 10.0,
}


def test_each_alarm_has_its_limits_and_its_words_once() -> None:
    assert [each.name for each in ABOUT] == list(ALARM_NAMES)
    assert len(set(ALARM_NAMES)) == len(ALARM_NAMES)
    for each in CATALOGUE:
        assert each.about.title
        assert each.about.why.endswith(".")
        assert each.about.look
        assert set(each.about.explained_by) <= set(ALARM_NAMES)


def test_the_levels_that_operators_ask_for_are_those() -> None:
    found = {each.name: each.level for each in CATALOGUE if each.name in ASKED_FOR}
    assert found == ASKED_FOR


def test_nothing_flutters_at_one_figure() -> None:
    """ALM1."""
    for each in CATALOGUE:
        assert not (each.is_over(each.end_level) and each.is_calm(each.end_level)), each.name
        assert each.is_calm(each.end_level), each.name
        # What is just beyond the level has not come back
        beyond = each.level - 1e-9 if each.is_floor else each.level + 1e-9
        assert each.is_over(beyond), each.name
        assert not each.is_calm(beyond), each.name


def test_a_limit_that_is_written_wins_and_the_rest_stays() -> None:
    own = OwnLimits(name="bounce_rate", level=10, minimum=5, for_s=0)
    (bounces,) = [each for each in alarms_of([own]) if each.name == "bounce_rate"]
    assert (bounces.level, bounces.minimum, bounces.for_s) == (10.0, 5, 0.0)
    assert bounces.end_level == 8.0  # as far away as before: from 5 and 4
    assert bounces.window_s == 3600.0


def test_one_that_is_off_is_not_looked_for() -> None:
    names = [each.name for each in alarms_of([OwnLimits(name="clock_wrong", off=True)])]
    assert "clock_wrong" not in names
    assert len(names) == len(CATALOGUE) - 1


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "angarium.toml"
    path.write_text(SERVER + text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [line.partition(": ")[2] for line in str(caught.value).splitlines()]


SLACK = '[[alarms.notify]]\nname = "ops"\nkind = "slack"\n'


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[[alarm]]\nname = "bounces"', "name", "there are: bounce_rate, complaint_rate"),
        ('[[alarm]]\nname = "api_errors"\nminimum = 5', "minimum", "has no minimum"),
        ('[[alarm]]\nname = "event_lag"\nwindow_s = 5', "window_s", "has no window"),
        ('[[alarm]]\nname = "event_lag"\nlevel = "soon"', "level", "is not a duration"),
        ('[[alarm]]\nname = "bounce_rate"\nlevel = "5s"', "level", "is in percent"),
        ('[[alarm]]\nname = "bounce_rate"\nlevel = 120', "level", "no percentage"),
        ('[[alarm]]\nname = "bounce_rate"\nend_level = 7', "end_level", "at the level or below"),
        ('[[alarm]]\nname = "delivery_rate"\nend_level = 90', "end_level", "level or above (95)"),
        (
            '[[alarm]]\nname = "event_lag"\n[[alarm]]\nname = "event_lag"',
            "name",
            "used twice",
        ),
        ("[alarms]\nevery_s = 120", "every_s", "60 s at most"),
        ('[alarms]\nallow_networks = ["here"]', "allow_networks", "no network"),
        (SLACK, "url", "is needed by kind 'slack', or url_file"),
        (SLACK + 'url = "https://a.example/x"\nto = ["a@b.example"]', "to", "does nothing"),
        (SLACK + 'url = "a.example"', "url", "write https://"),
        (SLACK + 'url = "https://a"\nurl_file = "b"', "url_file", "stands beside url"),
        (SLACK + 'url = "https://a"\nonly = ["bounces"]', "only", "there are: bounce_rate"),
        ('[[alarms.notify]]\nname = "a"\nkind = "mail"\nto = ["ops"]', "to", "no address"),
        ('[[alarms.notify]]\nname = "a"\nkind = "fax"', "kind", "mail"),
    ],
    ids=lambda each: each.replace("\n", " ")[:60],
)
def test_what_cannot_be_is_named_with_what_to_write(
    tmp_path: Path, text: str, key: str, words: str
) -> None:
    found = problems(tmp_path, text)
    assert any(key in each and words in each for each in found), found


def test_times_are_written_as_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "angarium.toml"
    path.write_text(f'{SERVER}[[alarm]]\nname = "certificate_ending"\nlevel = "7d"\nfor_s = "1h"')
    (ending,) = [each for each in alarms_of(load(path).alarm) if each.name == "certificate_ending"]
    assert (ending.level, ending.for_s) == (7 * 86_400.0, 3600.0)
    assert ending.end_level == 7.5 * 86_400.0


def test_figures_and_levels_are_written_for_people() -> None:
    assert figure_text("percent", 5.25) == "5.25 %"
    assert figure_text("percent", 0.1) == "0.1 %"
    assert figure_text("percent", 100.0) == "100 %"
    assert figure_text("seconds", 150.4) == "2m30s"
    assert figure_text("seconds", 2.345) == "2.3s"
    assert figure_text("count", 1234.0) == "1,234"
    (bounces,) = [each for each in CATALOGUE if each.name == "bounce_rate"]
    assert level_text(bounces) == "above 5 % over 1h, of 100 and more, for 2m"
