"""One mail under examination: what several rules ask of it is found out once, and only when one asks. Pure."""

import re
from functools import cached_property
from typing import Final

from angarium.content.checking.html_reading import HtmlContent, read_html
from angarium.content.checking.mail import Facts, Mail
from angarium.content.checking.web_address import WebAddress, read_address

MAX_TEXT: Final = 100_000  # characters of the text part that are read
MAX_LINE: Final = 1000  # characters of a line, as subject, that are read
MAX_ADDRESSES: Final = 2000  # links that are read
_BARE: Final = re.compile(r"https?://[^\s<>\"'\]]{1,2000}", re.IGNORECASE)
_BARE_END: Final = ".,;:!?)"


class View:
    def __init__(self, mail: Mail, facts: Facts) -> None:
        self.mail: Final = mail
        self.facts: Final = facts

    @cached_property
    def html(self) -> HtmlContent | None:
        """None: there is no HTML."""
        return None if self.mail.html is None else read_html(self.mail.html)

    @cached_property
    def subject(self) -> str:
        return self.mail.subject[:MAX_LINE].strip()

    @cached_property
    def preheader(self) -> str:
        """The one that is given, or else the one that the HTML has."""
        given = self.mail.preheader[:MAX_LINE].strip()
        return given or ("" if self.html is None else self.html.preheader[:MAX_LINE])

    @cached_property
    def text(self) -> str:
        """The text part, as far as it is read."""
        return (self.mail.text or "")[:MAX_TEXT]

    @cached_property
    def words(self) -> str:
        """What a reader sees: of the HTML, or else of the text."""
        return self.text if self.html is None else self.html.text

    @cached_property
    def addresses(self) -> tuple[tuple[str, WebAddress], ...]:
        """The address of each link with the field that it is in; in plain text, those that programs make links of."""
        html = self.html
        found = [] if html is None else [("bodyHtml", each.href) for each in html.links]
        bare = [each.rstrip(_BARE_END) for each in _BARE.findall(self.text)]
        shown = {each for _, each in found}
        found += [("bodyText", each) for each in bare if each not in shown]
        return tuple([(field, read_address(each)) for field, each in found[:MAX_ADDRESSES]])

    @property
    def domains(self) -> frozenset[str]:
        """Those of From."""
        return frozenset([each.domain for each in self.mail.authors])
