"""A From or Sender that is no list of mailboxes, but names one address beyond doubt (RFC 5322 section 3.4). Pure.

Beyond doubt: there is one @ in it, or none and MAIL names the same local part. What has two, or a display name that
holds one, may be read as another address and stays as it is (A2, A3).
"""

import re
from typing import Final

import msgspec

from angarium.smtp.mailbox_list import MailboxListSyntaxError, parse_mailbox_list
from angarium.smtp.repair import Repair

_CHARACTERS: Final = 2000  # ours: no author is longer
_ATOM: Final = r"""[^][ \t"()<>,:;\\@]+"""
# Everything is matched from its ends by classes that exclude what follows them: linear.
_COMMENTED: Final = re.compile(rf"({_ATOM})[ \t]*(?:\(([^()\\]*)\))?")
_NAMED: Final = re.compile(r"([^<>@]*)<([ \t]*)<?([^<> \t]+)>?([ \t]*)>")
_SPECIALS: Final = re.compile(r'[][()<>,:;.\\"@]')


class MendedAuthor(msgspec.Struct, frozen=True):
    value: str
    repairs: tuple[Repair, ...]


def mend_author(value: str, reverse_path: str) -> MendedAuthor | None:
    """Return the field's value, unfolded, as it was meant, None if in doubt. ``reverse_path`` is what MAIL names."""
    if len(value) > _CHARACTERS:
        return None
    repairs: list[Repair] = []
    rest = value.rstrip(" \t,;").strip(" \t")
    if rest != value:
        repairs.append(Repair.ADDRESS_FORM)
    mended = rest if rest != value and _is_one(rest) else _rewritten(rest, reverse_path, repairs)
    return MendedAuthor(mended, tuple(repairs)) if mended and _is_one(mended) else None


def _rewritten(value: str, reverse_path: str, repairs: list[Repair]) -> str:
    if commented := _COMMENTED.fullmatch(value):
        local_part, comment = commented[1], (commented[2] or "").strip(" \t")
        address = _completed(local_part, reverse_path)
        repairs.append(Repair.BARE_ADDRESS)
        if comment:
            repairs.append(Repair.COMMENT_NAME)
        return f"{_phrase(comment)} <{address}>" if comment else address
    named = _NAMED.fullmatch(value)
    if named is None:
        return ""
    phrase, address = named[1].strip(" \t"), named[3]
    if "@" not in address:
        address = _completed(address, reverse_path)
        repairs.append(Repair.BARE_ADDRESS)
    elif address.endswith(".") or named[0].count("<") > 1 or named[2] or named[4]:
        address = address.removesuffix(".")
        repairs.append(Repair.ADDRESS_FORM)
    quoted = f"{phrase} <{address}>" if phrase else f"<{address}>"
    if _is_one(quoted):
        return quoted
    if "=?" in phrase:  # in quotes, an encoded word would be shown as it stands
        return ""
    repairs.append(Repair.QUOTED_NAME)
    return f"{_phrase(phrase)} <{address}>"


def _completed(local_part: str, reverse_path: str) -> str:
    """Return the address of the reverse-path if this is its local part, else what is no address."""
    named = reverse_path.rpartition("@")[0]
    return reverse_path if named and named.lower() == local_part.lower() else local_part


def _phrase(text: str) -> str:
    """Return the text as a display name, in quotes if it needs them."""
    if not _SPECIALS.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_one(value: str) -> bool:
    try:
        return len(parse_mailbox_list(value)) == 1
    except MailboxListSyntaxError:
        return False
