"""A vendor's mustache, as a template of the engine's language that does the same. Pure; never raises for a source.

What is the same in all: two braces escape in HTML, three do not. Missing variables are empty; what SES's templates
write must be given. Lines keep their numbers.
"""

from typing import Final, Literal, get_args

import msgspec

from angarium.templates.mustache import expressions, writing
from angarium.templates.mustache.expressions import Call, Expression, Path
from angarium.templates.mustache.fault import MustacheError
from angarium.templates.mustache.helper_table import BLOCKS, CONDITIONS
from angarium.templates.mustache.reading import Tag, Text, read
from angarium.templates.mustache.scope import HERE, ROOT, Loop, Scope
from angarium.templates.mustache.values import (
    condition,
    expression,
    helper_name,
    unknown_helper,
)
from angarium.templates.rendering import Problem, ProblemKind
from angarium.templates.tags import line_and_column

__all__ = ["DIALECTS", "HERE", "ROOT", "Dialect", "translate"]

# Whose mustache it is. ``mustache``: Handlebars with what the vendors have in common
Dialect = Literal["mustache", "sendgrid", "postmark", "mailgun", "ses", "resend"]
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)
MAX_DEPTH: Final = 50  # ours: blocks in blocks


def translate(source: str, dialect: Dialect = "mustache", *, part: str = "") -> str | Problem:
    """Return the translated source, or what in it is not understood, with line and column of the original."""
    try:
        return _Translator(source, dialect).run()
    except MustacheError as error:
        line, column = line_and_column(source, error.offset)
        return Problem(
            kind=ProblemKind.SYNTAX, part=part, line=line, column=column, message=str(error)
        )


class _Block(msgspec.Struct, kw_only=True):
    """One that is open."""

    name: str  # what closes it
    offset: int
    outer: Scope  # as it is around it, and in its else
    ends: list[str]  # what closes it in the engine's language, the outermost first
    is_condition: bool = False  # an ``elif`` may follow
    has_else: bool = False
    partial: str = ""  # the inline one that it defines


class _Translator:
    def __init__(self, source: str, dialect: Dialect) -> None:
        self._source = source
        self._is_postmark = dialect == "postmark"
        self._is_strict = dialect == "ses"
        self._inlines: dict[str, int] = {}  # inline partials, and where each is defined last
        self._out: list[str] = []
        self._open: list[_Block] = []
        self._scope = Scope()
        self._count = 0
        self._has_content = False

    def run(self) -> str:
        parts = read(self._source, mustachio=self._is_postmark)
        for each in parts:
            if isinstance(each, Tag) and each.kind == "inline":
                self._inlines[self._inline_name(each)] = each.start
        for each in parts:
            if isinstance(each, Text):
                self._out.append(writing.text(each.text))
            else:
                self._translate(each)
        if self._open:
            block = self._open[-1]
            raise MustacheError(block.offset, f"{block.name!r} is opened here and not closed")
        return "".join(self._out)

    def _translate(self, tag: Tag) -> None:
        match tag.kind:
            case "comment":
                self._write(tag, "")
            case "value" | "raw":
                self._value(tag)
            case "open":
                self._begin(tag)
            case "inverse":
                self._invert(tag)
            case "else":
                self._otherwise(tag)
            case "close":
                self._end(tag)
            case "partial":
                self._partial(tag)
            case "inline":
                self._inline(tag)

    def _write(self, tag: Tag, *statements: str) -> None:
        """Write them, with the line ends that the tag took away inside them."""
        inner = tag.body.count("\n") if tag.kind != "comment" else 0
        before, behind = "\n" * tag.lines_before, "\n" * (tag.lines_behind + inner)
        if not statements or statements == ("",):
            lines = "\n" * (tag.lines_before + tag.lines_behind + tag.body.count("\n"))
            self._out.append(f"{{#{lines}#}}" if lines else "")
            return
        first, *others = statements
        self._out.append(first[:2] + before + first[2:])
        self._out += others
        if behind:
            last = self._out.pop()
            self._out.append(last[:-2] + behind + last[-2:])

    # Values

    def _value(self, tag: Tag) -> None:
        body = tag.body
        if not body:
            raise MustacheError(tag.start, "a name is missing here")
        if body == "@content" and tag.kind == "raw":
            if self._open or self._has_content:
                raise MustacheError(tag.start, "a layout's content stands in no block, and once")
            self._has_content = True
            return self._write(tag, "{% block content %}{% endblock %}")
        name, bar, other = body.partition("|")
        if bar and not name.strip().count(" ") and "(" not in name:
            # Resend's, of a value that may be missing
            path = expression(self._scope, self._parse(name.strip(), tag.offset))
            written = writing.filtered(path, "m_else", writing.string(other.strip()))
        else:
            call = self._parse(body, tag.offset)
            written = self._required(call, expression(self._scope, call))
        if tag.kind == "raw":
            written = writing.filtered(written, "m_raw")
        return self._write(tag, f"{{{{ {written} }}}}")

    def _required(self, call: Call, written: str) -> str:
        """In SES's, what stands in the text by its name must be there; what blocks and helpers ask for need not."""
        path = call.head
        if not self._is_strict or call.arguments or call.words or not isinstance(path, Path):
            return written
        if path.is_data or not path.names:
            return written
        line, column = line_and_column(self._source, path.offset)
        name = writing.string(".".join(path.names))
        return writing.filtered(written, "m_given", name, str(line), str(column))

    def _parse(self, text: str, offset: int) -> Call:
        call = expressions.parse(text, offset)
        if self._is_postmark and (call.arguments or call.words):
            raise MustacheError(offset, f"{text[:30]!r} is no path, and Postmark has no helpers")
        return call

    # Blocks

    def _begin(self, tag: Tag) -> None:
        call = self._opening(tag)
        if len(self._open) >= MAX_DEPTH:
            raise MustacheError(tag.start, f"blocks are nested deeper than {MAX_DEPTH}")
        name = helper_name(call)
        block = _Block(name=tag.body.split()[0], offset=tag.start, outer=self._scope, ends=[])
        is_section = not call.arguments and (name not in BLOCKS or self._is_postmark)
        statements = self._section(tag, call, block) if is_section else self._block(call, block)
        self._open.append(block)
        self._write(tag, *statements)

    def _opening(self, tag: Tag) -> Call:
        if not tag.body:
            raise MustacheError(tag.start, "a name is missing here")
        if not self._is_postmark:
            return expressions.parse(tag.body, tag.offset)
        word, _, path = tag.body.partition(" ")
        if word == "each" and path.strip():
            found = self._parse(path.strip(), tag.offset + 5)
            each = Path(names=("each",))
            return Call(head=each, arguments=(found.head,), offset=tag.offset)
        if word == "each":
            raise MustacheError(tag.start, "each is to be given one thing")
        return self._parse(tag.body, tag.offset)

    def _block(self, call: Call, block: _Block) -> list[str]:
        """Open what a helper opens, and return its statements."""
        name = helper_name(call)
        if name not in BLOCKS:
            raise unknown_helper(call)
        if name in CONDITIONS or name in ("if", "unless"):
            block.is_condition = True
            block.ends.append("{% endif %}")
            return [f"{{% if {condition(self._scope, call)} %}}"]
        if len(call.arguments) != 1 or call.words:
            raise MustacheError(call.offset, f"{name} is to be given one thing")
        given = expression(self._scope, call.arguments[0])
        return self._each(call, given, block) if name == "each" else self._with(call, given, block)

    def _each(self, call: Call, given: str, block: _Block) -> list[str]:
        loop = self._new_loop()
        block.ends.append("{% endfor %}")
        # Mustachio counts the array itself as what is up one
        around = (given,) if self._is_postmark else ()
        self._scope = self._scope.in_loop(loop, around=around).named(
            dict(zip(call.names, (loop.item, loop.key), strict=False))
        )
        how = "m_list" if self._is_postmark else "m_each"
        return [_for(loop, writing.filtered(given, how))]

    def _with(self, call: Call, given: str, block: _Block) -> list[str]:
        self._count += 1
        name = f"_c{self._count}"
        block.ends += ["{% endwith %}", "{% endif %}"]
        self._scope = self._scope.inside(name).named(dict(zip(call.names, (name,), strict=False)))
        return [f"{{% with {name} = {given} %}}", f"{{% if {writing.filtered(name, 'm_true')} %}}"]

    def _section(self, tag: Tag, call: Call, block: _Block) -> list[str]:
        if not isinstance(call.head, Path):
            raise MustacheError(tag.offset, "a section needs a name")
        given = self._scope.write(call.head)
        if self._is_postmark:
            self._scope = self._scope.inside(*self._chain(call.head))
            block.ends.append("{% endif %}")
            return [f"{{% if {writing.filtered(given, 'm_there')} %}}"]
        loop = self._new_loop()
        here = self._scope.here
        self._scope = self._scope.in_loop(loop).named(
            dict(zip(call.names, (loop.item, loop.key), strict=False))
        )
        block.ends.append("{% endfor %}")
        return [_for(loop, writing.filtered(given, "m_section", here))]

    def _chain(self, path: Path) -> list[str]:
        """What Mustachio goes through on a path: each name of it is a place of its own."""
        return [
            self._scope.write(msgspec.structs.replace(path, names=path.names[:count]))
            for count in range(1, len(path.names) + 1)
        ]

    def _new_loop(self) -> Loop:
        self._count += 1
        number = self._count
        return Loop(
            item=f"_c{number}", index=f"_i{number}", key=f"_k{number}", is_last=f"_l{number}"
        )

    def _invert(self, tag: Tag) -> None:
        """``{{^}}`` is an else, ``{{^name}}`` a section of what is not there."""
        block = self._open[-1] if self._open else None
        if not tag.body or (self._is_postmark and block is not None and block.name == tag.body):
            return self._otherwise(msgspec.structs.replace(tag, body="else"))
        call = self._parse(tag.body, tag.offset)
        if not isinstance(call.head, Path) or call.arguments:
            raise MustacheError(tag.offset, "a section needs a name")
        if len(self._open) >= MAX_DEPTH:
            raise MustacheError(tag.start, f"blocks are nested deeper than {MAX_DEPTH}")
        given = self._scope.write(call.head)
        test = "m_there" if self._is_postmark else "m_true"
        # An empty object is true, an empty array is not: as for the section itself
        self._open.append(
            _Block(name=tag.body, offset=tag.start, outer=self._scope, ends=["{% endif %}"])
        )
        if self._is_postmark:
            self._scope = self._scope.inside(*self._chain(call.head))
        return self._write(tag, f"{{% if not {writing.filtered(given, test)} %}}")

    def _otherwise(self, tag: Tag) -> None:
        block = self._open[-1] if self._open else None
        if block is None or block.has_else or block.name == "inline":
            raise MustacheError(tag.start, "this else belongs to no block")
        chained = tag.body[len("else") :].strip()
        inner, self._scope = self._scope, block.outer
        if not chained:
            block.has_else = True
            # In Mustachio the place stays that of the section
            self._scope = inner if self._is_postmark else block.outer
            return self._write(tag, "{% else %}")
        call = expressions.parse(chained, tag.offset + tag.body.index(chained))
        name = helper_name(call)
        if block.is_condition and (name in CONDITIONS or name in ("if", "unless")):
            return self._write(tag, f"{{% elif {condition(self._scope, call)} %}}")
        if len(block.ends) >= MAX_DEPTH:
            raise MustacheError(tag.start, f"blocks are nested deeper than {MAX_DEPTH}")
        opened = _Block(name=block.name, offset=block.offset, outer=block.outer, ends=[])
        statements = self._block(call, opened)
        block.ends += opened.ends
        block.is_condition = opened.is_condition
        return self._write(tag, "{% else %}", *statements)

    def _end(self, tag: Tag) -> None:
        if not self._open:
            raise MustacheError(tag.start, f"{tag.body!r} is closed here, and was not opened")
        block = self._open.pop()
        if tag.body != block.name:
            raise MustacheError(
                tag.start, f"{tag.body!r} is closed here, where {block.name!r} is open"
            )
        self._scope = block.outer
        self._write(tag, *reversed(block.ends))

    # Partials

    def _partial(self, tag: Tag) -> None:
        call = expressions.parse(tag.body, tag.offset)
        name = _partial_name(call.head)
        if not name:
            raise MustacheError(tag.offset, "a partial is named by a word")
        self._refuse_circle(tag, name)
        if len(call.arguments) > 1:
            raise MustacheError(tag.offset, "a partial is given one thing, and words with =")
        here = expression(self._scope, call.arguments[0]) if call.arguments else self._scope.here
        if call.words:
            words = ", ".join(
                f"{writing.string(word)}: {expression(self._scope, each)}"
                for word, each in call.words.items()
            )
            here = writing.filtered(here, "m_with", f"{{{words}}}")
        if name in self._scope.partials:
            statements = [f"{{{{ {_macro(name)}({here}) }}}}"]
        else:
            statements = [f"{{% include {writing.string(name)} %}}"]
            if here != HERE:
                statements = [f"{{% with {HERE} = {here} %}}", *statements, "{% endwith %}"]
        if tag.indent:
            begin = f"{{% filter m_indent({writing.string(tag.indent)}) %}}"
            statements = [begin, *statements, "{% endfilter %}"]
        self._write(tag, *statements)

    def _refuse_circle(self, tag: Tag, name: str) -> None:
        """Raises MustacheError: else it would be looked for among the tenant's partials, and not be found."""
        if any(each.partial == name for each in self._open):
            text = f"the inline partial {name!r} uses itself, which would never end"
            raise MustacheError(tag.start, text)
        if name not in self._scope.partials and self._inlines.get(name, -1) > tag.start:
            text = f"the inline partial {name!r} is defined below: define it above what uses it"
            raise MustacheError(tag.start, text)

    def _inline_name(self, tag: Tag) -> str:
        call = expressions.parse(tag.body, tag.offset)
        if helper_name(call) != "inline" or len(call.arguments) != 1 or call.words:
            raise MustacheError(tag.offset, 'this is not known: {{#*inline "name"}} is')
        name = _partial_name(call.arguments[0])
        if not name:
            raise MustacheError(tag.offset, "an inline partial is named by a word")
        return name

    def _inline(self, tag: Tag) -> None:
        name = self._inline_name(tag)
        if len(self._open) >= MAX_DEPTH:
            raise MustacheError(tag.start, f"blocks are nested deeper than {MAX_DEPTH}")
        self._count += 1
        here = f"_c{self._count}"
        outer = self._scope.with_partial(name)
        self._open.append(
            _Block(
                name="inline",
                offset=tag.start,
                outer=outer,
                ends=["{% endmacro %}"],
                partial=name,
            )
        )
        self._scope = Scope(heres=(here,), partials=self._scope.partials)
        self._write(tag, f"{{% macro {_macro(name)}({here}) %}}")


def _for(loop: Loop, given: str) -> str:
    return f"{{% for {loop.item}, {loop.index}, {loop.key}, {loop.is_last} in {given} %}}"


def _partial_name(each: Expression) -> str:
    if isinstance(each, expressions.Literal) and isinstance(each.value, str | int):
        return str(each.value)
    if isinstance(each, Path) and not each.is_data and not each.ups:
        return "/".join(each.names)
    return ""


def _macro(name: str) -> str:
    """Names of partials may have what the engine's may not."""
    return "_p_" + "".join(
        each if each.isascii() and each.isalnum() else f"_{ord(each):x}_" for each in name
    )
