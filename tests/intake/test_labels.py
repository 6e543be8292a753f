"""Mirrors angarium/intake/labels.py, by what ``SubmissionBuilder`` makes of messages."""

import pytest

from angarium.config.schema import Stream
from angarium.config.streams import streams_by_name
from angarium.intake.submission import SubmissionBuilder
from angarium.queue.model import Submission
from angarium.smtp.refusal import Refusal
from tests.intake.test_submission import GOOD, NOW, builder, envelope, received

STREAMS = streams_by_name((Stream(name="invoices", priority=2, expire_s=10.0), Stream(name="news")))


def labelled() -> SubmissionBuilder:
    made = builder()
    made.streams = STREAMS
    return made


def built(fields: bytes, **more: object) -> Submission:
    submission = labelled().build(received(GOOD + fields + b"\r\nbody\r\n", **more))  # type: ignore[arg-type]
    assert isinstance(submission, Submission), submission
    return submission


def refused(fields: bytes, **more: object) -> Refusal:
    refusal = labelled().build(received(GOOD + fields + b"\r\nbody\r\n", **more))  # type: ignore[arg-type]
    assert isinstance(refusal, Refusal), refusal
    assert refusal.text.isascii()
    assert refusal.text.isprintable()
    return refusal


def test_mail_without_labels_is_of_the_default_stream() -> None:
    plain = built(b"")
    assert (plain.stream, plain.priority, plain.campaign, plain.tags) == ("default", 3, "", ())
    assert plain.expires == NOW + 60_000


def test_labels_are_read_and_taken_out() -> None:
    fields = (
        b"X-Angarium-Stream: bulk\r\nx-angarium-CAMPAIGN:\r\n\tspring 2027\r\n"
        b"X-Angarium-Tag: a, b\r\nX-Angarium-Tag: c,a\r\nX-Other: stays\r\n"
    )
    submission = built(fields)
    assert (submission.stream, submission.priority) == ("bulk", 5)
    assert (submission.campaign, submission.tags) == ("spring 2027", ("a", "b", "c"))
    assert b"angarium-" not in submission.content.lower()
    assert b"spring" not in submission.content
    assert b"X-Other: stays\r\n" in submission.content


@pytest.mark.parametrize(
    ("field", "language"),
    [
        (b"Content-Language: de-AT\r\n", "de-AT"),
        (b"content-LANGUAGE:\r\n pl , en\r\n", "pl"),
        (b"Content-Language: German, please\r\n", ""),
        (b"", ""),
    ],
)
def test_pages_of_a_mail_are_in_the_language_that_its_header_says(
    field: bytes, language: str
) -> None:
    submission = built(field)
    assert submission.language == language
    assert field in submission.content


def test_a_topic_is_a_label_of_its_own() -> None:
    submission = built(b"X-Angarium-Stream: bulk\r\nx-angarium-TOPIC: offers\r\n")
    assert (submission.stream, submission.topic) == ("bulk", "offers")
    assert b"angarium-" not in submission.content.lower()
    assert built(b"").topic == ""


def test_labels_of_text_that_goes_out_as_utf8_may_be_in_any_script() -> None:
    fields = "X-Angarium-Campaign: été\r\n".encode()
    assert built(fields, to=envelope(smtputf8=True)).campaign == "été"


def test_a_stream_has_its_own_priority_and_expiry() -> None:
    invoices = built(b"X-Angarium-Stream: invoices\r\n")
    assert (invoices.priority, invoices.expires) == (2, NOW + 10_000)
    assert built(b"X-Angarium-Stream: news\r\n").expires == NOW + 60_000


def test_mail_of_a_user_is_of_the_users_stream() -> None:
    assert built(b"", user="shop", stream="invoices").stream == "invoices"
    named = built(b"X-Angarium-Stream: invoices\r\n", user="shop", stream="invoices")
    assert named.stream == "invoices"


@pytest.mark.parametrize("others", [("bulk", "news"), ("*",)])
def test_a_user_may_choose_what_it_was_allowed(others: tuple[str, ...]) -> None:
    more = {"user": "shop", "stream": "invoices", "other_streams": others}
    assert built(b"X-Angarium-Stream: news\r\n", **more).stream == "news"


@pytest.mark.parametrize("others", [(), ("bulk",)])
def test_a_user_may_not_choose_another_stream(others: tuple[str, ...]) -> None:
    more = {"user": "shop", "stream": "invoices", "other_streams": others}
    refusal = refused(b"X-Angarium-Stream: news\r\n", **more)
    assert (refusal.code, refusal.enhanced) == (550, "5.7.1")
    assert "X-Angarium-Stream: this user's mail is invoices" in refusal.text


def test_a_stream_that_is_no_longer_configured_is_not_the_senders_fault() -> None:
    refusal = refused(b"", user="shop", stream="gone")
    assert (refusal.code, refusal.enhanced) == (451, "4.3.5")
    assert built(b"X-Angarium-Stream: news\r\n", stream="gone", other_streams=("*",)).stream


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (b"X-Angarium-Stream: nope\r\n", "X-Angarium-Stream names no stream: nope is not one of"),
        (b"X-Angarium-Stream: BULK\r\n", "names no stream"),
        (b"X-Angarium-Stream:\r\n", "X-Angarium-Stream is empty"),
        (
            b"X-Angarium-Stream: bulk\r\nX-ANGARIUM-stream: bulk\r\n",
            "X-Angarium-Stream is there tw",
        ),
        (
            b"X-Angarium-Campaign: a\r\nX-Angarium-Campaign: b\r\n",
            "X-Angarium-Campaign is there tw",
        ),
        (b"X-Angarium-Topic: a\r\nX-Angarium-Topic: a\r\n", "X-Angarium-Topic is there twice"),
        (b"X-Angarium-Topic: \r\n", "X-Angarium-Topic is empty"),
        (b"X-Angarium-Campaign: \r\n", "X-Angarium-Campaign is empty"),
        (b"X-Angarium-Campaign: " + b"x" * 129 + b"\r\n", "X-Angarium-Campaign has more than 128"),
        (b"X-Angarium-Campaign: a\tb\r\n", "X-Angarium-Campaign has control characters"),
        (b"X-Angarium-Campaign: a\x1b[31m\r\n", "X-Angarium-Campaign has control characters"),
        (b"X-Angarium-Tag: a,,b\r\n", "X-Angarium-Tag is empty"),
        (b"X-Angarium-Tag: a\x07\r\n", "X-Angarium-Tag has control characters"),
        (b"X-Angarium-Tag: " + b"x" * 129 + b"\r\n", "X-Angarium-Tag has more than 128"),
        (b"X-Angarium-Tag: " + b",".join([b"x"] * 11) + b"\r\n", "X-Angarium-Tag names more than"),
        (b"X-Angarium-Stream: \x1b]0;x\x07\r\n", "X-Angarium-Stream has control characters"),
    ],
)
def test_a_label_that_cannot_be_is_refused_by_its_name(fields: bytes, text: str) -> None:
    refusal = refused(fields)
    assert (refusal.code, refusal.enhanced) == (550, "5.6.0")
    assert text in refusal.text
    # And is not mended into something else
    assert refused(fields, may_repair=True) == refusal
