"""What a tag's expression comes to in the engine's language, at a place of a mustache. Pure."""

from angarium.templates.mustache import expressions, writing
from angarium.templates.mustache.expressions import Call, Expression, Path
from angarium.templates.mustache.fault import MustacheError
from angarium.templates.mustache.helper_table import CONDITIONS, KNOWN, VALUES
from angarium.templates.mustache.scope import Scope


def expression(scope: Scope, each: Expression) -> str:
    if isinstance(each, expressions.Literal):
        return writing.literal(each.value)
    if isinstance(each, Path):
        return scope.write(each)
    head = each.head
    if not each.arguments and not each.words and not each.in_brackets:
        if isinstance(head, Path):
            return scope.write(head)
        if isinstance(head, Call):
            return expression(scope, head)
        return writing.literal(head.value)
    return helper_value(scope, each)


def helper_value(scope: Scope, call: Call) -> str:
    name = helper_name(call)
    helper = VALUES.get(name)
    if helper is None:
        raise unknown_helper(call)
    if call.words:
        word = next(iter(call.words))
        raise MustacheError(call.offset, f"{name} has no {word!r}")
    if not helper.least <= len(call.arguments) <= helper.most:
        least, most = helper.least, helper.most
        count = f"{least}" if least == most else f"{least} to {most}"
        raise MustacheError(call.offset, f"{name} is to be given {count} things")
    first, *others = [expression(scope, each) for each in call.arguments]
    return writing.filtered(first, helper.filter, *others, *helper.more)


def unknown_helper(call: Call) -> MustacheError:
    name = helper_name(call)
    if not name:
        return MustacheError(call.offset, f"a helper is to be named by a word: {KNOWN} are known")
    return MustacheError(call.offset, f"the helper {name!r} is not known: {KNOWN} are")


def condition(scope: Scope, call: Call) -> str:
    name = helper_name(call)
    if name in CONDITIONS:
        return writing.filtered(helper_value(scope, call), "m_true")
    words = dict(call.words)
    zero = words.pop("includeZero", None)
    if len(call.arguments) != 1 or words:
        raise MustacheError(call.offset, f"{name} is to be given one thing")
    more = () if zero is None else (expression(scope, zero),)
    tested = writing.filtered(expression(scope, call.arguments[0]), "m_true", *more)
    return tested if name == "if" else f"not {tested}"


def helper_name(call: Call) -> str:
    head = call.head
    if (
        isinstance(head, Path)
        and len(head.names) == 1
        and not head.is_data
        and not head.is_explicit
    ):
        return head.names[0]
    return ""
