"""Mirrors angarium/tenancy/tenants.py, keys.py, domains.py and change.py."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from angarium.tenancy.domain_check import DomainCheck
from angarium.tenancy.key_text import key_digest
from angarium.tenancy.keys import KeyWish
from angarium.tenancy.model import (
    BY_DNS,
    ConflictError,
    NotFoundError,
    TenancyError,
    TenancySetupError,
)
from angarium.tenancy.platform import Platform
from angarium.tenancy.rows import domain_name
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.signing import open_domain_key
from angarium.tenancy.tables import DOMAIN
from angarium.tenancy.webhooks import WebhookWish
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import SECRETS, Clock

DAY = 86_400_000


def actions(platform: Platform) -> list[tuple[str, str, str]]:
    return [(each.action, each.tenant, each.actor) for each in reversed(audit_entries(platform))]


def test_a_tenant_is_created_once_and_can_be_disabled(platform: Platform) -> None:
    platform.tenants.create("shop")
    with pytest.raises(TenancyError, match="already"):
        platform.tenants.create("shop")
    with pytest.raises(TenancyError, match="letters, digits"):
        platform.tenants.create("a b")
    assert not platform.tenants.set_active("shop", False).active
    assert platform.tenants.set_active("shop", True).active
    with pytest.raises(TenancyError, match="stays"):
        platform.tenants.set_active("default", False)
    with pytest.raises(NotFoundError, match="tenant create nobody"):
        platform.tenants.set_active("nobody", True)
    assert actions(platform) == [
        ("tenant.created", "shop", "tests"),
        ("tenant.disabled", "shop", "tests"),
        ("tenant.enabled", "shop", "tests"),
    ]


def test_a_tenant_is_removed_with_all_that_is_its_own_and_its_name_is_not_given_again(
    platform: Platform, clock: Clock
) -> None:
    platform.tenants.create("shop")
    for tenant in ("shop", "default"):
        platform.keys.create(KeyWish(tenant=tenant))
        added = platform.domains.add(f"{tenant}.example", tenant, assume_verified=True)
        check = DomainCheck(domain_id=added.id, checked=clock.now, records=())
        platform.domain_checks.record(check)
        platform.webhooks.create(WebhookWish(tenant=tenant, url="https://hooks.example.com/"))
    removed = platform.tenants.remove("shop")
    assert (removed.tenant.name, removed.keys, removed.domains) == ("shop", 1, 1)
    assert [each.name for each in platform.tenants.list()] == ["default"]
    assert [each.tenant for each in platform.keys.list()] == ["default"]
    assert [each.tenant for each in platform.domains.list()] == ["default"]
    assert [each.tenant for each in platform.webhooks.list()] == ["default"]
    assert audit_entries(platform)[0].details == {"keys": "1", "domains": "1"}
    with pytest.raises(NotFoundError):
        platform.tenants.set_active("shop", True)
    with pytest.raises(ConflictError, match="was removed"):
        platform.tenants.create("shop")
    with pytest.raises(TenancyError, match="stays"):
        platform.tenants.remove("default")
    platform.domains.add("shop.example", "default", assume_verified=True)


@pytest.mark.parametrize("kind", ["api", "smtp"])
def test_of_a_key_only_its_digest_is_kept_p6(platform: Platform, kind: str) -> None:
    made = platform.keys.create(KeyWish(tenant="default", kind=kind))  # type: ignore[arg-type]
    (secret,) = platform.keys.find(made.key.id).secrets
    assert secret.digest == key_digest(made.text)
    assert made.text.startswith(f"ang_{kind}_{made.key.id}_")
    assert len(made.text.rpartition(f"{made.key.id}_")[2]) == 43
    (entry,) = audit_entries(platform)
    assert (entry.action, entry.subject) == ("key.created", made.key.id)
    assert made.text not in str(entry)


def test_a_key_is_what_was_wished(platform: Platform, clock: Clock) -> None:
    platform.tenants.create("shop")
    made = platform.keys.create(
        KeyWish(
            tenant="shop",
            name="orders",
            scopes=["send", "suppression:read", "send"],
            networks=["192.0.2.0/24", "2001:db8::/32"],
            rate=7,
            lifetime_ms=DAY,
        )
    ).key
    assert (made.tenant, made.name, made.rate) == ("shop", "orders", 7)
    assert made.scopes == ("emails:send", "suppressions:read")
    assert made.networks == ("192.0.2.0/24", "2001:db8::/32")
    assert made.expires == clock.now + DAY
    assert platform.keys.list("shop") == [made]
    assert platform.keys.list("default") == []
    assert platform.keys.list() == [made]


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        (KeyWish(tenant="nobody"), "no tenant 'nobody'"),
        (KeyWish(tenant="default", scopes=["fly"]), "no scope is called 'fly'"),
        (KeyWish(tenant="default", scopes=["emails:fly"]), "emails has no action 'fly'"),
        (KeyWish(tenant="default", scopes=[" "]), "needs a scope"),
        (KeyWish(tenant="default", networks=["192.0.2.1/24"]), "host bits"),
        (KeyWish(tenant="default", rate=0), "from 1 to"),
        (KeyWish(tenant="default", name="a\nb"), "printable"),
    ],
)
def test_what_cannot_be_a_key_is_refused_and_nothing_is_kept(
    platform: Platform, wish: KeyWish, text: str
) -> None:
    with pytest.raises(TenancyError, match=text):
        platform.keys.create(wish)
    assert platform.keys.list() == []
    assert audit_entries(platform) == []


def test_two_secrets_are_valid_during_a_rotation_and_no_third(
    platform: Platform, clock: Clock
) -> None:
    first = platform.keys.create(KeyWish(tenant="default"))
    second = platform.keys.rotate(first.key.id, DAY)
    assert [(s.version, s.expires) for s in second.key.secrets] == [
        (1, clock.now + DAY),
        (2, None),
    ]
    third = platform.keys.rotate(first.key.id, DAY)
    assert [(s.version, s.expires) for s in third.key.secrets] == [
        (2, clock.now + DAY),
        (3, None),
    ]
    assert len({first.text, second.text, third.text}) == 3
    assert [each[0] for each in actions(platform)] == ["key.created", *["key.rotated"] * 2]


def test_the_secret_of_ses_is_derived_and_not_kept(platform: Platform) -> None:
    first = platform.keys.create(KeyWish(tenant="default", kind="ses"))
    assert [each.digest for each in first.key.secrets] == [b""]
    assert first.text == SECRETS.ses_secret(first.key.id, 1)
    assert first.access_key_id == first.key.id.upper()
    second = platform.keys.rotate(first.access_key_id, DAY)
    assert second.text == SECRETS.ses_secret(first.key.id, 2) != first.text
    assert Secrets({1: bytes(32)}).ses_secret(first.key.id, 1) != first.text


def test_a_key_is_revoked_for_good(platform: Platform, clock: Clock) -> None:
    key_id = platform.keys.create(KeyWish(tenant="default")).key.id
    when = clock.now
    assert platform.keys.revoke(key_id).revoked == when
    clock.now = type(when)(when + 1)
    assert platform.keys.revoke(key_id).revoked == when
    with pytest.raises(TenancyError, match="no longer valid"):
        platform.keys.rotate(key_id, DAY)
    with pytest.raises(NotFoundError, match="no key 'x'"):
        platform.keys.revoke("x")
    assert [each[0] for each in actions(platform)] == ["key.created", "key.revoked"]


def test_a_domain_waits_for_its_token_and_has_a_sealed_key(platform: Platform) -> None:
    domain = platform.domains.add("Example.COM.", "default")
    assert (domain.name, domain.status, domain.assumed) == ("example.com", "pending", False)
    assert len(domain.token) == 32
    (key,) = domain.keys
    opened = open_domain_key(SECRETS, "example.com", key)
    assert isinstance(opened.private, Ed25519PrivateKey)
    assert opened.record_name == f"{key.selector}._domainkey.example.com"
    assert b"PRIVATE" not in key.sealed
    with pytest.raises(TenancySetupError, match=r"does not open dkim example\.net"):
        open_domain_key(SECRETS, "example.net", key)
    with pytest.raises(TenancySetupError, match="does not open"):
        open_domain_key(Secrets({1: bytes(32)}), "example.com", key)


def test_a_verified_domain_is_one_tenants_a2(platform: Platform) -> None:
    platform.tenants.create("shop")
    platform.domains.add("example.com", "default")
    platform.domains.add("example.com", "shop")
    with pytest.raises(TenancyError, match=r"default, shop.*--tenant"):
        platform.domains.find("example.com")
    assert platform.domains.set_verified("example.com", "shop", by=BY_DNS).status == "verified"
    with pytest.raises(TenancyError, match="is tenant 'shop'"):
        platform.domains.set_verified("example.com", "default", by=BY_DNS)
    platform.domains.remove("example.com", "default")
    with pytest.raises(TenancyError, match="is tenant 'shop'"):
        platform.domains.add("example.com", "default", assume_verified=True)
    assert [each.tenant for each in platform.domains.list()] == ["shop"]


def test_the_operators_word_stands_for_the_token_and_is_noted(platform: Platform) -> None:
    domain = platform.domains.add("example.com", "default", assume_verified=True)
    assert (domain.status, domain.assumed) == ("verified", True)
    added, verified = reversed(audit_entries(platform))
    assert added.action == "domain.added"
    assert (verified.action, verified.subject) == ("domain.verified", "example.com")
    assert verified.details == {"by": "the operator's word"}


def test_a_domain_is_removed_with_its_keys_and_may_come_again(platform: Platform) -> None:
    first = platform.domains.add("example.com", "default", assume_verified=True)
    assert platform.domains.remove("example.com") == first
    with pytest.raises(NotFoundError, match=r"domain add example\.com"):
        platform.domains.find("example.com")
    again = platform.domains.add("example.com", "default")
    assert again.token != first.token
    assert again.keys[0].selector != first.keys[0].selector


@pytest.mark.parametrize("text", ["", "localhost", "a b.example", "*.example.com", "192.0.2.1"])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(TenancyError, match="is no domain"):
        domain_name(text)


def test_a_domain_is_kept_in_a_labels() -> None:
    assert domain_name("Bücher.example") == "xn--bcher-kva.example"


def test_a_tenant_has_a_domain_once(
    platform: Platform, open_platform: Callable[..., Platform]
) -> None:
    platform.domains.add("example.com", "default")
    with pytest.raises(TenancyError, match=r"has example\.com already"):
        platform.domains.add("example.com", "default")


def test_the_database_itself_refuses_a_second_owner_a2(platform: Platform) -> None:
    """Whatever a store has read before: two writers on two machines may have read the same."""
    platform.tenants.create("shop")
    platform.domains.add("example.com", "default", assume_verified=True)
    other = platform.tenants.find("shop")
    row = {
        "id": "x",
        "tenant_id": other.id,
        "name": "example.com",
        "token": "t",
        "assumed": False,
        "created": 1,
    }

    def insert(verified: int | None) -> None:
        with platform.database.changing() as connection:
            connection.execute(sa.insert(DOMAIN).values(**row, verified=verified))

    with pytest.raises(TenancySetupError, match=r"(?i)unique"):
        insert(1)
    assert len(platform.domains.list()) == 1
    insert(None)
    assert len(platform.domains.list()) == 2


def test_lists_are_read_a_page_at_a_time(platform: Platform) -> None:
    for name in ("b", "a"):
        platform.tenants.create(name)
    assert [each.name for each in platform.pages.tenants("", 2)] == ["a", "b"]
    assert [each.name for each in platform.pages.tenants("b", 2)] == ["default"]
    keys = sorted(platform.keys.create(KeyWish(tenant="a")).key.id for _ in range(3))
    platform.keys.create(KeyWish(tenant="b"))
    assert [each.id for each in platform.pages.keys("a", "", 2)] == keys[:2]
    assert [each.id for each in platform.pages.keys("a", keys[1], 2)] == keys[2:]
    assert all(each.secrets for each in platform.pages.keys("a", "", 9))
    for domain in ("b.example", "a.example"):
        platform.domains.add(domain, "a")
    assert [each.name for each in platform.pages.domains("a", "", 9)] == ["a.example", "b.example"]
    assert [each.name for each in platform.pages.domains("a", "a.example", 9)] == ["b.example"]
    assert platform.pages.domains("b", "", 9) == []


def test_the_audit_is_read_from_the_newest_on(platform: Platform) -> None:
    for name in ("a", "b"):
        platform.tenants.create(name)
    platform.audit.note("suppression.added", "a", "ann@example.com", scope="tenant:a")
    newest, *older = platform.audit.page(None, None, 9)
    assert (newest.entry.subject, newest.entry.details) == (
        "ann@example.com",
        {"scope": "tenant:a"},
    )
    assert platform.audit.page(None, newest.number, 9) == older
    assert [each.entry.action for each in platform.audit.page("a", None, 9)] == [
        "suppression.added",
        "tenant.created",
    ]


def test_a_note_of_what_was_done_elsewhere_publishes_nothing(platform: Platform) -> None:
    before = platform.version()
    platform.audit.note("queue.hold", "default", "2 recipients")
    assert platform.version() == before


def test_what_one_asks_for_is_noted_as_its(platform: Platform) -> None:
    platform.acting_as("key abc").tenants.create("a")
    assert actions(platform) == [("tenant.created", "a", "key abc")]


def test_certificates_stand_for_one_key_and_are_free_when_it_ends(platform: Platform) -> None:
    platform.tenants.create("shop")
    one = platform.keys.create(
        KeyWish(tenant="shop", certificates=["DNS:App.example.com", "email:a@b.example"])
    ).key
    assert one.certificates == ("dns:app.example.com", "email:a@b.example")
    other = platform.keys.create(KeyWish(tenant="default")).key
    for names in (["dns:app.example.com"], ["dns:new.example.com", "dns:app.example.com"]):
        with pytest.raises(ConflictError, match="another key"):
            platform.keys.bind(other.id, names)
        with pytest.raises(ConflictError, match="another key"):
            platform.keys.create(KeyWish(tenant="default", certificates=names))
    assert platform.keys.find(other.id).certificates == ()
    assert len(platform.keys.list()) == 2
    with pytest.raises(TenancyError, match="names no certificate"):
        platform.keys.bind(other.id, ["app.example.com"])
    with pytest.raises(TenancyError, match="at most"):
        platform.keys.bind(other.id, [f"dns:a{at}.example" for at in range(21)])
    with pytest.raises(TenancyError, match="kind api"):
        platform.keys.create(KeyWish(tenant="shop", kind="smtp", certificates=["dns:a.example"]))
    assert platform.keys.bind(one.id, ["email:a@b.example"]).certificates == ("email:a@b.example",)
    assert audit_entries(platform)[0].details == {"certificates": "email:a@b.example"}
    platform.keys.bind(other.id, ["dns:app.example.com"])
    platform.keys.revoke(other.id)
    with pytest.raises(ConflictError, match="no longer valid"):
        platform.keys.bind(other.id, [])
    assert platform.keys.bind(one.id, ["dns:app.example.com"]).certificates
    platform.tenants.remove("shop")
    third = platform.keys.create(KeyWish(tenant="default", certificates=["dns:app.example.com"]))
    assert third.key.certificates == ("dns:app.example.com",)
