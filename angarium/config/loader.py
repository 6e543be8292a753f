"""Reads ``angarium.toml``: parses it, checks it against the schema and across tables, resolves its paths.

Nothing is looked up: whether files, users and addresses exist is for ``postmaster check`` and the start to see.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from angarium.config.address import parse_host_port
from angarium.config.crosscheck import find_problems
from angarium.config.error import ConfigError, KeyPath, Problem, path_text
from angarium.config.location import key_lines, line_of
from angarium.config.schema import Config
from angarium.config.unknown import find_choices, find_unknown_keys

MAX_FILE_OCTETS = 4 * 1024 * 1024  # ours: far more than thousands of routes need
_AT = re.compile(r"(.*?)(?: - at `(?:key in )?\$([^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[([0-9]+)\]")


def load(path: str | Path) -> Config:
    """Return the configuration with absolute paths. Raises ConfigError that names every problem it can."""
    path = Path(path).absolute()
    return parse(_read(path), path)


def parse(text: str, path: Path) -> Config:
    """The same of a text; ``path`` is where it stands: for messages, and what relative paths are relative to."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), [_syntax_error(path, str(error))]) from None
    except RecursionError:
        raise ConfigError(
            str(path), [f"{path}:1: nested too deeply to be a configuration"]
        ) from None
    if unknown := find_unknown_keys(tree):
        raise _error(path, text, unknown)
    try:
        config = msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        raise _error(path, text, [_type_problem(str(error), tree)]) from None
    if problems := find_problems(config):
        raise _error(path, text, problems)
    return _resolved(config, path.parent)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE_OCTETS + 1)
    except PermissionError:
        who = f"uid {os.geteuid()}, as which this runs"
        what = (
            f"{path}: closed to {who}; run it as root or as the server's user, who must be let in"
        )
        raise ConfigError(str(path), [what]) from None
    except OSError as error:
        what = f"{path}: cannot be read ({error.strerror}); name the file with --config FILE"
        raise ConfigError(str(path), [what]) from None
    if len(octets) > MAX_FILE_OCTETS:
        raise ConfigError(str(path), [f"{path}: larger than {MAX_FILE_OCTETS} octets"])
    try:
        return octets.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            str(path), [f"{path}:{line}: not UTF-8; TOML files are; save it as UTF-8"]
        ) from None


def _syntax_error(path: Path, text: str) -> str:
    line = re.search(r"at line (\d+), column (\d+)", text)
    place = f":{line[1]}:{line[2]}" if line else ""
    return f"{path}{place}: not valid TOML: {text}"


def _error(path: Path, text: str, problems: Sequence[Problem]) -> ConfigError:
    lines = key_lines(text)
    ordered = sorted(problems, key=lambda problem: line_of(lines, problem.path))
    return ConfigError(
        str(path),
        [f"{path}:{line_of(lines, p.path)}: {path_text(p.path)}: {p.text}" for p in ordered],
    )


def _type_problem(message: str, tree: Mapping[str, Any]) -> Problem:
    """Turn msgspec's words into ours: they end in a JSON path."""
    match = _AT.fullmatch(message)
    assert match is not None  # the pattern matches every text
    steps: KeyPath = tuple(
        name if name else int(index) for name, index in _STEP.findall(match[2] or "")
    )
    text = match[1]
    if missing := re.fullmatch(r"Object missing required field `(.+)`", text):
        return Problem((*steps, missing[1]), "is missing; it has no default")
    found = _found(tree, steps)
    if text.startswith("Invalid enum value") and (choices := find_choices(steps)):
        return Problem(steps, f"{found} is none of {', '.join(map(repr, choices))}")
    if text == "Expected `array`, got `object`":
        return Problem(steps, f"there may be several: write [[{steps[-1]}]], in double brackets")
    return Problem(steps, f"{text.replace('`object`', '`table`')}, found {found}")


def _found(tree: Any, steps: KeyPath) -> str:
    for step in steps:
        tree = tree[step]
    return repr(tree)[:80]


def _resolved(config: Config, base: Path) -> Config:
    def absolute(text: str) -> str:
        return str((base / text).resolve()) if text else text

    replace = msgspec.structs.replace
    data_dir = absolute(config.server.data_dir)
    mail_log = config.log.mail_log or f"{data_dir}/mail.log"
    return replace(
        config,
        server=replace(config.server, data_dir=data_dir),
        listener=tuple(
            replace(
                each,
                certificate=absolute(each.certificate) if each.certificate else None,
                private_key=absolute(each.private_key) if each.private_key else None,
            )
            for each in config.listener
        ),
        route=tuple(
            replace(each, password_file=absolute(each.password_file))
            if each.password_file
            else each
            for each in config.route
        ),
        dns=replace(
            config.dns,
            nameservers=tuple(
                str(parse_host_port(each, default_port=53)) for each in config.dns.nameservers
            ),
        ),
        dkim=replace(
            config.dkim,
            keys=tuple(replace(key, file=absolute(key.file)) for key in config.dkim.keys),
        ),
        log=replace(config.log, mail_log=mail_log if mail_log == "-" else absolute(mail_log)),
    )
