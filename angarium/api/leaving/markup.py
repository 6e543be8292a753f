"""The HTML of the pages. Pure: what it is given, it escapes.

No script, nothing from elsewhere; semantic, for a keyboard and a screen reader; at 320 pixels, and in the dark.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import msgspec

from angarium.api.leaving.words import Words, all_words

# Colours: each text has a contrast of 7:1 at least to what it stands on (WCAG 2.2, 1.4.6), what one may press 4.5:1
STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--quiet:#454c55;--paper:#fff;--line:#767e88;--act:#0b4fb3;--on:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#eceff3;--quiet:#bcc4ce;--paper:#14171b;--line:#8a939e;--act:#a9ccff;
--on:#0b1a30}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main,footer{max-width:36rem;margin:0 auto;padding:1.5rem 1rem;overflow-wrap:anywhere}
main{padding-top:2.5rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
footer{color:var(--quiet);font-size:.9375rem;border-top:1px solid var(--line)}
footer ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
footer li a,footer li span{display:inline-block;padding:.375rem 0}
address{font-style:normal;margin-top:1rem}
a{color:var(--act)}
form{margin:1.5rem 0}
fieldset{border:1px solid var(--line);border-radius:.375rem;margin:0 0 1rem;padding:.5rem 1rem 1rem}
legend{font-weight:600;padding:0 .25rem}
label{display:flex;gap:.625rem;padding:.375rem 0;align-items:baseline}
input{width:1.25rem;height:1.25rem;flex:none;accent-color:var(--act)}
small{color:var(--quiet);font-size:.9375rem}
button{font:inherit;font-weight:600;padding:.625rem 1.25rem;border:2px solid var(--act);border-radius:.375rem;
background:var(--act);color:var(--on);cursor:pointer}
button.quiet{background:transparent;color:var(--act)}
:focus-visible{outline:3px solid var(--act);outline-offset:2px}
.said{border-inline-start:.25rem solid var(--act);padding-inline-start:.75rem}
"""
STYLE_HASH: Final = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


_PLACE: Final = re.compile(r"\{([a-z]+)\}")


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What is around all pages of one answer."""

    language: str
    path: str  # of the page, which its forms and links of languages lead to
    values: Mapping[str, str]  # what stands for {address} and so on; plain text
    address: Sequence[str] = ()  # of the sender, a line each

    @property
    def words(self) -> Words:
        return all_words()[self.language]


def page(frame: Frame, title: str, body: str) -> str:
    """``title``: with names in braces. ``body``: HTML."""
    plain = _filled(title, frame.values)
    return (
        f'<!DOCTYPE html>\n<html lang="{frame.language}" dir="{frame.words.direction}">\n<head>\n'
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex, nofollow">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(plain)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{said(frame, title)}</h1>\n{body}</main>\n{_footer(frame)}</body>\n</html>\n"
    )


def said(frame: Frame, text: str) -> str:
    """Return a text as HTML, with its names filled in; each may be of another script."""
    values = {name: f"<bdi>{escape(value)}</bdi>" for name, value in frame.values.items()}
    return _filled(escape(text, quote=False), values)


def paragraph(frame: Frame, text: str) -> str:
    return f"<p>{said(frame, text)}</p>\n"


def status(frame: Frame, text: str) -> str:
    """What has just been done: read aloud at once."""
    return f'<p class="said" role="status">{said(frame, text)}</p>\n'


def form(frame: Frame, do: str, button: str, fields: str = "", *, quiet: bool = False) -> str:
    """``fields``: HTML in front of the button."""
    kind = ' class="quiet"' if quiet else ""
    return (
        f'<form method="post" action="{escape(_in(frame, frame.language))}">\n{fields}'
        f'<button type="submit" name="do" value="{do}"{kind}>{escape(button)}</button>\n</form>\n'
    )


def link(frame: Frame, path: str, text: str) -> str:
    return f'<p><a href="{escape(path)}?lang={frame.language}">{escape(text)}</a></p>\n'


def checkbox(frame: Frame, value: str, text: str, *, is_checked: bool, note: str = "") -> str:
    """``note``: why it cannot be changed; "": it can."""
    state = " checked" if is_checked else ""
    if note:
        told = f" <small>({said(frame, note)})</small>"
        return f'<label><input type="checkbox" disabled><span>{said(frame, text)}{told}</span></label>\n'
    name = escape(value)
    return (
        f'<input type="hidden" name="shown" value="{name}">'
        f'<label><input type="checkbox" name="keep" value="{name}"{state}>'
        f"<span>{said(frame, text)}</span></label>\n"
    )


def fieldset(legend: str, content: str) -> str:
    return f"<fieldset>\n<legend>{escape(legend)}</legend>\n{content}</fieldset>\n"


def hidden(value: str) -> str:
    return f'<input type="hidden" name="shown" value="{escape(value)}">\n'


def _filled(text: str, values: Mapping[str, str]) -> str:
    """In one go: a value may have braces, too."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def _in(frame: Frame, language: str) -> str:
    return f"{frame.path}?lang={language}"


def _footer(frame: Frame) -> str:
    items = "".join(
        f'<li><span aria-current="true" lang="{tag}">{escape(words.name)}</span></li>\n'
        if tag == frame.language
        else f'<li><a href="{escape(_in(frame, tag))}" lang="{tag}" hreflang="{tag}">'
        f"{escape(words.name)}</a></li>\n"
        for tag, words in all_words().items()
    )
    lines = "<br>\n".join(escape(each) for each in frame.address)
    address = f"<address>\n{lines}\n</address>\n" if lines else ""
    label = escape(frame.words.languages)
    return f'<footer>\n<nav aria-label="{label}">\n<ul>\n{items}</ul>\n</nav>\n{address}</footer>\n'
