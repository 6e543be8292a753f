"""Mirrors angarium/api/access.py where a client's certificate stands for a key; keys are tried with each resource."""

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from angarium.access.allowance import Allowance
from angarium.api.access import Access
from angarium.intake.order import Caller, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.tenancy.model import Key, Tenant
from angarium.tenancy.snapshot import Snapshot, SnapshotData
from tests.authority import Authority

NOW = UnixMs(1_800_000_000_000)


class NoRates:
    def take(self, key: str, per_second: int, now: UnixMs) -> Allowance:
        return Allowance(limit=per_second, remaining=1, reset_ms=0, wait_ms=0)


class Shown:
    """What a connection says of its handshake."""

    def __init__(self, der: bytes | None) -> None:
        self._der = der

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        assert binary_form
        return self._der


def key(name: str, *certificates: str, **more: Any) -> Key:
    fields: dict[str, Any] = {"tenant": "shop", "scopes": ("emails",), **more}
    return Key(id=name, kind="api", created=NOW, secrets=(), certificates=certificates, **fields)


@pytest.fixture(scope="module")
def der(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    names: list[x509.GeneralName] = [x509.DNSName("a.example"), x509.RFC822Name("b@b.example")]
    _, _, made = Authority(tmp_path_factory.mktemp("authority")).client("a", names)
    return made.public_bytes(Encoding.DER)


def asked(der: bytes | None, *keys: Key, now: int | None = None, scope: str = "emails") -> Caller:
    tenants = tuple(Tenant(id=name, name=name, created=NOW) for name in ("shop", "mill"))
    snapshot = Snapshot(SnapshotData(tenants=tenants, keys=keys))
    moment = UnixMs(now or 0)
    access = Access(lambda: snapshot, lambda: moment, NoRates(), 1000)  # type: ignore[arg-type]
    request = make_mocked_request("GET", "/", sslcontext=None)
    transport = request.transport
    assert transport is not None
    transport.get_extra_info.side_effect = {"ssl_object": Shown(der)}.get  # type: ignore[attr-defined]
    return access.caller(request, "", scope, "send")


def refused(*arguments: Any, **more: Any) -> tuple[FaultKind, str]:
    with pytest.raises(FaultError) as caught:
        asked(*arguments, **more)
    return caught.value.fault.kind, caught.value.fault.message


def test_a_certificate_stands_for_the_key_that_has_one_of_its_names(der: bytes) -> None:
    caller = asked(der, key("k1", "email:b@b.example"), key("k2", "dns:c.example"))
    assert (caller.key_id, caller.tenant, caller.scopes) == ("k1", "shop", ("emails",))
    assert caller.actor == "key k1 by certificate dns:a.example"


def test_who_shows_none_or_a_strange_one_is_told_so(der: bytes) -> None:
    assert refused(None, key("k1", "dns:a.example"))[0] is FaultKind.NO_KEY
    kind, text = refused(der, key("k1", "dns:c.example"))
    assert kind is FaultKind.WRONG_KEY
    assert "dns:a.example (sha256:" in text


def test_one_that_stands_for_several_keys_stands_for_none(der: bytes) -> None:
    kind, text = refused(der, key("k1", "dns:a.example"), key("k2", "email:b@b.example"))
    assert kind is FaultKind.WRONG_KEY
    assert "several keys (k1, k2)" in text


def test_it_may_do_no_more_than_its_key(der: bytes) -> None:
    bound = "dns:a.example"
    assert refused(der, key("k1", bound), scope="keys")[0] is FaultKind.NO_SCOPE
    elsewhere = refused(der, key("k1", bound, networks=("198.51.100.0/24",)))
    assert elsewhere[0] is FaultKind.NO_SCOPE
    assert refused(der, key("k1", bound, expires=UnixMs(1)), now=2)[0] is FaultKind.WRONG_KEY


def test_a_connection_does_not_outlive_its_certificate(der: bytes) -> None:
    made = x509.load_der_x509_certificate(der)
    ends = int(made.not_valid_after_utc.timestamp() * 1000)
    bound = key("k1", "dns:a.example")
    assert asked(der, bound, now=ends - 1).key_id == "k1"
    kind, text = refused(der, bound, now=ends)
    assert (kind, "has expired" in text) == (FaultKind.WRONG_KEY, True)
