"""Mails that come back: a delivery report (RFC 3464) and a complaint (RFC 5965), with our reference or without."""

SENDER = "a@sender.example"

_PARTS = """\
From: Mail Delivery System <mailer-daemon@elsewhere.example>\r
To: <{to}>\r
Subject: {subject}\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type={type}; boundary=part\r
\r
--part\r
Content-Type: text/plain\r
\r
{subject}\r
--part\r
Content-Type: message/{type}\r
\r
{fields}\r
--part\r
Content-Type: text/rfc822-headers\r
\r
From: {sender}\r
Subject: fault run\r
{token}\r
--part--\r
"""
_FAILED = """\
Reporting-MTA: dns; mx.elsewhere.example\r
\r
Final-Recipient: rfc822; {}\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
"""
_ABUSE = "Feedback-Type: abuse\r\nUser-Agent: fault-run\r\nVersion: 1\r\nOriginal-Rcpt-To: <{}>\r\n"


def dsn(to: str, address: str, token: str) -> bytes:
    return _report("Undelivered mail", "delivery-status", to, _FAILED.format(address), token)


def complaint(to: str, address: str, token: str) -> bytes:
    return _report("Complaint", "feedback-report", to, _ABUSE.format(address), token)


def _report(subject: str, type_: str, to: str, fields: str, token: str) -> bytes:
    return _PARTS.format(
        subject=subject,
        type=type_,
        to=to,
        fields=fields,
        sender=SENDER,
        token=f"X-Angarium-Reference: {token}\r\n" if token else "",
    ).encode()
