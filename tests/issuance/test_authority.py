"""Mirrors angarium/issuance/authority.py and store.py, against an authority of ours that trusts nothing."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from angarium.config.schema import Acme
from angarium.issuance.authority import Authority
from angarium.issuance.model import Account, Trouble
from angarium.issuance.store import IssuanceStore
from angarium.queue.model import UnixMs
from tests.authority import Authority as OtherAuthority
from tests.issuance.acme_stub import AcmeStub
from tests.issuance.challenge_server import ChallengeServer

HOST = "t.shop.example"
NOW = UnixMs(1_800_000_000_000)


@pytest.fixture
def store(tmp_path: Path) -> IssuanceStore:
    made = IssuanceStore(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def stub(tmp_path: Path, store: IssuanceStore) -> Iterator[AcmeStub]:
    with ChallengeServer(store) as server, AcmeStub(tmp_path, server.port) as made:
        yield made


Make = Callable[..., Authority]


@pytest.fixture
def make(stub: AcmeStub, store: IssuanceStore) -> Make:
    def made(**keys: object) -> Authority:
        usual = {
            "directory_url": stub.directory_url,
            "agree_terms": True,
            "ca_file": str(stub.ca_file),
            "contact": ("hostmaster@shop.example",),
        }
        return Authority(Acme(**{**usual, **keys}), store, lambda: NOW)  # type: ignore[arg-type]

    return made


def test_a_certificate_is_issued_to_who_answers_the_challenge(
    stub: AcmeStub, make: Make, store: IssuanceStore, tmp_path: Path
) -> None:
    assert make().issue(HOST) is None
    info = store.find_certificate(HOST)
    assert info is not None
    assert info.names == (HOST,)
    assert stub.issued == [HOST]
    assert [each["contact"] for each in stub.accounts.values()] == [
        ["mailto:hostmaster@shop.example"]
    ]
    # Nothing is left of the order, and nobody else reads a key
    assert store.find_order(HOST) is None
    assert list((tmp_path / "acme/challenges").iterdir()) == []
    for path in (tmp_path / "acme").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_one_account_orders_for_all_hosts_and_each_time_by_another_key(
    stub: AcmeStub, make: Make, store: IssuanceStore
) -> None:
    assert make().issue(HOST) is None
    first = store.certificate_path(HOST).read_text()
    assert make().issue("t.bank.example") is None
    assert make().issue(HOST) is None
    assert len(stub.accounts) == 1
    assert stub.requests["new-account"] == 1
    assert stub.issued == [HOST, "t.bank.example", HOST]
    assert store.certificate_path(HOST).read_text().split("CERT")[0] != first.split("CERT")[0]


def test_an_account_whose_making_was_cut_short_is_found_again(
    stub: AcmeStub, make: Make, store: IssuanceStore
) -> None:
    assert make().issue(HOST) is None
    account = store.find_account(stub.directory_url)
    assert account is not None
    # As a kill leaves it: the authority has it, and we do not know
    store.write_account(
        Account(directory_url=account.directory_url, private_key=account.private_key)
    )
    assert make(contact=("other@shop.example",)).issue(HOST) is None
    assert store.find_account(stub.directory_url) == Account(
        directory_url=account.directory_url,
        private_key=account.private_key,
        url=account.url,
        contact=("mailto:other@shop.example",),
    )
    assert [each["contact"] for each in stub.accounts.values()] == [["mailto:other@shop.example"]]


def test_an_order_that_was_cut_short_is_gone_on_with(
    stub: AcmeStub, make: Make, store: IssuanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(IssuanceStore, "write_certificate", die)
        with pytest.raises(Killed):
            make().issue(HOST)
    assert stub.issued == [HOST]
    assert store.find_certificate(HOST) is None
    assert make().resumes(HOST)
    assert not make(directory_url="https://other.example/").resumes(HOST)
    assert make().issue(HOST) is None
    # What was issued then is what is used now
    assert stub.issued == [HOST]
    assert stub.requests["new-order"] == 1
    assert store.find_certificate(HOST) is not None
    assert not make().resumes(HOST)


def test_an_order_that_the_authority_has_given_up_is_begun_anew(
    stub: AcmeStub, make: Make, store: IssuanceStore
) -> None:
    stub.refuse("finalize", "serverInternal", "sorry")
    trouble = make().issue(HOST)
    assert trouble is not None
    assert trouble.kind == "authority_unreachable"
    assert make().resumes(HOST)
    for order in stub.orders.values():
        order["status"] = "invalid"
    assert make().issue(HOST) is None
    assert stub.requests["new-order"] == 2


def test_a_nonce_that_the_authority_takes_no_more_is_exchanged(stub: AcmeStub, make: Make) -> None:
    stub.bad_nonces = 1
    assert make().issue(HOST) is None


CASES = {
    "caa": ("new-order", "caa", "CAA forbids", "caa", 'CAA 0 issue "stub.example"'),
    "rejected": ("new-order", "rejectedIdentifier", "bad name", "rejected", "tracking_certificate"),
    "slow down": ("new-order", "rateLimited", "too many", "rate_limited", ""),
    "terms": ("new-order", "userActionRequired", "see terms", "account", "new terms"),
    "contact": ("new-account", "invalidContact", "no such", "account", "address that takes mail"),
    "unknown": ("finalize", "madeUp", "strange", "other", ""),
}


@pytest.mark.parametrize("case", list(CASES))
def test_what_an_authority_says_is_told_with_what_to_do(
    stub: AcmeStub, make: Make, case: str
) -> None:
    step, code, detail, kind, remedy = CASES[case]
    stub.refuse(step, code, detail)
    trouble = make().issue(HOST)
    assert trouble is not None
    assert trouble.kind == kind
    assert detail in trouble.text
    assert remedy in trouble.remedy
    assert bool(remedy) == bool(trouble.remedy)


def test_how_long_an_authority_wants_to_be_left_alone_is_heard(stub: AcmeStub, make: Make) -> None:
    stub.refuse("new-order", "rateLimited", "too many", retry_after=7200)
    trouble = make().issue(HOST)
    assert trouble is not None
    assert (trouble.kind, trouble.retry_after_s) == ("rate_limited", 7200.0)


def test_a_host_that_the_authority_does_not_reach_is_named(stub: AcmeStub, make: Make) -> None:
    stub.looks_at = 1
    trouble = make().issue(HOST)
    assert trouble is not None
    assert trouble.kind == "unreachable"
    assert f"http://{HOST}/.well-known/acme-challenge/" in trouble.text
    assert "port 80" in trouble.remedy


def test_a_host_where_somebody_else_answers_is_named(
    stub: AcmeStub, make: Make, tmp_path: Path
) -> None:
    with ChallengeServer(IssuanceStore(tmp_path / "another server")) as other:
        stub.looks_at = other.port
        trouble = make().issue(HOST)
    assert trouble is not None
    assert trouble.kind == "not_ours"
    assert "tracking-host check" in trouble.remedy


def test_an_authority_that_is_not_believed_or_not_there_is_told(make: Make, tmp_path: Path) -> None:
    other = OtherAuthority(tmp_path, "other").path
    found: list[Trouble | None] = [
        make(ca_file=str(other)).issue(HOST),
        make(directory_url="https://127.0.0.1:1/directory").issue(HOST),
    ]
    texts = [each.text for each in found if each and each.kind == "authority_unreachable"]
    assert len(texts) == 2
    assert "not believed" in texts[0]
    assert found[0] is not None
    assert "acme.ca_file" in found[0].remedy


def test_an_authority_of_customers_is_shown_whose_customer_we_are(
    stub: AcmeStub, make: Make, tmp_path: Path
) -> None:
    stub.customers = {"customer-7": b"k" * 32}
    missing = make().issue(HOST)
    assert missing is not None
    assert "acme.account_id" in missing.remedy
    secret = tmp_path / "customer"
    secret.write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s\n")
    assert make(account_id="customer-7", account_key_file=str(secret)).issue(HOST) is None


def test_an_account_that_the_authority_has_forgotten_is_made_again(
    stub: AcmeStub, make: Make
) -> None:
    assert make().issue(HOST) is None
    stub.accounts.clear()
    forgotten = make().issue(HOST)
    assert forgotten is not None
    assert forgotten.is_new_account
    assert make().issue(HOST) is None
    assert len(stub.accounts) == 1


def test_keys_of_certificates_may_be_of_rsa(make: Make, store: IssuanceStore) -> None:
    assert make(key_type="rsa").issue(HOST) is None
    assert store.find_certificate(HOST) is not None
