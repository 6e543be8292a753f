"""Where a notice ends and the message that it returns begins, in one text. Pure."""

import re
from typing import Final

import msgspec

from angarium.feedback.mail.wording import has_any, phrases

# Ours: what a notice says stands in its first lines; C4
MAX_LINES: Final = 1500
MAX_LINE: Final = 2000
_NAMES: Final = re.compile(r"\s{0,8}>?\s?([A-Za-z][A-Za-z0-9-]{1,50})[ \t]*:(?:\s|$)")
# Fields that a message has and a notice's words have not
_STRONG: Final = frozenset(
    phrases(
        """
    received | return-path | mime-version | dkim-signature | x-received | x-mailer | delivered-to |
    content-type | x-originating-ip | content-transfer-encoding | user-agent | x-priority | authentication-results |
    references | in-reply-to | domainkey-signature | list-unsubscribe
    """
    )
)
_COMMON: Final = frozenset({"from", "to", "subject", "date", "cc", "reply-to", "sender"})
_MARKS: Final = phrases(
    """
    original message | copy of the message | copy of message | copy of your message | message header |
    header of the original | headers of the original | original header | original mail | original e-mail |
    original email | returned message | unsent message | undelivered message | bounced e-mail | bounced email |
    bounced message | message follows | mail follows | message text follows | message body | message headers |
    copy of the mail | copy of the original | lines of your | lines of the message | returned mail |
    mensaje original | message original | message d'origine | ursprüngliche nachricht | originalnachricht |
    mensagem original | messaggio originale | oorspronkelijk bericht | исходное сообщение | исходного сообщения |
    копия | 元のメッセージ | 元のメール | オリジナルメッセージ | 原始邮件 | 原邮件 | 原始郵件 | 원본 메시지 |
    original follows
    """
)
# A heading above addresses, not above what is returned
_OF_RECIPIENTS: Final = ("address", "recipient")
_RULE: Final = re.compile(r"\s*[-=_*#~+<>|]{2,}")
_ENDING: Final = ("follows", "follow", "below", "following", "attached", "below this line")


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A text in two: what the notice says, and what it returns."""

    notice: list[str]
    returned: list[str]


def split_text(text: str) -> Split:
    lines = [line[:MAX_LINE] for line in text.split("\n", MAX_LINES)[:MAX_LINES]]
    seen = False
    for number, line in enumerate(lines):
        stripped = line.strip()
        if not stripped:
            continue
        if seen and (_is_mark(stripped, line) or _begins_header(lines, number)):
            return Split(notice=lines[:number], returned=lines[number:])
        seen = True
    return Split(notice=lines, returned=[])


def _is_mark(stripped: str, line: str) -> bool:
    if len(stripped) > 160:
        return False
    folded = stripped.casefold()
    if not any(each in folded for each in _MARKS) or has_any(folded, _OF_RECIPIENTS):
        return False
    if _RULE.match(line):
        # "----- The message that could not be delivered: ..." is a notice; one that returns something names it.
        return True
    last = folded.rstrip(" .:-=_*#~")
    ends = folded.endswith((":", "：")) or last.endswith(_ENDING) or "below this line" in folded
    return ends and "@" not in folded


def _begins_header(lines: list[str], number: int) -> bool:
    """Whether a message's header begins here: several fields close together, one of which only messages have."""
    found = _NAMES.match(lines[number])
    if found is None:
        return False
    first = found[1].lower()
    if first not in _STRONG and first not in _COMMON and not first.startswith("x-"):
        return False
    seen: set[str] = set()
    for line in lines[number : number + 25]:
        if not line.strip():
            break
        if named := _NAMES.match(line):
            seen.add(named[1].lower())
    return len(seen) >= 3 and not seen.isdisjoint(_STRONG)
