"""Mirrors angarium/config/rules.py, and what the loader says of rules."""

from pathlib import Path

import pytest

from angarium.config.error import ConfigError
from angarium.config.loader import load
from angarium.config.rules import all_rules, shipped_rules
from angarium.config.schema import Config, Rule

HEAD = '[server]\nhostname = "mx1.sender.example"\n'


def loaded(tmp_path: Path, text: str, rules: str | None = None) -> Config:
    if rules is not None:
        (tmp_path / "rules.toml").write_text(rules)
    path = tmp_path / "angarium.toml"
    path.write_text(HEAD + text)
    return load(path)


def rule(config: Config, name: str) -> Rule:
    return next(each for each in all_rules(config) if each.name == name)


def test_the_shipped_rules_are_in_use_where_nothing_is_written(tmp_path: Path) -> None:
    config = loaded(tmp_path, "")
    assert [each.name for each in all_rules(config)] == list(shipped_rules())
    assert rule(config, "yahoo-ts04").duration_s == 7200.0


def test_a_file_changes_what_ships_and_the_configuration_changes_the_file(tmp_path: Path) -> None:
    file = """
        [[rule]]
        name = "yahoo-ts04"
        duration_s = "1h"
        count = 3
        [[rule]]
        name = "ours"
        match = "slow down"
        period_s = "2h"
        """
    own = """
        [rules]
        file = "rules.toml"
        [[rule]]
        name = "yahoo-ts04"
        duration_s = "30m"
        [[rule]]
        name = "ours"
        count = 2
        """
    # By itself ours has nothing to match; it is the file's that it changes
    config = loaded(tmp_path, own, file)
    changed, ours = rule(config, "yahoo-ts04"), rule(config, "ours")
    assert (changed.duration_s, changed.count, changed.providers) == (1800.0, 3, ("yahoo",))
    assert (ours.match, ours.count, ours.period_s) == (("slow down",), 2, 7200.0)
    assert config.rules.file == str(tmp_path / "rules.toml")


def test_what_ships_can_be_left_out_whole_or_by_name(tmp_path: Path) -> None:
    own = '[[rule]]\nname = "r"\nmatch = "x"\n'
    assert [
        each.name for each in all_rules(loaded(tmp_path, f"[rules]\nshipped = false\n{own}"))
    ] == ["r"]
    off = loaded(tmp_path, '[[rule]]\nname = "greylisting"\nenabled = false\n')
    assert not rule(off, "greylisting").enabled


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ('match = "4\\\\.7"', "match"),
        ('match = "*"', "match"),
        ("", "fits every reply"),
        ('match = "x"\nrate = "fast"', "rate"),
        ('match = "x"\nenhanced = "4.7"', "enhanced"),
        ('match = "x"\nscope = "tenant"\nactions = "connections"', "scope"),
        ('match = "x"\nactions = "reroute"\npool = "none"', "no pool is named 'none'"),
        ('match = "x"\nsweep = "bounces"', "sweep"),
        ('sweep = "bounces"\nactions = ["retry"]', "actions"),
        ('match = "x"\naction = "suspend"', "did you mean 'actions'"),
        ('match = "x"\nactions = ["suspnd"]', "actions"),
        ('match = "x"\ncodes = [250]', "codes"),
        ('match = "x"\nduration_s = "soon"', "duration_s"),
    ],
)
def test_what_a_rule_cannot_say_is_named_with_its_line(
    tmp_path: Path, keys: str, line: str
) -> None:
    text = f'[[rule]]\nname = "r"\n{keys}\n'
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, text)
    assert line in str(raised.value)
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, '[rules]\nfile = "rules.toml"\n', text)
    assert line in str(raised.value)
    assert "rules.toml:" in str(raised.value)


def test_a_file_of_rules_has_nothing_else_in_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules.toml:1: .*\[\[rule\]\] only"):
        loaded(tmp_path, '[rules]\nfile = "rules.toml"\n', '[server]\nhostname = "x"\n')
    with pytest.raises(ConfigError, match=r"rules.toml: cannot be read"):
        loaded(tmp_path, '[rules]\nfile = "no/rules.toml"\n')
