"""Mirrors angarium/tenancy/identities.py: whom a provider vouches for, and as whom they are let in."""

from typing import Any

import pytest

from angarium.queue.model import UnixMs
from angarium.tenancy.account import SignInProblem
from angarium.tenancy.identities import Entered, NewMember, Vouched
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.platform import Platform
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import Clock

ISSUER = "https://login.example"
PASSWORD = "correct horse battery"
NEW = NewMember(name="new@example.com", tenant="default", role="analyst")


@pytest.fixture
def people(platform: Platform) -> Platform:
    platform.tenants.create("shop")
    platform.accounts.add("ann", "default", "admin", PASSWORD)
    platform.accounts.add("bob", "default", "admin", PASSWORD)
    platform.accounts.set_role("ann", "shop", "operator")
    return platform


class Answers:
    """Each is to a log-in of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0

    def __call__(self, subject: str = "u1", issuer: str = ISSUER) -> Vouched:
        self._count += 1
        expires = UnixMs(self._clock.now + 600_000)
        return Vouched(issuer=issuer, subject=subject, state=str(self._count), expires=expires)


@pytest.fixture
def answer(clock: Clock) -> Answers:
    return Answers(clock)


def fault(found: Entered | SignInProblem) -> str:
    assert isinstance(found, SignInProblem)
    return found.fault


def entered(found: Entered | SignInProblem) -> Entered:
    assert isinstance(found, Entered)
    return found


def actions(platform: Platform) -> list[tuple[str, str]]:
    return [(each.action, each.subject) for each in reversed(audit_entries(platform))]


def test_who_is_linked_is_let_in_as_their_account(people: Platform, answer: Answers) -> None:
    assert people.identities.link("ann", ISSUER, "u1").identities == (ISSUER,)
    found = entered(people.identities.log_in(answer()))
    assert (found.session.signed_in.account.name, found.password) == ("ann", "")
    assert people.sign_ins.find(found.session.token) is not None
    other = entered(people.identities.log_in(answer(), "shop"))
    assert (other.session.signed_in.tenant, other.session.signed_in.role) == ("shop", "operator")
    assert fault(people.identities.log_in(answer(), "elsewhere")) == "no_tenant"
    assert ("account.identity_added", "ann") in actions(people)


def test_nobody_is_let_in_by_an_address_or_another_issuer_oc3(
    people: Platform, answer: Answers
) -> None:
    people.identities.link("ann", ISSUER, "u1")
    assert fault(people.identities.log_in(answer("u2"))) == "not_linked"
    assert fault(people.identities.log_in(answer("u1", f"{ISSUER}/"))) == "not_linked"
    taken = NewMember(name="bob", tenant="default", role="owner")
    with pytest.raises(ConflictError, match="already"):
        people.identities.log_in(answer("u2"), "", taken)
    assert fault(people.identities.log_in(answer("u2"))) == "not_linked"


def test_an_answer_counts_once_oc2(people: Platform, answer: Answers, clock: Clock) -> None:
    people.identities.link("ann", ISSUER, "u1")
    once = answer()
    entered(people.identities.log_in(once))
    with pytest.raises(ConflictError, match="ended already"):
        people.identities.log_in(once)
    with pytest.raises(ConflictError, match="ended already"):
        people.identities.link_own("bob", once)
    unknown = answer("u9")
    assert fault(people.identities.log_in(unknown)) == "not_linked"
    with pytest.raises(ConflictError, match="ended already"):
        people.identities.link_own("bob", unknown)


def test_who_is_not_known_may_get_an_account_with_a_way_in_of_its_own_oc1(
    people: Platform, answer: Answers
) -> None:
    made = entered(people.identities.log_in(answer("u2"), "shop", NEW))
    assert made.session.signed_in.account.name == "new@example.com"
    assert (made.session.signed_in.tenant, made.session.signed_in.role) == ("default", "analyst")
    begun = people.sign_ins.begin("new@example.com")
    assert not isinstance(begun, SignInProblem)
    from tests.tenancy.conftest import FAST

    assert FAST.verify(begun.hash, made.password)
    again = entered(people.identities.log_in(answer("u2"), "", NEW))
    assert (again.session.signed_in.account.name, again.password) == ("new@example.com", "")
    with pytest.raises(NotFoundError):
        people.identities.log_in(
            answer("u3"), "", NewMember(name="x@example.com", tenant="gone", role="analyst")
        )
    assert "x@example.com" not in [each.name for each in people.accounts.list()]


def test_a_person_is_linked_with_one_account(people: Platform, answer: Answers) -> None:
    people.identities.link_own("ann", answer())
    for name, word in (("ann", "this account"), ("bob", "another account")):
        with pytest.raises(ConflictError, match=word):
            people.identities.link(name, ISSUER, "u1")
    for issuer, subject in (("", "u"), (ISSUER, ""), (ISSUER, "x" * 256), (ISSUER, "a\n")):
        with pytest.raises(TenancyError, match="printable characters"):
            people.identities.link("bob", issuer, subject)
    for number in range(20):
        people.identities.link("bob", ISSUER, f"b{number}")
    with pytest.raises(ConflictError, match="at most"):
        people.identities.link("bob", ISSUER, "b21")


def test_a_link_that_is_taken_away_ends_the_sessions_of_before_acc1(
    people: Platform, answer: Answers
) -> None:
    people.identities.link("ann", ISSUER, "u1")
    token = entered(people.identities.log_in(answer())).session.token
    assert people.identities.unlink("ann", ISSUER).identities == ()
    assert people.sign_ins.find(token) is None
    assert fault(people.identities.log_in(answer())) == "not_linked"
    with pytest.raises(NotFoundError, match="not linked"):
        people.identities.unlink("ann", ISSUER)


@pytest.mark.parametrize("how", ["disabled", "removed"])
def test_who_may_not_log_in_may_not_here_either(
    people: Platform, answer: Answers, how: str
) -> None:
    people.identities.link("ann", ISSUER, "u1")
    if how == "disabled":
        people.accounts.set_disabled("ann", True)
        with pytest.raises(ConflictError, match="disabled"):
            people.identities.link_own("ann", answer("u2"))
    else:
        people.accounts.remove("ann")
    expected: Any = {"disabled": "wrong", "removed": "not_linked"}[how]
    assert fault(people.identities.log_in(answer())) == expected
