"""What does not work in the HTML of a mail, or is taken for an attack. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.content.checking.client_support import CSS, LARGEST_STYLE, TAGS
from angarium.content.checking.html_reading import HtmlContent
from angarium.content.checking.rule import Broken, Rule, RulePart, several
from angarium.content.checking.view import View

_FRAMES: Final = ("iframe", "frame", "frameset", "portal")
_OBJECTS: Final = ("object", "embed", "applet")
_FORMS: Final = ("form", "input", "select", "textarea")
_UNSUPPORTED: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), each) for pattern, each in CSS.items()
)
# Characters that may be hidden besides the preheader; ours: menus for narrow windows
_HIDDEN: Final = 200

RULES: Final = (
    Rule(
        code="html_script",
        level="blocker",
        points=3.0,
        wrong="the HTML has a script",
        remedy="take it out",
        reason="no program runs it, and filters refuse the mail",
    ),
    Rule(
        code="html_handler",
        points=1.5,
        wrong="an element has a script in an attribute (onclick and such)",
        remedy="take it out",
        reason="no program runs it, and filters count it",
    ),
    Rule(
        code="html_frame",
        level="blocker",
        points=2.5,
        wrong="the HTML has a frame",
        remedy="write its content into the mail, or link to it",
        reason="no program shows it, and filters refuse the mail",
    ),
    Rule(
        code="html_object",
        level="blocker",
        points=2.5,
        wrong="the HTML has an object, embed or applet element",
        remedy="link to what it has instead",
        reason="no program shows it, and filters refuse the mail",
    ),
    Rule(
        code="html_refresh",
        level="blocker",
        points=2.5,
        wrong="a meta element leads to another page",
        remedy="take it out, and write a link",
        reason="no program follows it, and filters take it for phishing",
    ),
    Rule(
        code="html_password",
        level="blocker",
        points=4.0,
        wrong="a field asks for a password",
        remedy="link to a page where people log in",
        reason="it is phishing to every filter",
    ),
    Rule(
        code="html_form",
        points=1.0,
        wrong="the HTML has a form",
        remedy="link to a page that has it",
        reason="Gmail warns of it, Outlook takes it out",
    ),
    Rule(
        code="html_style_sheet",
        wrong="a style sheet is elsewhere (a link element)",
        remedy="write its rules into style attributes, or a style element",
        reason="no large program loads it: the mail is shown without it",
    ),
    Rule(
        code="html_base",
        points=0.5,
        wrong="a base element says where relative addresses lead",
        remedy="write whole addresses",
        reason="programs leave it out, so that links lead nowhere; phishing hides links by it",
    ),
    Rule(
        code="html_large_style",
        wrong="a style element has more than 8,192 characters",
        remedy="divide it, or write rules into style attributes",
        reason="Gmail leaves out the whole of it",
    ),
    Rule(
        code="html_unsupported_tag",
        wrong="an element is not shown by large programs",
        remedy="write it another way, or see that nothing is missing without it",
        reason="the table of elements and programs is in the code (client_support)",
    ),
    Rule(
        code="css_unsupported",
        wrong="a style is left out by large programs",
        remedy="use tables for what stands beside each other, and see that it is readable without",
        reason="the table of styles and programs is in the code (client_support)",
    ),
    Rule(
        code="hidden_text",
        points=2.0,
        wrong="much text is there that nobody sees (besides the preheader)",
        remedy="take it out",
        reason="it is how spam hides words from readers, or deceives filters",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    html = view.html
    if html is None:
        return
    for code, count in (
        ("html_script", html.scripts),
        ("html_password", html.passwords),
        ("html_refresh", html.refreshes),
        ("html_style_sheet", html.style_sheets),
        ("html_base", html.tags.get("base", 0)),
    ):
        if count:
            yield Broken(code=code, field="bodyHtml", count=count)
    for code, names in (
        ("html_frame", _FRAMES),
        ("html_object", _OBJECTS),
        ("html_form", _FORMS),
    ):
        yield from several(code, "bodyHtml", [f"<{each}>" for each in names if each in html.tags])
    yield from several("html_handler", "bodyHtml", html.handlers)
    yield from _of_support(html)
    if len(html.hidden) > _HIDDEN:
        yield Broken(code="hidden_text", field="bodyHtml", examples=(html.hidden,))


def _of_support(html: HtmlContent) -> Iterator[Broken]:
    unshown = [TAGS[each] for each in TAGS if each in html.tags]
    yield from several(
        "html_unsupported_tag", "bodyHtml", [f"{each.what}: {each.clients}" for each in unshown]
    )
    unstyled = [each for pattern, each in _UNSUPPORTED if pattern.search(html.css)]
    yield from several(
        "css_unsupported", "bodyHtml", [f"{each.what}: {each.clients}" for each in unstyled]
    )
    if html.largest_style > LARGEST_STYLE:
        shown = f"{html.largest_style} characters"
        yield Broken(code="html_large_style", field="bodyHtml", examples=(shown,))


HTML: Final = RulePart(title="HTML and styles", rules=RULES, find=_find)
