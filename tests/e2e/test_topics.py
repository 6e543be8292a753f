"""Topics in the running product: made by the API, borne by mail of each kind, and left one by one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product, good_session, message
from tests.e2e.recording_sink import RecordingSink, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


class Site:
    def __init__(self, product: Product, sink: RecordingSink) -> None:
        self.product = product
        self.sink = sink
        product.postmaster("domain", "add", "shop.example", "--assume-verified")
        made = json.loads(product.postmaster("key", "create", "--json"))
        self.client = ApiClient(product.http, made["key"])

    def send(self, to: str, **more: Any) -> Any:
        body = {"from": "a@shop.example", "to": to, "subject": "s", "bodyText": "t", **more}
        return self.client.ask("POST", "/v1/send", body)

    def taken(self, to: str) -> int:
        return sum(to.encode() in each.rcpts[0] for each in self.sink.taken)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with RecordingSink() as sink:
        product = Product(tmp_path_factory.mktemp("topics"), sink=sink.port)
        try:
            yield Site(product, sink)
            product.assert_clean()
        finally:
            product.kill()


@pytest.fixture(scope="module")
def offers(site: Site) -> dict[str, Any]:
    body = {"name": "offers", "titles": {"en": "Offers", "de": "Angebote"}}
    return dict(site.client.right("POST", "/v1/topics", body))


def test_topics_are_managed_by_the_api(site: Site, offers: dict[str, Any]) -> None:
    client = site.client
    assert client.right("GET", "/v1/topics/offers") == offers
    assert client.right("GET", f"/v1/topics/{offers['id']}") == offers
    made = client.right("POST", "/v1/topics", {"name": "gone"})
    assert made["titles"] == {}
    names = [each["name"] for each in client.all_of("/v1/topics", "topics")]
    assert names == ["gone", "offers"]
    changed = client.right("PATCH", "/v1/topics/gone", {"titles": {"fr": "Parti"}})
    assert changed["titles"] == {"fr": "Parti"}
    assert client.right("DELETE", "/v1/topics/gone") == changed
    assert client.ask("GET", "/v1/topics/gone").status == 404
    assert client.ask("POST", "/v1/topics", {"name": "offers"}).fault == (409, "CONFLICT", "name")
    bad = client.ask("POST", "/v1/topics", {"name": "a", "titles": {"english": "A"}})
    assert bad.fault == (400, "VALIDATION_ERROR", "titles")
    made = json.loads(site.product.postmaster("key", "create", "--scopes", "topics:read", "--json"))
    reader = ApiClient(site.product.http, made["key"])
    assert len(reader.right("GET", "/v1/topics")["topics"]) == 1
    assert reader.ask("POST", "/v1/topics", {"name": "b"}).status == 403


def test_mail_of_a_topic_that_is_not_there_is_refused_by_name(
    site: Site, offers: dict[str, Any]
) -> None:
    refused = site.send("bob@two.example", topic="offer")
    assert refused.fault == (400, "VALIDATION_ERROR", "topic")
    assert "there is no topic offer; there are offers" in refused.json["message"]
    with pytest.raises(AssertionError) as reply:
        good_session(
            site.product.smtp[0], "bob@two.example", message(**{"X-Angarium-Topic": "offer"})
        )
    assert "550 5.6.0 X-Angarium-Topic: there is no topic offer; there are offers" in str(
        reply.value
    )
    assert site.taken("bob@two.example") == 0


def test_who_left_a_topic_gets_none_of_it_by_any_way_in(site: Site, offers: dict[str, Any]) -> None:
    body = {"email": "ann@two.example", "scope": "topic:offers", "reason": "unsubscribe"}
    added = site.client.right("POST", "/v1/suppression/add", body)
    assert added["suppressions"][0]["scope"] == "topic:offers"
    refused = site.send("ann@two.example", topic="offers")
    assert refused.fault[:2] == (422, "RECIPIENTS_SUPPRESSED")
    assert site.send("ann@two.example", topic=offers["id"]).status == 422
    port = site.product.smtp[0]
    for topic in ("offers", offers["id"]):
        good_session(port, "ann@two.example", message(**{"x-angarium-topic": topic}))
    good_session(port, "ann@two.example")
    assert site.send("ann@two.example").status == 200
    wait_until(lambda: site.taken("ann@two.example") == 2, 30)
    ended = site.product.wait_for_disposition(30, event="recipient_suppressed")
    assert ended["scope"] == "tenant:default/topic:offers"
    assert not any(b"angarium-topic" in each.content.lower() for each in site.sink.taken)
    removed = site.client.ask("DELETE", "/v1/suppression/ann%40two.example?scope=topic:offers")
    assert removed.status == 200
    assert site.send("ann@two.example", topic="offers").status == 200
    wait_until(lambda: site.taken("ann@two.example") == 3, 30)
