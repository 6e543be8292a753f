"""Mirrors angarium/feedback/sns.py: who is believed, and what may be fetched."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.feedback.sns import (
    SnsMessage,
    certificate_url,
    is_signed,
    read_message,
    subscribe_url,
)
from angarium.simulator.sns import SnsSigner

AMAZON = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abc.pem"
SIGNER = SnsSigner()


def signed(**more: Any) -> SnsMessage:
    found = read_message(
        json.dumps(SIGNER.message("hello", certificate_url=AMAZON, **more)).encode()
    )
    assert found is not None
    return found


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation"])
def test_what_amazon_signed_is_believed_and_nothing_that_was_changed(  # A6
    version: str, kind: str
) -> None:
    message = signed(version=version, kind=kind, subscribe_url="https://x/?Action=y")
    assert is_signed(message, SIGNER.certificate)
    for name in ("Message", "MessageId", "Timestamp", "TopicArn"):
        changed = msgspec.structs.replace(message, **{name: getattr(message, name) + "1"})
        assert not is_signed(changed, SIGNER.certificate), name
    assert not is_signed(message, SnsSigner().certificate)
    for field in ({"SignatureVersion": "3"}, {"Signature": "!"}, {"Signature": ""}):
        assert not is_signed(msgspec.structs.replace(message, **field), SIGNER.certificate)


def test_a_subject_is_signed_where_there_is_one() -> None:
    message = signed(Subject="Amazon SES Email Event Notification")
    assert is_signed(message, SIGNER.certificate)
    assert not is_signed(msgspec.structs.replace(message, Subject=None), SIGNER.certificate)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem",  # another region than the topic's
        "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
        "https://evil@sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.txt",
        "https://sns.eu-central-1.amazonaws.com/../a.pem",
        "https://sns.eu-central-1.amazonaws.com/x/a.pem",
        "https://s3.eu-central-1.amazonaws.com/a.pem",
        "https://169.254.169.254/a.pem",
        "https://[::1]/a.pem",
        "https://[bad/a.pem",
        "",
    ],
)
def test_certificates_come_from_amazon_s_hosts_only(url: str) -> None:  # P1
    message = msgspec.structs.replace(
        signed(),
        SigningCertURL=url,
        SubscribeURL=url.replace("a.pem", "?Action=ConfirmSubscription"),
    )
    assert certificate_url(message) is None
    assert subscribe_url(message) is None


def test_amazon_s_own_places_and_a_stand_in_s_are_taken() -> None:
    message = signed()
    assert certificate_url(message) == AMAZON
    url = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=1"
    assert subscribe_url(msgspec.structs.replace(message, SubscribeURL=url)) == url
    here = "http://127.0.0.1:4579/x.pem"
    message = msgspec.structs.replace(message, SigningCertURL=here, SubscribeURL=here)
    assert certificate_url(message, "http://127.0.0.1:4579") == here
    assert subscribe_url(message, "http://127.0.0.1:4579") == here
    for other in ("http://127.0.0.1:4578", "https://127.0.0.1:4579", ""):
        assert certificate_url(message, other) is None


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_rubbish_is_no_message(octets: bytes) -> None:
    assert read_message(octets) is None


def test_a_message_needs_its_fields_and_a_topic() -> None:
    whole = SIGNER.message("x", certificate_url=AMAZON)
    for name in whole:
        assert read_message(json.dumps({k: v for k, v in whole.items() if k != name}).encode()) is (
            None
        ), name
    assert read_message(json.dumps({**whole, "TopicArn": "arn:aws:sqs:x"}).encode()) is None
    assert read_message(json.dumps({**whole, "Message": "x" * 400_000}).encode()) is None
