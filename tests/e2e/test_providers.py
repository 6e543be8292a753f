"""People log in by a provider of OpenID Connect, on a running server: mirrors angarium/api/native/providers.py."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.product import Product
from tests.openid_provider import CLIENT, SECRET, OpenIdProvider
from tests.tenancy.audited import audit_entries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(100)]
PASSWORD = "correct horse battery"
CONFIG = """
[[tenancy.oidc]]
name = "work"
issuer = "{issuer}"
client_id = "{client}"
client_secret_file = "client.secret"
redirect_url = "http://127.0.0.1:1/v1/login/oidc/work/callback"

[[tenancy.oidc]]
name = "away"
issuer = "http://127.0.0.1:1"
client_id = "x"
redirect_url = "http://127.0.0.1:1/v1/login/oidc/away/callback"

[[tenancy.oidc]]
name = "open"
issuer = "{other}"
client_id = "{client}"
client_secret_file = "client.secret"
redirect_url = "http://127.0.0.1:1/v1/login/oidc/open/callback"
create = true
email_domains = ["example.com"]
tenant = "default"
role_claim = "groups"

[[tenancy.oidc.roles]]
value = "mailers"
role = "operator"
"""


class Site:
    def __init__(self, folder: Path) -> None:
        self.work, self.open = OpenIdProvider(), OpenIdProvider()
        (folder / "client.secret").write_text(f"{SECRET}\n")
        (folder / "client.secret").chmod(0o600)
        more = CONFIG.format(issuer=self.work.issuer, other=self.open.issuer, client=CLIENT)
        self.product = Product(folder, more=more)
        self.base = f"http://127.0.0.1:{self.product.http}"
        with self.product.platform() as platform:
            for name in ("ann", "bob", "carl"):
                platform.accounts.add(name, "default", "admin", PASSWORD)

    def link(self, name: str, subject: str) -> None:
        with self.product.platform() as platform:
            platform.identities.link(name, self.work.issuer, subject)

    def close(self) -> None:
        self.product.kill()
        self.work.close()
        self.open.close()

    def session(self, name: str = "ann") -> dict[str, str]:
        answer = self.patient("POST", "/v1/login", json={"name": name, "password": PASSWORD})
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def patient(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask until it is no longer about how many log in."""
        session = more.pop("session", requests)
        while True:
            answer: requests.Response = session.request(
                method, self.base + path, timeout=30, allow_redirects=False, **more
            )
            if answer.status_code != 429:
                return answer

    def begun(self, name: str = "work", query: str = "") -> tuple["Browser", str]:
        """Return a browser, and where the provider has sent it back to."""
        browser = Browser()
        answer = self.patient("GET", f"/v1/login/oidc/{name}{query}", session=browser)
        assert answer.status_code == 303, answer.text
        return browser, self.went(answer.headers["Location"])

    def went(self, url: str) -> str:
        answer = requests.get(url, timeout=30, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"

    def log_in(self, name: str = "work", query: str = "") -> requests.Response:
        browser, back = self.begun(name, query)
        return self.patient("GET", back, session=browser)


class Browser(requests.Session):
    pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("providers"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def usual(site: Site) -> None:
    for each in (site.work, site.open):
        each.claims, each.forge, each.answer = {"sub": "nobody"}, None, {}


def test_providers_are_listed(site: Site) -> None:
    found = site.patient("GET", "/v1/login/oidc").json()
    assert [each["url"] for each in found["providers"]] == [
        "/v1/login/oidc/work",
        "/v1/login/oidc/away",
        "/v1/login/oidc/open",
    ]
    assert site.patient("GET", "/v1/login/oidc/other").status_code == 404


def test_the_operator_links_and_the_person_logs_in(site: Site) -> None:
    site.work.claims = {"sub": "ann-at-work"}
    refused = site.log_in()
    assert (refused.status_code, refused.json()["details"]["constraint"]) == (401, "not_linked")
    shown = json.loads(
        site.product.postmaster("account", "link", "ann", "work", "ann-at-work", "--json")
    )
    assert shown["identities"] == [site.work.issuer]
    answer = site.log_in()
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    assert (found["name"], found["role"]) == ("ann", "admin")
    assert "password" not in found
    bearer = {"Authorization": f"Bearer {found['token']}"}
    assert site.patient("GET", "/v1/me", headers=bearer).json()["name"] == "ann"
    site.work.signs_with = "ec"
    assert site.log_in().status_code == 200
    site.work.signs_with = "rsa"
    # the form has no secret where Basic has it, and proves who asked for the code
    assert {"code_verifier", "code"} <= set(site.work.log[-1])
    assert "client_secret" not in site.work.log[-1]
    # a password is still a way in
    assert site.session("ann")
    site.product.postmaster("account", "unlink", "ann", "work")
    assert site.log_in().status_code == 401
    assert site.patient("GET", "/v1/me", headers=bearer).status_code == 401


def test_a_person_links_their_own_account(site: Site) -> None:
    site.work.claims = {"sub": "bob-at-work"}
    assert site.patient("POST", "/v1/login/oidc/work/link").status_code == 401
    browser = Browser()
    begun = site.patient(
        "POST", "/v1/login/oidc/work/link", headers=site.session("bob"), session=browser
    )
    answer = site.patient("GET", site.went(begun.json()["url"]), session=browser)
    assert (answer.status_code, answer.json()) == (201, {"identities": [site.work.issuer]})
    assert site.log_in().json()["name"] == "bob"
    with site.product.platform() as platform:
        entry = next(
            each for each in audit_entries(platform) if each.action == "account.identity_added"
        )
    assert (entry.actor, entry.subject) == ("account bob", "bob")
    done = site.patient("DELETE", "/v1/login/oidc/work/link", headers=site.session("bob"))
    assert done.status_code == 204
    assert site.log_in().status_code == 401


def test_what_comes_to_another_browser_or_again_is_refused(site: Site) -> None:
    site.link("carl", "replayed")
    site.work.claims = {"sub": "replayed"}
    browser, back = site.begun()
    (cookie,) = browser.cookies
    assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("/v1/login/oidc", True)
    assert site.patient("GET", back).status_code == 401  # without the cookie
    other, _ = site.begun()
    assert site.patient("GET", back, session=other).status_code == 401
    kept = cookie.value
    assert kept is not None
    assert site.patient("GET", back, session=browser).status_code == 200
    assert not browser.cookies
    # a code is redeemed once, and so is the cookie: whichever the provider overlooks
    again = site.patient("GET", back, headers={"Cookie": f"angarium_oidc={kept}"})
    assert again.status_code == 401
    changed = ("A" if kept[20] != "A" else "B").join((kept[:20], kept[21:]))
    cut = site.patient("GET", back, headers={"Cookie": f"angarium_oidc={changed}"})
    assert "begun no log-in" in cut.json()["message"]
    twice = site.patient("GET", f"{back}&state=x", session=site.begun()[0])
    assert "twice" in twice.json()["message"]


def test_another_providers_answer_is_refused_mix_up(site: Site) -> None:
    """RFC 9207"""
    site.work.answer = {"iss": site.open.issuer}
    assert "another provider" in site.log_in().json()["message"]
    site.work.answer = {"iss": site.work.issuer}
    assert site.log_in().json()["details"]["constraint"] == "not_linked"
    # a code of one, brought to the other's path
    browser, back = site.begun("work")
    refused = site.patient("GET", back.replace("oidc/work", "oidc/open"), session=browser)
    assert refused.status_code == 401
    assert "begun no log-in" in refused.json()["message"]


def test_a_forged_token_lets_nobody_in(site: Site) -> None:
    site.link("carl", "forged")
    site.work.claims = {"sub": "forged"}
    assert site.log_in().status_code == 200
    stranger = OpenIdProvider()
    try:
        site.work.forge = lambda claims: stranger.sign(claims, kid="rsa")
        assert site.log_in().status_code == 401
        site.work.forge = lambda claims: site.work.sign({**claims, "nonce": "x"})
        assert "another log-in" in site.log_in().json()["message"]
        site.work.forge = lambda claims: site.work.sign({**claims, "iss": stranger.issuer})
        assert site.log_in().status_code == 401
    finally:
        stranger.close()
    site.work.forge, site.work.answer = None, {"error": "access_denied"}
    assert "access_denied" in site.log_in().json()["message"]


def test_who_is_not_known_gets_an_account_where_the_operator_wants_it(site: Site) -> None:
    site.open.claims = {"sub": "new", "email": "Eve@Example.com", "groups": ["x", "mailers"]}
    assert "domain" in site.log_in("open").json()["message"]  # not verified
    site.open.claims["email_verified"] = True
    made = site.log_in("open", "?tenant=default").json()
    assert (made["name"], made["role"], made["tenant"]) == (
        "eve@example.com",
        "operator",
        "default",
    )
    by_password = site.patient(
        "POST", "/v1/login", json={"name": "eve@example.com", "password": made["password"]}
    )
    assert by_password.status_code == 200
    assert "password" not in site.log_in("open").json()
    site.open.claims = {"sub": "newer", "email": "eve@example.com", "email_verified": True}
    assert site.log_in("open").status_code == 409  # an address links nobody
    site.open.claims["email"] = "eve@other.example"
    assert site.log_in("open").status_code == 401


def test_a_provider_that_is_away_lets_nobody_in_and_is_in_the_log(site: Site) -> None:
    answer = site.patient("GET", "/v1/login/oidc/away")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert site.product.server.wait_for("oidc_unusable")["provider"] == "away"
