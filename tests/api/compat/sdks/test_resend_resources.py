"""Domains, keys, suppressions and what happened to emails, as Resend's official Python client asks for them."""

from typing import Any

import pytest
import resend
from resend.exceptions import ResendError, ValidationError

from tests.api.compat.sdks.vendors_server import DOMAIN, SENDER, VendorsServer
from tests.e2e.product import token
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def client(server: VendorsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_url", server.url)
    monkeypatch.setattr(resend, "api_key", server.key)


def email(mark: str, **changes: Any) -> Any:
    usual = {"from": SENDER, "to": ["b@example.net"], "subject": mark, "text": mark}
    return {**usual, **changes}


def has_event(id_: str, word: str) -> bool:
    return bool(resend.Emails.get(id_)["last_event"] == word)


def test_what_happened_to_an_email(server: VendorsServer) -> None:
    mark = token()
    tags = [{"name": "kind", "value": mark}]
    id_ = resend.Emails.send(email(mark, tags=tags, cc="c@example.net"))["id"]
    later = resend.Emails.send(email(mark, scheduled_at="2035-01-01T00:00:00Z"))["id"]
    wait_until(lambda: has_event(id_, "delivered"))
    found = resend.Emails.get(id_)
    assert (found["to"], found["cc"]) == (["b@example.net"], ["c@example.net"])
    assert (found["from"], found["subject"]) == (SENDER, mark)
    assert found["tags"] == tags
    assert found["message_id"] == f"<{id_}@{DOMAIN}>"
    waiting = resend.Emails.get(later)
    assert waiting["last_event"] == "scheduled"
    assert waiting["scheduled_at"] == "2035-01-01T00:00:00.000Z"
    resend.Emails.cancel(later)
    wait_until(lambda: has_event(later, "canceled"))
    wait_until(lambda: resend.Emails.list({"limit": 1})["data"][0]["id"] == later)
    page = resend.Emails.list({"limit": 1, "after": later})
    assert [each["id"] for each in page["data"]] == [id_]
    page = resend.Emails.list({"limit": 1, "before": id_})
    assert [each["id"] for each in page["data"]] == [later]
    with pytest.raises(ResendError) as caught:
        resend.Emails.get("00000000-0000-7000-8000-000000000000")
    assert (caught.value.code, caught.value.error_type) == (404, "not_found")


def published(domain: Any) -> list[tuple[str, str, str]]:
    return [(each["name"], each["type"], each["value"]) for each in domain["records"]]


def test_a_domain_is_added_and_shown_with_its_records(server: VendorsServer) -> None:
    name = f"{token()}.example"
    made = resend.Domains.create({"name": name})
    assert (made["name"], made["status"]) == (name, "pending")
    kinds = {each["record"] for each in made["records"]}
    assert {"Ownership", "DKIM"} <= kinds
    assert all(each["value"] and each["name"] for each in made["records"])
    # What is found of them meanwhile may be another thing
    assert published(resend.Domains.get(made["id"])) == published(made)
    assert made["id"] in [each["id"] for each in resend.Domains.list()["data"]]
    assert resend.Domains.update({"id": made["id"], "tls": "opportunistic"})["id"] == made["id"]
    with pytest.raises(ValidationError, match="click_tracking"):
        resend.Domains.update({"id": made["id"], "click_tracking": True})
    with pytest.raises(ValidationError, match="region"):
        resend.Domains.create({"name": name, "region": "us-east-1"})
    with pytest.raises(ResendError) as caught:
        resend.Emails.send(email(token(), **{"from": f"a@{name}"}))
    assert caught.value.code == 403
    assert resend.Domains.remove(made["id"])["deleted"] is True  # type: ignore[typeddict-item]
    with pytest.raises(ResendError) as caught:
        resend.Domains.get(made["id"])
    assert (caught.value.code, caught.value.error_type) == (404, "not_found")


def test_a_key_is_made_used_and_revoked(
    server: VendorsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = resend.ApiKeys.create({"name": "tests", "permission": "sending_access"})
    (shown,) = [each for each in resend.ApiKeys.list()["data"] if each["id"] == made["id"]]
    assert shown["name"] == "tests"
    mark = token()
    with monkeypatch.context() as other:
        other.setattr(resend, "api_key", made["token"])
        resend.Emails.send(email(mark))
        with pytest.raises(ResendError) as caught:
            resend.ApiKeys.create({"name": "more", "permission": "full_access"})
        assert (caught.value.code, caught.value.error_type) == (401, "restricted_api_key")
    server.mail(mark)
    resend.ApiKeys.remove(made["id"])
    assert made["id"] not in [each["id"] for each in resend.ApiKeys.list()["data"]]
    monkeypatch.setattr(resend, "api_key", made["token"])
    with pytest.raises(ResendError) as caught:
        resend.Emails.send(email(token()))
    assert (caught.value.code, caught.value.error_type) == (403, "invalid_api_key")


def test_an_address_is_suppressed_and_sent_to_again(server: VendorsServer) -> None:
    address = f"{token()}@example.net"
    made = resend.Suppressions.add({"email": address})
    with pytest.raises(ValidationError):
        resend.Emails.send(email(token(), to=address))
    for wrong in ("x", "YWJj", "\u00e9", "nobody@example.net", "@", "a@"):
        with pytest.raises(ResendError) as caught:
            resend.Suppressions.get(wrong)
        assert caught.value.code == 404
    with pytest.raises(ValidationError, match="after"):
        resend.Suppressions.list({"after": "\u00e9"})
    for asked in (address, address.upper(), made["id"]):
        found = resend.Suppressions.get(asked)
        assert (found["id"], found["email"], found["origin"]) == (made["id"], address, "manual")
    ids = [each["id"] for each in resend.Suppressions.list({"limit": 100})["data"]]
    assert made["id"] in ids
    at = ids.index(made["id"])
    page = resend.Suppressions.list({"limit": 1, "after": ids[at - 1]}) if at else None
    assert page is None or page["data"][0]["id"] == made["id"]
    assert resend.Suppressions.list({"origin": "complaint"})["data"] == []
    assert resend.Suppressions.remove(made["id"])["deleted"] is True
    mark = token()
    resend.Emails.send(email(mark, to=address))
    server.mail(mark)
    with pytest.raises(ResendError) as caught:
        resend.Suppressions.get(address)
    assert (caught.value.code, caught.value.error_type) == (404, "not_found")


def test_several_are_suppressed_at_once(server: VendorsServer) -> None:
    addresses = [f"{token()}@example.net" for _ in range(3)]
    added = resend.Suppressions.Batch.add({"emails": addresses})["data"]
    assert len(added) == 3
    removed = resend.Suppressions.Batch.remove({"emails": addresses[:1]})["data"]
    removed += resend.Suppressions.Batch.remove({"ids": [each["id"] for each in added]})["data"]
    assert [each["id"] for each in removed] == [each["id"] for each in added]
    with pytest.raises(ValidationError, match=r"emails\[1\]"):
        resend.Suppressions.Batch.add({"emails": [addresses[0], "nobody"]})
