"""The rules of what providers say: those that ship, and the operator's, which change them key by key."""

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, Final

import msgspec

from angarium.config.schema import Config, Rule
from angarium.config.written import read_quantities

_ONE_OR_LIST: Final = ("providers", "match", "actions", "codes", "enhanced", "retry_s")


@functools.cache
def shipped_rules() -> Mapping[str, Mapping[str, Any]]:
    """Return what ships, by name, as it is written, with numbers for durations."""
    text = resources.files("angarium.config").joinpath("shipped/rules.toml").read_text("utf-8")
    tree, problems = read_quantities(with_lists(tomllib.loads(text)))
    assert not problems
    return {each["name"]: each for each in tree["rule"]}


def with_lists(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put what may be one or a list into lists: ``match = "x"`` is ``match = ["x"]``."""
    written = tree.get("rule")
    if not isinstance(written, list):
        return tree
    return {**tree, "rule": [_with_lists(each) for each in written]}


def _with_lists(rule: Any) -> Any:
    if not isinstance(rule, Mapping):
        return rule
    return {
        key: [value] if key in _ONE_OR_LIST and not isinstance(value, list) else value
        for key, value in rule.items()
    }


def complete_rules(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give each ``[[rule]]`` of a shipped name what ships for each key that it leaves out."""
    written = tree.get("rule")
    if not isinstance(written, list):
        return tree
    return {**tree, "rule": [_completed(each) for each in written]}


def _completed(rule: Any) -> Any:
    if not isinstance(rule, Mapping) or not isinstance(name := rule.get("name"), str):
        return rule  # msgspec says what is wrong with it
    return {**shipped_rules().get(name, {}), **rule}


def merged(file: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    """Return the rules of the operator's two places as one list: of one name, the second changes the first."""
    names = {each["name"]: each for each in own}
    first = [{**each, **names.pop(each["name"], {})} for each in file]
    return [*(each for each in own if each["name"] in names), *first]


def all_rules(config: Config) -> tuple[Rule, ...]:
    """Return what is asked about each reply, in order: the operator's, then the shipped ones of other names."""
    return tuple(_in_order(config))


def _in_order(config: Config) -> Iterator[Rule]:
    names = {each.name for each in config.rule}
    # A changed shipped rule keeps its place, or a change of a number would change which rule counts
    shipped = shipped_rules() if config.rules.shipped else {}
    by_name = {each.name: each for each in config.rule}
    yield from (each for each in config.rule if each.name not in shipped)
    for name, written in shipped.items():
        yield by_name[name] if name in names else msgspec.convert(written, Rule)
