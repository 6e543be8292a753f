"""The linter's contract for pure modules names exactly those that call themselves so in their docstring."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CLAIM = re.compile(r"\b(Pure|[Ss]ans-IO|Plain values?|No I/O)\b")
CONTRACT = "What calls itself pure does no I/O, and asks no clock of its own"


def contract() -> dict[str, Any]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    return next(each for each in contracts if each["name"] == CONTRACT)


def modules_that_claim_it() -> set[str]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "angarium").rglob("*.py")
        if CLAIM.search(ast.get_docstring(ast.parse(path.read_text())) or "")
    }


def test_each_module_that_calls_itself_pure_is_in_the_contract() -> None:
    listed = set(contract()["source_modules"])
    missing = [
        each
        for each in modules_that_claim_it()
        if not any(each == other or each.startswith(f"{other}.") for other in listed)
    ]
    assert not missing, f"pure by their docstring, not in pyproject.toml: {sorted(missing)}"


def test_each_module_in_the_contract_calls_itself_pure() -> None:
    silent = set(contract()["source_modules"]) - modules_that_claim_it()
    assert not silent, f"in pyproject.toml, their docstrings do not say it: {sorted(silent)}"


def test_the_contract_keeps_clocks_chance_and_tasks_out_too() -> None:
    assert {"asyncio", "logging", "os", "random", "socket", "threading", "time"} <= set(
        contract()["forbidden_modules"]
    )
