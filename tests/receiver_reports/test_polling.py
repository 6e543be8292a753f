"""Mirrors angarium/receiver_reports/polling.py, oauth.py, key_file.py and poll_state.py, against stubs of both."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from angarium.queue.model import UnixMs
from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.key_file import read_key_file
from angarium.receiver_reports.oauth import CredentialError, Credentials, read_token
from angarium.receiver_reports.poll_state import PollKeeper
from angarium.receiver_reports.polling import Account, Poller, PollError
from angarium.simulator.postmaster_tools import PostmasterToolsStub
from angarium.simulator.snds import SndsStub
from tests.receiver_reports.conftest import Store
from tests.receiver_reports.samples import DAY, NOW

YESTERDAY = date(2026, 12, 1)
ROW = ("192.0.2.10", "12/1/2026 12:00 AM", "12/1/2026 11:00 PM", "9", "8", "8", "GREEN", "0.2%")
ROW_AFTER = (*ROW, "", "", "1", "mx.example.com", "bounce@example.com", "")


@pytest.fixture
async def google() -> AsyncIterator[PostmasterToolsStub]:
    stub = PostmasterToolsStub(page=3)
    await stub.start()
    stub.stats["example.com"] = {
        "SPAM_RATE": {YESTERDAY: 0.001, YESTERDAY - timedelta(days=1): 0.0},
        'AUTH_SUCCESS_RATE auth_type = "dkim"': {YESTERDAY: 0.99},
        "DELIVERY_ERROR_COUNT": {YESTERDAY: 12},
        'DELIVERY_ERROR_RATE error_type = "reject" AND error_reason = "ip_in_rbls"': {
            YESTERDAY: 0.02
        },
        "FEEDBACK_LOOP_ID": {YESTERDAY: ["spring", 'odd"id']},
        'FEEDBACK_LOOP_SPAM_RATE feedback_loop_id = "spring"': {YESTERDAY: 0.004},
    }
    stub.stats["example.net"] = {}
    stub.compliance["example.com"] = {
        "complianceData": {
            "rowData": [{"requirement": "SPF", "status": {"status": "COMPLIANT"}}],
        }
    }
    yield stub
    await stub.close()


@pytest.fixture(params=["json", "csv"])
async def microsoft(request: pytest.FixtureRequest) -> AsyncIterator[SndsStub]:
    stub = SndsStub(request.param)
    await stub.start()
    stub.days["2026-12-01"] = [ROW_AFTER]
    stub.status = [("192.0.2.11", "192.0.2.11", "Yes", "Blocked due to complaints")]
    yield stub
    await stub.close()


def key_file(folder: Path, octets: bytes, mode: int = 0o600) -> Path:
    path = folder / "key.json"
    path.write_bytes(octets)
    path.chmod(mode)
    return path


def poller_of(account: Account, store: Store) -> Poller:
    return Poller(account, PollKeeper(store.file), lambda: NOW, pause_s=0)


def google_account(stub: PostmasterToolsStub, path: Path, *domains: str) -> Account:
    return Account(provider="google", key_file=path, url=stub.url, token_url="", domains=domains)


def snds_account(stub: SndsStub, path: Path) -> Account:
    return Account(provider="microsoft", key_file=path, url=stub.url, token_url="")


def names(figures: list[Figure]) -> set[tuple[str, int, str, float | str]]:
    return {
        (each.subject, each.day, each.name, each.word if each.value is None else each.value)
        for each in figures
    }


async def test_google_is_read_by_a_service_account_page_after_page(
    google: PostmasterToolsStub, store: Store, tmp_path: Path
) -> None:
    account = google_account(google, key_file(tmp_path, google.key_file))
    found = names(await poller_of(account, store).poll())
    assert found == {
        ("example.com", DAY, "spam_rate", 0.001),
        ("example.com", DAY - 1, "spam_rate", 0.0),
        ("example.com", DAY, "dkim_success_rate", 0.99),
        ("example.com", DAY, "delivery_errors", 12.0),
        ("example.com", DAY, "delivery_error_rate_reject_ip_in_rbls", 0.02),
        ("example.com", DAY, "feedback_loop_spam_rate spring", 0.004),
        ("example.com", DAY + 1, "compliance_spf", "compliant"),
    }
    assert google.calls.count("/v2/domains/example.com/domainStats:query") == 3


async def test_google_is_read_by_a_refresh_token(
    google: PostmasterToolsStub, store: Store, tmp_path: Path
) -> None:
    octets = msgspec.json.encode(
        {
            "client_id": "c",
            "client_secret": "s",
            "refresh_token": "refresh-1",
            "token_uri": f"{google.url}/token",
        }
    )
    account = google_account(google, key_file(tmp_path, octets), "example.com")
    assert await poller_of(account, store).poll()
    google.refresh_tokens.clear()
    with pytest.raises(PollError, match=r"HTTP 400 invalid_grant Token has been expired"):
        await poller_of(account, store).poll()


async def test_a_domain_that_may_not_be_read_keeps_no_other_from_it(
    google: PostmasterToolsStub, store: Store, tmp_path: Path
) -> None:
    path = key_file(tmp_path, google.key_file)
    account = google_account(google, path, "others.example", "example.com")
    assert await poller_of(account, store).poll()
    with pytest.raises(
        PollError, match=r"no domain's figures may be read: others.example: HTTP 403"
    ):
        await poller_of(google_account(google, path, "others.example"), store).poll()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_fault_of_google_is_told_of(
    google: PostmasterToolsStub, store: Store, tmp_path: Path, status: int
) -> None:
    google.faults = [status]
    account = google_account(google, key_file(tmp_path, google.key_file))
    with pytest.raises(PollError, match=f"HTTP {status}"):
        await poller_of(account, store).poll()


async def test_a_signature_of_another_key_gives_no_token(
    google: PostmasterToolsStub, store: Store, tmp_path: Path
) -> None:
    other = msgspec.json.decode(PostmasterToolsStub().key_file)
    octets = msgspec.json.encode(other | {"token_uri": f"{google.url}/token"})
    with pytest.raises(PollError, match="Invalid JWT Signature"):
        await poller_of(google_account(google, key_file(tmp_path, octets)), store).poll()


async def test_a_host_that_is_not_there_is_told_of(
    google: PostmasterToolsStub, store: Store, tmp_path: Path
) -> None:
    account = google_account(google, key_file(tmp_path, google.key_file))
    await google.close()
    with pytest.raises(PollError, match="is not reached"):
        await poller_of(account, store).poll()


async def test_snds_is_read_and_a_token_that_counts_once_is_kept(
    microsoft: SndsStub, store: Store, tmp_path: Path
) -> None:
    account = snds_account(microsoft, key_file(tmp_path, microsoft.key_file()))
    for _ in range(3):  # the key file's own token counts the first time only
        found = names(await poller_of(account, store).poll())
    assert found == {
        ("192.0.2.10", DAY, "rcpt_commands", 9.0),
        ("192.0.2.10", DAY, "data_commands", 8.0),
        ("192.0.2.10", DAY, "recipients", 8.0),
        ("192.0.2.10", DAY, "filter_result", "green"),
        ("192.0.2.10", DAY, "complaint_rate", 0.002),
        ("192.0.2.10", DAY, "trap_hits", 1.0),
        ("192.0.2.11", DAY + 1, "status", 1.0),
    }


async def test_another_refresh_token_in_the_key_file_counts_at_once(
    microsoft: SndsStub, store: Store, tmp_path: Path
) -> None:
    account = snds_account(microsoft, key_file(tmp_path, microsoft.key_file()))
    await poller_of(account, store).poll()
    microsoft.refresh_token = "given-anew"
    with pytest.raises(PollError, match="AADSTS70000"):
        await poller_of(account, store).poll()
    key_file(tmp_path, microsoft.key_file())
    assert await poller_of(account, store).poll()


async def test_snds_is_read_by_client_credentials(
    microsoft: SndsStub, store: Store, tmp_path: Path
) -> None:
    account = snds_account(microsoft, key_file(tmp_path, microsoft.key_file("client_secret")))
    assert await poller_of(account, store).poll()
    assert microsoft.grants == ["client_credentials"]


async def test_a_day_without_mail_is_no_failure(
    microsoft: SndsStub, store: Store, tmp_path: Path
) -> None:
    microsoft.days.clear()
    microsoft.status.clear()
    account = snds_account(microsoft, key_file(tmp_path, microsoft.key_file()))
    assert await poller_of(account, store).poll() == []


@pytest.mark.parametrize(
    ("octets", "mode", "why"),
    [
        (b'{"client_id": "c", "refresh_token": "s"}', 0o640, "others may read it"),
        (b"{}", 0o600, "it needs private_key and client_email"),
        (b"[", 0o600, "it is no JSON"),
        (b'{"client_id": 1}', 0o600, "it is no JSON with texts for fields"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_refused(
    tmp_path: Path, octets: bytes, mode: int, why: str
) -> None:
    """P8"""
    with pytest.raises(CredentialError) as raised:
        read_key_file(key_file(tmp_path, octets, mode))
    assert why in str(raised.value)


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match=r"nowhere.json: No such file"):
        read_key_file(tmp_path / "nowhere.json")


def test_secrets_are_in_no_text(tmp_path: Path) -> None:
    """P8"""
    found = Credentials(client_id="c", client_secret="hidden", refresh_token="hidden")
    token = read_token(200, b'{"access_token": "hidden"}')
    assert "hidden" not in f"{found!r} {token!r} {found} {token}"
    with pytest.raises(CredentialError) as raised:
        read_token(400, b'{"error": "invalid_grant"}')
    assert str(raised.value) == "no access token is given: HTTP 400 invalid_grant"


def test_after_failures_it_is_tried_ever_later_and_never_later_than_usual(store: Store) -> None:
    """RVP1"""
    keeper = PollKeeper(store.file)
    assert keeper.due("google", 86_400_000, 600_000) == 0
    waits = []
    for _ in range(10):
        keeper.note("google", NOW, "HTTP 500")
        waits.append(keeper.due("google", 86_400_000, 600_000) - NOW)
    assert waits[:4] == [600_000, 1_200_000, 2_400_000, 4_800_000]
    assert waits[-1] == 86_400_000
    keeper.note("google", UnixMs(NOW + 5), "")
    assert keeper.due("google", 86_400_000, 600_000) == NOW + 5 + 86_400_000
    (state,) = store.reader.polls()
    assert (state.succeeded, state.problem, state.failures) == (NOW + 5, "", 0)
