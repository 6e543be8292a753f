"""What one mail has to say about mail of ours, gathered: its words, what it returns, whom it names where. Pure."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.feedback.mail.addresses import addresses_of, first_address
from angarium.feedback.mail.fields import Fields, read_fields
from angarium.feedback.mail.notice import Noticed, read_notice
from angarium.feedback.mail.original import (
    envelope_recipients,
    header_recipients,
    is_returned,
    names,
    original_of,
)
from angarium.feedback.mail.parts import ParsedMail
from angarium.feedback.mail.returned_text import Split, split_text
from angarium.feedback.mail.text import MAX_TEXT_OCTETS, text_of
from angarium.feedback.mail.wording import DELAY, FINAL, has_any

# C4: ours
MAX_TEXTS: Final = 6
# They name a mailing list, not who gets its mail
_LIST_FIELDS: Final = ("list-post", "list-id", "x-beenthere", "sender", "x-mailing-list")
_BRIEF: Final = re.compile(
    r"\s{0,20}(?:from|to|cc|subject|date|message-id)\s*:\s*\S", re.IGNORECASE
)
_SENDERS: Final = ("from", "sender", "return-path", "reply-to")
_RECIPIENTS: Final = ("to", "delivered-to", "x-original-to", "envelope-to")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    mail: ParsedMail
    text: Split
    original: Fields  # of the message that is returned; none where none is
    failed: tuple[str, ...]  # of X-Failed-Recipients
    is_delay: bool  # by its words

    @property
    def subject(self) -> str:
        return self.mail.fields.text("subject").casefold().strip()

    @property
    def words(self) -> str:
        """What the notice says, without its blank lines."""
        return "\n".join(line.strip() for line in self.text.notice if line.strip())

    def told(self) -> list[Noticed]:
        """Return whom the words are about; where they name nobody, and nothing is returned, all of the text's."""
        expected = (*self.failed, *_envelope_and_header(self.original))
        own, likely = names(self._own()), names(expected)
        told = read_notice(self.text.notice, own=own, expected=likely)
        if not told and not len(self.original):
            return read_notice(self.text.returned, own=own, expected=likely)
        return told

    def _own(self) -> Iterator[str]:
        """Yield addresses of ours, and of who wrote the notice."""
        yield from (first_address(each) for each in self.mail.fields.all_raw(*_SENDERS))
        for value in self.mail.fields.all_raw(*_RECIPIENTS):
            yield from addresses_of(value)
        yield from (first_address(each) for each in self.original.all_raw(*_SENDERS))

    def originals(self) -> list[str]:
        """Return whom the returned message was for, as far as it can be only that."""
        lists = {
            each.casefold()
            for value in self.original.all_raw(*_LIST_FIELDS)
            for each in addresses_of(value)
        }
        envelope = _without(envelope_recipients(self.original), lists)
        header = _without(header_recipients(self.original), lists)
        if len(header) == 1 and (not envelope or header[0] in envelope):
            return header
        # The last is the first host's: what we gave it
        return envelope[-1:]

    def from_verp(self) -> list[str]:
        """Return the address that our reverse path carries: "news+joe=example.org@host" (VERP)."""
        for value in self.mail.fields.all_raw("delivered-to", "x-original-to", "to"):
            for address in addresses_of(value):
                name, equals, domain = address.rpartition("@")[0].rpartition("=")
                name = name.rpartition("+")[2] or name
                if equals and name and "." in domain:
                    return [f"{name}@{domain}"]
        return []


def gather(mail: ParsedMail) -> Statement:
    split = split_text(_own_text(mail))
    original = original_of(mail)
    if not len(original) and split.returned:
        original = _original_in(split.returned)
    if not len(original):
        original = _brief_in(split.notice)
    failed = mail.fields.all_raw("x-failed-recipients")
    return Statement(
        mail=mail,
        text=split,
        original=original,
        failed=tuple(each for value in failed for each in addresses_of(value)),
        is_delay=_is_delay(mail, split.notice),
    )


def _own_text(mail: ParsedMail) -> str:
    """Return what the mail's own words are: its texts before the message that it returns."""
    plain: list[str] = []
    markup: list[str] = []
    for part in mail.parts:
        if is_returned(part.content_type):
            if plain or markup:
                break
        elif part.content_type == "text/html":
            markup.append(text_of(part))
        elif part.content_type.startswith("text/") and part.content_type != "text/calendar":
            plain.append(text_of(part))
        if len(plain) + len(markup) == MAX_TEXTS:
            break
    text = "\n\n".join(each for each in plain if each.strip())
    return (text or "\n\n".join(markup))[:MAX_TEXT_OCTETS]


def _original_in(lines: list[str]) -> Fields:
    """Return the returned message's header out of a text: its first lines may be words."""
    for number, line in enumerate(lines[:30]):
        name, colon, _ = line.strip().lstrip("> ").partition(":")
        if colon and name.replace("-", "").isalnum() and name.isascii():
            # Some writers indent what they return
            indent = line[: len(line) - len(line.lstrip(" \t>"))]
            block = "\n".join(each.removeprefix(indent) for each in lines[number:400])
            fields, _ = read_fields(block.encode("utf-8", "replace"))
            if len(fields):
                return fields
    return Fields()


def _brief_in(lines: list[str]) -> Fields:
    """Return what a notice tells of the message's own header, where it names two fields or more."""
    told = [line.strip() for line in lines[:200] if _BRIEF.match(line)]
    fields, _ = read_fields("\n".join(told).encode("utf-8", "replace"))
    return fields if len(set(fields.names())) > 1 else Fields()


def _is_delay(mail: ParsedMail, notice: list[str]) -> bool:
    words = "\n".join(notice[:200]).casefold()
    if has_any(mail.fields.text("subject").casefold(), DELAY):
        return True
    return has_any(words, DELAY) and not has_any(words, FINAL)


def _envelope_and_header(original: Fields) -> Iterator[str]:
    yield from envelope_recipients(original)
    yield from header_recipients(original)


def _without(addresses: list[str], excluded: set[str]) -> list[str]:
    return [each for each in addresses if each.casefold() not in excluded]
