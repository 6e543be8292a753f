"""Mirrors angarium/issuance/store.py."""

import stat
from pathlib import Path

import pytest

from angarium.access.tls_file import TlsFileError
from angarium.issuance.model import Account, Answer, HostStatus
from angarium.issuance.store import IssuanceError, IssuanceStore
from tests.authority import Authority

HOST = "t.shop.example"
URL = "https://authority.example/directory"


@pytest.fixture
def store(tmp_path: Path) -> IssuanceStore:
    made = IssuanceStore(tmp_path)
    made.prepare()
    return made


def test_a_certificate_is_exchanged_with_its_key_or_not_at_all(
    store: IssuanceStore, tmp_path: Path
) -> None:
    """ISS1"""
    authority = Authority(tmp_path)
    certificate, key = (each.read_text() for each in authority.server(HOST))
    store.write_certificate(HOST, key, certificate)
    before = store.certificate_path(HOST).read_bytes()
    other, _ = (each.read_text() for each in authority.server(HOST))
    with pytest.raises(TlsFileError):
        store.write_certificate(HOST, key, other)
    with pytest.raises(TlsFileError):
        store.write_certificate(HOST, key, "<html>")
    assert store.certificate_path(HOST).read_bytes() == before
    assert store.find_validity(HOST) is not None
    assert stat.S_IMODE(store.certificate_path(HOST).stat().st_mode) == 0o600
    assert [each.name for each in store.certificate_path(HOST).parent.iterdir()] == [f"{HOST}.pem"]


def test_before_anything_was_written_nothing_is_known(tmp_path: Path) -> None:
    store = IssuanceStore(tmp_path)
    assert store.hosts() == frozenset()
    assert store.status(HOST) == HostStatus()
    assert store.find_order(HOST) is store.find_account(URL) is store.find_validity(HOST) is None
    assert store.find_answer(HOST, "token") is None
    assert store.take_asked() == frozenset()
    store.ask_again(HOST)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named_and_no_account_is_made_in_its_place(
    store: IssuanceStore, tmp_path: Path
) -> None:
    store.write_account(Account(directory_url=URL, private_key="x"))
    (path,) = (tmp_path / "acme/accounts").iterdir()
    path.write_text('{"directory_url"')
    with pytest.raises(IssuanceError, match=path.name):
        store.find_account(URL)
    assert store.find_account("https://other.example/") is None


def test_what_was_looked_for_before_a_kill_is_not_there_after_the_start(
    store: IssuanceStore, tmp_path: Path
) -> None:
    store.write_answer("token", Answer(host=HOST, text="token.thumb"))
    assert store.find_answer(HOST, "token") == "token.thumb"
    IssuanceStore(tmp_path).prepare()
    assert store.find_answer(HOST, "token") is None


@pytest.mark.parametrize("token", ["", "../x", "a/b", "a.b", "a" * 201, "a\n"])
def test_what_is_no_token_is_no_part_of_a_path(store: IssuanceStore, token: str) -> None:
    with pytest.raises(ValueError, match="no token"):
        store.write_answer(token, Answer(host=HOST, text="x"))
    assert store.find_answer(HOST, token) is None
