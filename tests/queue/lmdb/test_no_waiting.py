"""Invariant 10, read from the source: nothing waits, or hands control out, while a transaction is open."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "angarium" / "queue" / "lmdb"
OPENS = {"read", "begin_read", "begin_write"}
WAITS = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield, ast.YieldFrom)


def opens(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in OPENS
    )


def places_that_wait(source: str) -> Iterator[int]:
    """The lines that wait inside ``with ....read()``, or in a function that begins a transaction by hand."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.With) and any(opens(item.context_expr) for item in node.items):
            inside: list[ast.AST] = [each for part in node.body for each in ast.walk(part)]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = list(ast.walk(node))
            managed = {
                item.context_expr
                for each in own
                if isinstance(each, ast.With)
                for item in each.items
            }
            by_hand = any(opens(each) and each not in managed for each in own)
            inside = own if by_hand else []
        else:
            continue
        yield from (each.lineno for each in inside if isinstance(each, WAITS))


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_nothing_waits_inside_a_transaction(path: Path) -> None:
    assert not list(places_that_wait(path.read_text()))


@pytest.mark.parametrize(
    "source",
    [
        "async def f(env):\n    with env.read() as txn:\n        await g(txn)\n",
        "def f(env):\n    with env.read() as txn:\n        yield txn.get(b'')\n",
        "async def f(env):\n    txn = env.begin_write()\n    await g(txn)\n",
    ],
)
def test_what_waits_is_found(source: str) -> None:
    assert list(places_that_wait(source)) == [3]


def test_what_waits_afterwards_is_sound() -> None:
    source = "async def f(env):\n    with env.read() as txn:\n        found = g(txn)\n    await h(found)\n"
    assert not list(places_that_wait(source))
