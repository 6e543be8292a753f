"""Mirrors angarium/cli/topic.py."""

from pathlib import Path

import pytest

from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_USAGE
from angarium.tenancy import SnapshotFile
from tests.cli.test_tenancy import Shell


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_topics_are_added_titled_listed_and_removed(shell: Shell) -> None:
    assert shell.run("topic list") == "No topics.\n"
    made = shell.json("topic add offers --title en=Offers --title de=Angebote")
    assert (made["name"], made["titles"]) == ("offers", {"en": "Offers", "de": "Angebote"})
    assert "offers" in SnapshotFile(shell.data).current.topics_of("default")  # in force at once
    shell.run("tenant create shop")
    assert "tenant shop" in shell.run("topic add news --tenant shop")
    assert [each["name"] for each in shell.lines("topic list")] == ["offers", "news"]
    assert shell.run("topic list --tenant shop") == "shop  news\n"
    assert shell.run("topic list --tenant default") == ("default  offers  en=Offers  de=Angebote\n")
    assert shell.json("topic set offers --title fr=Offres")["titles"] == {"fr": "Offres"}
    assert shell.run("topic set offers") == "offers: no titles\n"
    assert shell.run("topic remove offers") == "Removed topic offers of tenant default.\n"
    assert SnapshotFile(shell.data).current.topics_of("default") == {}


def test_what_cannot_be_done_says_why(shell: Shell) -> None:
    assert "write LANGUAGE=TEXT" in shell.run("topic add a --title Offers", EX_USAGE)
    assert "a topic is" in shell.run("topic add a/b", EX_DATAERR)
    assert "no topic 'a'" in shell.run("topic remove a", EX_NOINPUT)
    shell.run("topic add a")
    assert "there is a topic 'a' already" in shell.run("topic add a", EX_DATAERR)
