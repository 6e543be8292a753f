"""Mirrors angarium/webhooks/letters.py: how a delivery becomes a request."""

import json
import time
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from angarium.queue.model import UnixMs
from angarium.tenancy.model import Tenant
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.snapshot import Snapshot, SnapshotData
from angarium.tenancy.webhook import (
    Webhook,
    WebhookSecret,
    callback_secret,
    seal_place,
    secret_text,
)
from angarium.webhooks.courier import Letter, Undeliverable
from angarium.webhooks.delivery import Delivery, State
from angarium.webhooks.formats.sendgrid import SIGNATURE
from angarium.webhooks.happening import encode_happening
from angarium.webhooks.letters import Letters
from tests.webhooks.samples import Sample

SECRETS = Secrets({1: bytes(range(32))})
TOLD = Sample().happen("delivered")
NOW = UnixMs(0)
ENDPOINT: Webhook
OLD, NEW = secret_text(b"o" * 24), secret_text(b"n" * 24)


def sealed(version: int, text: str, expires: int | None = None) -> WebhookSecret:
    octets = SECRETS.seal(text.encode(), *seal_place("w1", version))
    until = None if expires is None else UnixMs(expires)
    return WebhookSecret(version=version, sealed=octets, created=NOW, expires=until)


@pytest.fixture(autouse=True)
def _now() -> None:
    """Verifiers take nothing that is older than five minutes, and a suite runs for longer."""
    global NOW, ENDPOINT
    NOW = UnixMs(int(time.time() * 1000))
    ENDPOINT = Webhook(
        id="w1",
        tenant="shop",
        url="https://x.example/hook",
        events=("*",),
        created=UnixMs(0),
        changed=UnixMs(0),
        secrets=(sealed(1, OLD, NOW + 1000), sealed(2, NEW)),
    )


def letters(*webhooks: Webhook) -> Letters:
    tenants = (Tenant(id="id-shop", name="shop", created=UnixMs(0)),)
    snapshot = Snapshot(SnapshotData(tenants=tenants, webhooks=webhooks))
    return Letters(lambda: snapshot, SECRETS)


def delivery(**changed: Any) -> Delivery:
    plain = Delivery(
        id=1,
        tenant="shop",
        endpoint="w1",
        url="",
        event_id=TOLD.id,
        type=TOLD.type,
        email_id=TOLD.email_id,
        recipient=TOLD.recipient,
        happening=encode_happening(TOLD),
        state=State.WAITING,
        due=NOW,
        attempts=0,
        created=NOW,
        done=None,
        http_status=0,
        text="",
    )
    return msgspec.structs.replace(plain, **changed)


def written(of: Letters, at: int | None = None, **changed: Any) -> Letter:
    letter = of.write(delivery(**changed), NOW if at is None else UnixMs(at))
    assert isinstance(letter, Letter)
    return letter


def test_a_request_is_signed_with_each_secret_that_is_valid() -> None:
    letter = written(letters(ENDPOINT))
    assert letter.url == ENDPOINT.url
    assert letter.headers["Content-Type"] == "application/json"
    for secret in (OLD, NEW):
        assert Verifier(secret).verify(letter.body, dict(letter.headers))["id"] == TOLD.id
    later = written(letters(ENDPOINT), NOW + 1000)
    Verifier(NEW).verify(later.body, dict(later.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(OLD).verify(later.body, dict(later.headers))


def test_it_has_the_form_that_the_endpoint_has_now() -> None:
    changed = msgspec.structs.replace(ENDPOINT, format="sendgrid")
    letter = written(letters(changed))
    assert SIGNATURE in letter.headers
    assert json.loads(letter.body)[0]["event"] == "delivered"


def test_a_callback_goes_to_its_own_url_signed_with_the_tenants_secret() -> None:
    url = "https://cb.example/one"
    letter = written(letters(), endpoint="callback:id-shop:https://cb.example:None", url=url)
    assert letter.url == url
    Verifier(callback_secret(SECRETS, "id-shop")).verify(letter.body, dict(letter.headers))


def test_of_an_endpoint_that_is_off_or_gone_it_says_so() -> None:
    off = msgspec.structs.replace(ENDPOINT, enabled=False, reason="as I like")
    for of, gone, reason in ((letters(off), False, "as I like"), (letters(), True, "removed")):
        found = of.write(delivery(), NOW)
        assert isinstance(found, Undeliverable)
        assert found == of.refusal("w1")
        assert found.is_gone is gone
        assert reason in found.reason
    assert letters(ENDPOINT).refusal("w1") is None
    assert letters().refusal("callback:x") is None
