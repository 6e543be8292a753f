"""Mirrors angarium/mta/dsn: what is written is read back by Python's email package and by a plain RFC 3464 reader."""

import email
import email.policy
import re
from email.message import Message
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.mta.dsn import RecipientReport, dsn_for
from angarium.queue.model import (
    Attempt,
    Claimed,
    ClaimedMessage,
    DeliveryId,
    MessageId,
    Origin,
    PartitionNumber,
    Submission,
    UnixMs,
)
from angarium.smtp.envelope import Envelope, Notify

NOW = UnixMs(1_800_000_000_000)
HEADER = b"From: a@sender.test\r\nTo: b@there.test\r\nSubject: hello\r\n\r\n"
ID = MessageId(bytes.fromhex("0190a0b0c0d07000800000000000000a"))

ATTEMPT = Attempt(
    at=UnixMs(NOW - 1000),
    host="mx.there.test",
    address="203.0.113.9",
    source="ip1",
    code=550,
    enhanced="5.1.1",
    text="<b@there.test>: user unknown",
    tls="TLSv1.3",
    stage="rcpt",
)


def recipient(forward_path: str = "b@there.test", **more: Any) -> Claimed:
    values: dict[str, Any] = {
        "id": DeliveryId(ID, 0),
        "partition": PartitionNumber(0),
        "forward_path": forward_path,
        "domain": forward_path.rpartition("@")[2],
        "notify": None,
        "orcpt": None,
        "attempts": 1,
        "in_doubt": 0,
        "delay_dsn_sent": False,
        "last": None,
    }
    return Claimed(**(values | more))


def report(action: Any = "failed", attempt: Attempt = ATTEMPT, **more: Any) -> RecipientReport:
    expired, later = more.pop("expired", False), more.pop("later", False)
    return RecipientReport(
        recipient=recipient(**more), action=action, attempt=attempt, expired=expired, later=later
    )


def message(header: bytes = HEADER, body: bytes = b"body\r\n", **envelope: Any) -> ClaimedMessage:
    values: dict[str, Any] = {"reverse_path": "a@sender.test", "recipients": ()}
    return ClaimedMessage(
        has_dot_lines=None,
        message_id=ID,
        tenant="t1",
        stream="s1",
        envelope=Envelope(**(values | envelope)),
        content=header + body,
        header_octets=len(header),
        header_from="sender.test",
        message_id_header="<orig@sender.test>",
        accepted=UnixMs(NOW - 5000),
        expires=UnixMs(NOW + 432_000_000),
        origin=Origin(kind="submission", listener="127.0.0.1:2525"),
        recipients=(),
    )


def dsn(about: ClaimedMessage, *reports: RecipientReport) -> Submission | None:
    return dsn_for(
        about,
        reports,
        hostname="mx1.own.test",
        now=NOW,
        lifetime_ms=86_400_000,
        new_message_id=lambda: MessageId(b"\1" * 16),
        partition_of=lambda domain: PartitionNumber(len(domain)),
    )


def made(about: ClaimedMessage, *reports: RecipientReport) -> Submission:
    submission = dsn(about, *reports)
    assert submission is not None
    check_form(submission)
    return submission


def check_form(submission: Submission) -> None:
    content = submission.content
    assert content[: submission.header_octets].endswith(b"\r\n\r\n")
    assert b"\r\n\r\n" not in content[: submission.header_octets - 4]
    assert content.endswith(b"\r\n")
    assert content.count(b"\r\n") == content.count(b"\r") == content.count(b"\n")
    assert b"\0" not in content
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    if not submission.envelope.smtputf8:
        assert content.isascii()
    names = re.findall(rb"^([A-Za-z-]+):", content[: submission.header_octets], re.MULTILINE)
    assert set(names) <= TOP_FIELDS
    assert len(set(names)) == len(names)


TOP_FIELDS = {
    *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References"),
    *(b"Auto-Submitted", b"MIME-Version", b"Content-Type"),
}


def parts(submission: Submission) -> tuple[Message, Message, Message]:
    parsed = email.message_from_bytes(submission.content, policy=email.policy.compat32)
    assert parsed.get_content_type() == "multipart/report"
    assert not parsed.defects
    human, status, returned = parsed.get_payload()  # type: ignore[misc]
    assert parsed.get_param("report-type") == status.get_content_subtype()  # type: ignore[union-attr]
    return human, status, returned  # type: ignore[return-value]


def groups(submission: Submission) -> list[dict[str, str]]:
    """RFC 3464 section 2.1, read plainly: groups of unfolded fields between empty lines."""
    boundary = re.search(rb'boundary="([^"]+)"', submission.content)
    assert boundary is not None
    part = submission.content.split(b"--" + boundary[1])[2]
    text = part.split(b"\r\n\r\n", 1)[1].decode()
    return [
        dict(line.split(": ", 1) for line in re.sub(r"\r\n[ \t]", " ", group).splitlines())
        for group in text.strip("\r\n").split("\r\n\r\n")
    ]


def human_text(submission: Submission) -> str:
    payload = parts(submission)[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def test_a_failure_is_told_to_people_and_machines() -> None:
    submission = made(message(envid="QQ 314"), report(orcpt="rfc822;b@there.test"))
    per_message, per_recipient = groups(submission)
    assert per_message == {
        "Original-Envelope-Id": "QQ 314",
        "Reporting-MTA": "dns; mx1.own.test",
        "X-Angarium-Message-ID": "0190a0b0-c0d0-7000-8000-00000000000a",
        "Arrival-Date": "Fri, 15 Jan 2027 07:59:55 +0000",
    }
    assert per_recipient == {
        "Original-Recipient": "rfc822;b@there.test",
        "Final-Recipient": "rfc822; b@there.test",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.there.test",
        "Diagnostic-Code": "smtp; 550 5.1.1 <b@there.test>: user unknown",
        "Last-Attempt-Date": "Fri, 15 Jan 2027 07:59:59 +0000",
    }
    text = human_text(submission)
    assert "<b@there.test>" in text
    assert "550 5.1.1 <b@there.test>: user unknown" in text
    assert "The address does not exist there." in text


def test_pythons_email_package_reads_the_status() -> None:
    status = parts(made(message(), report(), report(forward_path="c@there.test")))[1]
    blocks = status.get_payload()
    assert [block["Final-Recipient"] for block in blocks[1:]] == [  # type: ignore[index,union-attr]
        "rfc822; b@there.test",
        "rfc822; c@there.test",
    ]


def test_the_header_says_what_it_is_and_to_whom() -> None:
    submission = made(message(), report())
    parsed = email.message_from_bytes(submission.content, policy=email.policy.compat32)
    assert parsed["From"] == "Mail Delivery System <postmaster@mx1.own.test>"
    assert parsed["To"] == "<a@sender.test>"
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert parsed["Subject"] == "Delivery Status Notification (Failure)"
    assert parsed["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert parsed["In-Reply-To"] == parsed["References"] == "<orig@sender.test>"
    assert parsed["Message-ID"] == submission.message_id_header


def test_the_submission_has_a_null_reverse_path_and_its_own_lifetime() -> None:
    submission = made(message(), report())
    assert submission.envelope.reverse_path == ""
    assert [each.forward_path for each in submission.envelope.recipients] == ["a@sender.test"]
    assert submission.envelope.recipients[0].domain == "sender.test"
    assert (submission.tenant, submission.stream, submission.header_from) == (
        "t1",
        "s1",
        "mx1.own.test",
    )
    assert submission.expires - submission.accepted == 86_400_000
    assert submission.partitions == (len("sender.test"),)
    assert submission.origin.kind == "dsn"


def test_a5_nobody_is_told_of_a_message_with_a_null_reverse_path() -> None:
    assert dsn(message(reverse_path=""), report()) is None


def test_what_came_by_the_http_api_is_told_by_events_alone() -> None:
    about = msgspec.structs.replace(message(), origin=Origin(kind="api", listener="127.0.0.1:8025"))
    assert dsn(about, report()) is None


def test_c1_a_sender_that_cannot_be_named_is_not_told() -> None:
    assert dsn(message(reverse_path="a@sender.test>\r\nBcc: <x@y"), report()) is None


@pytest.mark.parametrize(
    ("notify", "wanted"),
    [
        (None, {"failed", "delayed"}),
        (Notify.NEVER, set()),
        (Notify.SUCCESS, {"relayed"}),
        (Notify.FAILURE, {"failed"}),
        (Notify.DELAY, {"delayed"}),
        (Notify.SUCCESS | Notify.FAILURE | Notify.DELAY, {"failed", "delayed", "relayed"}),
    ],
)
def test_notify_is_honoured(notify: Notify | None, wanted: set[str]) -> None:
    told = {
        action
        for action in ("failed", "delayed", "relayed")
        if dsn(message(), report(action, notify=notify)) is not None
    }
    assert told == wanted


def test_recipients_that_want_nothing_are_left_out() -> None:
    submission = made(message(), report(), report(forward_path="c@there.test", notify=0))
    assert len(groups(submission)) == 2
    assert "c@there.test" not in submission.content.decode()


def test_a_delay_says_until_when_and_asks_for_nothing() -> None:
    late = msgspec.structs.replace(ATTEMPT, code=451, enhanced="4.7.1", text="451 4.7.1 later")
    submission = made(message(ret="FULL"), report("delayed", late))
    fields = groups(submission)[1]
    assert (fields["Action"], fields["Status"]) == ("delayed", "4.7.1")
    assert fields["Will-Retry-Until"] == "Wed, 20 Jan 2027 08:00:00 +0000"
    assert fields["Diagnostic-Code"] == "smtp; 451 4.7.1 later"  # the code stands once
    assert "Will-Retry-Until" not in groups(made(message(), report()))[1]
    assert "You need not send it" in human_text(submission).replace("\r\n", " ")
    # RFC 3461 section 4.3: RET is for failures
    assert parts(submission)[2].get_content_type() == "text/rfc822-headers"


def test_a_relay_says_that_this_is_all() -> None:
    taken = msgspec.structs.replace(ATTEMPT, code=250, enhanced="2.0.0", text="2.0.0 queued")
    submission = made(message(), report("relayed", taken, notify=Notify.SUCCESS))
    fields = groups(submission)[1]
    assert (fields["Action"], fields["Status"]) == ("relayed", "2.0.0")
    assert b"Subject: Delivery Status Notification (Relayed)" in submission.content


LATER = msgspec.structs.replace(
    ATTEMPT, at=UnixMs(0), address="", text="550 5.1.1 <b@there.test>: user unknown"
)


def test_a_failure_that_a_later_host_reports_has_its_words() -> None:
    notice = made(
        message(envid="QQ1"), report("failed", LATER, later=True, orcpt="rfc822;b@x.test")
    )
    whole, about = groups(notice)
    assert whole["Original-Envelope-Id"] == "QQ1"
    assert about["Diagnostic-Code"] == "smtp; 550 5.1.1 <b@there.test>: user unknown"
    assert about["Remote-MTA"] == "dns; mx.there.test"
    assert about["Original-Recipient"] == "rfc822;b@x.test"
    assert (about["Action"], about["Status"]) == ("failed", "5.1.1")
    assert "Last-Attempt-Date" not in about
    text = " ".join(human_text(notice).split())
    assert "A mail server had taken it for them, and reports this now." in text
    assert "The report has this of mx.there.test: 550 5.1.1 <b@there.test>: user unknown" in text


def test_a_later_host_that_is_not_named_is_left_out() -> None:
    notice = made(message(), report("failed", msgspec.structs.replace(LATER, host=""), later=True))
    assert "Remote-MTA" not in groups(notice)[1]
    assert groups(notice)[1]["Diagnostic-Code"].startswith("smtp; 550 ")
    assert "The report says:" in human_text(notice)


@pytest.mark.parametrize(
    ("action", "subject", "words"),
    [
        ("delivered", "Success", "Your message was delivered to the recipients below."),
        ("expanded", "Expanded", "Your message was delivered to the mailing lists below"),
        ("relayed", "Relayed", "Your message was handed on"),
    ],
)
def test_what_later_hosts_did_is_told_to_who_asked(action: Any, subject: str, words: str) -> None:
    done = msgspec.structs.replace(LATER, code=0, enhanced="2.1.5", text="")
    notice = made(message(), report(action, done, later=True, notify=Notify.SUCCESS))
    assert f"Delivery Status Notification ({subject})".encode() in notice.content
    assert groups(notice)[1]["Action"] == action
    assert groups(notice)[1]["Status"] == "2.1.5"
    assert words in human_text(notice)
    assert dsn(message(), report(action, done, later=True)) is None


def test_a_later_hosts_delay_is_told_to_who_asked_and_promises_nothing_of_ours() -> None:
    """RFC 3461 section 4.1: without NOTIFY, failures alone may be told."""
    delayed = report("delayed", LATER, later=True, notify=Notify.DELAY)
    notice = made(message(), delayed)
    assert "Will-Retry-Until" not in groups(notice)[1]
    assert "has not reached the recipients below so far" in " ".join(human_text(notice).split())
    assert dsn(message(), report("delayed", LATER, later=True)) is None
    assert dsn(message(), report("delayed", LATER)) is not None


def test_an_expired_recipient_failed_for_lack_of_time() -> None:
    refused = msgspec.structs.replace(
        ATTEMPT, host="", address="", code=0, enhanced="", text="no route"
    )
    fields = groups(made(message(), report(attempt=refused, expired=True)))[1]
    assert (fields["Action"], fields["Status"]) == ("failed", "4.4.7")
    assert fields["Diagnostic-Code"] == "X-Angarium; no route"
    assert "Remote-MTA" not in fields


def test_a_finding_of_ours_names_the_server_that_it_is_about() -> None:
    refused = msgspec.structs.replace(ATTEMPT, code=0, enhanced="4.4.1", text="Connection refused")
    text = parts(made(message(), report(attempt=refused, expired=True)))[0].get_payload()
    assert f"With the server {ATTEMPT.host} [{ATTEMPT.address}] we met this:" in text
    assert "said:" not in text


def test_a_refusal_of_our_own_is_not_shown_as_a_peers() -> None:
    own = msgspec.structs.replace(
        ATTEMPT, host="", address="", code=556, enhanced="5.1.10", text="null MX", stage="resolve"
    )
    fields = groups(made(message(), report(attempt=own)))[1]
    assert fields["Diagnostic-Code"] == "X-Angarium; 556 5.1.10 null MX"
    assert fields["Status"] == "5.1.10"


@pytest.mark.parametrize(
    ("action", "enhanced", "status"),
    [
        ("failed", "", "5.0.0"),
        ("failed", "4.2.2", "5.2.2"),
        ("delayed", "5.7.1", "4.7.1"),
        ("failed", "5.1.1\r\nX: y", "5.0.0"),
        ("failed", "5.٣.1", "5.0.0"),
        ("delayed", "rubbish", "4.0.0"),
    ],
)
def test_the_status_follows_the_action(action: Any, enhanced: str, status: str) -> None:
    attempt = msgspec.structs.replace(ATTEMPT, enhanced=enhanced)
    assert report(action, attempt).status == status


def test_one_notification_tells_of_several_recipients() -> None:
    late = msgspec.structs.replace(ATTEMPT, code=421, enhanced="4.3.2")
    submission = made(message(), report("delayed", late, forward_path="c@there.test"), report())
    assert [each["Action"] for each in groups(submission)[1:]] == ["delayed", "failed"]
    assert b"Subject: Delivery Status Notification (Failure)" in submission.content
    text = human_text(submission)
    assert text.index("<b@there.test>") < text.index("<c@there.test>")  # failures first


def test_a_thousand_recipients_are_named_for_machines_and_a_hundred_for_people() -> None:
    submission = made(message(), *(report(forward_path=f"u{n}@there.test") for n in range(1000)))
    assert len(groups(submission)) == 1001
    assert human_text(submission).count("@there.test>\r\n") == 100
    assert "and 900 more" in human_text(submission)


# --- the returned message ------------------------------------------------------------------


def test_a5_the_body_is_not_returned_unless_asked_for() -> None:
    for ret in (None, "HDRS"):
        submission = made(message(body=b"secret body\r\n", ret=ret), report())
        returned = parts(submission)[2]
        assert returned.get_content_type() == "text/rfc822-headers"
        assert returned.get_payload(decode=True) == HEADER[:-2] + b"\r\n"
        assert b"secret body" not in submission.content


def test_ret_full_returns_a_small_message() -> None:
    returned = parts(made(message(body=b"my body\r\n.\r\n", ret="FULL"), report()))[2]
    assert returned.get_content_type() == "message/rfc822"
    inner = returned.get_payload()[0]  # type: ignore[index]
    assert inner["Subject"] == "hello"  # type: ignore[index,call-overload]
    assert "my body" in inner.get_payload()  # type: ignore[union-attr,operator]


@pytest.mark.parametrize(
    "body", [b"x\r\n" * 100_000, b"y" * 999 + b"\r\n", "caf\u00e9\r\n".encode()]
)
def test_a5_ret_full_of_what_cannot_travel_everywhere_returns_the_header(body: bytes) -> None:
    returned = parts(made(message(body=body, ret="FULL"), report()))[2]
    assert returned.get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize(
    "field", [b"X: " + b"z" * 5000 + b"\r\n", "X: caf\u00e9\r\n".encode("latin-1")]
)
def test_a_header_that_is_not_plain_is_encoded(field: bytes) -> None:
    header = field + HEADER
    returned = parts(made(message(header=header), report()))[2]
    assert returned["Content-Transfer-Encoding"] == "quoted-printable"
    assert returned.get_payload(decode=True) == header


def test_a_huge_header_is_cut_at_a_line() -> None:
    header = b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + HEADER
    payload = parts(made(message(header=header), report()))[2].get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert 60_000 < len(payload) <= 65_536
    assert header.startswith(payload)
    assert payload.endswith(b"y\r\n")


# --- RFC 6533 ------------------------------------------------------------------------------


def test_a_recipient_beyond_ascii_has_a_type_that_ascii_can_carry() -> None:
    header = "From: a@sender.test\r\nSubject: caf\u00e9\r\n\r\n".encode()
    about = message(header=header, smtputf8=True)
    submission = made(about, report(forward_path="jos\u00e9+\\@there.test"))
    assert not submission.envelope.smtputf8
    assert groups(submission)[1]["Final-Recipient"] == r"utf-8; jos\x{E9}\x{2B}\x{5C}@there.test"
    assert "<jos\u00e9+\\@there.test>" in human_text(submission)
    returned = parts(submission)[2]
    assert returned.get_content_type() == "message/global-headers"


def test_a_sender_beyond_ascii_is_told_in_utf8() -> None:
    header = "From: jos\u00e9@sender.test\r\n\r\n".encode()
    about = message(header=header, smtputf8=True, ret="FULL", reverse_path="jos\u00e9@sender.test")
    submission = made(about, report(forward_path="ren\u00e9@there.test"))
    assert submission.envelope.smtputf8
    assert submission.envelope.body_8bit
    assert submission.envelope.recipients[0].forward_path == "jos\u00e9@sender.test"
    assert "\r\nTo: <jos\u00e9@sender.test>\r\n".encode() in submission.content
    assert b"report-type=global-delivery-status" in submission.content
    assert groups(submission)[1]["Final-Recipient"] == "utf-8; ren\u00e9@there.test"
    assert b"Content-Type: message/global\r\n" in submission.content


def test_a_whole_message_in_utf8_is_encoded_for_a_sender_in_ascii() -> None:
    header = "From: a@sender.test\r\nSubject: caf\u00e9\r\n\r\n".encode()
    submission = made(message(header=header, smtputf8=True, ret="FULL"), report())
    assert (
        b"Content-Type: message/global\r\nContent-Transfer-Encoding: base64" in submission.content
    )


def test_a_domain_beyond_ascii_is_written_in_a_labels() -> None:
    submission = made(message(reverse_path="a@b\u00fccher.test", smtputf8=True), report())
    assert submission.envelope.recipients[0].forward_path == "a@xn--bcher-kva.test"
    assert submission.envelope.recipients[0].domain == "xn--bcher-kva.test"
    assert not submission.envelope.smtputf8


# --- hostile text --------------------------------------------------------------------------

EVIL = "x\r\nAction: delivered\r\n\r\n--=_0101\r\nBcc: evil@x.test\0\x85\u2028\x1b[31m"


def test_s11_c1_hostile_text_starts_no_line() -> None:
    attempt = msgspec.structs.replace(ATTEMPT, text=EVIL, host=EVIL, address=EVIL)
    submission = made(
        msgspec.structs.replace(message(envid=EVIL), message_id_header="<a@b>\r\nBcc: x"),
        report(attempt=attempt, orcpt="rfc822;" + EVIL, forward_path=EVIL),
    )
    assert not re.search(rb"^(Bcc|Action: delivered|--=_0101\r)", submission.content, re.MULTILINE)
    assert b"\x1b" not in submission.content
    assert "References" not in submission.content.decode()
    assert len(groups(submission)) == 2


def test_a_boundary_that_occurs_in_the_message_is_not_used() -> None:
    inside = b"--=_" + b"01" * 16
    submission = made(message(body=inside + b"\r\n", ret="FULL"), report())
    assert parts(submission)[2].get_content_type() == "message/rfc822"
    assert submission.content.count(b"\r\n" + inside + b"\r\n") == 1


text = st.text(max_size=1200) | st.sampled_from(
    [EVIL, "y" * 1000, " " * 1000, "<" * 1000, "", "é" * 900]
)


@given(
    reply=text,
    host=text,
    enhanced=text,
    code=st.sampled_from([0, 250, 421, 550]),
    envid=st.none() | text,
    orcpt=st.none() | text,
    forward_path=text,
    header=st.binary(max_size=300) | st.just(HEADER),
    body=st.binary(max_size=2000),
    ret=st.sampled_from([None, "FULL", "HDRS"]),
    smtputf8=st.booleans(),
    reverse_path=st.sampled_from(["a@sender.test", '"a b"@sender.test', "jos\u00e9@sender.test"]),
    action=st.sampled_from(["failed", "delayed"]),
)
def test_s11_c1_whatever_others_wrote_the_form_holds(
    reply: str,
    host: str,
    enhanced: str,
    code: int,
    envid: str | None,
    orcpt: str | None,
    forward_path: str,
    header: bytes,
    body: bytes,
    ret: Any,
    smtputf8: bool,
    reverse_path: str,
    action: Any,
) -> None:
    attempt = msgspec.structs.replace(ATTEMPT, text=reply, host=host, enhanced=enhanced, code=code)
    about = message(
        header, body, envid=envid, ret=ret, smtputf8=smtputf8, reverse_path=reverse_path
    )
    submission = made(
        about, report(action, attempt, orcpt=orcpt, forward_path=forward_path), report()
    )
    found = groups(submission)
    assert len(found) == 3
    assert found[1]["Action"] == action
    assert found[2]["Final-Recipient"] == "rfc822; b@there.test"
    parts(submission)
