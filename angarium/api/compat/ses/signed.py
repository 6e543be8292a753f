"""Whose key signed a request of SES's clients (SigV4), before anything of it is believed."""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from angarium.access.sigv4 import Claim, SignatureProblem, SignedRequest, is_proven, read_claim
from angarium.api.access import Access, client_address
from angarium.api.compat.ses.answers import MISMATCH, UNKNOWN_KEY
from angarium.api.reading import read_octets
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.tenancy.key_text import ses_access_key_id
from angarium.tenancy.model import Key
from angarium.tenancy.snapshot import KeyProblem, Snapshot

SERVICE: Final = "ses"
_ENCODING: Final = "Content-Encoding"
_SESSION: Final = "x-amz-security-token"


class SignedCallers:
    """Invariant SIC1: whoever gets a Caller has signed this request, its body too, with a secret of a key that is
    valid, or was until its rotation ended; or has signed nothing, and shown a certificate that stands for a key.
    """

    def __init__(
        self,
        access: Access,
        snapshot: Callable[[], Snapshot],
        secret_of: Callable[[str, int], str],
        clock: Callable[[], UnixMs],
    ) -> None:
        """``secret_of``: the secret of a key's id and version, as ``tenancy.Secrets`` derives it."""
        self._access = access
        self._snapshot = snapshot
        self._secret_of = secret_of
        self._clock = clock

    async def read(self, request: web.Request, resource: str, action: str) -> tuple[Caller, bytes]:
        """Return who asks, and the body. Raises FaultError; a body whose key is unknown is not read."""
        now = self._clock()
        headers = tuple(request.headers.items())
        claim = read_claim(headers, service=SERVICE, now_s=now / 1000)
        if isinstance(claim, SignatureProblem):
            if claim.kind == "missing":
                certified = self._access.find_certified(request)
                if certified is not None:
                    caller = self._access.admit(request, certified, resource, action, dialect="ses")
                    return caller, await read_octets(request)
            raise FaultError(_fault(claim))
        key = self._snapshot().keys.get(claim.access_key_id.lower())
        if key is None or not _is_named(key, claim) or _SESSION in request.headers:
            raise FaultError(_wrong(UNKNOWN_KEY, "unknown_key"))
        if request.headers.get(_ENCODING, "identity").strip().lower() not in ("", "identity"):
            text = (
                f"{_ENCODING} is not taken from SES's clients: what is signed is the body as it is"
            )
            raise FaultError(Fault(kind=FaultKind.MEDIA_TYPE, message=text, field=_ENCODING))
        body = await read_octets(request)
        signed = SignedRequest(
            method=request.method, target=request.raw_path, headers=headers, body=body
        )
        if not self._is_proven(claim, signed, key, now):
            raise FaultError(_wrong(MISMATCH))
        grant = self._snapshot().grant(key, now, client_address(request))  # SIC1
        if isinstance(grant, KeyProblem):
            raise FaultError(_unusable(grant))
        return self._access.admit(request, grant, resource, action, dialect="ses"), body

    def _is_proven(self, claim: Claim, signed: SignedRequest, key: Key, now: UnixMs) -> bool:
        secrets = [
            self._secret_of(key.id, each.version)
            for each in key.secrets
            if each.expires is None or now < each.expires
        ]
        return any(is_proven(claim, signed, each) for each in secrets)


def _is_named(key: Key, claim: Claim) -> bool:
    return key.kind == "ses" and ses_access_key_id(key.id) == claim.access_key_id


def _fault(problem: SignatureProblem) -> Fault:
    if problem.kind == "missing":
        return Fault(kind=FaultKind.NO_KEY, message=problem.text)
    return _wrong(problem.text, "incomplete_signature" if problem.kind == "incomplete" else "")


def _unusable(problem: KeyProblem) -> Fault:
    if problem.problem in ("disabled", "network"):
        return Fault(kind=FaultKind.NO_SCOPE, message=problem.text)
    return _wrong(problem.text, "unknown_key")


def _wrong(text: str, constraint: str = "") -> Fault:
    return Fault(kind=FaultKind.WRONG_KEY, message=text, constraint=constraint)
