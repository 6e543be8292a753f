"""Mirrors angarium/tenancy/webhook.py and webhooks.py."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from angarium.tenancy.model import NotFoundError, TenancyError
from angarium.tenancy.platform import Platform
from angarium.tenancy.snapshot_file import read_snapshot
from angarium.tenancy.webhook import Webhook, read_events
from angarium.tenancy.webhooks import WebhookChange, WebhookWish
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import Clock

URL = "https://hooks.example.com/in"


def wish(**changed: object) -> WebhookWish:
    return msgspec.structs.replace(WebhookWish(tenant="default", url=URL), **changed)


def test_an_endpoint_is_published_with_its_secret_sealed(
    platform: Platform, tmp_path: Path
) -> None:
    made = platform.webhooks.create(wish(events=["delivered", "alert.*"], tags=["a,b"]))
    platform.publish()
    (published,) = read_snapshot(tmp_path / "platform.snapshot").webhooks
    assert published == made.webhook == platform.webhooks.find(made.webhook.id)
    assert (published.url, published.events) == (URL, ("email.delivered", "alert.*"))
    assert (published.tags, published.enabled) == (("a,b",), True)
    assert made.text.startswith("whsec_")
    assert platform.webhooks.secret(published) == made.text
    assert made.text.encode() not in (tmp_path / "platform.snapshot").read_bytes()
    assert audit_entries(platform)[0].action == "webhook.created"


def test_two_secrets_are_valid_while_it_is_rotated_the_newest_first(
    platform: Platform, clock: Clock
) -> None:
    made = platform.webhooks.create(wish())
    rotated = platform.webhooks.rotate(made.webhook.id, overlap_ms=1000)
    assert rotated.text != made.text
    versions = [each.version for each in rotated.webhook.valid_secrets(clock.now)]
    assert versions == [2, 1]
    after = rotated.webhook.valid_secrets(clock.now + 1000)
    assert [each.version for each in after] == [2]
    again = platform.webhooks.rotate(made.webhook.id).webhook
    assert [each.version for each in again.secrets] == [2, 3]


def test_what_is_changed_is_changed_and_nothing_else(platform: Platform, clock: Clock) -> None:
    made = platform.webhooks.create(wish(events=["email.bounced"])).webhook
    clock.now += 5
    change = WebhookChange(enabled=False, reason="as asked")
    off = platform.webhooks.change(made.id, change, "default")
    assert off == msgspec.structs.replace(
        made, enabled=False, reason="as asked", changed=made.changed + 5
    )
    on = platform.webhooks.change(made.id, WebhookChange(enabled=True, url=URL + "/2"))
    assert (on.enabled, on.reason, on.url, on.events) == (
        True,
        "",
        URL + "/2",
        ("email.bounced",),
    )


def test_a_reason_that_no_database_takes_is_refused(platform: Platform) -> None:
    made = platform.webhooks.create(wish()).webhook
    for reason in ("a\0b", "x" * 501):
        with pytest.raises(TenancyError, match="reason: at most") as caught:
            platform.webhooks.change(made.id, WebhookChange(enabled=False, reason=reason))
        assert caught.value.field == "reason"
    assert platform.webhooks.find(made.id) == made


def test_what_is_removed_is_gone_with_its_secrets(platform: Platform) -> None:
    made = platform.webhooks.create(wish()).webhook
    assert platform.webhooks.remove(made.id) == made
    assert platform.webhooks.list() == []
    with pytest.raises(NotFoundError):
        platform.webhooks.remove(made.id)


def test_another_tenants_endpoint_is_not_there_p7(platform: Platform) -> None:
    platform.tenants.create("shop")
    made = platform.webhooks.create(wish()).webhook
    assert platform.webhooks.list("shop") == []
    for act in (platform.webhooks.find, platform.webhooks.remove, platform.webhooks.rotate):
        with pytest.raises(NotFoundError):
            act(made.id, "shop")
    with pytest.raises(NotFoundError):
        platform.webhooks.change(made.id, WebhookChange(url=URL), "shop")
    assert platform.webhooks.find(made.id) == made


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"url": ""}, "url: must"),
        ({"url": "https://x.example/" + "a" * 2048}, "url: must"),
        ({"events": ["email.delivered", "email.eaten"]}, r"events\[1\]: no event"),
        ({"events": ["processed"]}, r"events\[0\]"),
        ({"tags": ["ok", "a\n"]}, r"tags\[1\]"),
        ({"streams": [""]}, r"streams\[0\]"),
        ({"format": "fax"}, "format: 'fax'"),
    ],
)
def test_a_wish_that_cannot_be_names_its_field(
    platform: Platform, changed: dict[str, object], problem: str
) -> None:
    with pytest.raises(TenancyError, match=problem):
        platform.webhooks.create(wish(**changed))
    made = platform.webhooks.create(wish()).webhook
    with pytest.raises(TenancyError, match=problem):
        platform.webhooks.change(made.id, WebhookChange(**changed))
    assert platform.webhooks.find(made.id) == made


def test_callbacks_have_a_secret_of_their_tenant(
    open_platform: Callable[..., Platform], url: str
) -> None:
    platform = open_platform(url)
    platform.tenants.create("shop")
    first = platform.webhooks.callback_secret("default")
    assert first == platform.webhooks.callback_secret("default")
    assert first != platform.webhooks.callback_secret("shop")
    with pytest.raises(NotFoundError):
        platform.webhooks.callback_secret("nobody")


ENDPOINT = Webhook(id="1", tenant="t", url=URL, events=("*",), created=0, changed=0)


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, True),
        ({"events": ("email.*",)}, True),
        ({"events": ("email.delivered",)}, True),
        ({"events": ("email.deliver",)}, False),
        ({"events": ("alert.*", "email.bounced")}, False),
        ({"streams": ("bulk",)}, False),
        ({"streams": ("bulk", "main")}, True),
        ({"tags": ("campaign:summer",)}, True),
        ({"tags": ("campaign",)}, True),
        ({"tags": ("campaign:winter",)}, False),
        ({"tags": ("camp",)}, False),
    ],
)
def test_an_endpoint_hears_of_what_its_filters_fit(
    changed: dict[str, object], wanted: bool
) -> None:
    endpoint = msgspec.structs.replace(ENDPOINT, **changed)
    assert endpoint.wants(["email.delivered"], "main", ["campaign:summer", "x"]) is wanted


def test_vendors_names_are_taken_where_their_format_is() -> None:
    assert read_events(["processed", "email.bounced"], "sendgrid") == ("processed", "email.bounced")
    assert read_events(["delivered"], "native") == ("email.delivered",)
    assert read_events(["delivered"], "mailgun") == ("delivered",)
    assert read_events([], "native") == ("*",)
