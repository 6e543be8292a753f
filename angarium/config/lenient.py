"""What is right of a configuration that is not: for commands that must work while its mistakes are being mended.

The server never uses it. A queue is found by ``server.data_dir`` alone, and each check asks a part of the file only,
so what is at fault is left out, one mistake after the other, and the rest is taken.
"""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from angarium.config.error import ConfigError, Problem
from angarium.config.loader import convert, parse, problem_lines, read_file, resolved
from angarium.config.pruning import take_out
from angarium.config.schema import Config
from angarium.config.syntax import find_fault

MAX_ROUNDS: Final = 200  # mistakes that are left out; ours: more than anybody makes, and it ends
# RFC 6761 section 6.4: never a host's name. Stands for a server.hostname that is missing or at fault.
NO_NAME: Final = "unnamed.invalid"
_HEADING: Final = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)")


class Lenient(msgspec.Struct, frozen=True):
    # None: there is nothing of it to go by, or where the queue is cannot be told.
    config: Config | None
    faults: tuple[str, ...]  # of the file as it is, a line each; none: ``config`` is all of it


def load_leniently(path: str | Path) -> Lenient:
    """Read a file as ``loader.load`` does, and leave out what is at fault. Raises nothing."""
    path = Path(path).absolute()
    try:
        text = read_file(path)
    except ConfigError as error:
        return Lenient(None, error.lines)
    try:
        return Lenient(parse(text, path), ())
    except ConfigError as error:
        tree, faults = _parsed(text, path)
        if tree is None:
            return Lenient(None, error.lines)
        if faults:
            # What is missing may be so because its line was left out.
            found = [each for each in convert(tree)[1] if not each.is_missing]
            faults += problem_lines(text, path, found)
        return Lenient(_rest_of(tree, path), tuple(faults) or error.lines)


def _rest_of(tree: dict[str, Any], path: Path) -> Config | None:
    for _ in range(MAX_ROUNDS):
        config, problems = convert(tree)
        if config is not None:
            return resolved(config, path.parent)
        if _is_data_dir(problems[0].path[-1]) or not _mended(tree, problems[0]):
            return None
    return None


def _parsed(text: str, path: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the tables without the lines that are not TOML, and what is wrong with these."""
    lines = text.splitlines()
    faults: list[str] = []
    for _ in range(MAX_ROUNDS):
        joined = "\n".join(lines) + "\n"
        try:
            return tomllib.loads(joined), faults
        except tomllib.TOMLDecodeError as error:
            fault = find_fault(joined, str(error))
        except RecursionError:
            break
        at = fault.line - 1
        if at >= len(lines) or not lines[at].strip() or _is_data_dir(lines[at].split("=")[0]):
            break
        faults.append(f"{path}:{fault.place}: {fault.text}")
        lines[at] = _mended_line(lines[at])
    return None, faults


def _mended_line(line: str) -> str:
    """A heading keeps its place, lest the keys below it come into another table; anything else goes."""
    heading = _HEADING.match(line)
    if heading is None:
        return ""
    mended = heading[1] + heading[2] + "]" * len(heading[1])
    return mended if mended != line else ""


def _is_data_dir(key: str | int) -> bool:
    """Also a misspelt one: the default must not be taken for it, there may be another queue."""
    return bool(difflib.get_close_matches(str(key).strip(), ["data_dir"], cutoff=0.6))


def _mended(tree: dict[str, Any], problem: Problem) -> bool:
    """Take out what ``problem`` is about, or the nearest thing around it. Returns whether there was any."""
    if problem.path == ("server",):
        return False  # without the table that names the data directory there is nothing to go by
    if problem.path == ("server", "hostname"):
        tree["server"]["hostname"] = NO_NAME
        return True
    return any(take_out(tree, problem.path[:end]) for end in range(len(problem.path), 0, -1))
