"""Reads ``angarium.toml``: parses it, checks it against the schema and across tables, resolves its paths.

Nothing is looked up: whether files, users and addresses exist is for ``postmaster check`` and the start to see.
"""

import copy
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from angarium.config.address import parse_host_port
from angarium.config.blocklists import complete_blocklists
from angarium.config.crosscheck import FITS_EVERYTHING, find_problems, fits_everything
from angarium.config.error import ConfigError, KeyPath, Problem, path_text
from angarium.config.expected import expected_text, found_text
from angarium.config.kinds import find_kind
from angarium.config.location import key_lines, line_of
from angarium.config.providers import complete_providers
from angarium.config.pruning import take_out
from angarium.config.rules import complete_rules, merged, with_lists
from angarium.config.schema import Config, NamedSmartHost, Pool, Route, Rule, Source, Warmup
from angarium.config.streams import complete_streams
from angarium.config.syntax import find_fault
from angarium.config.unknown import find_unknown_keys
from angarium.config.warmup_plan import DEFAULT_PLAN, SHIPPED_PLAN, PlanError, read_plan
from angarium.config.written import read_quantities

MAX_PROBLEMS = 100  # of types that are named; ours
MAX_FILE_OCTETS = 4 * 1024 * 1024  # ours: far more than thousands of routes need
_AT = re.compile(r"(.*?)(?: - at `(?:key in )?\$([^`]*)`)?", re.DOTALL)
# Tables that name a password's file
_L = TypeVar("_L", Source, Pool, Route, NamedSmartHost)
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[([0-9]+)\]")


def load(path: str | Path, *, rules_file: Path | None = None) -> Config:
    """Return the configuration with absolute paths. Raises ConfigError that names every problem it can.

    ``rules_file``: to be read instead of its ``[rules] file``.
    """
    path = Path(path).absolute()
    return parse(read_file(path), path, rules_file=rules_file)


def parse(text: str, path: Path, *, rules_file: Path | None = None) -> Config:
    """The same of a text; ``path`` is where it stands: for messages, and what relative paths are relative to."""
    tree = _tables(text, path)
    config, problems = convert(tree)
    if config is None:
        raise ConfigError(str(path), problem_lines(text, path, problems))
    if rules_file is not None or config.rules.file:
        file = rules_file or path.parent / config.rules.file
        config = _with_rules_of(file, config, tree)
    return _with_plans(text, path, resolved(config, path.parent))


def _with_plans(text: str, path: Path, config: Config) -> Config:
    """Return it with what the files of its warm-ups say: they are read with it, and a reload reads them again."""
    found: list[Warmup] = []
    problems: list[Problem] = []
    for index, warmup in enumerate(config.warmup):
        plan = warmup.messages_per_hour
        try:
            plan = plan or read_plan(
                SHIPPED_PLAN if warmup.plan == DEFAULT_PLAN else Path(warmup.plan)
            )
        except PlanError as error:
            problems.append(Problem(("warmup", index, "plan"), str(error)))
        found.append(msgspec.structs.replace(warmup, messages_per_hour=plan))
    if problems:
        raise ConfigError(str(path), problem_lines(text, path, problems))
    return msgspec.structs.replace(config, warmup=tuple(found))


def parse_rules(text: str, path: Path) -> list[dict[str, Any]]:
    """Return the ``[[rule]]``s of a file of rules, as written, with numbers for durations. Raises ConfigError."""
    tree = _tables(text, path)
    problems = [
        Problem((key,), "a file of rules has [[rule]] only") for key in tree if key != "rule"
    ]
    frame = {"server": {"hostname": "rules.invalid"}, **tree}
    problems = problems or convert(frame)[1]
    if problems:
        raise ConfigError(str(path), problem_lines(text, path, problems))
    rules: list[dict[str, Any]] = read_quantities(with_lists(tree))[0].get("rule", [])
    return rules


def _with_rules_of(file: Path, config: Config, tree: Mapping[str, Any]) -> Config:
    own = read_quantities(with_lists(tree))[0].get("rule", [])
    written = merged(parse_rules(read_file(file), file), own)
    rules = msgspec.convert(complete_rules({"rule": written})["rule"], tuple[Rule, ...])
    if wrong := [each.name for each in rules if fits_everything(each)]:
        lines = [f"{file}: [[rule]] {name}: {FITS_EVERYTHING}" for name in wrong]
        raise ConfigError(str(file), lines)
    return msgspec.structs.replace(config, rule=rules)


def _tables(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = find_fault(text, str(error))
        raise ConfigError(str(path), [f"{path}:{fault.place}: {fault.text}"]) from None
    except RecursionError:
        raise ConfigError(
            str(path), [f"{path}:1: nested too deeply to be a configuration"]
        ) from None


def convert(tree: Mapping[str, Any]) -> tuple[Config | None, list[Problem]]:
    """Return what a file's tables come to, paths as written; None: they are no configuration, for these reasons."""
    tree = with_lists(tree)
    problems = find_unknown_keys(tree)
    numbered, misread = read_quantities(tree)
    problems += misread
    config, mistyped = _converted(numbered, tree, problems)
    problems += mistyped
    if config is not None and not problems:
        problems = find_problems(config)
    return (None, problems) if problems else (config, [])


def _converted(
    numbered: Mapping[str, Any], tree: Mapping[str, Any], problems: Sequence[Problem]
) -> tuple[Config | None, list[Problem]]:
    """Return what is left without the problems, and which more there are: msgspec names one at a time."""
    left = copy.deepcopy(dict(numbered))
    for each in problems:
        take_out(left, _key_of(each.path))
    found: list[Problem] = []
    while len(found) < MAX_PROBLEMS:
        try:
            completed = complete_rules(complete_streams(complete_providers(left)))
            completed = complete_blocklists(completed)
            return msgspec.convert(completed, Config), found
        except msgspec.ValidationError as error:
            problem = _type_problem(str(error), tree)
        at = _key_of(problem.path)
        if problem.is_missing and (problems or found):
            at = _key_of(problem.path[:-1])  # it may be missing because it was taken out
        else:
            found.append(problem)
        if not at or not take_out(left, at):
            break
    return None, found


def _key_of(path: KeyPath) -> KeyPath:
    """The list that an entry at fault is of: without the entry alone the others would change their places."""
    while len(path) > 1 and isinstance(path[-1], int):
        path = path[:-1]
    return path


def read_file(path: Path) -> str:
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


def problem_lines(text: str, path: Path, problems: Sequence[Problem]) -> list[str]:
    """Return a line for people for each problem of a file's text, in the order of the file."""
    lines = key_lines(text)
    ordered = sorted(problems, key=lambda problem: line_of(lines, problem.path))
    return [f"{path}:{line_of(lines, p.path)}: {path_text(p.path)}: {p.text}" for p in ordered]


def _type_problem(message: str, tree: Mapping[str, Any]) -> Problem:
    """Turn msgspec's words into ours: they end in a JSON path."""
    match = _AT.fullmatch(message)
    assert match is not None  # the pattern matches every text
    steps: KeyPath = tuple(
        name if name else int(index) for name, index in _STEP.findall(match[2] or "")
    )
    text = match[1]
    if missing := re.fullmatch(r"Object missing required field `(.+)`", text):
        return Problem((*steps, missing[1]), "is missing; it has no default", is_missing=True)
    if text == "Expected `array`, got `object`" and len(steps) == 1:
        return Problem(steps, f"there may be several: write [[{steps[0]}]], in double brackets")
    kind, found = find_kind(steps), _found(tree, steps)
    assert kind is not None  # unknown keys were found before
    expected = expected_text(kind)
    return Problem(steps, f"must be {expected}; found {found_text(found)}")


def _found(tree: Any, steps: KeyPath) -> Any:
    for step in steps:
        tree = tree[step]
    return tree


def resolved(config: Config, base: Path) -> Config:
    """Return it with absolute paths, those that are relative being so to ``base``."""

    def absolute(text: str) -> str:
        return str((base / text).resolve()) if text else text

    def with_password(each: _L) -> _L:
        if not each.password_file:
            return each
        return replace(each, password_file=absolute(each.password_file))

    replace = msgspec.structs.replace
    urls = {each.name: each.url for each in config.smart_host}

    def vias(route: Route) -> str | tuple[str, ...]:
        found = tuple(urls.get(each, each) for each in route.vias)
        return found[0] if len(found) == 1 else found

    data_dir = absolute(config.server.data_dir)
    mail_log = config.log.mail_log or f"{data_dir}/mail.log"
    feedback = config.feedback
    return replace(
        config,
        server=replace(config.server, data_dir=data_dir),
        listener=tuple(
            replace(
                each,
                certificate=absolute(each.certificate) if each.certificate else None,
                private_key=absolute(each.private_key) if each.private_key else None,
                client_ca=absolute(each.client_ca) if each.client_ca else None,
                client_crl=absolute(each.client_crl) if each.client_crl else None,
            )
            for each in config.listener
        ),
        source=tuple(map(with_password, config.source)),
        pool=tuple(
            replace(each, smart_host=urls.get(each.smart_host or "", each.smart_host))
            for each in map(with_password, config.pool)
        ),
        route=tuple(replace(each, via=vias(each)) for each in map(with_password, config.route)),
        smart_host=tuple(map(with_password, config.smart_host)),
        ses=config.ses
        and replace(
            config.ses,
            secret_key_file=absolute(config.ses.secret_key_file or "") or None,
            sns_certificate_file=absolute(config.ses.sns_certificate_file or "") or None,
        ),
        uploads=replace(
            config.uploads,
            secret_key_file=absolute(config.uploads.secret_key_file or "") or None,
        ),
        lake=replace(
            config.lake,
            dir=absolute(config.lake.dir),
            secret_key_file=absolute(config.lake.secret_key_file or "") or None,
        ),
        receiver_reports=replace(
            config.receiver_reports,
            google_key_file=absolute(config.receiver_reports.google_key_file),
            snds_key_file=absolute(config.receiver_reports.snds_key_file),
        ),
        warmup=tuple(
            each if each.plan == DEFAULT_PLAN else replace(each, plan=absolute(each.plan))
            for each in config.warmup
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
        tracking=replace(
            config.tracking,
            key_file=absolute(config.tracking.key_file) or f"{data_dir}/tracking.key",
            ca_file=absolute(config.tracking.ca_file),
        ),
        tracking_certificate=tuple(
            replace(
                each,
                certificate=absolute(each.certificate),
                private_key=absolute(each.private_key),
            )
            for each in config.tracking_certificate
        ),
        tracing=replace(
            config.tracing,
            headers_file=absolute(config.tracing.headers_file or "") or None,
        ),
        acme=config.acme
        and replace(
            config.acme,
            ca_file=absolute(config.acme.ca_file),
            account_key_file=absolute(config.acme.account_key_file),
        ),
        feedback=replace(
            feedback,
            key_file=absolute(feedback.key_file) or f"{data_dir}/feedback.key",
            maildir=absolute(feedback.maildir) if feedback.maildir else None,
        ),
        log=replace(config.log, mail_log=mail_log if mail_log == "-" else absolute(mail_log)),
        tenancy=replace(
            config.tenancy,
            secret_file=absolute(config.tenancy.secret_file),
            oidc=tuple(
                replace(each, client_secret_file=absolute(each.client_secret_file))
                for each in config.tenancy.oidc
            ),
        ),
        rules=replace(config.rules, file=absolute(config.rules.file)),
        alarms=replace(
            config.alarms,
            notify=tuple(
                replace(
                    each,
                    url_file=absolute(each.url_file or "") or None,
                    secret_file=absolute(each.secret_file or "") or None,
                )
                for each in config.alarms.notify
            ),
        ),
    )
