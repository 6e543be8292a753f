"""Mirrors angarium/tenancy/account.py, accounts.py and sign_in.py."""

from collections.abc import Callable

import pyotp
import pytest

from angarium.access.credential_file import HASHER
from angarium.queue.model import UnixMs
from angarium.tenancy.account import (
    FREE_FAILURES,
    IDLE_MS,
    MAX_WAIT_MS,
    SESSION_MS,
    SESSIONS,
    Failures,
    Membership,
    SignInProblem,
    find_step,
    role_scopes,
)
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.platform import Platform
from angarium.tenancy.scopes import allows
from angarium.tenancy.sign_in import NO_HASH, Candidate, NewSession
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import FAST, Clock

NAME, PASSWORD = "ann@example.com", "correct horse battery"


def log_in(
    platform: Platform, password: str = PASSWORD, name: str = NAME, **more: str
) -> NewSession | SignInProblem:
    """As the shell does: the password is compared between two steps."""
    candidate = platform.sign_ins.begin(name)
    if isinstance(candidate, SignInProblem):
        return candidate
    try:
        is_right = candidate.account_id is not None and FAST.verify(candidate.hash, password)
    except Exception:
        is_right = False
    return platform.sign_ins.finish(candidate, is_right, **more)


def fault(found: NewSession | SignInProblem) -> str:
    return found.fault if isinstance(found, SignInProblem) else "none"


def session(platform: Platform, **more: str) -> NewSession:
    found = log_in(platform, **more)
    assert isinstance(found, NewSession)
    return found


@pytest.fixture
def people(open_platform: Callable[..., Platform]) -> Platform:
    platform = open_platform("sqlite:///platform.db")
    platform.tenants.create("shop")
    platform.accounts.add(NAME, "shop", "operator", PASSWORD)
    return platform


def test_the_whole_way_on_either_database(platform: Platform, clock: Clock) -> None:
    platform.tenants.create("shop")
    platform.accounts.add(NAME, "shop", "operator", PASSWORD)
    made = platform.accounts.set_totp(NAME)
    assert fault(log_in(platform, "wrong password!")) == "wrong"
    code = pyotp.TOTP(made.secret).at(clock.now // 1000)
    token = session(platform, code=code).token
    clock.now = UnixMs(clock.now + IDLE_MS // 2)
    found = platform.sign_ins.find(token)
    assert found is not None
    assert found.account == platform.accounts.find(NAME)
    assert fault(log_in(platform, code=made.recovery_codes[0])) == "none"
    platform.accounts.set_role(NAME, "default", "owner")
    platform.tenants.remove("shop")
    assert platform.sign_ins.find(token) is None
    platform.accounts.remove(NAME)
    assert platform.accounts.list() == []


def test_an_account_is_added_once_with_its_role_and_no_readable_password(people: Platform) -> None:
    account = people.accounts.find("Ann@Example.com ")
    assert account.name == NAME
    assert account.memberships == (Membership(tenant="shop", role="operator"),)
    assert people.accounts.list("shop") == [account] == people.accounts.list()
    assert people.accounts.list("default") == []
    with pytest.raises(ConflictError, match="already"):
        people.accounts.add("ANN@example.com", "default", "owner", PASSWORD)
    entry = audit_entries(people)[0]
    assert (entry.action, entry.subject, entry.details) == (
        "account.added",
        NAME,
        {"role": "operator"},
    )
    candidate = people.sign_ins.begin(NAME)
    assert isinstance(candidate, Candidate)
    assert candidate.hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("name", "role", "password", "field"),
    [
        ("a b", "owner", PASSWORD, "name"),
        ("", "owner", PASSWORD, "name"),
        ("bob", "king", PASSWORD, "role"),
        ("bob", "owner", "too short", "password"),
        ("bob", "owner", "x" * 1025, "password"),
        ("bob", "owner", "a zero \0 within", "password"),
    ],
)
def test_what_cannot_be_an_account_is_refused(
    people: Platform, name: str, role: str, password: str, field: str
) -> None:
    with pytest.raises(TenancyError) as found:
        people.accounts.add(name, "shop", role, password)  # type: ignore[arg-type]
    assert found.value.field == field
    assert len(people.accounts.list()) == 1


def test_who_logs_in_has_the_scopes_of_the_role_in_one_tenant(people: Platform) -> None:
    found = session(people)
    assert found.token.startswith("ang_session_")
    signed_in = people.sign_ins.find(found.token)
    assert signed_in == found.signed_in
    assert (signed_in.tenant, signed_in.role) == ("shop", "operator")
    assert allows(signed_in.scopes, "emails", "send")
    assert not allows(signed_in.scopes, "keys", "write")
    assert people.sign_ins.find(found.token + "x") is None
    assert people.sign_ins.find("ang_session_") is None
    assert people.sign_ins.find(f"ang_session_{'x' * 1000}") is None
    with people.database.reading() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM session").all())
    assert found.token.removeprefix("ang_session_") not in kept


def test_only_roles_in_the_servers_own_tenant_are_about_the_server_p7() -> None:
    assert allows(role_scopes("owner", "default"), "tenants", "write")
    assert allows(role_scopes("owner", "shop"), "keys", "write")
    for resource, action in (("tenants", "write"), ("queue", "act"), ("metrics", "read")):
        assert not allows(role_scopes("owner", "shop"), resource, action)
        assert not allows(role_scopes("operator", "shop"), resource, action)
        assert not allows(role_scopes("analyst", "shop"), resource, action)


def test_a_person_of_several_tenants_says_for_which(people: Platform) -> None:
    people.accounts.set_role(NAME, "default", "analyst")
    assert session(people).signed_in.tenant == "default"
    assert session(people, tenant="shop").signed_in.role == "operator"
    assert fault(log_in(people, tenant="other")) == "no_tenant"
    people.accounts.set_role(NAME, "default", None)
    people.accounts.set_role(NAME, "shop", None)
    assert fault(log_in(people)) == "no_tenant"


def test_wrong_is_wrong_whatever_was(people: Platform) -> None:
    assert fault(log_in(people, "not the password")) == "wrong"
    assert fault(log_in(people, name="nobody")) == "wrong"
    unknown = people.sign_ins.begin("nobody")
    assert isinstance(unknown, Candidate)
    assert unknown.hash == NO_HASH
    # It costs as much to compare as any other
    assert not HASHER.check_needs_rehash(NO_HASH)
    people.accounts.set_disabled(NAME, True)
    assert fault(log_in(people)) == "wrong"
    people.accounts.set_disabled(NAME, False)
    assert fault(log_in(people)) == "none"


def test_si1_who_guesses_waits_longer_and_longer_p6(people: Platform, clock: Clock) -> None:
    for _ in range(FREE_FAILURES):
        assert fault(log_in(people, "wrong password!")) == "wrong"
    found = log_in(people)
    assert found == SignInProblem(fault="wait", wait_ms=1000)
    # Two who began before it had to wait are no way around
    clock.now = UnixMs(clock.now + 1000)
    candidates = [people.sign_ins.begin(NAME) for _ in range(2)]
    results = [
        people.sign_ins.finish(each, False) for each in candidates if isinstance(each, Candidate)
    ]
    assert [fault(each) for each in results] == ["wrong", "wait"]
    clock.now = UnixMs(clock.now + 2000)
    assert fault(log_in(people)) == "none"
    assert fault(log_in(people, "wrong password!")) == "wrong"
    assert fault(log_in(people)) == "none"


def test_a_wait_ends_whatever_the_clock_does() -> None:
    many = Failures(count=1000, last=UnixMs(10_000_000))
    assert many.wait_ms(UnixMs(10_000_000)) == MAX_WAIT_MS
    assert many.wait_ms(UnixMs(10_000_000 + MAX_WAIT_MS)) == 0
    assert many.wait_ms(UnixMs(0)) == MAX_WAIT_MS
    assert Failures(count=FREE_FAILURES - 1, last=UnixMs(5)).wait_ms(UnixMs(5)) == 0


def test_si2_a_one_time_code_is_asked_for_and_lets_in_once(people: Platform, clock: Clock) -> None:
    made = people.accounts.set_totp(NAME)
    totp = pyotp.TOTP(made.secret)
    assert people.accounts.find(NAME).has_totp
    assert fault(log_in(people)) == "code_needed"
    code = totp.at(clock.now // 1000)
    assert fault(log_in(people, code=code)) == "none"
    assert fault(log_in(people, code=code)) == "wrong"
    clock.now = UnixMs(clock.now + 30_000)
    assert fault(log_in(people, code=totp.at(clock.now // 1000))) == "none"
    with people.database.reading() as connection:
        kept = str(connection.exec_driver_sql("SELECT totp FROM account").all())
    assert made.secret not in kept
    people.accounts.remove_totp(NAME)
    assert fault(log_in(people)) == "none"
    assert people.accounts.find(NAME).recovery_codes == 0


def test_si2_a_recovery_code_lets_in_once(people: Platform) -> None:
    made = people.accounts.set_totp(NAME)
    assert len(set(made.recovery_codes)) == 10
    shown = made.recovery_codes[3]
    assert fault(log_in(people, code=shown.upper().replace("-", " "))) == "none"
    assert people.accounts.find(NAME).recovery_codes == 9
    assert fault(log_in(people, code=shown)) == "wrong"
    assert "account.recovery_code_used" in [each.action for each in audit_entries(people)]


def test_a_code_is_good_for_a_step_each_way_and_never_again() -> None:
    """The vectors of RFC 6238, appendix B, in their last six digits."""
    secret = pyotp.random_base32()
    totp, now = pyotp.TOTP(secret), UnixMs(1_111_111_109_000)
    step = now // 30_000
    for offset, found in ((-2, None), (-1, step - 1), (0, step), (1, step + 1), (2, None)):
        assert find_step(secret, totp.generate_otp(step + offset), now, 0) == found
    assert find_step(secret, totp.generate_otp(step), now, step) is None
    assert find_step("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "081804", now, 0) == step
    for text in ("", "x", "é" * 6, "1" * 1000):
        assert find_step(secret, text, now, 0) is None


def test_si3_a_session_ends(people: Platform, clock: Clock) -> None:
    token = session(people).token
    clock.now = UnixMs(clock.now + IDLE_MS - 1)
    assert people.sign_ins.find(token) is not None
    clock.now = UnixMs(clock.now + IDLE_MS - 1)
    assert people.sign_ins.find(token) is not None  # it was used meanwhile
    clock.now = UnixMs(clock.now + IDLE_MS)
    assert people.sign_ins.find(token) is None

    second = session(people)
    steps = SESSION_MS // (IDLE_MS // 2)
    for _ in range(steps):
        assert people.sign_ins.find(second.token) is not None
        clock.now = UnixMs(clock.now + IDLE_MS // 2)
    assert people.sign_ins.find(second.token) is None

    third, fourth = session(people), session(people)
    people.sign_ins.end(third.signed_in.session_id)
    assert people.sign_ins.find(third.token) is None
    assert people.sign_ins.find(fourth.token) is not None
    people.accounts.set_role(NAME, "shop", "analyst")
    found = people.sign_ins.find(fourth.token)
    assert found is not None
    assert found.role == "analyst"
    people.accounts.set_role(NAME, "shop", None)
    assert people.sign_ins.find(fourth.token) is None


def test_acc1_what_changes_how_one_logs_in_ends_sessions(people: Platform) -> None:
    changes = (
        lambda: people.accounts.set_password(NAME, "another good password"),
        lambda: people.accounts.set_password(NAME, PASSWORD),
        lambda: people.accounts.remove_totp(NAME),
        lambda: people.accounts.set_disabled(NAME, True),
    )
    for change in changes:
        people.accounts.set_password(NAME, PASSWORD)
        token = session(people).token
        change()
        assert people.sign_ins.find(token) is None


def test_a_new_password_ends_a_wait_and_a_log_in_that_began_before(people: Platform) -> None:
    candidate = people.sign_ins.begin(NAME)
    assert isinstance(candidate, Candidate)
    people.accounts.set_password(NAME, "another good password")
    assert fault(people.sign_ins.finish(candidate, True)) == "wrong"
    for _ in range(FREE_FAILURES):
        log_in(people, "wrong password!")
    people.accounts.set_password(NAME, PASSWORD)
    assert fault(log_in(people)) == "none"


def test_sessions_of_one_person_are_bounded(people: Platform, clock: Clock) -> None:
    tokens = []
    for _ in range(SESSIONS + 2):
        clock.now = UnixMs(clock.now + 1)
        tokens.append(session(people).token)
    alive = [people.sign_ins.find(each) is not None for each in tokens]
    assert alive == [False] * 2 + [True] * SESSIONS


def test_an_account_and_a_tenant_are_removed_with_their_sessions(people: Platform) -> None:
    people.accounts.set_role(NAME, "default", "owner")
    tokens = session(people, tenant="shop").token, session(people, tenant="default").token
    people.tenants.remove("shop")
    assert [people.sign_ins.find(each) is not None for each in tokens] == [False, True]
    assert [each.tenant for each in people.accounts.find(NAME).memberships] == ["default"]
    people.accounts.set_totp(NAME)
    assert people.accounts.remove(NAME).name == NAME
    assert people.sign_ins.find(tokens[1]) is None
    with pytest.raises(NotFoundError, match="account add"):
        people.accounts.find(NAME)
