"""Mailgun's own clients ask a running server for events and domains."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.compat.sdks.vendors_server import DOMAIN, OTHER_DOMAIN, VendorsServer
from tests.e2e.product import token

requests = pytest.importorskip("requests")
mailgun_client = pytest.importorskip("mailgun.client")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def client(server: VendorsServer) -> Iterator[Any]:
    with mailgun_client.Client(auth=("api", server.key), api_url=server.url) as found:
        yield found


@pytest.fixture(scope="module")
def mark(server: VendorsServer, client: Any) -> str:
    """Of a mail with three recipients, which has arrived, and whose events are listed."""
    mark = token()
    data = {
        "from": f"Shop <orders@{DOMAIN}>",
        "to": ["a@example.net", "b@example.net", "c@example.net"],
        "subject": mark,
        "text": "t",
        "o:tag": [mark],
        "v:user": "7",
    }
    assert client.messages.create(data=data, domain=DOMAIN).status_code == 200
    server.sink.wait_for_token(mark)
    deadline = time.monotonic() + 30
    while len(events(client, tags=mark, event="delivered")) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return mark


def events(client: Any, **filters: str) -> list[dict[str, Any]]:
    answer = client.events.get(domain=DOMAIN, filters=filters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_events_by_python(client: Any, mark: str) -> None:
    found = events(client, tags=mark, ascending="yes")
    assert [each["event"] for each in found] == ["accepted"] * 3 + ["delivered"] * 3
    delivered = found[-1]
    assert delivered["user-variables"] == {"user": "7"}
    assert delivered["message"]["headers"]["subject"] == mark
    assert delivered["delivery-status"]["code"] == 250
    assert {each["recipient"] for each in found} == {f"{each}@example.net" for each in "abc"}
    assert len(events(client, tags=mark, recipient="b@example.net")) == 2


def test_pages_are_followed_by_their_urls(server: VendorsServer, client: Any, mark: str) -> None:
    answer = client.events.get(domain=DOMAIN, filters={"tags": mark, "limit": "4"}).json()
    pages = [answer["items"]]
    while answer["items"]:
        url = answer["paging"]["next"]
        answer = requests.get(url, auth=("api", server.key), timeout=30).json()
        pages.append(answer["items"])
    assert [len(each) for each in pages] == [4, 2, 0]


def test_events_and_domains_by_node(server: VendorsServer, mark: str) -> None:
    first, domains, domain, foreign = server.node(
        "mailgun.mjs",
        calls=[
            ["events.get", DOMAIN, {"tags": mark, "limit": 4, "ascending": "yes"}],
            ["domains.list"],
            ["domains.get", DOMAIN],
            ["domains.get", OTHER_DOMAIN],
        ],
    )
    assert len(first["answer"]["items"]) == 4
    page = first["answer"]["pages"]["next"]["page"]
    (second,) = server.node("mailgun.mjs", calls=[["events.get", DOMAIN, {"page": page}]])
    assert [each["event"] for each in second["answer"]["items"]] == ["delivered", "delivered"]
    assert [(each["name"], each["state"]) for each in domains["answer"]] == [(DOMAIN, "active")]
    assert domain["answer"]["name"] == DOMAIN
    kinds = {each["record_type"] for each in domain["answer"]["sending_dns_records"]}
    assert kinds == {"TXT"}
    assert foreign["status"] == 404


def test_domains_by_python(client: Any) -> None:
    answer = client.domainlist.get()
    assert [each["name"] for each in answer.json()["items"]] == [DOMAIN]
    answer = client.domains.get(domain_name=DOMAIN)
    assert answer.json()["domain"]["state"] == "active"
    assert client.domains.get(filters={"state": "unverified"}).json()["total_count"] == 0
    assert client.domains.get(filters={"state": "odd"}).status_code == 400
    assert client.domains.get(domain_name=OTHER_DOMAIN).status_code == 404
    for filters, count in (
        ({"skip": "1"}, 0),
        ({"limit": "0"}, 0),
        ({"search": "SHOP"}, 1),
        ({"search": "nothing"}, 0),
        ({"sort": "name:desc", "authority": DOMAIN}, 1),
    ):
        found = client.domains.get(filters=filters).json()
        assert len(found["items"]) == count, filters
    assert client.domains.get(filters={"skip": "x"}).status_code == 400
    assert client.domains.get(filters={"odd": "x"}).status_code == 400
