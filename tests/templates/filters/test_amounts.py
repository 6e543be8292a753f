"""Numbers, percentages, money and plurals in the reader's language."""

import pytest

from angarium.templates.rendering import ProblemKind
from tests.templates.made import bundle, problem, text


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("1234.5|number", "1,234.5"),
        ("1234.5|number(2)", "1,234.50"),
        ("1234.5|number(0)", "1,234"),
        ("'1234.5'|number(locale='de')", "1.234,5"),
        ("0.256|percent", "26%"),
        ("0.256|percent(1)", "25.6%"),
        ("0.256|percent(1, locale='fr')", "25,6\xa0%"),
        ("1234.5|money('EUR')", "€1,234.50"),
        ("1234.5|money('eur', locale='de')", "1.234,50\xa0€"),
        ("1234.5|money('JPY')", "¥1,234"),
        ("1234.5|money('EUR', 0)", "€1,234"),
        ("-3|money('USD')", "-$3.00"),
        ("1|plural(one='day', other='days')", "day"),
        ("0|plural(one='day', other='days')", "days"),
        ("3|plural(one='a', few='b', many='c', other='d', locale='pl')", "b"),
        ("5|plural(one='a', few='b', many='c', other='d', locale='pl')", "c"),
        ("1|plural(one='x', other='y', locale='ja')", "y"),
        ("0.1|number(12)", "0.100000000000"),
    ],
)
def test_it_is_written(source: str, result: str) -> None:
    assert text(f"{{{{ {source} }}}}") == result


@pytest.mark.parametrize(
    "source",
    [
        *(
            "'x'|number",
            "true|number",
            "[]|percent",
            "'nan'|number",
            "1e300|number",
            "1|number(99)",
        ),
        *(
            "1|number('x')",
            "1|money",
            "1|money('EURO')",
            "1|money(5)",
            "1|plural",
            "1|plural(one='x')",
        ),
        *("'1' * 100|int|number", "'9' * 90|number", "1|number(1, 2, 3, 4)"),
    ],
)
def test_what_cannot_be_written_is_a_problem(source: str) -> None:
    found = problem(bundle(text=f"{{{{ ({source}) }}}}"))
    assert found.kind in (ProblemKind.FAILED, ProblemKind.SYNTAX)
    assert found.message
