"""What the words of a mail give away: what was forgotten, what does not fit, what is typical of spam. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.content.checking.rule import Broken, Rule, RulePart, several
from angarium.content.checking.view import View

_READ: Final = 100_000  # characters of each place that are looked at
# What template languages leave when nobody has filled them
_VARIABLE: Final = re.compile(
    r"\{\{\{?[^{}\n]{1,80}\}?\}\}|\{%[^%\n]{1,80}%\}|%recipient\.[\w.-]{1,60}%|\*\|[\w:.-]{1,60}\|\*|%%[\w.-]{1,60}%%"
    r"|\[\[[\w .-]{1,60}\]\]|\$\{[\w.]{1,60}\}|<%=?[^%<>\n]{1,60}%>|\{!?[A-Za-z_]\w{0,40}\.[A-Za-z_]\w{0,40}\}"
    r"|\[(?:first|last|full|your|customer|user|company|recipient)?[ _-]?(?:name|e-?mail|vorname|nachname|anrede)\]"
    r"|\[insert [^\]\n]{1,40}\]",
    re.IGNORECASE,
)
# This and what is said to be of lower case is searched for in text that is: it takes a third of the time
_EMPTY: Final = re.compile(
    r"\b(?:hi|hello|dear|hallo|liebe[rs]?|bonjour|hola|ciao)\s+(?:[,!]|(?:undefined|null|none|nan)\b)"
    r"|\[object object\]|\b(?:undefined|nan)\b(?=\s*(?:,|!|€|\$|eur|usd))"
)
_FILLER: Final = re.compile(r"\blorem ipsum\b|\bdolor sit amet\b")
_INSIDE: Final = re.compile("[^\\W\\d_][\u00ad\u200b\u200c\u2060\ufeff]+[^\\W\\d_]")
# Where they belong between letters
_JOINING: Final = re.compile("[\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_GARBLED: Final = re.compile(
    "\u00c3[\u0080-\u00bf\u201e\u0153\u0178]|\u00e2\u20ac[\u2122\u0153\u201c\u2013\u2014\u00a6]|\u00c2[\u00a0-\u00bf]|\ufffd"
)
_TAGS: Final = re.compile(r"\s*<(?:!doctype|html|body|div|p|table)\b", re.IGNORECASE)
_MOSTLY: Final = 0.3  # of the HTML's words should be in the text; ours
_ENOUGH: Final = 20  # words, from which on that says something
# Of no worth alone; some together are what filters look for. Of lower case
_PHRASES: Final = re.compile(
    r"\b(?:100 ?% free|act now|as seen on|be your own boss|best price|buy direct|cash bonus|casino|cheap meds"
    r"|click (?:here|below)|congratulations,? you|dear friend|double your|earn \$?\d+"
    r"|earn (?:extra )?(?:cash|money)|eliminate (?:bad credit|debt)|extra income|fast cash|financial freedom"
    r"|free (?:gift|money|trial|iphone)|get (?:paid|rich)|guaranteed (?:income|winner)|limited time"
    r"|lose weight|lowest price|make money|million (?:dollars|euros?)|miracle|money[- ]back"
    r"|no (?:catch|fees|obligation)|once in a lifetime|order now|risk[- ]free|satisfaction guaranteed"
    r"|special promotion|this is not spam|urgent(?:ly)? (?:reply|response)|viagra|cialis|weight loss"
    r"|while supplies last|winner|work from home|you (?:have been|are) (?:selected|a winner)"
    r"|you(?:'ve| have) won|verify your account|account (?:will be )?suspended|inheritance|wire transfer"
    r"|crypto(?:currency)? investment|jetzt (?:kaufen|zugreifen|zuschlagen)|nur heute|geld verdienen"
    r"|kostenlos testen|gratis|garantiert|schnelles geld|gewonnen|gagnez|gratuit|argent facile|dinero f[áa]cil"
    r"|gana dinero|oferta limitada"
    r")\b"
)
_SEVERAL: Final = 4

RULES: Final = (
    Rule(
        code="variable_left",
        level="blocker",
        points=0.5,
        wrong="a variable of a template was not filled",
        remedy="fill it, or take it out",
        reason="readers see it as it stands; text inside <code> and <pre> is not looked at",
    ),
    Rule(
        code="variable_empty",
        wrong="a variable was filled with nothing",
        remedy="give it a value, or one for when there is none",
        reason="readers are greeted as nobody, or as 'undefined'",
    ),
    Rule(
        code="filler_text",
        level="blocker",
        wrong="there is filler text (lorem ipsum)",
        remedy="write what is meant",
        reason="the mail is not finished",
    ),
    Rule(
        code="text_missing",
        points=0.8,
        wrong="there is HTML and no text part",
        remedy="give bodyText, or have it made of the HTML",
        reason="watches, screen readers and some filters read the text; filters count its absence",
    ),
    Rule(
        code="text_differs",
        points=0.8,
        wrong="the text part says something else than the HTML",
        remedy="say the same in both, or have it made of the HTML",
        reason="filters compare them: spam shows each something else",
    ),
    Rule(
        code="text_is_html",
        points=0.5,
        wrong="the text part is HTML",
        remedy="give it as bodyHtml",
        reason="readers see the tags",
    ),
    Rule(
        code="body_empty",
        level="blocker",
        points=1.5,
        wrong="there is nothing to read",
        remedy="write something",
        reason="filters take empty mails for tests of addresses",
    ),
    Rule(
        code="invisible_characters",
        points=1.5,
        wrong="words have characters inside that nobody sees",
        remedy="take them out",
        reason="it is how spam hides words from filters",
    ),
    Rule(
        code="turned_text",
        level="blocker",
        points=2.5,
        wrong="there are characters that turn the direction of text",
        remedy="take them out of subject, sender and file names",
        reason="they make names look like others (gpj.exe); filters refuse them",
    ),
    Rule(
        code="garbled_text",
        points=0.5,
        wrong="text was read in a wrong charset",
        remedy="read it as what it is, mostly UTF-8, before it is sent",
        reason="readers see signs like \u00c3\u00a4 instead of letters",
    ),
    Rule(
        code="spam_phrases",
        points=1.5,
        wrong="there are several phrases that are typical of spam",
        remedy="say it another way",
        reason="filters learn from such words, though none of them counts alone",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    html = view.html
    places = [("subject", view.subject), ("preheader", view.preheader)]
    if html is not None:
        links = " ".join([each.href[:500] for each in html.links[:500]])
        places += [("bodyHtml", html.prose[:_READ]), ("bodyHtml", links[:_READ])]
    places.append(("bodyText", view.text))
    told: set[tuple[str, str]] = set()
    for field, text in places:
        for broken in _of_words(field, text):
            if (broken.code, broken.field) not in told:
                told.add((broken.code, broken.field))
                yield broken
    yield from _of_turning(view)
    yield from _of_parts(view)
    phrases = set(_PHRASES.findall(f"{view.subject} {view.words[:_READ]}".lower()))
    if len(phrases) >= _SEVERAL:
        yield from several("spam_phrases", "bodyHtml" if html else "bodyText", sorted(phrases))


def _of_words(field: str, text: str) -> Iterator[Broken]:
    if not text:
        return
    yield from several("variable_left", field, [each[0] for each in _VARIABLE.finditer(text)])
    small = text.lower()
    yield from several("variable_empty", field, [each[0] for each in _EMPTY.finditer(small)])
    yield from several("filler_text", field, [each[0] for each in _FILLER.finditer(small)])
    if text.isascii():
        return
    inside = [each[0] for each in _INSIDE.finditer(text) if not _JOINING.search(each[0])]
    if len(inside) > (0 if field == "subject" else 3):
        yield from several("invisible_characters", field, [ascii(each)[1:-1] for each in inside])
    garbled = [each[0] for each in _GARBLED.finditer(text)]
    if len(garbled) > (0 if field == "subject" else 1):
        yield from several("garbled_text", field, garbled)


def _of_turning(view: View) -> Iterator[Broken]:
    mail = view.mail
    names = [
        (f"attachments[{at}].filename", each.filename[:1000])
        for at, each in enumerate(mail.files[:1000])
    ]
    author = [("from", each.name[:1000]) for each in mail.authors[:1]]
    for field, text in (("subject", view.subject), *author, *names):
        if not text.isascii() and _TURNING.search(text):
            yield Broken(code="turned_text", field=field, examples=(ascii(text)[1:-1],))


def _of_parts(view: View) -> Iterator[Broken]:
    mail = view.mail
    html = view.html
    if html is None:
        is_given = mail.text is not None or mail.amp is None
        if is_given and not view.text.strip() and not mail.files:
            yield Broken(code="body_empty", field="bodyText")
        elif _TAGS.match(view.text):
            yield Broken(code="text_is_html", field="bodyText")
        return
    if not html.text and not html.pictures and not mail.files:
        yield Broken(code="body_empty", field="bodyHtml")
    if mail.text is None or not view.text.strip():
        if html.text and not mail.makes_text:
            yield Broken(code="text_missing", field="bodyText")
        return
    shown = set(_words(html.text))
    if len(shown) >= _ENOUGH and len(shown & set(_words(view.text))) < _MOSTLY * len(shown):
        yield Broken(code="text_differs", field="bodyText")


_WORD: Final = re.compile(r"\w{2,30}")


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:50_000].casefold())


WORDS: Final = RulePart(title="Words", rules=RULES, find=_find)
