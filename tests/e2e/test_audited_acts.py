"""Each command and each route that changes something leaves one entry in the audit, or it is said here why none.

A new one is in none of these lists at first, and fails.
"""

import contextlib
import importlib
import inspect
import io
import json
import smtplib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from angarium.api.compat.mailgun.dialect import Mailgun
from angarium.api.compat.postmark.dialect import Postmark
from angarium.api.compat.resend.dialect import Resend
from angarium.api.compat.sendgrid.dialect import SendGrid
from angarium.api.compat.ses.dialect import Ses
from angarium.api.native.resources import described_routes
from angarium.cli.main import postmaster, run
from tests.e2e.api_client import ApiClient
from tests.e2e.command_here import command_here
from tests.e2e.product import TRUSTED, Product
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
MORE = """
[[source]]
name = "ip2"
[[pool]]
name = "default"
sources = [{ name = "ip2" }]
[[warmup]]
source = "ip2"
messages_per_hour = [3, 5]

[feedback]
feedback_addresses = ["fbl@example.com"]

[lake]
enabled = true
flush_s = 0.2

[uploads]
"""


def leaves(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Yield the commands that do something, by their words."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    for name in command.list_commands(click.Context(command)):
        found = command.get_command(click.Context(command), name)
        assert found is not None
        yield from leaves(found, (*path, name))


class Site:
    """A running server, its operator's command line and an owner's program."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.api = ApiClient(
            product.http, str(self.ran("key", "create", "--scopes", "*", "--json")["key"])
        )
        self.done: set[str] = set()

    def ran(self, *words: str, stdin: str = "") -> Any:
        code, text = command_here(self.product.config, *words, stdin=stdin)
        assert code == 0, (words, code, text)
        return json.loads(text) if "--json" in words and text else text

    def submit(self, to: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.product.smtp[0], timeout=20) as client:
            client.sendmail("s@example.com", [to], f"To: {to}\r\n\r\nx\r\n")

    def entries(self) -> list[tuple[int, str, str]]:
        """Number, action and actor of each, the oldest first; but for what the server does by itself."""
        lines = command_here(self.product.config, "audit", "list", "--json")[1].splitlines()
        found = [json.loads(each) for each in reversed(lines)]
        return [
            (each["number"], each["action"], each["actor"])
            for each in found
            if each["actor"] != "server"
        ]

    def audited(self, what: str, act: Callable[[], Any]) -> Any:
        """Return what it returns; one entry tells of it."""
        before = {each[0] for each in self.entries()}
        result = act()
        new = [each for each in self.entries() if each[0] not in before]
        print(what, "->", [each[1:] for each in new])
        self.done.add(what)
        return result

    def command(self, what: str, *more: str, stdin: str = "") -> Any:
        return self.audited(what, lambda: self.ran(*what.split(), *more, stdin=stdin))

    def route(
        self, what: str, body: object = None, *, path: str = "", octets: bytes | None = None
    ) -> Any:
        method, _, template = what.partition(" ")

        def ask() -> Any:
            reply = self.api.ask(method, path or template, body, octets=octets)
            if reply.status >= 300:
                print("XXXX", what, reply.status, reply.body)
            return reply.json if reply.body[:1] in (b"{", b"[") else None

        return self.audited(what, ask)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with RecordingSink(replies={b"RCPT": b"451 4.2.0 later"}) as sink:
        product = Product(
            tmp_path_factory.mktemp("audited"), sink=sink.port, more=MORE, retry="[900]"
        )
        try:
            yield Site(product)
        finally:
            product.kill()


def test_routes(site: Site) -> None:
    route = site.route
    one = "/v1/keys/{id}"
    key = route("POST /v1/keys", {"scopes": ["keys:read"]})["id"]
    route(f"PATCH {one}", {"certificates": ["dns:app.example.com"]}, path=f"/v1/keys/{key}")
    route(f"POST {one}/rotate", path=f"/v1/keys/{key}/rotate")
    route(f"DELETE {one}", path=f"/v1/keys/{key}")
    route("POST /v1/tenants", {"name": "beta"})
    route("PATCH /v1/tenants/{name}", {"active": False}, path="/v1/tenants/beta")
    site.ran("domain", "add", "hall.example", "--assume-verified")
    route("POST /v1/domains", {"domain": "mill.example"})
    route("POST /v1/domains/{domain}/verify", path="/v1/domains/mill.example/verify")
    route("POST /v1/domains/{domain}/rotate", path="/v1/domains/hall.example/rotate")
    route("POST /v1/tracking-hosts", {"host": "t.hall.example"})
    route("POST /v1/tracking-hosts/{host}/check", path="/v1/tracking-hosts/t.hall.example/check")
    route("DELETE /v1/tracking-hosts/{host}", path="/v1/tracking-hosts/t.hall.example")
    route("DELETE /v1/domains/{domain}", path="/v1/domains/mill.example")
    route("POST /v1/topics", {"name": "news", "titles": {"en": "News"}})
    route("PATCH /v1/topics/{topic}", {"titles": {"en": "All"}}, path="/v1/topics/news")
    route("DELETE /v1/topics/{topic}", path="/v1/topics/news")
    route(
        "POST /v1/users",
        {"name": "eve@example.com", "role": "analyst", "password": "correct horse battery"},
    )
    route("DELETE /v1/users/{name}", path="/v1/users/eve@example.com")
    template_routes(site)
    address = "/v1/suppression/{email:[^/]+@[^/]+}"
    for before in ("/v1", ""):
        route(f"POST {before}/suppression/add", {"email": "s@example.com"})
        route(f"DELETE {before}{address[3:]}", path=f"{before}/suppression/s@example.com")
    route("POST /v1/suppression/import", octets=b"email\nt@example.com\n")
    for act in ("hold", "release", "retry", "cancel"):
        site.submit(f"{act}@example.net") if act == "hold" else None
        route(f"POST /v1/queue/{act}", {"filter": {"domains": ["example.net"]}})
    rule = route("POST /v1/queue/rules", {"domain": "example.net"})["name"]
    route("DELETE /v1/queue/rules/{rule}", path=f"/v1/queue/rules/{rule}")
    silence = route(
        "POST /v1/alarms/silences",
        {"alarm": "bounce_rate", "until": "2099-01-01T00:00:00Z" if False else soon()},
    )
    route("DELETE /v1/alarms/silences/{number}", path=f"/v1/alarms/silences/{silence['id']}")
    hook_routes(site)
    report = Path("tests/receiver_reports")
    upload = route("POST /v1/uploads", {"filename": "a.csv", "size": 10})["uploadId"]
    route("DELETE /v1/uploads/{id}", path=f"/v1/uploads/{upload}")
    campaign_routes(site)
    route("POST /v1/persons/export", {"address": "z@example.com"})
    route("POST /v1/persons/erase", {"address": "z@example.com"})


def soon() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def template_routes(site: Site) -> None:
    route, one = site.route, "/v1/templates/{template}"
    version = {"parts": {"subject": "s", "text": "t"}}
    route("POST /v1/templates", {"alias": "hello", "version": version})
    route(f"PATCH {one}", {"name": "Hello"}, path="/v1/templates/hello")
    route(f"POST {one}/copy", {"alias": "other"}, path="/v1/templates/hello/copy")
    route(f"POST {one}/versions", version, path="/v1/templates/hello/versions")
    number = "/v1/templates/hello/versions"
    route(f"PATCH {one}/versions/{{version}}", version, path=f"{number}/2")
    route(f"POST {one}/versions/{{version}}/publish", path=f"{number}/1/publish")
    route(f"DELETE {one}/versions/{{version}}", path=f"{number}/2")
    site.api.right("POST", number, {"parts": {"subject": "x", "text": "t"}, "publish": True})
    route(f"POST {one}/rollback", {}, path="/v1/templates/hello/rollback")
    route(f"DELETE {one}", path="/v1/templates/hello")


def hook_routes(site: Site) -> None:
    route, one = site.route, "/v1/webhooks/{id}"
    made = route("POST /v1/webhooks", {"url": "https://hooks.example.com/", "events": ["email.*"]})
    path = f"/v1/webhooks/{made['id']}"
    route(f"PATCH {one}", {"events": ["email.bounced"]}, path=path)
    route(f"POST {one}/rotate", path=f"{path}/rotate")
    trial = site.api.right("POST", f"{path}/test")
    route(f"POST {one}/replay", {"status": "failed"}, path=f"{path}/replay")
    route(
        f"POST {one}/deliveries/{{delivery}}/replay", path=f"{path}/deliveries/{trial['id']}/replay"
    )
    route(f"DELETE {one}", path=path)


def campaign_routes(site: Site) -> None:
    route, one = site.route, "/v1/email/campaigns/{id}"
    text = b"email\nq@example.net\n"
    made = site.api.right("POST", "/v1/uploads", {"filename": "b.csv", "size": len(text)})
    place = "/v1" + made["url"].partition("/v1")[2]
    assert ApiClient(site.product.http).ask("PUT", place, octets=text).status < 300
    body = {"subject": "s", "bodyText": "t", "uploadId": made["uploadId"], "schedule": soon()}
    reply = site.api.ask("POST", "/v1/email/campaigns", body)
    assert reply.status == 202, reply.body
    path = f"/v1/email/campaigns/{reply.json['transactionId']}"
    route(f"PATCH {one}", {"schedule": soon()}, path=path)
    for act in ("pause", "resume", "cancel"):
        route(f"POST {one}/{act}", path=f"{path}/{act}")


def test_commands(site: Site, tmp_path: Path) -> None:
    command = site.command
    queue_commands(site)
    tenant_commands(site, tmp_path)
    other_commands(site, tmp_path)
    assert site.done


def queue_commands(site: Site) -> None:
    command = site.command
    for name in "abc":
        site.submit(f"{name}@example.net")
    wait_until(lambda: len(site.product.mail_log()) >= 6)
    ids = [each["id"] for each in site.ran("queue", "list", "--json")["entries"]]
    command("queue hold", "--id", ids[0])
    command("queue release", "--id", ids[0])
    command("queue retry", "--id", ids[0])
    (rule,) = command("queue hold", "--rule", "--domain", "example.org", "--json")["rules"]
    site.submit("d@example.org")
    wait_until(lambda: len(site.product.queued()) == 4)
    (later,) = site.ran("queue", "list", "--domain", "example.org", "--json")["entries"]
    command("queue reschedule", later["id"].rpartition(".")[0], "--at", "2h")
    command("queue rules remove", str(rule["id"]))
    (rule,) = command("queue hold", "--rule", "--domain", "example.net", "--json")["rules"]
    command("queue reroute", "--id", ids[0], "--to", "smtp://127.0.0.1:1")
    command("queue cancel", "--id", ids[1])
    command("queue bounce", "--id", ids[2])
    command("queue show", ids[0], "--content", "--reason", "x")
    command("rules undo", f"hold-{rule['id']}")
    for act in ("hold", "promote", "restart"):
        command(f"warmup {act}", "ip2")
    command("alerts silence", "bounce_rate", "--for", "1h", "--json")
    command("alerts unsilence", "1")
    command("reload")


def tenant_commands(site: Site, tmp_path: Path) -> None:
    command = site.command
    command("tenant create", "acme")
    command("tenant set", "acme", "--rate", "7")
    command("tenant disable", "acme")
    command("tenant enable", "acme")
    command("tenant create", "gone")
    command("tenant remove", "gone", "--yes")
    key = command("key create", "--json")["id"]
    command("key bind", key, "dns:app.example.com")
    command("key rotate", key)
    command("key revoke", key)
    command("topic add", "offers", "--title", "en=Offers")
    command("topic set", "offers", "--title", "en=Deals")
    command("topic remove", "offers")
    hook = command("webhook add", "https://hooks.example.com/x", "--event", "email.*", "--json")[
        "id"
    ]
    command("webhook change", hook, "--event", "email.bounced")
    command("webhook disable", hook)
    command("webhook enable", hook)
    command("webhook rotate", hook)
    command("webhook replay", hook, "--failed")
    command("webhook callback-secret")
    command("webhook remove", hook)
    command("domain add", "shop.example", "--assume-verified")
    command("domain verify", "shop.example", "--assume-verified")
    command("domain rotate", "shop.example")
    command("tracking-host add", "t.shop.example")
    command("tracking-host remove", "t.shop.example")
    command("domain remove", "shop.example")
    command(
        "account add",
        "ann@example.com",
        "--role",
        "owner",
        "--password-stdin",
        stdin="correct horse battery\n",
    )
    command("account role", "ann@example.com", "admin")
    command(
        "account password", "ann@example.com", "--password-stdin", stdin="battery horse correct\n"
    )
    command("account totp", "ann@example.com")
    command("account remove-passkeys", "ann@example.com")
    command("account disable", "ann@example.com")
    command("account enable", "ann@example.com")
    command("account remove", "ann@example.com", "--yes")
    command(
        "user add",
        "bob",
        "--senders",
        "@example.com",
        "--password-stdin",
        stdin="correct horse battery\n",
    )
    command("user set", "bob", "--senders", "@example.org")
    command("user passwd", "bob", "--password-stdin", stdin="battery horse correct\n")
    command("user remove", "bob")


def other_commands(site: Site, tmp_path: Path) -> None:
    command = site.command
    command("suppress add", "x@example.com")
    command("suppress remove", "x@example.com")
    rows = tmp_path / "rows.csv"
    rows.write_text("email\ny@example.com\n")
    command("suppress import", str(rows))
    command("suppress export", str(tmp_path / "out.csv"))
    upload = command("upload add", str(rows), "--json")["uploadId"]
    command("upload remove", upload)
    command("export", "--address", "y@example.com", "--out", str(tmp_path / "y.zip"))
    command("erase", "--address", "y@example.com")
