"""Each command and each route that changes something leaves one entry in the audit, or it is said here why none.

A new one is in none of these lists at first, and fails.
"""

import ast
import importlib
import inspect
import json
import re
import smtplib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

import angarium
from angarium.api.compat.mailgun.dialect import Mailgun
from angarium.api.compat.mailgun.domains import DomainList
from angarium.api.compat.mailgun.templates import Templates as MailgunTemplates
from angarium.api.compat.postmark.dialect import Postmark
from angarium.api.compat.postmark.templates import Templates as PostmarkTemplates
from angarium.api.compat.resend.dialect import Resend
from angarium.api.compat.resend.domains import Domains as ResendDomains
from angarium.api.compat.resend.emails import Emails
from angarium.api.compat.resend.keys import Keys as ResendKeys
from angarium.api.compat.resend.suppressions import Suppressions as ResendSuppressions
from angarium.api.compat.resend.templates import Templates as ResendTemplates
from angarium.api.compat.resend.webhooks import Webhooks as ResendWebhooks
from angarium.api.compat.sendgrid.dialect import SendGrid
from angarium.api.compat.sendgrid.templates import Templates as SendGridTemplates
from angarium.api.compat.ses.dialect import Ses
from angarium.api.compat.ses.suppressed_list import SuppressedList
from angarium.api.compat.ses.templates import SesTemplates
from angarium.api.native.resources import described_routes
from angarium.cli.main import postmaster
from tests.e2e.api_client import ApiClient
from tests.e2e.command_here import command_here
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink
from tests.e2e.test_feedback import FORGED
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
messages_per_hour = [3000, 5000]

[feedback]
feedback_addresses = ["fbl@example.com"]

[lake]
enabled = true
flush_s = 0.2
"""

REPORT = """<?xml version="1.0"?><feedback><report_metadata><org_name>oak.example</org_name>
<email>d@oak.example</email><report_id>1</report_id><date_range><begin>1700000000</begin><end>1700086400</end>
</date_range></report_metadata><policy_published><domain>hall.example</domain><p>none</p></policy_published>
<record><row><source_ip>192.0.2.1</source_ip><count>2</count><policy_evaluated><disposition>none</disposition>
<dkim>pass</dkim><spf>pass</spf></policy_evaluated></row><identifiers><header_from>hall.example</header_from>
</identifiers><auth_results></auth_results></record></feedback>
"""
# A note, or what has it made of several methods
NOTES = re.compile(r"note\(|changer|let_sign\(|_forget\(|examined\.settle\(")
ADDED = ("queue.rule_added",)

# Of commands, what entries they leave; ``test_each_command_leaves_its_entry`` has them do it
TRACKED = "tracking_host.{state}"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "account add": ("account.added",),
    "account disable": ("account.disabled",),
    "account enable": ("account.enabled",),
    "account password": ("account.password_set",),
    "account remove": ("account.removed",),
    "account remove-passkeys": ("account.passkeys_removed",),
    "account role": ("account.role_set",),
    "account totp": ("account.totp_set",),
    "alerts silence": ("alarm.silenced",),
    "alerts unsilence": ("alarm.silence_ended",),
    "analytics rebuild": ("counters.rebuilt",),
    "domain add": ("domain.added",),
    "domain remove": ("domain.removed",),
    "domain rotate": ("domain.key_made",),
    # Its keys sign from then on
    "domain verify": ("domain.verified", "domain.key_signs"),
    "erase": ("person.erased",),
    "export": ("person.exported",),
    "feedback forget": ("report.forgotten",),
    "feedback import": ("report.imported",),
    "key bind": ("key.bound",),
    "key create": ("key.created",),
    "key revoke": ("key.revoked",),
    "key rotate": ("key.rotated",),
    "lake compact": ("lake.compacted",),
    "lake export": ("lake.exported",),
    "queue bounce": ("queue.bounce",),
    "queue cancel": ("queue.cancel",),
    "queue hold": ("queue.hold",),
    "queue release": ("queue.release",),
    "queue reroute": ("queue.reroute",),
    "queue reschedule": ("queue.rescheduled",),
    "queue retry": ("queue.retry",),
    "queue rules remove": ("queue.rule_undone",),
    # Looking at somebody's mail changes nothing, and is to be known
    "queue show": ("queue.content_shown",),
    "receivers import": ("receiver_report.brought",),
    "reload": ("server.reloaded",),
    "rules undo": ("queue.rule_undone",),
    "suppress add": ("suppression.added",),
    "suppress export": ("suppression.exported",),
    "suppress import": ("suppression.imported",),
    "suppress remove": ("suppression.removed",),
    # With a first version, which is one more thing that was made
    "template create": ("template.created", "template.version_saved"),
    "template delete": ("template.removed",),
    "template import": ("template.version_saved",),
    "template publish": ("template.published",),
    "template rollback": ("template.rolled_back",),
    "template save": ("template.version_saved",),
    "tenant create": ("tenant.created",),
    "tenant disable": ("tenant.disabled",),
    "tenant enable": ("tenant.enabled",),
    "tenant remove": ("tenant.removed",),
    "tenant set": ("tenant.plan_changed",),
    "topic add": ("topic.created",),
    "topic remove": ("topic.removed",),
    "topic set": ("topic.changed",),
    "tracking-host add": ("tracking_host.added",),
    "tracking-host remove": ("tracking_host.removed",),
    "upload add": ("upload.added",),
    "upload remove": ("upload.removed",),
    "user add": ("user.added",),
    "user passwd": ("user.password_changed",),
    "user remove": ("user.removed",),
    "user set": ("user.changed",),
    "warmup hold": ("warmup.hold",),
    "warmup promote": ("warmup.promote",),
    "warmup restart": ("warmup.restart",),
    "webhook add": ("webhook.created",),
    "webhook change": ("webhook.changed",),
    "webhook disable": ("webhook.disabled",),
    "webhook enable": ("webhook.enabled",),
    "webhook remove": ("webhook.removed",),
    "webhook replay": ("webhook.replayed",),
    "webhook rotate": ("webhook.rotated",),
}
# What takes more than a server to have done: where its entry is in our source
BY_SOURCE: Mapping[str, tuple[str, str]] = {
    "account link": ("angarium.tenancy.identities", "account.identity_added"),
    "account unlink": ("angarium.tenancy.identities", "account.identity_removed"),
    "adopt": ("angarium.cli.adopt", "server.adopted"),
    "lake rebuild": ("angarium.cli.lake.rebuild", "lake.rebuilt"),
    "connections abort": ("angarium.cli.traffic.connections", "connection.aborted"),
    "queue compact": ("angarium.cli.queue.command", "queue.compacted"),
    "queue new": ("angarium.cli.queue.repair", "queue.begun_anew"),
    "receivers poll": ("angarium.cli.receivers.polling", "receiver_figures.polled"),
    "reputation resume": ("angarium.cli.reputation.command", "sender.resumed"),
    "trace": ("angarium.cli.trace.command", "sessions.watched"),
    "tracking-host check": ("angarium.tenancy.tracking_hosts", TRACKED),
}
SENDS = "sends mail, or takes it back before it is sent: the event log has the key"
OVER_THE_API = "asks the HTTP API, whose routes leave the entry, with the key"
NO_ACT: Mapping[str, str] = {
    "alerts test": "tells targets of a trial, and changes nothing",
    **dict.fromkeys(
        [f"campaign {act}" for act in ("cancel", "pause", "reschedule", "resume")], OVER_THE_API
    ),
    "campaign resend": "sends mail, by the HTTP API",
    "campaign start": "sends mail, by the HTTP API",
    "dkim keygen": "makes a file that no server uses until a reload, which is audited",
    "quickstart": "makes an installation: there is no audit before",
    "send": "sends mail",
    "serve": "is the server",
    "template test": "sends mail",
    "webhook test": "tells an endpoint of a trial, and changes nothing",
}
READS = frozenset(
    {
        *("account list", "account show", "alerts history", "alerts list", "alerts show"),
        *("audit export", "audit head", "audit list", "audit verify", "campaign errors"),
        *("campaign list", "campaign rows", "campaign show", "check", "connections list"),
        *("content check", "dkim dns", "dkim verify", "doctor", "domain list", "domain show"),
        *("feedback classify", "feedback list", "feedback parse", "feedback show", "forecast"),
        *("key list", "key show", "lake query", "lake status", "lake verify", "log", "providers"),
        *("queue explain", "queue list", "queue summary", "queue verify", "receivers dmarc"),
        *("receivers feedback", "receivers figures", "receivers insights", "receivers list"),
        *("receivers show", "receivers tls", "report day", "report insights", "report readers"),
        *(f"reputation {each}" for each in ("blocklists", "campaign", "domain", "path")),
        *(f"reputation {each}" for each in ("provider", "source", "stream", "tenant")),
        *("retention", "rules lint", "rules list", "rules replay", "sources", "stats", "status"),
        *("suppress list", "suppress show", "template diff", "template export", "template list"),
        *("template preview", "template show", "tenant list", "tenant show", "top", "topic list"),
        *("tracking-host list", "tracking-host show", "upload list", "user list", "version"),
        *("warmup show", "webhook callback-secret", "webhook deliveries", "webhook delivery"),
        *("webhook list", "webhook show"),
    }
)
# Handlers of other vendors' dialects that leave none, and why
COMPAT_NO_ACT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("Emails._send", "Emails._send_batch", "Emails._reschedule", "Emails._cancel"),
            *("SendGrid._send", "Postmark._send", "Postmark._send_batch"),
            *("Postmark._send_template", "Postmark._send_templates", "Postmark._send_bulk"),
            *("Mailgun._messages", "Mailgun._mime", "Ses._send", "Ses._send_bulk"),
        ),
        SENDS,
    ),
    "Ses._template_handlers.<locals>.render": "reads",
    "Templates._validate": "reads",
    "Webhooks._refuse_events": "is refused",
}
ROUTES: Mapping[str, tuple[str, ...]] = {
    "DELETE /suppression/{email:[^/]+@[^/]+}": ("suppression.removed",),
    "DELETE /v1/alarms/silences/{number}": ("alarm.silence_ended",),
    "DELETE /v1/domains/{domain}": ("domain.removed",),
    "DELETE /v1/keys/{id}": ("key.revoked",),
    "DELETE /v1/queue/rules/{rule}": ("queue.rule_undone",),
    "DELETE /v1/suppression/{email:[^/]+@[^/]+}": ("suppression.removed",),
    "DELETE /v1/templates/{template}": ("template.removed",),
    "DELETE /v1/templates/{template}/versions/{version}": ("template.version_removed",),
    "DELETE /v1/topics/{topic}": ("topic.removed",),
    "DELETE /v1/tracking-hosts/{host}": ("tracking_host.removed",),
    "DELETE /v1/uploads/{id}": ("upload.removed",),
    "DELETE /v1/users/{name}": ("account.role_set",),
    "DELETE /v1/webhooks/{id}": ("webhook.removed",),
    "PATCH /v1/email/campaigns/{id}": ("campaign.reschedule",),
    "PATCH /v1/keys/{id}": ("key.bound",),
    "PATCH /v1/templates/{template}": ("template.changed",),
    "PATCH /v1/templates/{template}/versions/{version}": ("template.version_changed",),
    "PATCH /v1/tenants/{name}": ("tenant.disabled",),
    "PATCH /v1/topics/{topic}": ("topic.changed",),
    "PATCH /v1/webhooks/{id}": ("webhook.changed",),
    "POST /suppression/add": ("suppression.added",),
    "POST /v1/alarms/silences": ("alarm.silenced",),
    "POST /v1/domains": ("domain.added",),
    "POST /v1/domains/{domain}/rotate": ("domain.key_made",),
    "POST /v1/email/campaigns/{id}/cancel": ("campaign.cancel",),
    "POST /v1/email/campaigns/{id}/pause": ("campaign.pause",),
    "POST /v1/email/campaigns/{id}/resume": ("campaign.resume",),
    "POST /v1/keys": ("key.created",),
    "POST /v1/keys/{id}/rotate": ("key.rotated",),
    "POST /v1/persons/erase": ("person.erased",),
    "POST /v1/persons/export": ("person.exported",),
    "POST /v1/queue/cancel": ("queue.cancel",),
    "POST /v1/queue/hold": ("queue.hold",),
    "POST /v1/queue/release": ("queue.release",),
    "POST /v1/queue/retry": ("queue.retry",),
    "POST /v1/queue/rules": ("queue.rule_added",),
    "POST /v1/receiver-reports": ("receiver_report.brought",),
    "POST /v1/suppression/add": ("suppression.added",),
    "POST /v1/suppression/import": ("suppression.imported",),
    "POST /v1/templates": ("template.created", "template.version_saved"),
    "POST /v1/templates/{template}/copy": ("template.created", "template.version_saved"),
    "POST /v1/templates/{template}/rollback": ("template.rolled_back",),
    "POST /v1/templates/{template}/versions": ("template.version_saved",),
    "POST /v1/templates/{template}/versions/{version}/publish": ("template.published",),
    "POST /v1/tenants": ("tenant.created",),
    "POST /v1/topics": ("topic.created",),
    "POST /v1/tracking-hosts": ("tracking_host.added",),
    "POST /v1/uploads": ("upload.announced",),
    "POST /v1/users": ("account.added",),
    "POST /v1/webhooks": ("webhook.created",),
    "POST /v1/webhooks/{id}/deliveries/{delivery}/replay": ("webhook.replayed",),
    "POST /v1/webhooks/{id}/replay": ("webhook.replayed",),
    "POST /v1/webhooks/{id}/rotate": ("webhook.rotated",),
}
ROUTES_BY_SOURCE: Mapping[str, tuple[str, str]] = {
    "DELETE /v1/login/oidc/{name}/link": (
        "angarium.tenancy.identities",
        "account.identity_removed",
    ),
    "POST /v1/domains/{domain}/verify": ("angarium.tenancy.domains", "domain.verified"),
    "POST /v1/login": ("angarium.tenancy.sign_in", "account.logged_in"),
    "POST /v1/login/oidc/{name}/link": ("angarium.tenancy.identities", "account.identity_added"),
    "POST /v1/login/passkey": ("angarium.tenancy.sign_in", "account.logged_in"),
    "POST /v1/passkeys": ("angarium.tenancy.passkeys", "account.passkey_added"),
    "POST /v1/tracking-hosts/{host}/check": (*("angarium.tenancy.tracking_hosts", TRACKED),),
}
NO_ACT_ROUTES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("POST /v1/send", "POST /v1/send-email", "POST /send-email", "POST /send"),
            *("POST /v1/batch_send", "POST /batch_send", "POST /v1/send-raw"),
            *("DELETE /v1/emails/{id}", "PATCH /v1/emails/{id}"),
            *("POST /v1/email/campaigns", "POST /api/v1/email/campaigns"),
            *("POST /v1/email/campaigns/{id}/resend-failed", "POST /v1/templates/{template}/test"),
        ),
        SENDS,
    ),
    "PATCH /v1/uploads/{id}/content": "is what was announced, by a signed URL: no key asks",
    "POST /v1/check": "reads",
    "POST /v1/lake/query": "reads",
    "POST /v1/login/passkey/begin": "changes nothing: a question for an authenticator",
    "POST /v1/logout": "ends one's own session",
    "POST /v1/oauth/token": "gives a key's own rights for an hour",
    "POST /v1/passkeys/begin": "changes nothing: a question for an authenticator",
    "POST /v1/templates/{template}/preview": "reads",
    "POST /v1/webhooks/{id}/test": "tells an endpoint of a trial, and changes nothing",
    "PUT /v1/uploads/{id}/content": "is what was announced, by a signed URL: no key asks",
}


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
            product.http,
            str(self.ran("key", "create", "--scopes", "*,queue,tenants", "--json")["key"]),
        )
        self.done: set[str] = set()

    def ran(self, *words: str, stdin: str = "") -> Any:
        code, text = command_here(self.product.config, *words, stdin=stdin)
        assert code == 0, (words, code, text)
        assert "the audit has no entry of it" not in text
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

    def audited(self, what: str, act: Callable[[], Any], entries: tuple[str, ...] = ()) -> Any:
        """Return what it returns; ``entries``, else those of the table, tell of it, and no others."""
        before = {each[0] for each in self.entries()}
        result = act()
        new = [each for each in self.entries() if each[0] not in before]
        told = tuple(each[1] for each in new)
        assert told == (entries or (COMMANDS | ROUTES)[what]), (what, result)
        assert all("(command line)" in each[2] or each[2].startswith("key ") for each in new)
        self.done.add(what)
        return result

    def command(self, what: str, *more: str, stdin: str = "", entries: tuple[str, ...] = ()) -> Any:
        return self.audited(what, lambda: self.ran(*what.split(), *more, stdin=stdin), entries)

    def route(
        self, what: str, body: object = None, *, path: str = "", octets: bytes | None = None
    ) -> Any:
        method, _, template = what.partition(" ")

        def ask() -> Any:
            reply = self.api.ask(method, path or template, body, octets=octets)
            assert reply.status < 300, (what, reply.status, reply.body)
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


def key_routes(site: Site) -> None:
    route, one = site.route, "/v1/keys/{id}"
    key = route("POST /v1/keys", {"scopes": ["keys:read"]})["id"]
    path = f"/v1/keys/{key}"
    route(f"PATCH {one}", {"certificates": ["dns:app.example.com"]}, path=path)
    route(f"POST {one}/rotate", {}, path=f"{path}/rotate")
    route(f"DELETE {one}", path=path)
    route("POST /v1/tenants", {"name": "beta"})
    route("PATCH /v1/tenants/{name}", {"active": False}, path="/v1/tenants/beta")
    password = "correct horse battery"
    route("POST /v1/users", {"name": "eve@example.com", "role": "read-only", "password": password})
    route("DELETE /v1/users/{name}", path="/v1/users/eve@example.com")


def domain_routes(site: Site) -> None:
    route = site.route
    site.ran("domain", "add", "hall.example", "--assume-verified")
    route("POST /v1/domains", {"domain": "mill.example"})
    route("POST /v1/domains/{domain}/rotate", path="/v1/domains/hall.example/rotate")
    route("POST /v1/tracking-hosts", {"host": "t.hall.example"})
    route("DELETE /v1/tracking-hosts/{host}", path="/v1/tracking-hosts/t.hall.example")
    route("DELETE /v1/domains/{domain}", path="/v1/domains/mill.example")
    route("POST /v1/topics", {"name": "news", "titles": {"en": "News"}})
    route("PATCH /v1/topics/{topic}", {"titles": {"en": "All"}}, path="/v1/topics/news")
    route("DELETE /v1/topics/{topic}", path="/v1/topics/news")


def suppression_routes(site: Site) -> None:
    route = site.route
    for before in ("/v1", ""):
        route(f"POST {before}/suppression/add", {"email": "s@example.com"})
        path = f"{before}/suppression/s@example.com"
        route(f"DELETE {before}/suppression/{{email:[^/]+@[^/]+}}", path=path)
    route("POST /v1/suppression/import", octets=b"email\nt@example.com\n")


def queue_routes(site: Site) -> None:
    route = site.route
    site.submit("late@example.net")
    for act in ("hold", "release", "retry", "cancel"):
        route(f"POST /v1/queue/{act}", {"filter": {"domains": ["example.net"]}})
    rule = route("POST /v1/queue/rules", {"domain": "example.net"})["name"]
    route("DELETE /v1/queue/rules/{rule}", path=f"/v1/queue/rules/{rule}")
    asked = {"alarm": "bounce_rate", "until": soon(), "reason": "we know"}
    silence = route("POST /v1/alarms/silences", asked)
    route("DELETE /v1/alarms/silences/{number}", path=f"/v1/alarms/silences/{silence['id']}")


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
    upload = route("POST /v1/uploads", {"filename": "a.csv", "size": 10})["uploadId"]
    route("DELETE /v1/uploads/{id}", path=f"/v1/uploads/{upload}")
    text = b"email\nq@example.net\n"
    made = site.api.right("POST", "/v1/uploads", {"filename": "b.csv", "size": len(text)})
    place = "/v1" + made["url"].partition("/v1")[2]
    assert ApiClient(site.product.http).ask("PUT", place, octets=text).status < 300
    body = {
        "subject": "s",
        "bodyText": "t",
        "uploadId": made["uploadId"],
        "schedule": {"sendAt": soon()},
    }
    reply = site.api.ask("POST", "/v1/email/campaigns", body)
    assert reply.status == 202, reply.body
    path = f"/v1/email/campaigns/{reply.json['transactionId']}"
    route(f"PATCH {one}", {"schedule": {"sendAt": soon()}}, path=path)
    for act in ("pause", "resume", "cancel"):
        route(f"POST {one}/{act}", path=f"{path}/{act}")


def test_each_command_leaves_its_entry(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_commands(site)
    tenant_commands(site)
    account_commands(site)
    template_commands(site, tmp_path)
    file_commands(site, tmp_path)
    site.command("analytics rebuild")
    later = time.time_ns() // 1_000_000 + 48 * 3_600_000
    monkeypatch.setattr("angarium.cli.lake.command.wall_clock", lambda: later)
    site.command("lake compact")
    site.command("lake export", str(tmp_path / "out.jsonl"))
    site.command("reload")
    assert COMMANDS.keys() - site.done == set()
    assert site.ran("audit", "verify", "--json")["whole"]


def queue_commands(site: Site) -> None:
    command = site.command
    ours = [f"{name}@queue.example.net" for name in "abc"]
    for each in ours:
        site.submit(each)

    def deferred() -> list[str]:
        entries = site.ran("queue", "list", "--domain", "queue.example.net", "--json")["entries"]
        return [each["id"] for each in entries if each["attempts"] == 1]

    wait_until(lambda: len(deferred()) == 3)
    ids = deferred()
    command("queue hold", "--id", ids[0])
    command("queue release", "--id", ids[0])
    command("queue retry", "--id", ids[0])
    (rule,) = command("queue hold", "--rule", "--domain", "example.org", "--json", entries=ADDED)[
        "rules"
    ]
    site.submit("d@example.org")

    def held() -> list[Any]:
        return list(site.ran("queue", "list", "--domain", "example.org", "--json")["entries"])

    wait_until(held)
    (later,) = held()
    command("queue reschedule", later["id"].rpartition(".")[0], "--at", "2h")
    command("queue rules remove", str(rule["id"]))
    (rule,) = command("queue hold", "--rule", "--domain", "example.net", "--json", entries=ADDED)[
        "rules"
    ]
    command("queue reroute", "--id", ids[0], "--to", "smtp://127.0.0.1:1")
    command("queue cancel", "--id", ids[1])
    command("queue bounce", "--id", ids[2])
    command("queue show", ids[0], "--content", "--reason", "x")
    command("rules undo", f"hold-{rule['id']}")
    for act in ("hold", "promote", "restart"):
        command(f"warmup {act}", "ip2")
    command("alerts silence", "bounce_rate", "--for", "1h", "--json")
    command("alerts unsilence", "1")


def tenant_commands(site: Site) -> None:
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
    command("webhook remove", hook)
    command("domain add", "shop.example")
    command("domain verify", "shop.example", "--assume-verified")
    command("domain rotate", "shop.example")
    command("tracking-host add", "t.shop.example")
    command("tracking-host remove", "t.shop.example")
    command("domain remove", "shop.example")


def account_commands(site: Site) -> None:
    command = site.command
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


def template_commands(site: Site, tmp_path: Path) -> None:
    command, folder = site.command, tmp_path / "letters" / "letter"
    folder.mkdir(parents=True)
    for number, act in enumerate(("create", "save", "import")):
        (folder / "template.json").write_text(json.dumps({"name": "Letter"}))
        (folder / "subject.txt").write_text(f"Subject {number}")
        (folder / "body.txt").write_text("Text")
        where = (str(folder.parent),) if act == "import" else ("letter", str(folder))
        command(f"template {act}", *where)
    command("template publish", "letter", "1")
    site.ran("template", "publish", "letter", "2")
    command("template rollback", "letter")
    command("template delete", "letter")


def file_commands(site: Site, tmp_path: Path) -> None:
    command = site.command
    command("suppress add", "x@example.com", "w@example.com")
    command("suppress remove", "x@example.com", "w@example.com")
    rows = tmp_path / "rows.csv"
    rows.write_text("email\ny@example.com\n")
    command("suppress import", str(rows))
    command("suppress export", str(tmp_path / "out.csv"))
    upload = command("upload add", str(rows), "--json")["uploadId"]
    command("upload remove", upload)
    mail = tmp_path / "mail.eml"
    mail.write_bytes(FORGED % b"forged")
    command("feedback import", str(mail))
    wait_until(lambda: bool(site.ran("feedback", "list", "--json")))
    command("feedback forget", "--all")
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    command("receivers import", str(report))
    command("export", "--address", "z@example.com", "--out", str(tmp_path / "z.zip"))
    command("erase", "--address", "z@example.com")


def test_each_route_leaves_its_entry(site: Site) -> None:
    key_routes(site)
    domain_routes(site)
    template_routes(site)
    suppression_routes(site)
    queue_routes(site)
    hook_routes(site)
    campaign_routes(site)
    route = site.route
    route("POST /v1/receiver-reports", octets=REPORT.encode())
    for act in ("export", "erase"):
        route(f"POST /v1/persons/{act}", {"address": "z@example.com"})
    assert ROUTES.keys() - site.done == set()


def test_nothing_that_changes_something_is_forgotten() -> None:
    """Whoever adds a command or a route has it leave an entry, or says here why none."""
    commands = [name for name, _ in leaves(postmaster)]
    known = [*COMMANDS, *BY_SOURCE, *NO_ACT, *READS]
    assert sorted(commands) == sorted(known)
    routes = [f"{each.method} {each.path}" for each in described_routes() if each.method != "GET"]
    assert sorted(routes) == sorted([*ROUTES, *ROUTES_BY_SOURCE, *NO_ACT_ROUTES])
    for module, action in (BY_SOURCE | ROUTES_BY_SOURCE).values():
        source = inspect.getsource(importlib.import_module(module))
        assert "note" in source
        assert f'"{action}"' in source, (module, action)


class _Absent:
    def __getattr__(self, _: str) -> "_Absent":
        return self

    def __call__(self, *_: object, **__: object) -> "_Absent":
        return self


def dialects() -> Iterator[Any]:
    """Other vendors' dialects, of which nothing can be asked."""
    gone: Any = _Absent()
    resend = (ResendDomains(gone), ResendKeys(gone), ResendSuppressions(gone))
    more = (ResendWebhooks(gone), ResendTemplates(gone))
    yield Resend(Emails(gone, gone, gone, gone), *resend, *more)
    yield SendGrid(gone, gone, SendGridTemplates(gone, gone))
    yield Postmark(gone, gone, gone, PostmarkTemplates(gone))
    yield Mailgun(gone, gone, gone, DomainList(gone, gone), MailgunTemplates(gone, gone))
    yield Ses(gone, gone, gone, gone, gone)


def test_other_vendors_routes_change_things_by_what_leaves_entries() -> None:
    """The platform's stores, which note in the transaction; or what our own routes do."""
    handlers = [
        getattr(route.handler, "func", route.handler)
        for dialect in dialects()
        for route in dialect.routes()
        if route.method != "GET"
    ]
    silent = {each.__qualname__ for each in handlers if not _leaves_an_entry(each)}
    assert silent == COMPAT_NO_ACT.keys()


def _leaves_an_entry(handler: Any) -> bool:
    name = handler.__qualname__
    if name in COMPAT_NO_ACT:
        return False
    module = handler.__module__
    if module == Ses.__module__:
        module = (SuppressedList if "suppressed" in name else SesTemplates).__module__
    source = inspect.getsource(sys.modules[module])
    return any(each in source for each in ("platform.run(", "Kept", "_note(", ".note("))


def test_what_changes_the_platform_leaves_an_entry_in_its_transaction() -> None:
    silent: list[str] = []
    for file in (Path(angarium.__file__).parent / "tenancy").rglob("*.py"):
        text = file.read_text()
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef):
                source = ast.get_source_segment(text, function) or ""
                if ".changing()" in source and not re.search(NOTES, source):
                    silent.append(f"{file.name}: {function.name}")
    assert silent == []
