"""Dates and times in the reader's language."""

import pytest

from angarium.templates.rendering import ProblemKind
from tests.templates.made import bundle, filled, problem, text

MOMENT = {"t": "2026-11-30T03:16:16Z", "d": "2026-11-30"}


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("d|date", "Nov 30, 2026"),
        ("d|date('full')", "Monday, November 30, 2026"),
        ("d|date('d. MMMM y', locale='de')", "30. November 2026"),
        ("t|date(tz='America/Los_Angeles')", "Nov 29, 2026"),
        ("t|time", "3:16\u202fAM"),
        ("t|time('HH:mm', tz='+05:30')", "08:46"),
        ("t|datetime(locale='de-AT', tz='Europe/Vienna')", "30.11.2026, 04:16:16"),
        ("d|datetime('yyyy-MM-dd HH:mm')", "2026-11-30 00:00"),
        ("1796008576|date('short')", "11/30/26"),
        ("1796008576000|date('short')", "11/30/26"),
        ("'1796008576'|date('short')", "11/30/26"),
        ("0|date('y')", "1970"),
    ],
)
def test_it_is_written(source: str, result: str) -> None:
    assert text(f"{{{{ {source} }}}}", MOMENT) == result


def test_a_version_has_a_zone_of_its_own() -> None:
    made = bundle(text="{{ t|time('HH:mm') }}", time_zone="Asia/Tokyo")
    assert filled(made, MOMENT).text == "12:16"


@pytest.mark.parametrize(
    "source",
    [
        *(
            "'soon'|date",
            "d|date('')",
            "d|date(5)",
            "t|time(tz='Mars/Base')",
            "t|time(tz='+99:99')",
        ),
        *(
            "1e300|date",
            "true|date",
            "[1]|date",
            "d|date('x' * 200)",
            "'0001-01-01T00:00Z'|time(tz='-23:00')",
        ),
        *(
            "d|date(style='short', nonsense=1)",
            "t|time(tz='../../etc/passwd')",
            "d|datetime('GGGGGGGG')",
        ),
    ],
)
def test_what_cannot_be_written_is_a_problem_with_its_place(source: str) -> None:
    found = problem(bundle(text=f"\n{{{{ {source} }}}}"), MOMENT)
    assert (found.kind, found.line) == (ProblemKind.FAILED, 2)


def test_what_is_missing_is_missed_or_empty() -> None:
    found = problem(bundle(text="{{ a.b|date }}"), {"a": {}})
    assert (found.kind, found.variable) == (ProblemKind.MISSING_VARIABLE, "a.b")
    assert filled(bundle(text="[{{ a.b|date }}]", missing="lenient")).text == "[]"
