"""Mirrors angarium/feedback/reading.py: what comes back is known for what it is. The mails are of our own making."""

from angarium.feedback.reading import read_mail
from angarium.feedback.report import Action, MailKind

DSN = b"""\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: bounce-token@return.example.com
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut

I'm sorry to have to inform you that your message could not be delivered.

<gone@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 User unknown

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; gone@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--cut
Content-Type: text/rfc822-headers

From: news@example.com
To: gone@example.org
Message-ID: <m1@example.com>
X-Angarium-Reference: ref-1
Subject: News

--cut--
"""


def test_a_delivery_report_names_its_recipient_and_why() -> None:
    report = read_mail(DSN)
    assert report.kind is MailKind.BOUNCE
    (recipient,) = report.recipients
    assert recipient.address == "gone@example.org"
    assert recipient.action is Action.FAILED
    assert recipient.status == "5.1.1"
    assert recipient.reply == "550 5.1.1 User unknown"
    assert recipient.remote_host == "mx.example.org"
    assert report.message_id == "m1@example.com"
    assert report.references[:2] == ("ref-1", "bounce-token")


def test_octets_that_are_no_mail_are_ordinary() -> None:
    assert read_mail(b"").kind is MailKind.ORDINARY
    assert read_mail(b"\x00\xff" * 100).kind is MailKind.ORDINARY
