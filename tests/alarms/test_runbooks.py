"""docs/runbooks/ and docs/alarms.md: each alarm has its page, which says its levels, and whose commands there are."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from angarium.alarms.alarm import Alarm, level_text
from angarium.alarms.catalogue import CATALOGUE
from angarium.cli.main import postmaster

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
HEADINGS = ["## What it means", "## Look", "## What to do", "## When it ends"]
BLOCK = re.compile(r"^    (?:runuser -u angarium -- )?(postmaster [^\n#|]*)", re.MULTILINE)
INLINE = re.compile(r"`(postmaster [^`|]*)`")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def page(alarm: Alarm) -> str:
    return (RUNBOOKS / f"{alarm.name}.md").read_text()


def commands(text: str) -> Iterator[str]:
    yield from (each.strip() for each in BLOCK.findall(text))
    yield from (each.strip() for each in INLINE.findall(text))


def parse(line: str) -> None:
    """Have click read it as far as it would be run; options and arguments that there are not raise."""
    words = shlex.split(line)[1:]
    command: click.Command = postmaster
    ctx = click.Context(postmaster, info_name="postmaster")
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            assert command.invoke_without_command, f"{line}: a command is missing"
            break
        found = command.get_command(ctx, words[0])
        assert found is not None, f"{line}: there is no {words[0]!r}"
        command, words = found, words[1:]
    if "--help" not in words:
        command.make_context(command.name, words, parent=ctx)


@pytest.mark.parametrize("alarm", CATALOGUE, ids=lambda alarm: alarm.name)
def test_each_alarm_has_its_page_with_its_levels_and_commands_that_there_are(alarm: Alarm) -> None:
    text = page(alarm)
    assert text.startswith(f"# {alarm.about.title}\n")
    assert f"Raised: {level_text(alarm)}." in text
    assert f"Alarm `{alarm.name}`, {alarm.severity}. Measured: {alarm.about.figure};" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    found = list(commands(text))
    assert found or "journalctl" in text
    for line in found:
        parse(line)


@pytest.mark.parametrize("alarm", CATALOGUE, ids=lambda alarm: alarm.name)
def test_what_a_notice_says_to_look_with_can_be_run(alarm: Alarm) -> None:
    for line in alarm.about.look:
        if line.startswith("postmaster "):
            parse(line.replace("{name}", "acme"))


def test_a_command_that_is_not_there_is_found_out() -> None:
    with pytest.raises(click.UsageError):
        parse("postmaster queue list --nothing")
    with pytest.raises(AssertionError, match="there is no"):
        parse("postmaster queue nothing")
    with pytest.raises(AssertionError, match="a command is missing"):
        parse("postmaster queue")


def test_each_page_is_of_an_alarm_and_leads_where_something_is() -> None:
    names = {each.name for each in CATALOGUE}
    for path in RUNBOOKS.glob("*.md"):
        assert path.stem in names, f"{path.name}: of no alarm"
        for link in LINK.findall(path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_page_of_alarms_has_each_of_them_with_its_level() -> None:
    text = (ROOT / "docs" / "alarms.md").read_text()
    for each in CATALOGUE:
        assert f"| [`{each.name}`](runbooks/{each.name}.md) | {each.severity} |" in text, each.name
        assert f"| {level_text(each)} |" in text, each.name
