"""What providers send back later: DSNs (RFC 3464) and ARF complaints (RFC 5965). Renders; sends nothing."""

from email.utils import formatdate

import msgspec

from angarium.simulator.mailboxes import StoredMessage
from angarium.simulator.scenario import Report

RETURNED_OCTETS = 65_536  # of the original, at most: real providers cut too


class OutgoingReport(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be sent, or kept in the outbox."""

    kind: str  # dsn | arf | jmrp
    provider: str
    reverse_path: str  # "" for a DSN
    recipient: str
    content: bytes


def render_report(
    report: Report,
    *,
    provider: str,
    message: StoredMessage,
    content: bytes,
    recipient: str,
    to: str,
    serial: int,
) -> OutgoingReport:
    """Return the report on ``recipient``'s copy of ``message``, addressed ``to`` its sender."""
    domain = recipient.rpartition("@")[2]
    common = {
        "domain": domain,
        "host": message.host,
        "to": to,
        "date": formatdate(message.at),
        "serial": serial,
        "recipient": recipient,
        "reverse_path": message.reverse_path,
        "client": message.client,
    }
    if report.kind == "dsn":
        header = content.partition(b"\r\n\r\n")[0][:RETURNED_OCTETS]
        text = _DSN.format(status=report.status, **common)
        return OutgoingReport(
            kind="dsn",
            provider=provider,
            reverse_path="",
            recipient=to,
            content=_join(text, header, common["serial"]),
        )
    if report.kind == "jmrp":
        header = content.partition(b"\r\n\r\n")[0][:RETURNED_OCTETS]
        redacted = header.replace(recipient.encode(), b"redacted@" + domain.encode())
        return OutgoingReport(
            kind="jmrp",
            provider=provider,
            reverse_path=f"staff@{domain}",
            recipient=to,
            content=_join(_JMRP.format(**common), redacted, common["serial"]),
        )
    return OutgoingReport(
        kind="arf",
        provider=provider,
        reverse_path=f"feedback@{domain}",
        recipient=to,
        content=_join(_ARF.format(**common), content[:RETURNED_OCTETS], common["serial"]),
    )


def _join(text: str, original: bytes, serial: object) -> bytes:
    lines = text.replace("\n", "\r\n").encode("utf-8")
    return lines + original.rstrip(b"\r\n") + f"\r\n\r\n--report-{serial}--\r\n".encode()


_DSN = """\
From: Mail Delivery System <mailer-daemon@{domain}>
To: <{to}>
Subject: Undelivered mail
Date: {date}
Message-ID: <dsn.{serial}@{host}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="report-{serial}"

--report-{serial}
Content-Type: text/plain; charset=us-ascii

Your message to {recipient} was accepted, but could not be delivered.

--report-{serial}
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}
Arrival-Date: {date}

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} delivery failed

--report-{serial}
Content-Type: text/rfc822-headers

"""

_ARF = """\
From: Feedback loop <feedback@{domain}>
To: <{to}>
Subject: Complaint about a message
Date: {date}
Message-ID: <arf.{serial}@{host}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="report-{serial}"

--report-{serial}
Content-Type: text/plain; charset=us-ascii

A reader of {domain} marked this message as unwanted.

--report-{serial}
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: AngariumSimulator/1
Version: 1
Original-Mail-From: <{reverse_path}>
Original-Rcpt-To: <{recipient}>
Arrival-Date: {date}
Source-IP: {client}
Reported-Domain: {domain}

--report-{serial}
Content-Type: message/rfc822

"""

_JMRP = """\
From: <staff@{domain}>
To: <{to}>
Subject: complaint about message from {client}
Date: {date}
Message-ID: <jmrp.{serial}@{host}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="report-{serial}"

--report-{serial}
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: AngariumSimulator/1
Version: 1
Source-IP: {client}

--report-{serial}
Content-Type: text/rfc822-headers

"""
