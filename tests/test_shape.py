"""Rules of shape that neither the formatter nor the type checker holds."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "angarium").rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
BESIDE = sorted(path for each in ("tests", "bench") for path in (ROOT / each).rglob("*.py"))
# One line in brackets of its own with a comment, in them or behind them: wrapped only to make room for it.
WRAPPED = re.compile(r"[(\[]\n[^\n]*?(?:  # [^\n]*\n *[)\]]$|\n *[)\]]+:?  # )", re.MULTILINE)
# A reply is written as it goes over the wire: Refusal(550, "5.7.1", "text").
POSITIONAL = {"Refusal"}


def records(tree: ast.AST) -> Iterator[ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = " ".join(ast.unparse(each) for each in node.bases)
            is_keyword_only = any(
                each.arg == "kw_only" and ast.unparse(each.value) == "True"
                for each in node.keywords
            )
            if re.search(r"\bStruct\b|\bNamedTuple\b", bases) and not is_keyword_only:
                yield node


def likes(record: ast.ClassDef) -> list[str]:
    """Pairs of fields side by side that a caller could swap unseen."""
    fields = [each for each in record.body if isinstance(each, ast.AnnAssign)]
    return [
        f"{ast.unparse(one.target)} and {ast.unparse(other.target)}"
        for one, other in pairwise(fields)
        if ast.unparse(one.annotation) == ast.unparse(other.annotation)
    ]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_record_with_two_fields_of_a_type_side_by_side_is_keyword_only(path: Path) -> None:
    for record in records(ast.parse(path.read_text())):
        if record.name not in POSITIONAL:
            pairs = likes(record)
            assert not pairs, f"{record.name} ({path}:{record.lineno}): {', '.join(pairs)}"


@pytest.mark.parametrize("path", [*FILES, *BESIDE], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_wrapped_to_make_room_for_its_comment(path: Path) -> None:
    source = path.read_text()
    lines = [source.count("\n", 0, found.start()) + 1 for found in WRAPPED.finditer(source)]
    assert not lines, f"{path}: lines {lines}: let the comment stand above"
