"""Tracked mail of a running server, from its acceptance to its reader: mirrors angarium/intake/tracking.py,
angarium/tracking/filling.py.
"""

import json
import re
import smtplib
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from angarium.access.tracking_keys import read_tracking_keys
from angarium.queue.wall_clock import wall_clock
from angarium.tracking.tokens import Leaver, Link, TrackingKeys, Who
from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, Taken, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
NOW = wall_clock()
HOST = "http://t.example.com"
TRACKING = """
[tracking]
host = "t.example.com"
insecure = true
[[stream]]
name = "news"
opens = true
clicks = true
"""
HTML = '<p>Hällo <a href="https://shop.example/a?b=c&amp;d=é">here</a> or <a href="mailto:a@b.example">write</a></p>'
ADDRESS = "1 Main Street\n12345 Springfield"


class Site(Product):
    def __init__(self, folder: Path, sink: RecordingSink) -> None:
        super().__init__(folder, sink=sink.port, more=TRACKING)
        self.sink = sink
        self.postmaster("domain", "add", "shop.example", "--assume-verified")
        made = self.postmaster("key", "create", "--scopes", "*,tenants", "--json")
        self.owner = ApiClient(self.http, json.loads(made)["key"])
        self.keys = TrackingKeys(read_tracking_keys(folder / "data" / "tracking.key"))

    def send(self, **fields: Any) -> Any:
        body = {"from": "a@shop.example", "subject": "s", "bodyHtml": HTML, **fields}
        return self.owner.right("POST", "/v1/send", body)

    def arrived(self, mark: str, mails: int = 1) -> list[Taken]:
        """Return the mails to addresses with the mark, in no order."""

        def found() -> list[Taken]:
            return [each for each in self.sink.taken if mark.encode() in b"".join(each.rcpts)]

        wait_until(lambda: len(found()) >= mails)
        return found()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with RecordingSink() as sink:
        started = Site(tmp_path_factory.mktemp("tracking"), sink)
        try:
            yield started
            started.assert_clean()
        finally:
            started.kill()


def read(taken: Taken) -> EmailMessage:
    message = message_from_bytes(taken.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def html_of(taken: Taken) -> str:
    part = read(taken).get_body(("html",))
    assert part is not None
    return str(part.get_content())


def links(html: str, kind: str) -> list[str]:
    return re.findall(rf'"{HOST}/{kind}/([^"]*)"', html)


def test_each_recipient_gets_a_copy_that_says_whose_it_is(site: Site) -> None:
    sent = site.send(
        to=["ann-1@example.net", "bob-1@example.net"], tracking={"opens": True, "clicks": True}
    )
    found = {each.rcpts[0]: each for each in site.arrived("-1@", mails=2)}
    assert all(len(each.rcpts) == 1 for each in found.values())
    seen = set()
    for each in found.values():
        html = html_of(each)
        assert "Hällo" in html
        assert 'href="mailto:a@b.example"' in html
        (pixel,) = links(html, "o")
        who = site.keys.read_who(pixel, NOW)
        assert isinstance(who, Who)
        (click,) = links(html, "c")
        link = site.keys.read_link(*click.split("/"), NOW)
        assert isinstance(link, Link)
        assert link.target == "https://shop.example/a?b=c&d=%C3%A9"
        assert link.who == who
        assert who.message_id.hex() == sent["emailId"].replace("-", "")
        seen.add(who.index)
    assert seen == {0, 1}


def test_who_does_not_want_it_gets_the_plain_links(site: Site) -> None:
    site.send(
        recipients=[
            {"address": "ann-2@example.net"},
            {"address": "bob-2@example.net", "tracking": False},
        ],
        tracking={"opens": True, "clicks": True},
    )
    found = {each.rcpts[0]: html_of(each) for each in site.arrived("-2@", mails=2)}
    (tracked,) = [html for rcpt, html in found.items() if b"ann" in rcpt]
    (plain,) = [html for rcpt, html in found.items() if b"bob" in rcpt]
    assert links(tracked, "o")
    assert HOST not in plain
    assert 'href="https://shop.example/a?b=c&amp;d=%C3%A9"' in plain


def test_a_stream_says_what_is_tracked_and_the_message_wins(site: Site) -> None:
    site.send(to="a-3@example.net")
    site.send(to="a-4@example.net", stream="news")
    site.send(to="a-5@example.net", stream="news", tracking={"clicks": False})
    assert HOST not in html_of(site.arrived("a-3@")[0])
    assert links(html_of(site.arrived("a-4@")[0]), "c")
    html = html_of(site.arrived("a-5@")[0])
    assert (len(links(html, "o")), links(html, "c")) == (1, [])


def test_mail_by_smtp_is_tracked_as_its_header_says(site: Site) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@shop.example", "a-6@example.net", "s"
    message["X-Angarium-Track"] = "clicks"
    message.set_content("plain")
    message.add_alternative(HTML, subtype="html", cte="base64")
    with smtplib.SMTP("127.0.0.1", site.smtp[0]) as client:
        client.send_message(message)
    (taken,) = site.arrived("a-6@")
    html = html_of(taken)
    assert (links(html, "o"), len(links(html, "c"))) == ([], 1)
    assert "x-angarium-track" not in {name.lower() for name in read(taken)}


def test_a_wrong_word_in_the_header_is_refused(site: Site) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["X-Angarium-Track"] = "a@x.example", "b@x.net", "all"
    with (
        smtplib.SMTP("127.0.0.1", site.smtp[0]) as client,
        pytest.raises(smtplib.SMTPDataError, match="X-Angarium-Track is none of these"),
    ):
        client.send_message(message)


def test_bulk_mail_says_how_to_leave_in_its_header_and_body(site: Site) -> None:
    site.postmaster("tenant", "set", "default", "--postal-address", ADDRESS)
    body = '<p>Hi</p><p>{{postal_address}}</p><a href="{{unsubscribe_url}}">no more</a>'
    wait_until(lambda: site.owner.ask("POST", "/v1/send", bulk(body, "a-7@")).status == 200)
    taken = site.arrived("a-7@")[0]
    header = read(taken)
    assert header["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = re.fullmatch(rf"<{HOST}/u/(\S+)>", header["List-Unsubscribe"])
    assert address is not None
    for token in (address[1], *links(html_of(taken), "u")):
        leaver = site.keys.read_leave(token, NOW)
        assert isinstance(leaver, Leaver)
        assert (leaver.address, leaver.stream) == ("a-7@example.net", "bulk")
    assert "1 Main Street<br>" in html_of(taken)


@pytest.mark.parametrize(
    ("body", "lack"),
    [
        ("<p>{{postal_address}}</p>", "says how to leave"),
        ('<a href="https://x.example/unsubscribe">no more</a>', "postal address"),
    ],
    ids=["no way out", "no address"],
)
def test_bulk_mail_without_what_laws_ask_for_is_refused(site: Site, body: str, lack: str) -> None:
    site.postmaster("tenant", "set", "default", "--postal-address", ADDRESS)
    wait_until(lambda: refusal(site, body) is not None)
    found = refusal(site, body)
    assert found is not None
    assert lack in found["message"]
    message = EmailMessage()
    message["From"], message["To"] = "a@shop.example", "b-8@example.net"
    message["X-Angarium-Stream"] = "bulk"
    message.set_content(body, subtype="html")
    with (
        smtplib.SMTP("127.0.0.1", site.smtp[0]) as client,
        pytest.raises(smtplib.SMTPDataError, match=lack),
    ):
        client.send_message(message)


def bulk(body: str, name: str) -> Mapping[str, Any]:
    fields = {"from": "a@shop.example", "subject": "s", "bodyHtml": body, "stream": "bulk"}
    return {**fields, "to": f"{name}example.net"}


def refusal(site: Site, body: str) -> Any:
    reply = site.owner.ask("POST", "/v1/send", bulk(body, "b-8@"))
    return reply.json if reply.status == 400 else None


def test_a_tenant_that_wants_no_tracking_has_none(site: Site) -> None:
    for name, allowed in (("quiet", "none"), ("counting", "aggregate")):
        site.owner.right("POST", "/v1/tenants", {"name": name})
        site.owner.right("PATCH", f"/v1/tenants/{name}", {"tracking": {"policy": allowed}})
        with site.platform() as platform:
            platform.domains.add(f"{name}.example", name, assume_verified=True)
        key = site.owner.right("POST", "/v1/keys", {"scopes": ["send"], "tenant": name})["key"]
        client = ApiClient(site.http, key)
        body = {"from": f"a@{name}.example", "to": f"{name}-9@example.net", "bodyHtml": HTML}
        body |= {"tracking": {"opens": True, "clicks": True}, "subject": "s"}
        wait_until(lambda c=client, b=body: c.ask("POST", "/v1/send", b).status == 200)
    assert HOST not in html_of(site.arrived("quiet-9@")[0])
    (pixel,) = links(html_of(site.arrived("counting-9@")[0]), "o")
    who = site.keys.read_who(pixel, NOW)
    assert isinstance(who, Who)
    assert who.index is None


def test_templates_have_the_codes_for_leaving(site: Site) -> None:
    version = {
        "parts": {"subject": "s", "html": '<a href="{{ unsubscribe_url }}">off</a>{{ name }}'},
        "publish": True,
        "missing": "strict",
    }
    site.owner.right("POST", "/v1/templates", {"alias": "leaving", "version": version})
    sent = {"from": "a@shop.example", "to": "a-10@example.net", "templateId": "leaving"}
    sent["templateData"] = {"name": "Ann"}  # type: ignore[assignment]
    wait_until(lambda: site.owner.ask("POST", "/v1/send", sent).status == 200)
    (token,) = links(html_of(site.arrived("a-10@")[0]), "u")
    assert isinstance(site.keys.read_leave(token, NOW), Leaver)


def test_without_a_host_tracking_is_refused_by_name(tmp_path: Path) -> None:
    product = Product(tmp_path)
    try:
        product.postmaster("domain", "add", "shop.example", "--assume-verified")
        made = product.postmaster("key", "create", "--scopes", "*", "--json")
        owner = ApiClient(product.http, json.loads(made)["key"])
        body = {"from": "a@shop.example", "to": "a@example.net", "subject": "s", "bodyText": "t"}
        reply = owner.ask("POST", "/v1/send", {**body, "tracking": {"clicks": True}})
        assert reply.fault[2] == "tracking.clicks"
        assert "no tracking host" in reply.json["message"]
    finally:
        product.kill()
