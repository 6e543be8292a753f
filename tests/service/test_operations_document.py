"""docs/operations.md names what operators see: each field and event of the mail log, each log event, each metric."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.queue.events.catalogue import CATALOGUE
from angarium.service.life.reload import all_keys
from angarium.service.platform.mail_record import MailRecord
from angarium.service.role_table import READ_ONCE, ROLES
from angarium.telemetry.metrics import Metrics

TOP = Path(__file__).parents[2]
DOCUMENTS = sorted([*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")])
TEXT = (TOP / "docs" / "operations.md").read_text(encoding="utf-8")


def log_events() -> Iterator[str]:
    """Yield the name of each event that our code logs."""
    for path in (TOP / "angarium").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="log" | "log_exception"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    yield name


def metric_names() -> Iterator[str]:
    for line in Metrics().render().decode().splitlines():
        if line.startswith("# TYPE "):
            yield line.split()[2]


def test_the_sources_of_these_tests_are_not_empty() -> None:
    assert {"ready", "process_died", "in_doubt"} <= set(log_events())
    assert {"angarium_refused_total", "angarium_commit_seconds"} <= set(metric_names())
    assert len(DOCUMENTS) > 8


def test_every_field_of_the_mail_log_is_explained() -> None:
    names = MailRecord.__struct_encode_fields__
    missing = [name for name in names if f"`{name}`" not in TEXT]
    assert missing == []


def test_every_event_of_the_mail_log_is_explained() -> None:
    names = [kind.name for kind in CATALOGUE]
    assert [name for name in names if f"`{name}`" not in TEXT] == []


def test_every_event_of_the_log_is_explained() -> None:
    assert sorted({name for name in log_events() if f"`{name}`" not in TEXT}) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_says_of_metrics_is_of_such_as_there_are(path: Path) -> None:
    known = set(metric_names())
    found = re.findall(r"\b(angarium_[a-z_]+)\b", path.read_text(encoding="utf-8"))
    names = {re.sub(r"_(bucket|sum|count)$", "", each) for each in found}
    assert {each for each in found if each not in known and names.isdisjoint(known)} == set()


def effect_of(key: str) -> str:
    """What the table of roles says of a change of the key."""
    if key.partition(".")[0] in READ_ONCE:
        return "with a restart"
    anew = [each.name for each in ROLES if each.reads.find(key) == "at_start"]
    return f"with new processes of {' and '.join(anew)}" if anew else "in place"


def test_what_a_reload_does_with_each_key_is_what_the_roles_do() -> None:
    """A key counts as its table does, unless it has a row of its own."""
    rows = re.findall(r"^\| (`.*) \| (in place|with [^|;]*)", TEXT, re.MULTILINE)
    written = {
        name: effect for names, effect in rows for name in re.findall(r"`([a-z_.]+)`", names)
    }
    for key in all_keys():
        effect = written.get(key) or written.get(key.partition(".")[0], "")
        assert effect.startswith(effect_of(key)), key
    assert len(rows) == 6


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_links_to_is_there(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target
