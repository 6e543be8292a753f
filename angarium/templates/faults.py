"""What the engine says went wrong, as a problem with its place in the source that the author wrote. Pure."""

import re
from typing import Any, Final

from minijinja import TemplateError

from angarium.templates.engine import FilterFault
from angarium.templates.rendering import Problem, ProblemKind
from angarium.templates.sources import SourceName, Sources
from angarium.templates.tags import find_only_use

_KINDS: Final = {
    "SyntaxError": ProblemKind.SYNTAX,
    "UnknownFilter": ProblemKind.SYNTAX,
    "UnknownTest": ProblemKind.SYNTAX,
    "UnknownFunction": ProblemKind.SYNTAX,
    "UnknownBlock": ProblemKind.SYNTAX,
    "TemplateNotFound": ProblemKind.SYNTAX,
    "UndefinedError": ProblemKind.MISSING_VARIABLE,
    "OutOfFuel": ProblemKind.TOO_SLOW,
}
_QUOTED_NAME: Final = re.compile(r"[\"']([^\"']*)[\"']")
MAX_SHOWN: Final = 200  # ours, in characters, of a message


def problem_of(error: BaseException, source_name: str, sources: Sources) -> Problem:
    """Return it. ``source_name`` is what was rendered, if the error does not say where it lies."""
    if isinstance(error, FilterFault):
        return _of_filter(error, source_name, sources)
    if isinstance(error, TemplateError):
        return _of_engine(error, source_name, sources)
    found = SourceName.read(source_name)
    if isinstance(error, MemoryError):
        kind, message = ProblemKind.MEMORY, "it needs more memory than there is for it"
    elif isinstance(error, AttributeError):
        kind, message = ProblemKind.FAILED, "variables have no such method: use a filter"
    else:
        kind, message = ProblemKind.FAILED, f"it cannot be filled in: {error}"[:MAX_SHOWN]
    return Problem(
        kind=kind, part=found.part, locale=found.locale, template=found.template, message=message
    )


def _of_filter(error: FilterFault, source_name: str, sources: Sources) -> Problem:
    name = error.source_name or source_name
    found = SourceName.read(name)
    if (missing := error.missing) is not None:
        return Problem(
            kind=ProblemKind.MISSING_VARIABLE,
            variable=missing.variable,
            part=found.part,
            locale=found.locale,
            template=found.template,
            line=missing.line,
            column=missing.column,
            message=str(error),
        )
    use = find_only_use(sources.written(name), error.filter_name)
    line, column, variable = use or (None, None, "")
    if sources.is_translated:
        column = None
    return Problem(
        kind=ProblemKind.MISSING_VARIABLE if error.is_missing else ProblemKind.FAILED,
        variable=variable if error.is_missing else "",
        part=found.part,
        locale=found.locale,
        template=found.template,
        line=line,
        column=column,
        message=f"{error.filter_name}: {error}",
    )


def _of_engine(error: TemplateError, source_name: str, sources: Sources) -> Problem:
    name = error.name if error.name and ":" in error.name else source_name
    found = SourceName.read(name)
    start, end = error.range or (0, 0)
    encoded = (sources.load(name) or "").encode()
    line, column = place(encoded, start, sources.before(name))
    asked = encoded[start:end].decode(errors="replace")
    kind = _KINDS.get(error.kind, ProblemKind.FAILED)
    return Problem(
        kind=kind,
        part=found.part,
        locale=found.locale,
        template=found.template,
        line=line if error.range else error.line,
        # Of a translated source only the lines are the author's
        column=column if error.range and not sources.is_translated else None,
        message=_message(error, asked)[:MAX_SHOWN],
        variable=asked if kind is ProblemKind.MISSING_VARIABLE and _is_name(asked) else "",
    )


def _message(error: Any, asked: str) -> str:
    detail = str(error.detail or "")
    match error.kind:
        case "UndefinedError":
            shown = f"{asked} is" if _is_name(asked) else "a variable here is"
            return f"{shown} not given: give it, or write default() for when it is not"
        case "TemplateNotFound":
            quoted = _QUOTED_NAME.search(detail)
            name = quoted[1].rpartition(":")[2] if quoted else asked
            return f"there is no layout or partial {name!r} with this part"
        case "OutOfFuel":
            return "it takes too many steps: loop over less"
        case "BadInclude":
            return f"what is included here cannot be filled in: {_without_prefix(detail)}"
        case _:
            return _without_prefix(detail or str(error.message).partition(" (in ")[0])


def included_in(error: BaseException) -> str | None:
    """Return the name of the source that failed where another one includes it; None: it is not that."""
    if not isinstance(error, TemplateError) or error.kind != "BadInclude":
        return None
    found = _QUOTED_NAME.search(str(error.detail or ""))
    return None if found is None else found[1]


def _without_prefix(detail: str) -> str:
    """The engine's names of sources are nothing that the author wrote."""
    return re.sub(
        r"[\"'](?:html|text|amp|subject|preheader):[^:\"']*:([^\"']*)[\"']", r"'\1'", detail
    )


def _is_name(text: str) -> bool:
    return bool(text) and len(text) <= 100 and re.fullmatch(r"[\w.\[\]'\"]+", text) is not None


def place(encoded: bytes, offset: int, before: int) -> tuple[int, int]:
    """Return line and column, from 1, of an octet. ``before``: as many in front are not the author's."""
    offset = max(offset, before)
    line_start = encoded.rfind(b"\n", 0, offset) + 1
    line = encoded.count(b"\n", 0, offset) + 1
    shift = before if line == 1 else 0
    return line, len(encoded[line_start + shift : offset].decode(errors="replace")) + 1
