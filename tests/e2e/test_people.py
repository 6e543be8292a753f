"""People of the running product log in by HTTP: mirrors angarium/api/sessions.py and api/native/people.py."""

import json
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest

from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.service.running_server import wait_until
from tests.tenancy.software_authenticator import SoftwareAuthenticator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
PASSWORD = "correct horse battery"
ORIGIN = "https://mail.example.com"


class Office(Product):
    def account(self, words: str, password: str = PASSWORD) -> Any:
        given = ("--password-stdin",) if words.startswith("add") else ()
        words_ = ("account", *words.split(), *given, "--json")
        return json.loads(self.postmaster(*words_, input_=f"{password}\n"))

    def log_in(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        """Return the answer once it is no longer about how many log in."""
        body = {"name": name, "password": password, **more}
        answers: list[Any] = []

        def is_heard() -> bool:
            answers.append(ApiClient(self.http).ask("POST", "/v1/login", body))
            return bool(answers[-1].status != 429)

        wait_until(is_heard)
        return answers[-1]

    def session(self, name: str, **more: str) -> ApiClient:
        return ApiClient(self.http, self.log_in(name, **more).json["token"])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    more = f'[tenancy]\norigin = "{ORIGIN}"\n'
    made = Office(tmp_path_factory.mktemp("people"), more=more)
    try:
        made.postmaster("tenant", "create", "shop")
        made.account("add ann@example.com --tenant shop --role admin")
        made.account("add olga@example.com --tenant shop --role operator")
        made.account("add root@example.com --role owner")
        yield made
        made.assert_clean()
    finally:
        made.kill()


def test_who_logs_in_has_a_session_that_stands_for_a_key(office: Office) -> None:
    answer = office.log_in("Ann@Example.com")
    assert answer.status == 200
    found = answer.json
    assert (found["name"], found["tenant"], found["role"]) == (
        "ann@example.com",
        "shop",
        "admin",
    )
    ann = ApiClient(office.http, found["token"])
    me = ann.right("GET", "/v1/me")
    assert me == {key: value for key, value in found.items() if key != "token"}
    made = ann.right("POST", "/v1/keys", {"scopes": ["emails:send"]})
    assert made["key"].startswith("ang_api_")
    assert ann.ask("GET", "/v1/key").status == 404
    assert ann.ask("GET", "/v1/tenants").fault[0] == 403  # what is the server's own
    audit = [
        json.loads(line)
        for line in office.postmaster("audit", "list", "--tenant", "shop", "--json").splitlines()
    ]
    assert {"account.logged_in", "key.created"} <= {each["action"] for each in audit}
    created = [each["actor"] for each in audit if each["subject"] == made["id"]]
    assert created == ["account ann@example.com"]


def test_wrong_is_401_and_says_not_what_was_wrong_p6(office: Office) -> None:
    wrong, nobody = office.log_in("ann@example.com", "not the password"), office.log_in("x")
    assert wrong.fault == nobody.fault == (401, "UNAUTHORIZED", "")
    assert wrong.json["message"] == nobody.json["message"]
    assert office.log_in("").fault == (400, "VALIDATION_ERROR", "name")
    for token in ("ang_session_nothing", "ang_session_"):
        assert ApiClient(office.http, token).ask("GET", "/v1/me").fault[0] == 401
    assert ApiClient(office.http).ask("GET", "/v1/me").fault[0] == 401


def test_a_role_may_do_what_it_may_and_no_more(office: Office) -> None:
    olga = office.session("olga@example.com")
    assert olga.ask("POST", "/v1/keys", {"scopes": ["emails:send"]}).fault[0] == 403
    assert olga.ask("GET", "/v1/users").fault[0] == 403
    assert olga.right("GET", "/v1/suppression") is not None


def test_people_are_given_roles_by_those_who_may_as_much(office: Office) -> None:
    ann = office.session("ann@example.com")
    names = [each["name"] for each in ann.right("GET", "/v1/users")["users"]]
    assert {"ann@example.com", "olga@example.com"} <= set(names)
    assert "root@example.com" not in names  # who is of another tenant (P7)
    body = {"name": "bob@example.com", "role": "analyst", "password": PASSWORD}
    assert ann.ask("POST", "/v1/users", body).status == 201
    assert ann.ask("POST", "/v1/users", body).status == 409
    changed = {"name": "bob@example.com", "role": "operator"}
    assert ann.right("POST", "/v1/users", changed)["role"] == "operator"
    short = {**body, "name": "eve@example.com", "password": "short"}
    assert ann.ask("POST", "/v1/users", short).fault == (400, "VALIDATION_ERROR", "password")
    bob = office.session("bob@example.com")
    assert ann.ask("DELETE", "/v1/users/bob@example.com").status == 204
    assert bob.ask("GET", "/v1/me").fault[0] == 401
    assert ann.ask("DELETE", "/v1/users/root@example.com").fault[0] == 404


def test_nobody_gives_a_role_that_may_more(office: Office) -> None:
    key = json.loads(
        office.postmaster("key", "create", "--scopes", "users", "--tenant", "shop", "--json")
    )["key"]
    client = ApiClient(office.http, key)
    body = {"name": "eve@example.com", "role": "admin", "password": PASSWORD}
    assert client.ask("POST", "/v1/users", body).fault[::2] == (403, "role")
    assert client.ask("DELETE", "/v1/users/ann@example.com").fault[::2] == (403, "role")


def test_a_session_ends_by_logging_out(office: Office) -> None:
    first, second = office.session("root@example.com"), office.session("root@example.com")
    assert "tenants" in first.right("GET", "/v1/me")["scopes"]
    assert first.ask("POST", "/v1/logout").status == 204
    assert first.ask("GET", "/v1/me").fault[0] == 401
    office.account("disable root@example.com")
    assert second.ask("GET", "/v1/me").fault[0] == 401


def test_one_time_codes_are_asked_for(office: Office) -> None:
    office.account("add tom@example.com --tenant shop --role operator")
    made = office.account("totp tom@example.com")
    needed = office.log_in("tom@example.com")
    assert needed.fault[0] == 401
    assert "code" in needed.json["message"]
    code = pyotp.TOTP(made["secret"]).now()
    assert office.log_in("tom@example.com", code=code).json["oneTimeCodes"] is True
    assert office.log_in("tom@example.com", code=code).status == 401
    assert office.log_in("tom@example.com", code=made["codes"][0]).status == 200


def test_a_passkey_lets_in_without_name_and_password(office: Office) -> None:
    office.account("add pia@example.com --tenant shop --role analyst")
    pia = office.session("pia@example.com")
    phone = SoftwareAuthenticator(ORIGIN, "mail.example.com")
    asked = pia.right("POST", "/v1/passkeys/begin")
    answer = phone.register(asked["options"])
    body = {"challenge": asked["challenge"], "answer": answer, "label": "phone"}
    assert pia.right("POST", "/v1/passkeys", body) == {"passkeys": ["phone"]}
    assert pia.ask("POST", "/v1/passkeys", body).fault[::2] == (400, "challenge")

    def log_in(key: SoftwareAuthenticator) -> Any:
        replies: list[Any] = []

        def is_heard() -> bool:
            begun = ApiClient(office.http).ask("POST", "/v1/login/passkey/begin")
            if begun.status == 429:
                return False
            signed = key.sign(begun.json["options"])
            sent = {"challenge": begun.json["challenge"], "answer": signed}
            replies.append(ApiClient(office.http).ask("POST", "/v1/login/passkey", sent))
            return bool(replies[-1].status != 429)

        wait_until(is_heard)
        return replies[-1]

    found = log_in(phone)
    assert (found.status, found.json["name"]) == (200, "pia@example.com")
    assert ApiClient(office.http, found.json["token"]).right("GET", "/v1/me")["tenant"] == "shop"
    assert log_in(SoftwareAuthenticator(ORIGIN, "mail.example.com")).status == 401
    assert ApiClient(office.http).ask("POST", "/v1/passkeys/begin").fault[0] == 401
    office.account("remove-passkeys pia@example.com")
    assert log_in(phone).status == 401
