"""The part for people: what happened, what was said, and what to do."""

from collections.abc import Sequence
from typing import Final

from angarium.mta.dsn.line import clean, clean_value, wrap
from angarium.mta.dsn.report import Action, RecipientReport
from angarium.queue.model import ClaimedMessage
from angarium.smtp.date import render_date

_WIDTH: Final = 72
MAX_RECIPIENTS: Final = 100  # ours: told one by one here; the part for machines names all

_OPENING: Final[dict[Action, str]] = {
    "failed": "Your message could not be delivered to the recipients below. It will not be tried again.",
    "delayed": "Your message could not be delivered to the recipients below so far. You need not send it"
    " again: it is tried again until {until}. Other messages of yours that wait for the same domains are not"
    " reported one by one.",
    "relayed": "Your message was handed on for the recipients below. The mail server that took it does not"
    " report whether it arrived, so this is all that you will hear.",
    "expanded": "Your message was delivered to the mailing lists below, whose members are sent it.",
    "delivered": "Your message was delivered to the recipients below.",
}
# What differs where a later host reports it
_LATER_OPENING: Final[dict[Action, str]] = {
    "failed": "Your message could not be delivered to the recipients below. A mail server had taken it for them, and"
    " reports this now.",
    "delayed": "Your message has not reached the recipients below so far. A mail server has taken it for them and tries"
    " again; you need not send it again.",
}
# By subject and detail of RFC 3463; the subject alone stands for those not listed.
_ADVICE: Final = {
    "1.1": "The address does not exist there. Check its spelling, or ask the recipient for the right one.",
    "1.2": "The domain does not exist. Check the spelling behind the @.",
    "1.3": "The address is not valid. Check its spelling.",
    "1.6": "The mailbox has moved. Ask the recipient for the new address.",
    "1.10": "This domain takes no mail at all. Check the spelling behind the @.",
    "2": "The mailbox cannot take mail at present. Reach the recipient another way, or try later.",
    "2.1": "The mailbox is disabled. Reach the recipient another way.",
    "2.2": "The mailbox is full. Reach the recipient another way, or try again later.",
    "3.4": "The message is too large for the recipient's server. Send less, or a link instead of a file.",
    "4": "The recipient's mail server could not be reached or did not take the message. If others have the"
    " same trouble, the recipient's administrator should be told.",
    "4.6": "The domain's DNS leads mail back to the sender. Its administrator must mend that.",
    "4.7": "The recipient's mail server took no mail for too long. Send the message again later, or reach the"
    " recipient another way.",
    "6": "The recipient's mail server cannot carry a message of this kind. Send it again in plain ASCII, or use another"
    " address of the recipient.",
    "7": "The recipient's mail server refused the message by its policy. Its reply may say why; otherwise ask"
    " your administrator, or the recipient's.",
}
_ADVICE_ELSE: Final = (
    "The reply above is all that is known. Your administrator may be able to tell more from it."
)

_SUPPRESSED_ADVICE: Final = (
    "Take the address off your list. If it should get mail again, ask your administrator."
)


def render_text(message: ClaimedMessage, reports: Sequence[RecipientReport], hostname: str) -> str:
    """Return lines that each end in CRLF."""
    lines = [f"This is the mail server {hostname}.", ""]
    told = 0
    is_later = any(each.later for each in reports)
    openings = _OPENING | _LATER_OPENING if is_later else _OPENING
    for action, opening in openings.items():
        group = [each for each in reports if each.action == action]
        if not group:
            continue
        lines += [*wrap(opening.format(until=render_date(message.expires // 1000)), _WIDTH), ""]
        for report in group[: MAX_RECIPIENTS - told]:
            lines += _about(report)
        told += min(len(group), MAX_RECIPIENTS - told)
    if len(reports) > told:
        lines += [f"... and {len(reports) - told} more recipients, named in the next part.", ""]
    lines += wrap(f"Your message was received on {render_date(message.accepted // 1000)}.", _WIDTH)
    if message.message_id_header:
        lines.append(f"Its Message-ID is {clean_value(message.message_id_header)}")
    return "\r\n".join(lines) + "\r\n"


def _about(report: RecipientReport) -> list[str]:
    lines = [f"<{clean_value(report.recipient.forward_path)}>"]
    reply = clean(report.reply)
    if report.expired:
        lines += wrap("Its time in the queue is over. The last attempt met this:", _WIDTH, "    ")
    at = _host(report)
    if report.later:
        if reply:
            said = f"The report has this of {at}:" if at else "The report says:"
            lines += wrap(said, _WIDTH, "    ")
            lines += wrap(reply, _WIDTH, "      ")
    elif report.is_peer_reply:
        lines += wrap(f"The server {at} said:", _WIDTH, "    ")
        lines += wrap(reply, _WIDTH, "      ")
    elif reply and at:
        lines += wrap(f"With the server {at} we met this:", _WIDTH, "    ")
        lines += wrap(reply, _WIDTH, "      ")
    elif reply:
        lines += wrap(reply, _WIDTH, "    ")
    if report.action == "failed":
        advice = _SUPPRESSED_ADVICE if report.suppressed else _advice(report.status)
        lines += wrap(advice, _WIDTH, "    ")
    return [*lines, ""]


def _host(report: RecipientReport) -> str:
    host, address = clean(report.attempt.host), clean(report.attempt.address)
    return f"{host} [{address}]" if host and address and address != host else host


def _advice(status: str) -> str:
    _, _, rest = status.partition(".")
    return _ADVICE.get(rest) or _ADVICE.get(rest.partition(".")[0], _ADVICE_ELSE)
