"""A tracked mail that a person reads in a real browser, and one that a gateway looks through: what statistics say."""

import http.client
import json
import re
import shutil
import subprocess
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
MORE = """
[tracking]
host = "t.example.com"
insecure = true
opens = true
clicks = true
judged_after_s = 1
"""
HTML = "<html><body>" + "".join(
    f'<p><a href="https://shop.example/{number}">offer {number}</a></p>' for number in range(4)
)


def look(page: str, port: int, profile: Path) -> None:
    """Have a browser show a page, in which the tracking host is ours and nobody else is there."""
    subprocess.run(
        [
            BROWSER,
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            f"--user-data-dir={profile}",
            f"--host-resolver-rules=MAP t.example.com 127.0.0.1:{port}, MAP * ~NOTFOUND",
            *("--timeout=20000", "--dump-dom", page),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=100,
    )


def look_through(html: str, port: int) -> None:
    """Do as a gateway does: ask for each link there is, one behind the other."""
    for method in ("HEAD", "GET"):
        for path in re.findall(r'"http://t\.example\.com(/[^"]*)"', html):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request(
                method, path, headers={"Host": "t.example.com", "User-Agent": "Mozilla/5.0"}
            )
            connection.getresponse().read()
            connection.close()


@pytest.mark.skipif(not BROWSER, reason="needs Chromium")
def test_a_reader_counts_once_and_a_gateway_as_a_machine(tmp_path: Path) -> None:
    with RecordingSink() as sink:
        product = Product(tmp_path, sink=sink.port, more=MORE)
        try:
            product.postmaster("domain", "add", "shop.example", "--assume-verified")
            key = json.loads(product.postmaster("key", "create", "--scopes", "*", "--json"))["key"]
            client = ApiClient(product.http, key)
            mails = {}
            for name in ("reader", "scanned"):
                body = {"from": "a@shop.example", "to": f"{name}@example.net", "subject": "s"}
                client.right("POST", "/v1/send", body | {"bodyHtml": HTML})
                mails[name] = _arrived(sink, name)
            page = tmp_path / "mail.html"
            page.write_text(mails["reader"])
            look(page.as_uri(), product.http, tmp_path / "profile")
            link = re.search(r'"(http://t\.example\.com/c/[^"]*)"', mails["reader"])
            assert link is not None
            look(link[1], product.http, tmp_path / "profile")
            look_through(mails["scanned"], product.http)
            wait_until(lambda: _figures(client).get("clicked", 0) >= 5)
            figures = _figures(client)
            people = (figures["openedHuman"], figures["clickedHuman"])
            assert (figures["sent"], people) == (2, (1, 1))
            assert figures["opened"] > 1
            shown = product.postmaster("stats", "--by", "stream", "--json")
            assert json.loads(shown)["rows"][0]["opened_human"] == 1
            product.assert_clean()
        finally:
            product.kill()


def _arrived(sink: RecordingSink, name: str) -> str:
    def found() -> list[bytes]:
        return [each.content for each in sink.taken if name.encode() in b"".join(each.rcpts)]

    wait_until(found)
    message = message_from_bytes(found()[0], policy=policy.default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def _figures(client: ApiClient) -> Any:
    rows = client.right("GET", "/v1/stats?by=stream")["rows"]
    return rows[0] if rows else {}
