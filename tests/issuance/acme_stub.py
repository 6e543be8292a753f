"""An authority of the tests that speaks ACME (RFC 8555): it checks signatures and nonces, and looks for challenges.

Written against the RFC and nothing of the library that we order with. Everything it was asked is in ``requests``.
"""

import hashlib
import hmac
import http.client
import json
import secrets
import ssl
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.authority import Authority

_ERROR = "urn:ietf:params:acme:error:"


class ProblemError(Exception):
    def __init__(self, code: str, detail: str, status: int = 403, retry_after: int = 0) -> None:
        super().__init__(code)
        self.code, self.detail, self.status, self.retry_after = code, detail, status, retry_after


class AcmeStub:
    """``looks_at``: the port at which challenges are looked for, on 127.0.0.1, whatever the host."""

    def __init__(self, folder: Path, looks_at: int, *, customers: dict[str, bytes] | None = None):
        """``customers``: only these get accounts: ids with their HMAC keys."""
        self.looks_at = looks_at
        self.customers = customers
        self.life = timedelta(days=90)
        self.refusals: dict[str, list[ProblemError]] = {}  # by step: once each
        self.requests: Counter[str] = Counter()
        self.accounts: dict[str, dict[str, Any]] = {}  # by thumbprint of the key
        self.orders: dict[str, dict[str, Any]] = {}
        self.issued: list[str] = []  # hosts
        self.bad_nonces = 0  # so many next requests are told that theirs is none
        self.before_answer: dict[str, threading.Event] = {}  # by step: waits for it
        self._nonces: set[str] = set()
        self._lock = threading.Lock()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._root()
        authority = Authority(folder, "acme")
        self.ca_file = authority.path
        (folder / "issued-ca.pem").write_bytes(self.root.public_bytes(Encoding.PEM))
        self.issuer_file = folder / "issued-ca.pem"
        certificate, key = authority.server("127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.base = f"https://127.0.0.1:{self._server.server_port}"
        self.directory_url = f"{self.base}/directory"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "AcmeStub":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def refuse(self, step: str, code: str, detail: str = "no", retry_after: int = 0) -> None:
        self.refusals.setdefault(step, []).append(
            ProblemError(code, detail, retry_after=retry_after, status=429 if retry_after else 403)
        )

    # ---- what handlers ask -----------------------------------------------------------------

    def nonce(self) -> str:
        with self._lock:
            self._nonces.add(made := secrets.token_urlsafe(16))
        return made

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answer a POST: status, header, body."""
        header, payload, signed = _parse(body)
        with self._lock:
            if self.bad_nonces:
                self.bad_nonces -= 1
                raise ProblemError("badNonce", "try again", 400)
            if header.get("nonce") not in self._nonces:
                raise ProblemError("badNonce", "not one of mine", 400)
            self._nonces.discard(header["nonce"])
        if header.get("url") != self.base + path:
            raise ProblemError("unauthorized", f"signed for {header.get('url')}", 401)
        step, _, name = path.strip("/").partition("/")
        key = header.get("jwk") if step == "new-account" else self._key_of(header)
        if key is None or ("jwk" in header) == ("kid" in header):
            raise ProblemError("malformed", "jwk for new accounts, kid for others", 400)
        _verify(key, signed, header)
        self.requests[step] += 1
        if step in self.before_answer:
            self.before_answer[step].wait(20)
        for problem in self.refusals.get(step, [])[:1]:
            self.refusals[step].remove(problem)
            raise problem
        handle = getattr(self, "_" + step.replace("-", "_"))
        asked = json.loads(payload) if payload else None
        status, more, answer = handle(name, asked, key, header)
        octets = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return status, more, octets

    # ---- steps -----------------------------------------------------------------------------

    def _new_account(self, _: str, asked: Any, key: Any, header: Any) -> Any:
        thumb = thumbprint(key)
        known = self.accounts.get(thumb)
        if known is None:
            if asked.get("onlyReturnExisting"):
                raise ProblemError("accountDoesNotExist", "none", 400)
            if asked.get("termsOfServiceAgreed") is not True:
                raise ProblemError("userActionRequired", "agree first")
            self._check_customer(asked, key, header)
            known = {"url": f"{self.base}/account/{thumb}", "key": key, "contact": []}
            self.accounts[thumb] = known
            known["contact"] = asked.get("contact", [])
            return 201, {"Location": known["url"]}, _account(known)
        return 200, {"Location": known["url"]}, _account(known)

    def _account(self, name: str, asked: Any, _: Any, __: Any) -> Any:
        if asked and "contact" in asked:
            self.accounts[name]["contact"] = asked["contact"]
        return 200, {}, _account(self.accounts[name])

    def _new_order(self, _: str, asked: Any, key: Any, __: Any) -> Any:
        (identifier,) = asked["identifiers"]
        name = secrets.token_hex(6)
        self.orders[name] = {
            "status": "pending",
            "host": identifier["value"],
            "token": secrets.token_urlsafe(24),
            "key": key,
            "authorization": "pending",
            "error": None,
            "chain": b"",
        }
        return 201, {"Location": f"{self.base}/order/{name}"}, self._shown(name)

    def _order(self, name: str, asked: Any, _: Any, __: Any) -> Any:
        assert asked is None
        return 200, {}, self._shown(name)

    def _authorization(self, name: str, _: Any, __: Any, ___: Any) -> Any:
        order = self.orders[name]
        challenge = self._challenge_of(name)
        other = {"type": "dns-01", "url": f"{self.base}/other/{name}", "token": "x" * 32}
        shown = {
            "identifier": {"type": "dns", "value": order["host"]},
            "status": order["authorization"],
            "challenges": [{**other, "status": "pending"}, challenge],
        }
        return 200, {}, shown

    def _challenge(self, name: str, asked: Any, _: Any, __: Any) -> Any:
        assert asked == {}
        order = self.orders[name]
        try:
            found = self._look(order["host"], order["token"])
        except OSError as error:
            order["error"] = {"type": f"{_ERROR}connection", "detail": str(error)}
        else:
            wanted = f"{order['token']}.{thumbprint(order['key'])}"
            if found.strip() == wanted:
                order["authorization"], order["status"] = "valid", "ready"
            else:
                order["error"] = {"type": f"{_ERROR}unauthorized", "detail": f"found {found[:40]}"}
        if order["error"]:
            order["authorization"] = order["status"] = "invalid"
        up = f'<{self.base}/authorization/{name}>;rel="up"'
        return 200, {"Link": up}, self._challenge_of(name)

    def _finalize(self, name: str, asked: Any, _: Any, __: Any) -> Any:
        order = self.orders[name]
        if order["status"] != "ready":
            raise ProblemError("orderNotReady", order["status"])
        request = x509.load_der_x509_csr(_octets(asked["csr"]))
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if not request.is_signature_valid or names.get_values_for_type(x509.DNSName) != [
            order["host"]
        ]:
            raise ProblemError("badCSR", "not of this order")
        order["chain"] = self._sign(request, order["host"])
        order["status"] = "valid"
        self.issued.append(order["host"])
        return 200, {"Location": f"{self.base}/order/{name}"}, self._shown(name)

    def _certificate(self, name: str, asked: Any, _: Any, __: Any) -> Any:
        assert asked is None
        return (
            200,
            {"Content-Type": "application/pem-certificate-chain"},
            self.orders[name]["chain"],
        )

    # ----------------------------------------------------------------------------------------

    def _key_of(self, header: dict[str, Any]) -> Any:
        known = self.accounts.get(str(header.get("kid", "")).rpartition("/")[2])
        if known is None:
            raise ProblemError("accountDoesNotExist", "who is that", 400)
        return known["key"]

    def _check_customer(self, asked: Any, key: Any, header: Any) -> None:
        if self.customers is None:
            return
        binding = asked.get("externalAccountBinding")
        if binding is None:
            raise ProblemError("externalAccountRequired", "customers only")
        inner = json.loads(_octets(binding["protected"]))
        secret = self.customers.get(inner["kid"], b"")
        signed = f"{binding['protected']}.{binding['payload']}".encode()
        mac = hmac.digest(secret, signed, hashlib.sha256)
        if not hmac.compare_digest(mac, _octets(binding["signature"])):
            raise ProblemError("unauthorized", "not our customer")
        assert inner["alg"] == "HS256"
        assert inner["url"] == header["url"]
        assert json.loads(_octets(binding["payload"])) == key

    def _look(self, host: str, token: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.looks_at, timeout=5)
        try:
            connection.request(
                "GET", f"/.well-known/acme-challenge/{token}", headers={"Host": host}
            )
            answer = connection.getresponse()
            text = answer.read(1000).decode()
        finally:
            connection.close()
        return text if answer.status == 200 else f"status {answer.status}"

    def _challenge_of(self, name: str) -> dict[str, Any]:
        order = self.orders[name]
        shown = {
            "type": "http-01",
            "url": f"{self.base}/challenge/{name}",
            "token": order["token"],
            "status": order["authorization"],
        }
        return {**shown, "error": order["error"]} if order["error"] else shown

    def _shown(self, name: str) -> dict[str, Any]:
        order = self.orders[name]
        shown = {
            "status": order["status"],
            "identifiers": [{"type": "dns", "value": order["host"]}],
            "authorizations": [f"{self.base}/authorization/{name}"],
            "finalize": f"{self.base}/finalize/{name}",
        }
        if order["status"] == "valid":
            shown["certificate"] = f"{self.base}/certificate/{name}"
        return shown

    def _root(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stub root")])
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), False)
            .sign(self._key, hashes.SHA256())
        )

    def _sign(self, request: x509.CertificateSigningRequest, host: str) -> bytes:
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.root.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + self.life)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
            )
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM) + self.root.public_bytes(Encoding.PEM)


def thumbprint(key: dict[str, Any]) -> str:
    """RFC 7638."""
    wanted = {name: key[name] for name in ("crv", "kty", "x", "y")}
    octets = json.dumps(wanted, sort_keys=True, separators=(",", ":")).encode()
    return _text(hashlib.sha256(octets).digest())


def _account(known: dict[str, Any]) -> dict[str, Any]:
    return {"status": "valid", "contact": known["contact"]}


def _parse(body: bytes) -> tuple[dict[str, Any], bytes, dict[str, str]]:
    signed = json.loads(body)
    if set(signed) != {"protected", "payload", "signature"}:
        raise ProblemError("malformed", "flattened JWS only", 400)
    return json.loads(_octets(signed["protected"])), _octets(signed["payload"]), signed


def _verify(key: dict[str, Any], signed: dict[str, str], header: dict[str, Any]) -> None:
    if header.get("alg") != "ES256" or key.get("crv") != "P-256":
        raise ProblemError("badSignatureAlgorithm", "ES256 only", 400)
    x, y = (int.from_bytes(_octets(key[name]), "big") for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    octets = _octets(signed["signature"])
    r, s = int.from_bytes(octets[:32], "big"), int.from_bytes(octets[32:], "big")
    text = f"{signed['protected']}.{signed['payload']}".encode()
    try:
        public.verify(encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise ProblemError("unauthorized", "not signed by that key", 401) from None


def _octets(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


def _handler(stub: AcmeStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

        def do_HEAD(self) -> None:
            self._send(200, {}, b"")

        def do_GET(self) -> None:
            if self.path != "/directory":
                self._send(405, {}, b"")
                return
            stub.requests["directory"] += 1
            steps = {"newNonce": "new-nonce", "newAccount": "new-account", "newOrder": "new-order"}
            directory: dict[str, Any] = {key: f"{stub.base}/{step}" for key, step in steps.items()}
            directory["meta"] = {"caaIdentities": ["stub.example"]}
            self._send(200, {}, json.dumps(directory).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            more: dict[str, str] = {}
            try:
                assert self.headers["Content-Type"] == "application/jose+json"
                status, more, octets = stub.answer(self.path, body)
            except ProblemError as problem:
                status = problem.status
                more = {"Content-Type": "application/problem+json"}
                if problem.retry_after:
                    more["Retry-After"] = str(problem.retry_after)
                octets = json.dumps(
                    {"type": _ERROR + problem.code, "detail": problem.detail, "status": status}
                ).encode()
            self._send(status, more, octets)

        def _send(self, status: int, more: dict[str, str], octets: bytes) -> None:
            self.send_response(status)
            header = {"Content-Type": "application/json", "Replay-Nonce": stub.nonce(), **more}
            for name, value in {**header, "Content-Length": str(len(octets))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(octets)

    return Handler
