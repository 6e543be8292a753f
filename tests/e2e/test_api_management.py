"""Management by the HTTP API, on a running server: mirrors angarium/api/native."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink, wait_until

LATER = {b"RCPT": b"451 4.3.0 later\r\n"}


class Site(Product):
    """A server, and a client whose key may do everything."""

    def __init__(self, folder: Path, sink: int) -> None:
        super().__init__(folder, sink=sink, retry="[3600]")
        made = self.postmaster("key", "create", "--scopes", "*,queue,tenants", "--json")
        self.owner = ApiClient(self.http, json.loads(made)["key"])

    def client(self, *scopes: str, tenant: str = "default") -> ApiClient:
        """Return a client whose key has these scopes alone."""
        body = {"scopes": list(scopes), "tenant": tenant}
        return ApiClient(self.http, self.owner.right("POST", "/v1/keys", body)["key"])

    def changes(self, subject: str, tenant: str = "default") -> list[tuple[str, str]]:
        """Return what the audit has of a subject: action, and who did it; the oldest first."""
        entries = self.owner.all_of(f"/v1/audit?tenant={tenant}", "entries")
        return [(e["action"], e["actor"]) for e in reversed(entries) if e["subject"] == subject]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with RecordingSink(replies=LATER) as sink:
        started = Site(tmp_path_factory.mktemp("api"), sink.port)
        try:
            yield started
            started.assert_clean()
        finally:
            started.kill()


@pytest.fixture(scope="module")
def shop(site: Site) -> ApiClient:
    """Of a second tenant."""
    site.owner.right("POST", "/v1/tenants", {"name": "shop"})
    return site.client("*", tenant="shop")


def who(client: ApiClient) -> str:
    return f"key {client.key.split('_')[2]}"


def test_a_key_says_whose_it_is(site: Site) -> None:
    found = site.client("emails:send").right("GET", "/v1/key")
    assert (found["tenant"], found["scopes"], found["kind"]) == (
        "default",
        ["emails:send"],
        "api",
    )
    assert found["limits"] == {"perSecond": 1000, "tenantPerSecond": 1000}
    assert ApiClient(site.http).ask("GET", "/v1/key").fault == (401, "UNAUTHORIZED", "")


def test_a_key_is_made_shown_rotated_and_revoked(site: Site) -> None:
    asked = {"name": "till", "scopes": ["emails"], "rate": 7, "networks": ["127.0.0.0/8"]}
    made = site.owner.right("POST", "/v1/keys", asked)
    assert made["key"].startswith(f"{made['prefix']}_")
    shown = site.owner.right("GET", f"/v1/keys/{made['id']}")
    assert {name: shown[name] for name in asked} == asked
    assert made["key"] not in json.dumps(shown)
    old = ApiClient(site.http, made["key"])
    rotated = site.owner.right("POST", f"/v1/keys/{made['id']}/rotate", {"overlapSeconds": 0})
    assert old.ask("GET", "/v1/key").status == 401
    new = ApiClient(site.http, rotated["key"])
    assert new.right("GET", "/v1/key")["id"] == made["id"]
    revoked = site.owner.right("DELETE", f"/v1/keys/{made['id']}")
    assert revoked["revokedAt"] is not None
    assert site.owner.right("DELETE", f"/v1/keys/{made['id']}") == revoked
    assert new.ask("GET", "/v1/key").status == 401
    again = site.owner.ask("POST", f"/v1/keys/{made['id']}/rotate", {})
    assert again.fault == (409, "CONFLICT", "")
    owner = who(site.owner)
    assert site.changes(made["id"]) == [
        ("key.created", owner),
        ("key.rotated", owner),
        ("key.revoked", owner),
    ]


def test_a_key_of_kind_ses_comes_as_aws_calls_it(site: Site) -> None:
    made = site.owner.right("POST", "/v1/keys", {"kind": "ses"})
    assert set(made) == {"id", "prefix", "accessKeyId", "secretAccessKey"}


@pytest.mark.parametrize(
    ("held", "wanted", "status"),
    [
        (("keys", "emails"), {"scopes": ["emails:send", "keys:read"]}, 201),
        (("keys", "emails:send"), {"scopes": ["emails"]}, 403),
        (("keys",), {"scopes": ["queue"]}, 403),
        (("keys",), {}, 403),  # all that is the tenant's
        (("keys",), {"role": "owner"}, 403),
        (("*",), {"role": "admin"}, 201),
        (("*",), {"role": "owner"}, 403),
    ],
)
def test_a_key_gives_no_scope_that_it_does_not_have(
    site: Site, held: tuple[str, ...], wanted: dict[str, Any], status: int
) -> None:
    reply = site.client(*held).ask("POST", "/v1/keys", wanted)
    assert reply.status == status
    if status == 403:
        assert reply.fault == (403, "FORBIDDEN", "scopes")


def test_who_rotates_a_key_has_its_scopes(site: Site) -> None:
    strong = site.client("*", "queue").key.split("_")[2]
    weak = site.client("keys")
    reply = weak.ask("POST", f"/v1/keys/{strong}/rotate", {})
    assert reply.fault == (403, "FORBIDDEN", "scopes")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["mails"]}, "scopes"),
        ({"scopes": ["emails:fly"]}, "scopes"),
        ({"networks": ["nowhere"]}, "networks"),
        ({"rate": 0}, "rate"),
        ({"name": "a\nb"}, "name"),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "soon"}, "expiresAt"),
        ({"scopes": ["emails"], "role": "admin"}, "role"),
        ({"tenant": "nobody"}, "tenant"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wish_that_cannot_be_names_its_field(
    site: Site, body: dict[str, Any], field: str
) -> None:
    assert site.owner.ask("POST", "/v1/keys", body).fault == (400, "VALIDATION_ERROR", field)


def test_lists_are_read_page_by_page(site: Site) -> None:
    made = {site.client("emails").key.split("_")[2] for _ in range(5)}
    found = [each["id"] for each in site.owner.all_of("/v1/keys", "keys")]
    assert made <= set(found)
    assert len(found) == len(set(found))
    for cursor in ("%00", "*", "abc", "zz"):
        reply = site.owner.ask("GET", f"/v1/audit?cursor={cursor}")
        assert reply.fault == (400, "VALIDATION_ERROR", "cursor")
    assert site.owner.ask("GET", "/v1/keys?limit=0").fault == (400, "VALIDATION_ERROR", "limit")
    assert site.owner.ask("GET", "/v1/keys?page=2").fault == (400, "VALIDATION_ERROR", "page")


def test_a_domain_is_taken_in_looked_for_and_removed(site: Site) -> None:
    added = site.owner.right("POST", "/v1/domains", {"domain": "Shop.Example"})
    assert (added["domain"], added["status"]) == ("shop.example", "pending")
    purposes = [each["purpose"] for each in added["records"]]
    assert purposes[:2] == ["ownership", "dkim"]
    assert all(each["verdict"] is None for each in added["records"])
    assert added["records"][0]["zoneLine"].startswith("_angarium.shop.example. ")
    again = site.owner.ask("POST", "/v1/domains", {"domain": "shop.example"})
    assert again.fault == (409, "CONFLICT", "domain")
    # What is found of them may be told by now: the server looks at once
    shown = site.owner.right("GET", "/v1/domains/shop.example")["records"]
    assert [each["value"] for each in shown] == [each["value"] for each in added["records"]]
    names = [each["domain"] for each in site.owner.all_of("/v1/domains", "domains")]
    assert "shop.example" in names
    site.owner.right("DELETE", "/v1/domains/shop.example")
    assert site.owner.ask("GET", "/v1/domains/shop.example").fault == (404, "NOT_FOUND", "")
    assert [action for action, _ in site.changes("shop.example")] == [
        "domain.added",
        "domain.removed",
    ]


def test_the_operators_word_is_the_operators(site: Site) -> None:
    tenants_own = site.client("domains")
    body = {"domain": "word.example", "assumeVerified": True}
    reply = tenants_own.ask("POST", "/v1/domains", body)
    assert reply.fault == (403, "FORBIDDEN", "assumeVerified")
    assert site.owner.right("POST", "/v1/domains", body)["status"] == "verified"
    assert "word.example" in tenants_own.right("GET", "/v1/key")["domains"]


def test_what_is_another_tenants_is_not_there(site: Site, shop: ApiClient) -> None:
    key = site.client("emails").key.split("_")[2]
    site.owner.right("POST", "/v1/domains", {"domain": "ours.example"})
    assert shop.ask("GET", f"/v1/keys/{key}").status == 404
    assert shop.ask("DELETE", f"/v1/keys/{key}").status == 404
    assert shop.ask("POST", f"/v1/keys/{key}/rotate", {}).status == 404
    assert shop.ask("GET", "/v1/domains/ours.example").status == 404
    assert shop.ask("DELETE", "/v1/domains/ours.example").status == 404
    assert key not in [each["id"] for each in shop.all_of("/v1/keys", "keys")]
    assert shop.ask("GET", "/v1/keys?tenant=default").fault == (403, "FORBIDDEN", "tenant")
    assert shop.ask("POST", "/v1/keys", {"tenant": "default"}).fault == (
        403,
        "FORBIDDEN",
        "tenant",
    )
    assert shop.ask("GET", "/v1/audit?all=true").fault == (403, "FORBIDDEN", "all")
    assert {each["tenant"] for each in shop.all_of("/v1/audit", "entries")} == {"shop"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/tenants"),
        ("POST", "/v1/tenants"),
        ("GET", "/v1/queue"),
        ("GET", "/v1/queue/top"),
    ],
)
def test_what_is_the_servers_is_had_by_name_only(site: Site, method: str, path: str) -> None:
    assert site.client("*").ask(method, path, {} if method == "POST" else None).status == 403


def test_a_tenant_is_made_disabled_and_enabled(site: Site) -> None:
    made = site.owner.right("POST", "/v1/tenants", {"name": "club"})
    assert site.owner.right("GET", "/v1/tenants/club") == made
    club = site.client("emails", tenant="club")
    assert club.ask("GET", "/v1/key").status == 200
    assert not site.owner.right("PATCH", "/v1/tenants/club", {"active": False})["active"]
    assert club.ask("GET", "/v1/key").status == 403
    site.owner.right("PATCH", "/v1/tenants/club", {"active": True})
    assert club.ask("GET", "/v1/key").status == 200
    assert site.owner.ask("POST", "/v1/tenants", {"name": "club"}).fault == (
        409,
        "CONFLICT",
        "name",
    )
    refused = site.owner.ask("PATCH", "/v1/tenants/default", {"active": False})
    assert refused.fault == (409, "CONFLICT", "active")
    changed = {"perDay": 5, "overQuota": "wait", "streams": ["bulk"]}
    plan = site.owner.right("PATCH", "/v1/tenants/club", {"plan": changed})["plan"]
    assert {name: plan[name] for name in changed} == changed
    assert (plan["rate"], plan["perHour"]) == (None, None)
    quotas = club.right("GET", "/v1/key")["quotas"]
    assert [(each["period"], each["limit"], each["used"]) for each in quotas] == [("day", 5, 0)]
    plan = site.owner.right("PATCH", "/v1/tenants/club", {"plan": {"perDay": 0}})["plan"]
    assert plan["perDay"] is None
    wrong = site.owner.ask("PATCH", "/v1/tenants/club", {"plan": {"streams": ["a b"]}})
    assert wrong.fault == (400, "VALIDATION_ERROR", "streams")
    assert site.owner.ask("PATCH", "/v1/tenants/club", {}).fault[0] == 400
    assert "club" in [each["name"] for each in site.owner.all_of("/v1/tenants", "tenants")]


def test_an_address_is_suppressed_shown_and_sent_to_again(site: Site) -> None:
    asked = {
        "email": "Ann@Example.com",
        "reason": "bounce",
        "bounceSubType": "mailbox_full",
        "evidence": {"reply": "452 4.2.2 full"},
        "expiresAt": "2100-01-01T00:00:00Z",
    }
    answer = site.owner.right("POST", "/suppression/add", asked)
    assert (answer["success"], answer["changed"]) == (True, 1)
    (shown,) = site.owner.right("GET", "/v1/suppression/ann@example.com")["suppressions"]
    assert shown["email"] == "Ann@Example.com"
    assert (shown["scope"], shown["reason"]) == ("tenant", "bounce")
    assert (shown["bounceType"], shown["bounceSubType"]) == ("Transient", "mailbox_full")
    assert shown["evidence"] == {"reply": "452 4.2.2 full"}
    assert shown["expiresAt"] == "2100-01-01T00:00:00.000Z"
    site.owner.right("DELETE", "/suppression/ann%40example.com")
    gone = site.owner.ask("DELETE", "/v1/suppression/ann@example.com")
    assert gone.fault == (404, "NOT_FOUND", "")
    owner = who(site.owner)
    assert site.changes("Ann@Example.com") == [("suppression.added", owner)]
    assert site.changes("ann@example.com") == [("suppression.removed", owner)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example\r\nBcc: x@y"}, "email"),
        ({"emails": ["a@b.example", "b"]}, "emails[1]"),
        ({"email": "a@b.example", "emails": ["c@d.example"]}, "emails"),
        ({"email": "a@b.example", "scope": "topic:a news"}, "scope"),
        ({"email": "a@b.example", "scope": "stream:a b"}, "scope"),
        ({"email": "a@b.example", "bounceType": "Permanent"}, "bounceType"),
        (
            {
                "email": "a@b.example",
                "reason": "bounce",
                "bounceType": "Transient",
                "bounceSubType": "moved",
            },
            "bounceType",
        ),
        ({"email": "a@b.example", "expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
    ],
)
def test_a_suppression_that_cannot_be_names_its_field(
    site: Site, body: dict[str, Any], field: str
) -> None:
    reply = site.owner.ask("POST", "/v1/suppression/add", body)
    assert reply.fault == (400, "VALIDATION_ERROR", field)


def test_a_tenant_sees_and_changes_its_own_suppressions_p7(site: Site, shop: ApiClient) -> None:
    """P7: neither lists, nor one address, nor files, nor cursors have another tenant's."""
    ours = {"emails": [f"{n}@iso.example" for n in "abc"], "evidence": {"note": "secret"}}
    site.owner.right("POST", "/v1/suppression/add", ours)
    site.owner.right("POST", "/v1/suppression/add", {"email": "g@iso.example", "scope": "global"})
    shop.right("POST", "/v1/suppression/add", {"emails": ["b@iso.example", "d@iso.example"]})
    shop.right("POST", "/v1/suppression/add", {"email": "a@iso.example", "scope": "stream:news"})
    seen = shop.all_of("/v1/suppression?domain=iso.example", "suppressions")
    assert [(each["email"], each["scope"]) for each in seen] == [
        ("a@iso.example", "stream:news"),
        ("b@iso.example", "tenant"),
        ("d@iso.example", "tenant"),
    ]
    assert b"secret" not in shop.ask("GET", "/v1/suppression/b@iso.example").body
    assert shop.ask("GET", "/v1/suppression/c@iso.example").status == 404
    exported = shop.ask("GET", "/v1/suppression/export?domain=iso.example").body
    assert b"secret" not in exported
    assert b"c@iso.example" not in exported
    assert shop.ask("DELETE", "/v1/suppression/c@iso.example").status == 404
    refused = shop.ask("DELETE", "/v1/suppression/g@iso.example")
    assert refused.fault == (403, "FORBIDDEN", "scope")
    body = {"email": "x@iso.example", "scope": "global"}
    assert shop.ask("POST", "/v1/suppression/add", body).fault == (403, "FORBIDDEN", "scope")
    shop.right("DELETE", "/v1/suppression/b@iso.example")
    kept = site.owner.right("GET", "/v1/suppression/b@iso.example")["suppressions"]
    assert [each["evidence"] for each in kept] == [{"note": "secret"}]
    mine = site.owner.all_of("/v1/suppression?domain=iso.example", "suppressions")
    assert [each["scope"] for each in mine] == ["tenant", "tenant", "tenant", "global"]


def test_suppressions_go_out_and_come_in_as_csv_p7(site: Site) -> None:
    """P7: a spreadsheet takes no cell for a formula."""
    site.owner.right(
        "POST", "/v1/suppression/add", {"email": "+1@csv.example", "reason": "erasure"}
    )
    evil = {"email": "e@csv.example", "evidence": {"note": '=HYPERLINK("http://x")'}}
    site.owner.right("POST", "/v1/suppression/add", evil)
    reply = site.owner.ask("GET", "/v1/suppression/export?domain=csv.example")
    assert reply.headers["Content-Type"].startswith("text/csv")
    header, plus, formula = reply.body.decode().splitlines()
    assert header == "email,scope,reason,added_at,expires_at,evidence"
    assert plus.startswith("'+1@csv.example,tenant,erasure,")
    assert "'=HYPERLINK" in formula
    for address in ("%2B1@csv.example", "e@csv.example"):
        site.owner.right("DELETE", f"/v1/suppression/{address}")
    csv = {"Content-Type": "text/csv"}
    taken = site.owner.ask("POST", "/v1/suppression/import", octets=reply.body, headers=csv).json
    assert (taken["rows"], taken["added"], taken["wrong"]) == (2, 2, 0)
    again = site.owner.ask("GET", "/v1/suppression/export?domain=csv.example").body
    assert again == reply.body
    wrong = b"email,scope\nf@csv.example,\nnobody,\n"
    refused = site.owner.ask("POST", "/v1/suppression/import", octets=wrong, headers=csv)
    assert refused.fault == (400, "VALIDATION_ERROR", "line 3")
    assert site.owner.ask("GET", "/v1/suppression/f@csv.example").status == 404
    path = "/v1/suppression/import?skipWrong=true"
    skipped = site.owner.ask("POST", path, octets=wrong, headers=csv).json
    assert (skipped["added"], [each["line"] for each in skipped["errors"]]) == (1, [3])
    bare = site.owner.ask("POST", path, octets=b"\xff\n", headers=csv)
    assert bare.fault == (400, "VALIDATION_ERROR", "body")
    other = site.owner.ask("POST", path, octets=b"{}", headers={"Content-Type": "text/html"})
    assert other.fault == (415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type")


def queued(site: Site, domain: str) -> list[dict[str, Any]]:
    return list(site.owner.all_of(f"/v1/queue/messages?domains={domain}", "entries"))


def test_operators_act_on_what_is_queued(site: Site) -> None:
    for name in "abc":
        good_session(site.smtp[0], f"{name}@acts.example")
    entries = queued(site, "acts.example")
    assert [each["recipient"] for each in entries] == [f"{n}@acts.example" for n in "abc"]
    wait_until(lambda: all(each["attempts"] for each in queued(site, "acts.example")))
    wanted = {"filter": {"recipients": ["a@acts.example"]}, "reason": "to look at"}
    dry = site.owner.right("POST", "/v1/queue/hold", {**wanted, "dryRun": True})
    assert (dry["count"], dry["dryRun"]) == (1, True)
    assert [each["state"] for each in queued(site, "acts.example")] == ["scheduled"] * 3
    held = site.owner.right("POST", "/v1/queue/hold", wanted)
    assert held["recipients"] == [{"id": entries[0]["id"], "recipient": "a@acts.example"}]
    assert held["who"].startswith(who(site.owner))
    states = site.owner.all_of("/v1/queue/messages?domains=acts.example&states=held", "entries")
    assert [each["recipient"] for each in states] == ["a@acts.example"]
    message = entries[0]["id"].partition(".")[0]
    told = site.owner.right("GET", f"/v1/queue/messages/{message}/explain")
    (recipient,) = told["recipients"]
    assert recipient["next"]["state"] == "held"
    last = recipient["history"][-1]
    assert (last["event"], last["reason"]) == ("held", "to look at")
    assert last["who"].startswith(who(site.owner))
    assert site.owner.right("POST", "/v1/queue/release", wanted)["count"] == 1
    cancelled = site.owner.right(
        "POST", "/v1/queue/cancel", {"filter": {"domains": ["acts.example"]}}
    )
    assert cancelled["count"] == 3
    assert queued(site, "acts.example") == []
    actions = [a for a, _ in site.changes("1 recipient")[-2:] + site.changes("3 recipients")[-1:]]
    assert actions == ["queue.hold", "queue.release", "queue.cancel"]


def test_an_act_says_which_recipients_it_means(site: Site) -> None:
    for act in ("hold", "release", "retry", "cancel"):
        path = f"/v1/queue/{act}"
        assert site.owner.ask("POST", path, {"filter": {}}).fault[0] == 400
        assert site.owner.ask("POST", path, {}).fault == (400, "VALIDATION_ERROR", "filter")
        reply = site.owner.ask("POST", path, {"filter": {"providers": ["nobody"]}})
        assert reply.fault == (400, "VALIDATION_ERROR", "filter")
        reader = site.client("*") if act == "hold" else None
        if reader is not None:
            body = {"filter": {"domains": ["x.example"]}}
            assert reader.ask("POST", path, body).status == 403


def test_a_rule_holds_what_comes_later_until_it_is_undone(site: Site) -> None:
    added = site.owner.right(
        "POST", "/v1/queue/rules", {"domain": "later.example", "reason": "wait"}
    )
    name = added["name"]
    listed = site.owner.right("GET", "/v1/queue/rules")["rules"]
    assert [(e["action"], e["scope"]) for e in listed if e["rule"] == name] == [
        ("hold", "domain later.example")
    ]
    good_session(site.smtp[0], "x@later.example")
    wait_until(lambda: [e["state"] for e in queued(site, "later.example")] == ["held"])
    undone = site.owner.right("DELETE", f"/v1/queue/rules/{name}")["undone"]
    assert [each["rule"] for each in undone] == [name]
    wait_until(lambda: [e["state"] for e in queued(site, "later.example")] == ["scheduled"])
    assert site.owner.ask("DELETE", f"/v1/queue/rules/{name}").status == 404
    assert site.owner.ask("POST", "/v1/queue/rules", {}).fault == (400, "VALIDATION_ERROR", "body")
    owner = who(site.owner)
    assert site.changes(name) == [("queue.rule_added", owner), ("queue.rule_undone", owner)]
    site.owner.right("POST", "/v1/queue/cancel", {"filter": {"domains": ["later.example"]}})


def test_the_queue_is_summed_up(site: Site) -> None:
    good_session(site.smtp[0], "x@sum.example")
    summary = site.owner.right("GET", "/v1/queue")
    assert summary["messages"] >= 1
    rows = site.owner.right("GET", "/v1/queue/breakdown?by=domain&domains=sum.example")
    assert [(each["value"], each["count"]) for each in rows["slices"]] == [("sum.example", 1)]
    top = site.owner.right("GET", "/v1/queue/top")
    assert top["unheard"] == []
    assert sum(each["queued"] or 0 for each in top["providers"]) >= 0
    assert site.owner.ask("GET", "/v1/queue/messages/nothing/explain").status == 404
    unknown = "01900000-0000-7000-8000-000000000000"
    assert site.owner.ask("GET", f"/v1/queue/messages/{unknown}/explain").status == 404
    site.owner.right("POST", "/v1/queue/cancel", {"filter": {"domains": ["sum.example"]}})


def test_alarms_are_listed_and_silenced_by_who_may_act_on_the_queue(site: Site) -> None:
    found = site.owner.right("GET", "/v1/alarms?over=10")
    assert found["enabled"] is True
    assert {"raised", "over", "silences", "targets"} <= set(found)
    until = datetime.now(UTC) + timedelta(hours=1)
    asked = {
        "alarm": "bounce_rate",
        "subject": "tenant acme",
        "until": until.isoformat(),
        "reason": "we know",
    }
    silence = site.owner.right("POST", "/v1/alarms/silences", asked)
    assert silence["subject"] == {"kind": "tenant", "name": "acme"}
    assert silence["who"].startswith("key ")
    listed = site.owner.right("GET", "/v1/alarms")["silences"]
    assert [each["id"] for each in listed] == [silence["id"]]
    for wrong in ({"alarm": "nothing"}, {"subject": "planet mars"}, {"until": "2020-01-01T00:00Z"}):
        assert site.owner.ask("POST", "/v1/alarms/silences", {**asked, **wrong}).status == 400
    path = f"/v1/alarms/silences/{silence['id']}"
    assert site.owner.ask("DELETE", path).status == 204
    assert site.owner.ask("DELETE", path).status == 404
    assert site.owner.ask("DELETE", "/v1/alarms/silences/x").status == 404
    assert site.owner.ask("GET", "/v1/alarms/al_none").status == 404
    owner = who(site.owner)
    assert site.changes("bounce_rate") == [
        ("alarm.silenced", owner),
        ("alarm.silence_ended", owner),
    ]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_key_is_exchanged_for_a_token_that_ends_with_it(site: Site) -> None:
    made = site.owner.right("POST", "/v1/keys", {"scopes": ["emails", "keys:read"]})
    basic = base64.b64encode(f"{made['id']}:{made['key']}".encode()).decode()
    form = b"grant_type=client_credentials&scope=keys:read"
    headers = {**FORM, "Authorization": f"Basic {basic}"}
    nobody = ApiClient(site.http)
    told = nobody.ask("POST", "/v1/oauth/token", octets=form, headers=headers).json
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 3600, "keys:read")
    bearer = {"Authorization": f"Bearer {told['access_token']}"}
    found = nobody.ask("GET", "/v1/key", headers=bearer).json
    assert (found["id"], found["scopes"]) == (made["id"], ["keys:read"])
    assert nobody.ask("GET", "/v1/domains", headers=bearer).status == 403
    site.owner.right("DELETE", f"/v1/keys/{made['id']}")
    assert nobody.ask("GET", "/v1/key", headers=bearer).status == 401


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ("grant_type=password&client_secret=KEY", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials", 401, "invalid_client"),
        ("grant_type=client_credentials&client_secret=x", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=x&client_secret=KEY", 401, "invalid_client"),
        ("grant_type=client_credentials&client_secret=KEY&scope=queue", 400, "invalid_scope"),
        ("grant_type=client_credentials&client_secret=KEY&scope=fly", 400, "invalid_scope"),
        ("grant_type=a&grant_type=b", 400, "invalid_request"),
        ("%ff=\xff", 400, "invalid_request"),
    ],
)
def test_a_token_is_refused_as_the_rfc_has_it(
    site: Site, form: str, status: int, error: str
) -> None:
    key = site.client("emails").key
    octets = form.replace("KEY", key).encode("latin-1")
    reply = ApiClient(site.http).ask("POST", "/v1/oauth/token", octets=octets, headers=FORM)
    assert (reply.status, reply.json["error"]) == (status, error)
    token = "grant_type=client_credentials&client_secret=KEY".replace("KEY", key).encode()
    made = ApiClient(site.http).ask("POST", "/v1/oauth/token", octets=token, headers=FORM).json
    again = f"grant_type=client_credentials&client_secret={made['access_token']}".encode()
    reply = ApiClient(site.http).ask("POST", "/v1/oauth/token", octets=again, headers=FORM)
    assert reply.json["error"] == "invalid_client"
