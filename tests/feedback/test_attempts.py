"""Mirrors angarium/feedback/attempts.py: replies that are kept, and what we say ourselves."""

import pytest

from angarium.feedback.attempts import class_text, find_verdict
from angarium.queue import Attempt, UnixMs


def attempt(code: int, enhanced: str, text: str, provider: str = "") -> Attempt:
    return Attempt(
        at=UnixMs(0),
        host="",
        address="",
        source="",
        code=code,
        enhanced=enhanced,
        text=text,
        tls="",
        stage="",
        provider=provider,
    )


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "bounce_class"),
    [
        (550, "5.1.2", "the domain nowhere.example does not exist", "host_unknown"),
        (556, "5.1.10", "the domain nowhere.example accepts no mail (null MX)", "domain_no_mail"),
        (550, "5.4.4", "no way to deliver to x.example: its mail hosts have no address", "domain_no_mail"),
        (554, "5.4.6", "mail for x.example loops back to this host: the best mail host is ourselves", "network_error"),
        (451, "4.4.4", "no way to deliver to x.example: mx has IPv6 addresses only, and we no route", "network_error"),
        (451, "4.4.3", "DNS: no answer for x.example MX in time", "network_error"),
        (0, "4.4.1", "connection timed out", "network_error"),
        (0, "4.4.1", "Connection refused", "network_error"),
        (0, "4.4.1", "No route to host", "network_error"),
        (0, "4.4.1", "Network is unreachable", "network_error"),
        (0, "4.4.2", "connection closed by the peer", "network_error"),
        (0, "4.4.2", "connection lost (may have been delivered)", "network_error"),
        (0, "4.4.2", "the host closes each connection before it is given anything", "network_error"),
        (0, "4.4.1", "no banner for 10 s; given up for others that wait", "network_error"),
        (0, "4.4.4", "the host has IPv6 addresses only, and our source none", "network_error"),
        (0, "4.7.4", "TLS is required, but the host does not offer it", "tls_failure"),
        (0, "4.7.5", "TLS handshake timed out", "tls_failure"),
        (0, "4.7.5", "TLS certificate: self-signed certificate", "tls_failure"),
        (0, "4.7.5", "TLS handshake: connection closed", "tls_failure"),
        (0, "4.5.0", "protocol error: line too long", "protocol_error"),
        (451, "4.3.0", "internal error: ValueError", "system_error"),
        (452, "4.3.1", "no memory for a 7-bit copy of the message now", "system_full"),
        (550, "5.1.1", "550 5.1.1 no such user", "user_unknown"),
        (550, "5.1.1", "550-5.1.1 no such\n550 5.1.1 user", "user_unknown"),
    ],
)  # fmt: skip
def test_what_an_attempt_met_has_its_class(
    code: int, enhanced: str, text: str, bounce_class: str
) -> None:
    assert class_text(attempt(code, enhanced, text)) == bounce_class


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        (250, "2.0.0", "250 2.0.0 no such user: forwarded"),
        (0, "5.0.0", "returned to its sender by the administrator of the mail server"),
        (550, "", "550"),
    ],
)
def test_what_succeeded_or_says_nothing_has_none(code: int, enhanced: str, text: str) -> None:
    assert find_verdict(attempt(code, enhanced, text)) is None
    assert class_text(attempt(code, enhanced, text)) == ""


def test_the_enhanced_code_that_is_not_in_the_text_counts_and_so_does_the_provider() -> None:
    assert class_text(attempt(550, "5.2.2", "no")) == "mailbox_full"
    assert class_text(attempt(550, "5.7.27", "no")) == "sender_rejected"
    assert class_text(attempt(550, "5.7.27", "no", "gmail")) == "auth_failure"
