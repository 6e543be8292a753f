"""What old applications really send, from a trusted network: taken as it is, mended (and how), or refused (and why).

The shapes are those of the programs named, with names and hosts of ours. ``docs/submission.md`` tells users the rest.
"""

import email
import email.header
import email.policy
import itertools
from typing import Any

import msgspec
import pytest

from angarium.config.schema import ListenerLimits
from angarium.intake.submission import SubmissionBuilder
from angarium.queue.model import MessageId, PartitionNumber, Submission, UnixMs
from angarium.smtp.envelope import Envelope, Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal
from angarium.smtp.repair import Repair
from angarium.smtp.server.data import DataDecoder, OctetBudget

ROOT = "root@web1.example"
TO = b"To: admin@example.com\r\n"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    raw: bytes  # between DATA and the final dot
    repairs: tuple[Repair, ...] = ()
    field: tuple[str, str] = ("", "")  # one of the result, as a reader is shown it
    body: bytes = b""  # of the result, how it begins
    refused: str = ""  # part of the reply
    sender: str = ROOT


def taken(name: str, raw: bytes, **more: Any) -> Case:
    return Case(name=name, raw=raw, **more)


def mended(name: str, raw: bytes, *repairs: Repair, **more: Any) -> Case:
    return Case(name=name, raw=raw, repairs=repairs, **more)


def refused(name: str, raw: bytes, why: str, **more: Any) -> Case:
    return Case(name=name, raw=raw, refused=why, **more)


CASES = [
    # --- cron, and what runs from it ---
    mended(
        "cron of Debian",
        b"From: root (Cron Daemon)\r\n"
        b"To: root\r\n"
        b"Subject: Cron <root@web1> run-parts /etc/cron.daily\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=UTF-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n"
        b"X-Cron-Env: <SHELL=/bin/sh>\r\n"
        b"Auto-Submitted: auto-generated\r\n\r\n"
        b"out\r\n",
        *(Repair.COMMENT_NAME, Repair.BARE_ADDRESS),
        field=("From", "Cron Daemon <root@web1.example>"),
    ),
    mended(
        "cronie",
        b'From: "(Cron Daemon)" <root>\r\n'
        b"To: root\r\n"
        b"Subject: Cron <root@web1> /usr/bin/job\r\n\r\n"
        b"x\r\n",
        Repair.BARE_ADDRESS,
        field=("From", '"(Cron Daemon)" <root@web1.example>'),
    ),
    mended(
        "anacron",
        b"From: Anacron <root>\r\n"
        b"To: root\r\n"
        b"Subject: Anacron job 'cron.daily' on web1\r\n\r\n"
        b"x\r\n",
        Repair.BARE_ADDRESS,
        field=("From", "Anacron <root@web1.example>"),
    ),
    mended(
        "vixie cron of a user in capitals",
        b"From: Backup (Cron Daemon)\r\nTo: backup\r\nSubject: Cron\r\n\r\nx\r\n",
        *(Repair.COMMENT_NAME, Repair.BARE_ADDRESS),
        sender="backup@web1.example",
        field=("From", "Cron Daemon <backup@web1.example>"),
    ),
    refused(
        "cron of one user, submitted by another",
        b"From: root (Cron Daemon)\r\nTo: root\r\nSubject: x\r\n\r\nx\r\n",
        "The From field is not valid",
        sender="relay@web1.example",
    ),
    mended(
        "at",
        b"Subject: Output from your job       12\r\nTo: root\r\nFrom: root\r\n\r\nx\r\n",
        Repair.BARE_ADDRESS,
        field=("From", "root@web1.example"),
    ),
    taken(
        "logwatch",
        b"To: root\r\n"
        b"From: Logwatch <logwatch@web1.example>\r\n"
        b"Subject: Logwatch for web1\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"Precedence: bulk\r\n\r\n"
        b" ####\r\n",
    ),
    taken(
        "unattended-upgrades",
        b"Subject: unattended-upgrades result for web1: SUCCESS\r\n"
        b"To: root\r\n"
        b"From: root@web1.example\r\n"
        b"Auto-Submitted: auto-generated\r\n\r\n"
        b"x\r\n",
    ),
    mended(
        "mdadm",
        b"From: mdadm monitoring <root>\r\n"
        b"To: root\r\n"
        b"Subject: DegradedArray event on /dev/md0:web1\r\n\r\n"
        b"This is\r\n",
        Repair.BARE_ADDRESS,
        field=("From", "mdadm monitoring <root@web1.example>"),
    ),
    mended(
        "smartd by mail(1), which names the user only",
        b"Subject: SMART error (CurrentPendingSector) detected on host: web1\r\n"
        b"To: root\r\n"
        b"From: root (root)\r\n\r\n"
        b"x\r\n",
        *(Repair.COMMENT_NAME, Repair.BARE_ADDRESS),
        field=("From", "root <root@web1.example>"),
    ),
    taken(
        "smartd by mailx",
        b"To: root@web1.example\r\n"
        b"Subject: SMART error\r\n"
        b"Message-Id: <1@web1.example>\r\n"
        b"Date: Sun, 29 Nov 2026 03:12:01 +0100 (CET)\r\n"
        b"From: root@web1.example (root)\r\n\r\n"
        b"x\r\n",
    ),
    mended(
        "apcupsd",
        b"Subject: web1 UPS  Power Failure !!!\r\nFrom: root\r\nTo: root\r\n\r\nx\r\n",
        Repair.BARE_ADDRESS,
    ),
    taken(
        "fail2ban",
        b"Subject: [Fail2Ban] sshd: banned 192.0.2.7 from web1\r\n"
        b"Date: Sun, 29 Nov 2026 03:12:01 +0000\r\n"
        b"From: Fail2Ban <root@web1.example>\r\n"
        b"To: root\r\n\r\n"
        b"Hi,\r\n",
    ),
    taken(
        "sudo",
        b"To: root\r\n"
        b"From: joe@web1.example\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"Subject: *** SECURITY information for web1 ***\r\n\r\n"
        b"x\r\n",
    ),
    taken(
        "nagios by printf | mail",
        b"To: ops@example.com\r\n"
        b"Subject: ** PROBLEM Service Alert: web1/HTTP is CRITICAL **\r\n"
        b"From: nagios@web1.example\r\n\r\n"
        b"***** Nagios *****\r\n",
    ),
    mended(
        "a mailbox replayed by formail",
        b"From root@web1.example Sun Nov 29 03:12:01 2026\r\n"
        b"From: root@web1.example\r\n"
        b"Subject: x\r\n\r\n"
        b"x\r\n",
        Repair.MBOX_LINE,
    ),
    mended(
        "an mbox line quoted once",
        b">From - Tue Jan  6 10:00:00 2026\r\nFrom: root@web1.example\r\nSubject: x\r\n\r\nx\r\n",
        Repair.MBOX_LINE,
    ),
    refused(
        "a letter that begins with From",
        b"From the desk of Joe:\r\nNote: I am away at 10:30\r\n\r\nx\r\n",
        "begins with a mailbox's From line",
    ),
    # --- PHP ---
    mended(
        "PHP mail() on Unix, lines in LF",
        b"To: joe@example.com\nSubject: Order 12\nX-PHP-Originating-Script: 33:shop.php\n"
        b"From: shop@web1.example\n\nThank you\n\r\n",
        Repair.LINE_ENDS,
        body=b"Thank you\r\n",
    ),
    mended(
        "PHP mail() with a body in LF only",
        b"Date: Sun, 29 Nov 2026 03:12:01 +0100\r\n"
        b"Subject: x\r\n"
        b"From: shop@web1.example\r\n"
        b"To: j@example.com\r\n\r\n"
        b"a\nb\nc\r\n",
        Repair.LINE_ENDS,
        body=b"a\r\nb\r\nc\r\n",
    ),
    refused(
        "PHP mail() whose subject was given another header",
        b"Subject: x\nBcc: victims@example.net\r\n"
        b"From: shop@web1.example\r\n"
        b"To: j@example.com\r\n\r\n"
        b"a\r\n",
        "Bare CR or LF",
    ),
    mended(
        "PHP with an umlaut in the subject",
        "Subject: Bestätigung für Ihre Bestellung\r\n"
        "From: Müller & Söhne <shop@web1.example>\r\n".encode()
        + TO
        + b"\r\n"
        b"x\r\n",
        Repair.RAW_UTF8,
        field=("Subject", "Bestätigung für Ihre Bestellung"),
    ),
    refused(
        "PHP in ISO 8859-1",
        b"Subject: Best\xe4tigung\r\nFrom: shop@web1.example\r\n" + TO + b"\r\nx\r\n",
        "Non-ASCII octets in the Subject field",
    ),
    mended(
        "PHP with a company's name",
        b"From: J. Doe, Inc. <shop@web1.example>\r\n" + TO + b"Subject: x\r\n\r\nx\r\n",
        Repair.QUOTED_NAME,
        field=("From", '"J. Doe, Inc." <shop@web1.example>'),
    ),
    mended(
        "PHP with the same MIME-Version twice",
        b"MIME-Version: 1.0\r\n"
        b"From: shop@web1.example\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Subject: x\r\n" + TO + b"\r\n"
        b"x\r\n",
        Repair.REPEATED_FIELD,
    ),
    refused(
        "PHP with two authors that differ",
        b"From: shop@web1.example\r\nFrom: other@web1.example\r\nSubject: x\r\n\r\nx\r\n",
        "More than one From field",
    ),
    mended(
        "PHP with From twice",
        b"From: shop@web1.example\r\nSubject: x\r\nFrom: shop@web1.example\r\n" + TO + b"\r\nx\r\n",
        Repair.REPEATED_FIELD,
    ),
    mended(
        "a script whose file begins with a byte order mark",
        b"\xef\xbb\xbfFrom: shop@web1.example\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        Repair.BYTE_ORDER_MARK,
    ),
    mended(
        "PHP without an empty line before the body",
        b"From: shop@web1.example\r\n"
        b"Subject: x\r\n"
        b"Hello Joe,\r\n"
        b"thank you: all is well\r\n\r\n"
        b"Bye\r\n",
        Repair.HEADER_END,
        body=b"Hello Joe,\r\nthank you: all is well\r\n\r\nBye\r\n",
    ),
    mended(
        "PHP with a boundary right behind the header",
        b"From: shop@web1.example\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b1\r\n"
        b"--b1\r\n"
        b"Content-Type: text/plain\r\n\r\n"
        b"x\r\n"
        b"--b1--\r\n",
        Repair.HEADER_END,
        body=b"--b1\r\nContent-Type: text/plain\r\n",
    ),
    mended(
        "a blank in the line that should be empty",
        b"From: shop@web1.example\r\nSubject: x\r\n \r\nHello\r\n\r\nBye\r\n",
        Repair.HEADER_END,
        body=b"Hello\r\n\r\nBye\r\n",
    ),
    refused(
        "a field without its colon, amid others",
        b"From: shop@web1.example\r\nSubject x\r\nBcc: secret@example.com\r\n\r\nHello\r\n",
        "Line 2 of the header is neither a field nor a continuation",
    ),
    refused(
        "the same, amid fields that only few know",
        b"From: shop@web1.example\r\nSubject x\r\nResent-Bcc: secret@example.com\r\n\r\nHello\r\n",
        "Line 2 of the header is neither a field nor a continuation",
    ),
    refused(
        "PHP with a recipient's name of two lines",
        b"From: shop@web1.example\r\n"
        b"To: Joe\r\n"
        b"Doe <joe@example.com>\r\n"
        b"Subject: x\r\n\r\n"
        b"Hello\r\n",
        "Line 3 of the header",
    ),
    taken(
        "PHPMailer",
        b"Date: Sun, 29 Nov 2026 03:12:01 +0000\r\n"
        b"To: Joe <j@example.com>\r\n"
        b"From: Shop <shop@web1.example>\r\n"
        b"Subject: =?utf-8?Q?Best=C3=A4tigung?=\r\n"
        b"Message-ID: <a@web1.example>\r\n"
        b"X-Mailer: PHPMailer 6.9.1 (https://github.com/PHPMailer/PHPMailer)\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
        b"x\r\n",
    ),
    taken(
        "WordPress",
        b"From: WordPress <wordpress@web1.example>\r\n"
        b"To: a@example.com\r\n"
        b"Subject: [Blog] Password Reset\r\n"
        b"Content-Type: text/plain; charset=UTF-8\r\n\r\n"
        b"Someone\r\n",
    ),
    mended(
        "a contact form with an empty From",
        b"From: \r\nSubject: contact\r\nTo: a@example.com\r\n\r\nx\r\n",
        Repair.EMPTY_FIELD,
        field=("From", "root@web1.example"),
    ),
    refused(
        "a contact form with a visitor's name for From",
        b"From: Joe Visitor\r\nSubject: contact\r\nTo: a@example.com\r\n\r\nx\r\n",
        "The From field is not valid",
    ),
    mended(
        "a form that separates by semicolons",
        b"From: shop@web1.example;\r\nTo: a@example.com; b@example.com\r\nSubject: x\r\n\r\nx\r\n",
        Repair.ADDRESS_FORM,
        field=("From", "shop@web1.example"),
    ),
    # --- printers, scanners, boxes ---
    mended(
        "a scanner with LF",
        b"From: scan@example.com\nTo: joe@example.com\nSubject: Scan from MFP#01\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n\n--b--\n\r\n',
        Repair.LINE_ENDS,
        body=b"--b\r\nContent-Type: text/plain\r\n\r\n\r\n--b--\r\n",
    ),
    refused(
        "a scanner with LF and a line that is but a dot",
        b"From: scan@example.com\nTo: joe@example.com\nSubject: x\n\n.\nx\n\r\n",
        "Bare CR or LF",
    ),
    refused(
        "a box with CR only",
        b"From: ups@example.com\rSubject: battery\r\rlow\r\n",
        "Bare CR or LF",
    ),
    mended(
        "a scanner with an umlaut in its name",
        "From: Büro-Drucker 2. OG <scan@example.com>\r\n"
        "Subject: Gescanntes Dokument vom Büro-Drucker\r\n".encode()
        + TO
        + b"\r\n"
        b"x\r\n",
        Repair.RAW_UTF8,
        field=("From", '"Büro-Drucker 2. OG" <scan@example.com>'),
    ),
    mended(
        "a scanner that names its file raw",
        "From: scan@example.com\r\n"
        "Subject: x\r\n"
        'Content-Type: application/pdf; name="Übersicht 1.pdf"\r\n'
        'Content-Disposition: attachment; filename="Übersicht 1.pdf"\r\n\r\n'
        "x\r\n".encode(),
        Repair.RAW_UTF8,
        field=("Content-Disposition", 'attachment; filename="Übersicht 1.pdf"'),
    ),
    mended(
        "a copier that writes names with a colon",
        b"From: MFP: 3rd floor <scan@example.com>\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        Repair.QUOTED_NAME,
        field=("From", '"MFP: 3rd floor" <scan@example.com>'),
    ),
    mended(
        "a copier that leaves blanks in the brackets",
        b"From: MFP < scan@example.com >\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        Repair.ADDRESS_FORM,
        field=("From", "MFP <scan@example.com>"),
    ),
    taken(
        "a scanner with an underscore in its domain",
        b"From: scan@mfp_01.example\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
    ),
    mended(
        "a scanner with a final dot",
        b"From: Scan <scan@example.com.>\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        Repair.ADDRESS_FORM,
        field=("From", "Scan <scan@example.com>"),
    ),
    taken("a UPS without any header", b"Battery low\r\n"),
    taken(
        "a NAS without Date and Message-ID",
        b"From: nas@example.com\r\nTo: a@example.com\r\nSubject: [nas] Disk 2 failed\r\n\r\nx\r\n",
    ),
    mended(
        "a camera that ends its header by the body",
        b"From: cam@example.com\r\n"
        b"To: a@example.com\r\n"
        b"Subject: Motion\r\n"
        b"Motion detected on channel 1\r\n",
        Repair.HEADER_END,
        body=b"Motion detected on channel 1\r\n",
    ),
    refused(
        "a camera with a NUL",
        b"From: cam@example.com\r\nSubject: M\0tion\r\n\r\nx\r\n",
        "NUL in the message",
    ),
    mended(
        "an alarm unit with an empty Message-ID",
        b"Message-ID: \r\nFrom: alarm@example.com\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        Repair.EMPTY_FIELD,
    ),
    # --- old mailers of Windows and Java ---
    mended(
        "VB with blanks before colons",
        b"From : app@example.com\r\nTo : joe@example.com\r\nSubject : Report\r\n\r\nx\r\n",
        Repair.BLANK_BEFORE_COLON,
        field=("Subject", "Report"),
    ),
    mended(
        "VB with a TAB before a colon, and a name of its own",
        b"From: app@example.com\r\nX-App\t: 1\r\nSubject: x\r\n\r\nx\r\n",
        Repair.BLANK_BEFORE_COLON,
        field=("X-App", "1"),
    ),
    refused(
        "VB with two From, one of them spaced",
        b"From : other@example.com\r\nFrom: app@example.com\r\nSubject: x\r\n\r\nx\r\n",
        "More than one From field",
    ),
    refused(
        "a French letter behind a header without its empty line",
        b"From: app@example.com\r\nSubject: x\r\nBonjour : voici le rapport\r\n\r\nx\r\n",
        "Line 3 of the header is neither a field nor a continuation",
    ),
    mended(
        "CDO with several To",
        b"From: app@example.com\r\n"
        b"To: a@example.com\r\n"
        b"To: B <b@example.com>,\r\n"
        b"Cc: c@example.com\r\n"
        b"Cc: d@example.com\r\n"
        b"Subject: x\r\n\r\n"
        b"x\r\n",
        Repair.REPEATED_FIELD,
        field=("To", "a@example.com, B <b@example.com>"),
    ),
    refused(
        "a name of two words",
        b"From: app@example.com\r\nContent Type: text/html\r\n\r\n<p>x\r\n",
        "Line 2 of the header is neither a field nor a continuation",
    ),
    mended(
        "a log sent right behind its header",
        b"From: app@example.com\r\nSubject: x\r\nBackup began at 10:30\r\nError: none\r\n",
        Repair.HEADER_END,
        body=b"Backup began at 10:30\r\nError: none\r\n",
    ),
    taken(
        "System.Net.Mail",
        b"MIME-Version: 1.0\r\n"
        b'From: "App" <app@example.com>\r\n'
        b"To: joe@example.com\r\n"
        b"Date: 29 Nov 2026 03:12:01 +0100\r\n"
        b"Subject: =?utf-8?B?QmVyaWNodA==?=\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"x\r\n",
    ),
    taken(
        "JavaMail",
        b"Date: Sun, 29 Nov 2026 03:12:01 +0100 (CET)\r\n"
        b"From: app@example.com\r\n"
        b"To: joe@example.com\r\n"
        b"Message-ID: <12.3.456.JavaMail.app@web1>\r\n"
        b"Subject: Report\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n\r\n"
        b"x\r\n",
    ),
    mended(
        "JavaMail with a bare user",
        b"From: tomcat\r\n"
        b"To: joe@example.com\r\n"
        b"Message-ID: <12.JavaMail.tomcat@web1>\r\n"
        b"Subject: x\r\n\r\n"
        b"x\r\n",
        Repair.BARE_ADDRESS,
        sender="tomcat@web1.example",
        field=("From", "tomcat@web1.example"),
    ),
    mended(
        "a Java application that writes text as it is",
        "From: Jörg Weiß <app@example.com>\r\n"
        'To: Łukasz Żółć <l@example.com>, "Ó, É" <o@example.com>\r\n'
        "Subject: x\r\n\r\n"
        "x\r\n".encode(),
        Repair.RAW_UTF8,
        field=("To", 'Łukasz Żółć <l@example.com>, "Ó, É" <o@example.com>'),
    ),
    taken(
        "Outlook Express 6",
        b"Message-ID: <000701c@pc>\r\n"
        b'From: "Joe Doe" <joe@example.com>\r\n'
        b"To: <a@example.com>\r\n"
        b"Subject: hello\r\n"
        b"Date: Sun, 29 Nov 2026 03:12:01 +0100\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain;\r\n"
        b'\tcharset="iso-8859-1"\r\n'
        b"X-Priority: 3\r\n"
        b"X-Mailer: Microsoft Outlook Express 6.00.2900.5931\r\n\r\n"
        b"x\r\n",
    ),
    taken(
        "Outlook with an address for a name",
        b"From: 'Joe@Example.com' <joe@example.com>\r\n"
        b"To: a@example.com\r\n"
        b"Subject: x\r\n\r\n"
        b"x\r\n",
    ),
    taken(
        "an address in capitals before itself",
        b"From: A@Example.com <a@example.com>\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
    ),
    refused(
        "an address of somebody else for a name",
        b"From: ceo@bank.example <a@example.com>\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        "two different addresses",
    ),
    mended(
        "Outlook 97 with surname first",
        b"From: Doe, Joe <joe@example.com>\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        Repair.QUOTED_NAME,
        field=("From", '"Doe, Joe" <joe@example.com>'),
    ),
    refused(
        "Lotus Notes with a distinguished name",
        b"From: CN=Joe Doe/OU=Sales/O=Acme@acme\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        "The From field is not valid",
    ),
    taken(
        "Lotus Domino",
        b"Subject: Report\r\n"
        b"To: a@example.com\r\n"
        b"Message-ID: <OF1.2-ON3.4@example.com>\r\n"
        b"From: Joe Doe/Sales/Acme <joe@example.com>\r\n"
        b"X-MIMETrack: Serialize by Router on N1/Acme(Release 8.5.3|September 15, 2011) at 29.11.2026 03:12:01\r\n\r\n"
        b"x\r\n",
    ),
    mended(
        "a groupware with brackets in a name",
        b"From: Joe [Sales] <joe@example.com>\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        Repair.QUOTED_NAME,
        field=("From", '"Joe [Sales]" <joe@example.com>'),
    ),
    mended(
        "doubled brackets",
        b"From: <<app@example.com>>\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        Repair.ADDRESS_FORM,
        field=("From", "app@example.com"),
    ),
    refused(
        "an address without its brackets behind a name",
        b"From: Joe Doe joe@example.com\r\nSubject: x\r\n" + TO + b"\r\nx\r\n",
        "The From field is not valid",
    ),
    refused(
        "a name in UTF-8 for a local part",
        "From: Jörg <jörg@example.com>\r\nSubject: x\r\n\r\nx\r\n".encode(),
        "Non-ASCII octets in the From field",
    ),
    mended(
        "a domain in UTF-8",
        "From: Jörg <j@bücher.example>\r\nSubject: x\r\n\r\nx\r\n".encode(),
        Repair.RAW_UTF8,
        field=("From", "Jörg <j@xn--bcher-kva.example>"),
    ),
    refused(
        "an umlaut in a Message-ID",
        "From: j@example.com\r\nMessage-ID: <ä@web1>\r\nSubject: x\r\n\r\nx\r\n".encode(),
        "Non-ASCII octets in the Message-ID field",
    ),
    mended(
        "all at once",
        (
            "From root Sun Nov 29 03:12:01 2026\nFrom : root (Überwachung, täglich)\n"
            "Subject: läuft\nMIME-Version: 1.0\nMIME-Version: 1.0\nAlles gut\n\r\n"
        ).encode(),
        *(
            Repair.LINE_ENDS,
            Repair.MBOX_LINE,
            Repair.BLANK_BEFORE_COLON,
            Repair.HEADER_END,
            Repair.REPEATED_FIELD,
            Repair.RAW_UTF8,
        ),
        *(Repair.COMMENT_NAME, Repair.BARE_ADDRESS),
        field=("From", '"Überwachung, täglich" <root@web1.example>'),
        body=b"Alles gut\r\n",
    ),
]


def submit(case: Case, *, may_repair: bool = True, **more: Any) -> Submission | Refusal:
    decoder = DataDecoder(1_000_000, 65_536, OctetBudget(10_000_000), mends_line_ends=may_repair)
    wire = (b"\r\n" + case.raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
    assert decoder.receive(wire) == len(wire)
    content = decoder.finish()
    if isinstance(content, Refusal):
        return content
    numbers = itertools.count(1)
    builder = SubmissionBuilder(
        "mx1.example.com",
        lambda: UnixMs(1_795_317_149_000),
        lambda: MessageId(next(numbers).to_bytes(16, "big")),
        lambda _: PartitionNumber(0),
        ListenerLimits(),
        60.0,
    )
    to = (Recipient(forward_path="admin@example.com", domain="example.com"),)
    return builder.build(
        ReceivedMessage(
            envelope=Envelope(reverse_path=case.sender, recipients=to),
            content=content,
            client_address="192.0.2.1",
            client_name="web1.example",
            protocol="ESMTP",
            listener="127.0.0.1:25",
            may_repair=may_repair,
            repairs=(Repair.LINE_ENDS,) if decoder.has_mended_line_ends else (),
            **more,
        )
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_becomes_of_it(case: Case) -> None:
    found = submit(case)
    if case.refused:
        assert isinstance(found, Refusal), found
        assert case.refused in found.text
        return
    assert isinstance(found, Submission), found
    assert found.repairs == tuple(each for each in Repair if each in case.repairs)
    name, value = case.field
    if name:
        message = email.message_from_bytes(found.content, policy=email.policy.default)
        assert message.get_all(name) == [value], found.content
    assert found.content[found.header_octets :].startswith(case.body)
    assert found.content[: found.header_octets].isascii()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_mended_that_need_not_be_or_may_not(case: Case) -> None:
    found = submit(case, may_repair=False)
    if case.repairs or case.refused:
        assert isinstance(found, Refusal)
    else:
        assert isinstance(found, Submission)
        header, end, body = case.raw.partition(b"\r\n\r\n")
        assert (header if end else b"") in found.content[: found.header_octets]
        assert found.content[found.header_octets :] == (body if end else case.raw)


@pytest.mark.parametrize(
    "case", [each for each in CASES if each.repairs], ids=lambda case: case.name
)
def test_what_was_mended_needs_no_mending(case: Case) -> None:
    found = submit(case)
    assert isinstance(found, Submission)
    again = submit(msgspec.structs.replace(case, raw=found.content), may_repair=False)
    assert isinstance(again, Submission)
    assert again.content.endswith(found.content)


def test_a2_who_may_not_send_as_the_author_may_not_when_it_was_mended() -> None:
    case = next(each for each in CASES if each.name == "cron of Debian")
    assert isinstance(submit(case, senders=("root@web1.example",)), Submission)
    found = submit(case, senders=("app@web1.example",))
    assert isinstance(found, Refusal)
    assert "You may not send as <root@web1.example>" in found.text


def test_there_are_many_cases_of_each_kind() -> None:
    assert len(CASES) >= 70
    assert {repair for case in CASES for repair in case.repairs} == set(Repair)
    assert len({case.name for case in CASES}) == len(CASES)
