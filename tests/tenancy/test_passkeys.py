"""Mirrors angarium/tenancy/passkeys.py, against an authenticator made of software."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from angarium.queue.model import UnixMs
from angarium.tenancy.account import SignInProblem
from angarium.tenancy.model import ConflictError, TenancyError
from angarium.tenancy.passkeys import LIFE_MS
from angarium.tenancy.platform import Platform
from angarium.tenancy.sign_in import NewSession
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import Clock
from tests.tenancy.software_authenticator import SoftwareAuthenticator

ORIGIN, HOST, NAME = "https://mail.example.com:8443", "mail.example.com", "ann@example.com"


@pytest.fixture
def people(platform: Platform) -> Platform:
    platform.accounts.add(NAME, "default", "owner", "correct horse battery")
    return platform


@pytest.fixture
def phone() -> SoftwareAuthenticator:
    return SoftwareAuthenticator(ORIGIN, HOST)


def register(people: Platform, authenticator: SoftwareAuthenticator) -> None:
    asked = people.passkeys.begin_registration(ORIGIN, NAME)
    answer = authenticator.register(as_sent(asked.options))
    people.passkeys.finish_registration(ORIGIN, NAME, asked.challenge, answer, "phone")


def log_in(people: Platform, authenticator: SoftwareAuthenticator) -> NewSession | SignInProblem:
    asked = people.passkeys.begin_login(ORIGIN)
    answer = authenticator.sign(as_sent(asked.options))
    return people.passkeys.finish_login(ORIGIN, asked.challenge, answer)


def as_sent(options: dict[str, Any]) -> Any:
    """What a browser gets has been JSON."""
    return json.loads(json.dumps(options, default=dict))


def test_an_authenticator_lets_its_person_in(
    people: Platform, phone: SoftwareAuthenticator
) -> None:
    register(people, phone)
    assert people.accounts.find(NAME).passkeys == ("phone",)
    for _ in range(2):
        found = log_in(people, phone)
        assert isinstance(found, NewSession)
        assert found.signed_in.account.name == NAME
        assert people.sign_ins.find(found.token) == found.signed_in
    assert people.accounts.remove_passkeys(NAME).passkeys == ()
    assert log_in(people, phone) == SignInProblem(fault="wrong")
    assert people.sign_ins.find(found.token) is None


def test_pk1_a_challenge_is_answered_once_in_time_and_for_its_purpose(
    people: Platform, phone: SoftwareAuthenticator, clock: Clock
) -> None:
    register(people, phone)
    asked = people.passkeys.begin_login(ORIGIN)
    answer = phone.sign(as_sent(asked.options))
    clock.now = UnixMs(clock.now + LIFE_MS - 1)
    finish = people.passkeys.finish_login
    assert isinstance(finish(ORIGIN, asked.challenge, answer), NewSession)
    phone.counter += 1
    again = phone.sign(as_sent(asked.options))
    assert finish(ORIGIN, asked.challenge, again) == SignInProblem(fault="wrong")
    late = people.passkeys.begin_login(ORIGIN)
    answer = phone.sign(as_sent(late.options))
    clock.now = UnixMs(clock.now + LIFE_MS)
    assert finish(ORIGIN, late.challenge, answer) == SignInProblem(fault="wrong")
    other = people.passkeys.begin_registration(ORIGIN, NAME)
    answer = phone.sign(as_sent(other.options))
    for challenge in (other.challenge, "", "00", "x", asked.challenge[:-2]):
        assert finish(ORIGIN, challenge, answer) == SignInProblem(fault="wrong")


@pytest.mark.parametrize(
    ("origin", "host", "verifies"),
    [
        ("https://evil.example", HOST, True),
        (ORIGIN, "evil.example", True),
        (ORIGIN, HOST, False),
    ],
)
def test_pk2_what_is_of_another_place_or_of_nobodys_finger_is_refused(
    open_platform: Callable[..., Platform],
    phone: SoftwareAuthenticator,
    origin: str,
    host: str,
    verifies: bool,
) -> None:
    people = open_platform("sqlite:///platform.db")
    people.accounts.add(NAME, "default", "owner", "correct horse battery")
    stranger = SoftwareAuthenticator(origin, host, verifies=verifies)
    with pytest.raises(TenancyError, match="was not taken"):
        register(people, stranger)
    register(people, phone)
    phone.origin, phone.rp_id, phone._flags = origin, host, stranger._flags
    assert log_in(people, phone) == SignInProblem(fault="wrong")


def test_a_copy_of_an_authenticator_is_noticed(
    people: Platform, phone: SoftwareAuthenticator
) -> None:
    register(people, phone)
    assert isinstance(log_in(people, phone), NewSession)
    phone.counter = 0
    assert log_in(people, phone) == SignInProblem(fault="wrong")
    assert audit_entries(people)[0].action == "account.passkey_copied"


def test_nobody_else_is_let_in(people: Platform, phone: SoftwareAuthenticator) -> None:
    assert log_in(people, phone) == SignInProblem(fault="wrong")
    register(people, phone)
    with pytest.raises(ConflictError, match="known already"):
        register(people, phone)
    forger = SoftwareAuthenticator(ORIGIN, HOST)
    forger._id = phone._id
    assert log_in(people, forger) == SignInProblem(fault="wrong")
    for answer in (
        {},
        {"id": 5},
        {"rawId": "!"},
        {"id": phone.sign(as_sent(people.passkeys.begin_login(ORIGIN).options))["id"]},
    ):
        challenge = people.passkeys.begin_login(ORIGIN).challenge
        found = people.passkeys.finish_login(ORIGIN, challenge, answer)
        assert found == SignInProblem(fault="wrong")
    people.accounts.set_disabled(NAME, True)
    assert log_in(people, phone) == SignInProblem(fault="wrong")


def test_without_an_origin_there_are_none(people: Platform) -> None:
    for begin in (
        lambda: people.passkeys.begin_login(""),
        lambda: people.passkeys.begin_registration("", NAME),
    ):
        with pytest.raises(ConflictError, match=r"tenancy\.origin is not set"):
            begin()
