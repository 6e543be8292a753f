"""The Mailgun dialect, asked by Mailgun's own client for Python, and by requests where that would not ask so."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from angarium.intake.order import Fault, FaultKind, Order
from tests.api.compat.dialect_server import DialectServer

requests = pytest.importorskip("requests")
mailgun_client = pytest.importorskip("mailgun.client")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def mailgun(dialects: DialectServer) -> Iterator[Any]:
    key = dialects.keys["acme-api"].text
    with mailgun_client.Client(auth=("api", key), api_url=dialects.url) as client:
        yield client


def post(
    server: DialectServer,
    data: Any,
    files: Any = None,
    *,
    domain: str = "example.com",
    path: str = "messages",
    key: str = "acme-api",
    **more: Any,
) -> Any:
    return requests.post(
        f"{server.url}/v3/{domain}/{path}",
        auth=("api", server.keys[key].text),
        data=data,
        files=files,
        timeout=30,
        **more,
    )


WHOLE = {
    "from": "Shop <shop@example.com>",
    "to": "user@dest.example",
    "subject": "Hello",
    "text": "text",
}


def whole(**more: Any) -> dict[str, Any]:
    return {**WHOLE, **more}


def addresses(order: Order, kind: str = "to") -> list[str]:
    return [each.mailbox.address.text for each in getattr(order, kind)]


def test_a_form_is_an_order(dialects: DialectServer, mailgun: Any) -> None:
    answer = mailgun.messages.create(
        domain="example.com",
        data=[
            ("from", "Läden <shop@example.com>"),
            ("to", ["a@dest.example, Bob <b@dest.example>", "a@dest.example"]),
            ("to", "c@dest.example"),
            ("cc", "cc@dest.example"),
            ("bcc", "bcc@dest.example"),
            ("subject", "Grüße & mehr"),
            ("text", "text"),
            ("html", "<p>+html</p>"),
            ("amp-html", ""),
            ("o:tag", ["one", "two"]),
            ("o:deliverytime", "Fri, 25 Oct 2030 23:10:10 +0200"),
            ("o:testmode", "yes"),
            ("o:tracking", "yes"),
            ("o:tracking-clicks", "htmlonly"),
            ("o:tracking-opens", "no"),
            ("o:dkim", "yes"),
            ("o:require-tls", "false"),
            ("o:skip-verification", "False"),
            ("h:X-Order", "1"),
            ("h:Reply-To", "help@example.com, Ann <ann@example.com>"),
            ("h:X-Mailgun-Variables", '{"cart": {"id": 1}}'),
            ("v:user", "17"),
            ("template", ""),
        ],
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"] == "Queued. Thank you."
    order = dialects.sending.last
    assert answer.json()["id"] == f"<id-{len(dialects.sending.orders)}-0@example.com>"
    assert order.author is not None
    assert order.author.name == "Läden"
    assert addresses(order) == ["a@dest.example", "b@dest.example", "c@dest.example"]
    assert order.to[1].mailbox.name == "Bob"
    assert (addresses(order, "cc"), addresses(order, "bcc")) == (
        ["cc@dest.example"],
        ["bcc@dest.example"],
    )
    assert (order.subject, order.text, order.html, order.amp) == (
        "Grüße & mehr",
        "text",
        "<p>+html</p>",
        None,
    )
    assert order.tags == ("one", "two")
    assert order.send_at == 1919193010_000  # 21:10:10 UTC
    assert order.sandbox is True
    assert (order.track_clicks, order.track_opens) == (True, False)
    assert order.fields == (("X-Order", "1"),)
    assert [(e.name, e.address.text) for e in order.reply_to] == [
        ("", "help@example.com"),
        ("Ann", "ann@example.com"),
    ]
    assert order.metadata == {"cart": {"id": 1}, "user": "17"}
    caller = dialects.sending.callers[-1]
    assert (caller.tenant, caller.dialect) == ("acme", "mailgun")


def test_files_are_attached_and_shown_by_their_names(dialects: DialectServer, mailgun: Any) -> None:
    answer = mailgun.messages.create(
        domain="example.com",
        data=whole(html='<img src="cid:logo.png">'),
        files=[
            ("attachment", ("Bericht ä.pdf", b"%PDF\0\r\n--x")),
            ("attachment", ('a "b";c.txt', b"plain", "text/x-own; charset=utf-8")),
            ("attachment", ("mail.eml", b"x", "message/rfc822")),
            ("inline", ("logo.png", b"png", "application/octet-stream")),
        ],
    )
    assert answer.status_code == 200, answer.text
    files = dialects.sending.last.attachments
    assert [(e.content, e.content_type, e.filename, e.content_id) for e in files] == [
        (b"%PDF\0\r\n--x", "application/pdf", "Bericht ä.pdf", ""),
        (b"plain", "text/x-own; charset=utf-8", 'a "b";c.txt', ""),
        (b"x", "application/octet-stream", "mail.eml", ""),
        (b"png", "image/png", "logo.png", "logo.png"),
    ]


def test_a_text_that_looks_like_a_boundary_stays_whole(dialects: DialectServer) -> None:
    body = b"".join(
        b"--b\r\n" + each
        for each in (
            b'Content-Disposition: form-data; name="from"\r\n\r\nshop@example.com\r\n',
            b'Content-Disposition: form-data; name="to"\r\n\r\nu@dest.example\r\n',
            b'Content-Disposition: form-data; name="subject"\r\n\r\ns\r\n',
            b'Content-Disposition: form-data; name="text"\r\n\r\none\r\n--\r\n --b\r\n\r\ntwo\r\n\r\n',
        )
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = post(dialects, body + b"--b--\r\n", headers=headers)
    assert answer.status_code == 200, answer.text
    assert dialects.sending.last.text == "one\r\n--\r\n --b\r\n\r\ntwo\r\n"


def test_the_builder_s_idempotency_key_is_the_requests_and_in_no_mail(
    dialects: DialectServer,
) -> None:
    builders = pytest.importorskip("mailgun.builders")
    for _ in range(2):
        builder = builders.MailgunMessageBuilder("shop@example.com")
        builder.add_recipient("user@dest.example").set_subject("s").set_text("t")
        data, files = builder.build()
        assert post(dialects, data, files or None).status_code == 200
    first, second = dialects.sending.keys[-2:]
    assert first
    assert first == second
    assert dialects.sending.last.fields == ()


def test_recipient_variables_make_a_message_for_each(dialects: DialectServer, mailgun: Any) -> None:
    variables = {
        "Ann@dest.example": {"name": "Ann", "n": 7, "order": {"id": "x"}, "v:k": "va"},
        "bob@dest.example": {"name": "Bob & Co", "n": 1.5, "order": {"id": "y"}, "v:k": "vb"},
    }
    answer = mailgun.messages.create(
        domain="example.com",
        data=whole(
            to=["Ann Lee <ann@dest.example>", "bob@dest.example", "who@dest.example"],
            cc="boss@dest.example",
            subject="%recipient.name%: %recipient.n%",
            text="%recipient.order.id% %recipient.nothing% 100% %recipient%",
            html="<b>%recipient.name%</b> %recipient_email% %recipient_fname%",
            **{
                "h:X-Id": "%recipient.order.id%",
                "h:Reply-To": "%recipient_email%",
                "v:key": "%recipient.v:k%",
                "recipient-variables": json.dumps(variables),
            },
        ),
    )
    assert answer.status_code == 200, answer.text
    ann, bob, who = dialects.sending.orders[-1]
    assert [addresses(each) for each in (ann, bob, who)] == [
        ["ann@dest.example"],
        ["bob@dest.example"],
        ["who@dest.example"],
    ]
    assert all(addresses(each, "cc") == ["boss@dest.example"] for each in (ann, bob, who))
    assert [each.subject for each in (ann, bob, who)] == [
        "Ann: 7",
        "Bob & Co: 1.5",
        "%recipient.name%: %recipient.n%",
    ]
    assert ann.text == "x %recipient.nothing% 100% ann@dest.example"
    assert ann.html == "<b>Ann</b> ann@dest.example Ann"
    assert bob.fields == (("X-Id", "y"),)
    assert [each.address.text for each in bob.reply_to] == ["bob@dest.example"]
    assert (ann.metadata, bob.metadata) == ({"key": "va"}, {"key": "vb"})
    count = len(dialects.sending.orders)
    assert answer.json()["id"] == f"<id-{count}-0@example.com>"
    assert post(
        dialects, whole(to=["a@dest.example", "b@dest.example"], **{"recipient-variables": "{}"})
    ).ok
    assert len(dialects.sending.orders[-1]) == 2


def test_a_thousand_recipients_are_one_request(dialects: DialectServer) -> None:
    people = {f"u{at}@dest.example": {"at": at} for at in range(1000)}
    data = whole(
        to=list(people), text="%recipient.at%", **{"recipient-variables": json.dumps(people)}
    )
    assert post(dialects, data).status_code == 200
    assert [each.text for each in dialects.sending.orders[-1]] == [str(at) for at in range(1000)]
    data["to"].append("one@more.example")
    answer = post(dialects, data)
    assert answer.status_code == 400
    assert "1000" in answer.json()["message"]


MIME = (
    b"From: shop@example.com\nTo: shown@dest.example\nSubject: raw\nX-Mailgun-Tag: one\n"
    b'X-Mailgun-Drop-Message: yes\nX-Mailgun-Variables: {"a": 1}\n\n.caf\xc3\xa9\n'
)


@pytest.mark.parametrize("name", ["message.mime", None])
def test_a_message_that_is_written_goes_to_whom_the_form_says(
    dialects: DialectServer, name: str | None
) -> None:
    data = {"to": "user@dest.example", "o:tag": "form", "v:b": "2"}
    files = {"message": (name, MIME)}
    answer = post(dialects, data, files, path="messages.mime")
    assert answer.status_code == 200, answer.text
    order = dialects.sending.last
    assert addresses(order) == ["user@dest.example"]
    assert order.raw is not None
    assert order.raw.content == (
        b"MIME-Version: 1.0\r\nFrom: shop@example.com\r\nTo: shown@dest.example\r\nSubject: raw\r\n\r\n"
        b".caf\xc3\xa9\r\n"
    )
    assert (order.sandbox, order.tags) == (True, ("form",))
    assert order.metadata == {"a": 1, "b": "2"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"from": ""}, "from parameter is missing"),
        ({"to": ""}, "to parameter is missing"),
        ({"text": ""}, "Need at least one of"),
        ({"subject": ""}, "subject"),
        ({"to": "nonsense"}, "nonsense"),
        ({"cc": ["a@b.example", "x y"]}, "cc[1]"),
        ({"from": ["a@example.com", "b@example.com"]}, "from"),
        ({"subject": ["a", "b"]}, "subject"),
        ({"template": "welcome", "t:version": "x" * 101}, "t:version"),
        ({"template": "welcome", "t:variables": "[]"}, "t:variables"),
        ({"template": "welcome", "t:text": "maybe"}, "t:text"),
        ({"t:variables": "{}"}, "t:variables"),
        ({"t:other": "x"}, "t:other"),
        ({"t:version": "x"}, "t:version"),
        ({"o:dkim": "no"}, "o:dkim"),
        ({"o:require-tls": "yes"}, "o:require-tls"),
        ({"o:skip-verification": "True"}, "o:skip-verification"),
        ({"o:deliverytime-optimize-period": "24h"}, "o:deliverytime-optimize-period"),
        ({"o:time-zone-localize": "02:00PM"}, "o:time-zone-localize"),
        ({"o:sending-ip": "192.0.2.1"}, "o:sending-ip"),
        ({"o:sending-ip-pool": "x"}, "o:sending-ip-pool"),
        ({"o:secondary-dkim": "x"}, "o:secondary-dkim"),
        ({"o:tracking-pixel-location-top": "yes"}, "o:tracking-pixel-location-top"),
        ({"o:archive-to": "https://x"}, "o:archive-to"),
        ({"o:nonsense": "x"}, "o:nonsense"),
        ({"nonsense": "x"}, "nonsense"),
        ({"nonsense": ""}, "nonsense"),
        ({"o:testmode": "maybe"}, "o:testmode"),
        ({"o:tracking-opens": "htmlonly"}, "o:tracking-opens"),
        ({"o:deliverytime": "tomorrow"}, "o:deliverytime"),
        ({"o:deliverytime": "Fri, 99 Oct 2030 23:10:10 +0000"}, "o:deliverytime"),
        ({"recipient-variables": "{"}, "recipient-variables"),
        ({"recipient-variables": "[]"}, "recipient-variables"),
        ({"recipient-variables": '{"a@b.c": 1}'}, "recipient-variables.a@b.c"),
        ({"html": "<a href='%unsubscribe_url%'>"}, "%unsubscribe_url%"),
        ({"h:X-Mailgun-Variables": "1"}, "h:X-Mailgun-Variables"),
        ({"h:Reply-To": "x y"}, "h:Reply-To"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(
    dialects: DialectServer, change: dict[str, Any], word: str
) -> None:
    before = len(dialects.sending.orders)
    answer = post(dialects, {**WHOLE, **change})
    assert answer.status_code == 400, answer.text
    assert any(each in answer.json()["message"] for each in word.split("|")), answer.text
    assert len(dialects.sending.orders) == before


def test_what_only_asks_for_less_is_taken(dialects: DialectServer) -> None:
    data = whole(**{"o:tracking-pixel-location-top": "no", "t:variables": "", "o:tracking": "no"})
    assert post(dialects, data).ok
    order = dialects.sending.last
    assert (order.track_clicks, order.track_opens) == (False, False)
    assert order.sandbox is False


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("text/plain", b"x", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=b", b"x", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nno name\r\n--b--\r\n", 400),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name\r\n\r\nx\r\n--b--\r\n",
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\r\n--b--\r\n',
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="subject"; filename="x"\r\n\r\ny\r\n--b--\r\n',
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n",
            400,
        ),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 500 + b"\r\n--b--", 400),
        ("multipart/form-data; boundary=b", b"--b\r\nX: " + b"y" * 20_000 + b"\r\n\r\n--b--", 400),
        ("application/x-www-form-urlencoded", b"text=%ff", 400),
        ("application/x-www-form-urlencoded", b"%ff=x", 400),
        ("application/x-www-form-urlencoded", b"a&" * 4000, 413),
    ],
)
def test_a_body_that_is_no_form_is_refused(
    dialects: DialectServer, content_type: str, body: bytes, status: int
) -> None:
    answer = post(dialects, body, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["message"]


def test_c2_the_parts_of_a_form_are_counted(dialects: DialectServer) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="o:tag"\r\n\r\nx\r\n'
    answer = post(
        dialects,
        part * 3001 + b"--b--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 413


def test_a_domain_that_is_not_the_tenants_is_not_found(
    dialects: DialectServer, mailgun: Any
) -> None:
    for domain in ("unknown.example", "other.example", "%00", "exa mple.com"):
        answer = post(dialects, WHOLE, domain=domain)
        assert answer.status_code == 404
        assert "Domain not found" in answer.json()["message"]
    dialects.sending.answers = [Fault(kind=FaultKind.DOMAIN, message="why", field="from")]
    answer = mailgun.messages.create(domain="example.com", data=WHOLE)
    assert answer.status_code == 404
    assert answer.json()["message"] == "Domain not found: why"
    assert post(dialects, WHOLE, domain="EXAMPLE.com").ok


def test_keys_are_asked_for_and_looked_at(dialects: DialectServer) -> None:
    url = f"{dialects.url}/v3/example.com/messages"
    for given in (
        {},
        {"auth": ("api", "wrong")},
        {"auth": ("api", "")},
        {"headers": {"Authorization": "Basic !"}},
        {"headers": {"Authorization": f"Bearer {dialects.keys['acme-api'].text}"}},
        {"auth": ("api", dialects.keys["acme-ses"].text)},
    ):
        answer = requests.post(url, data=WHOLE, timeout=30, **given)
        assert answer.status_code == 401, given
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.json()["message"]
    dialects.add_key("readonly", "acme", "api", scopes="emails:read")
    assert post(dialects, WHOLE, key="readonly").status_code == 403


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.SUPPRESSED, 400),
        (FaultKind.INVALID, 400),
        (FaultKind.KEY_REUSED, 400),
        (FaultKind.TOO_LARGE, 413),
        (FaultKind.RATE, 429),
        (FaultKind.QUOTA, 429),
        (FaultKind.BUSY, 503),
        (FaultKind.DISK_FULL, 503),
        (FaultKind.INTERNAL, 500),
    ],
)
def test_each_fault_has_its_status(dialects: DialectServer, kind: FaultKind, status: int) -> None:
    fault = Fault(kind=kind, message="headers.X-A: has a NUL", field="headers.X-A", retry_after_s=7)
    dialects.sending.answers = [fault]
    answer = post(dialects, WHOLE)
    assert answer.status_code == status
    assert answer.json() == {"message": "h:X-A: has a NUL"}
    assert answer.headers["Retry-After"] == "7"


def test_the_client_tries_again_by_itself(dialects: DialectServer, mailgun: Any) -> None:
    dialects.sending.answers = [
        Fault(kind=FaultKind.BUSY, message="not now", retry_after_s=0),
        None,
    ]
    assert mailgun.messages.create(domain="example.com", data=WHOLE).status_code == 200
    assert dialects.sending.answers == []


def test_methods_and_paths_that_are_not_there(dialects: DialectServer) -> None:
    url = f"{dialects.url}/v3/example.com"
    assert requests.get(f"{url}/messages", timeout=30).status_code == 405
    answer = requests.get(f"{url}/events", timeout=30)
    assert answer.status_code == 404
    assert "message" in answer.json()
