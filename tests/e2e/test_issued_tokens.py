"""Bearer tokens of somebody else's log-in: their key set is fetched, followed, and believed as configured."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.product import Product
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(100)]
ISSUER = "https://login.example"


class LogIn:
    """An issuer of tokens: its key set is served."""

    def __init__(self) -> None:
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.add("one")
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"keys": issuer.members()}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def add(self, kid: str) -> None:
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def members(self) -> list[dict[str, Any]]:
        made = []
        for kid, key in list(self.keys.items()):
            member = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
            made.append({**member, "kid": kid, "alg": "ES256", "use": "sig"})
        return made

    def token(self, kid: str, **claims: Any) -> str:
        said = {"iss": ISSUER, "aud": "mail", "sub": "u1", "exp": int(time.time()) + 600, **claims}
        return jwt.encode(said, self.keys[kid], algorithm="ES256", headers={"kid": kid})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def log_in() -> Iterator[LogIn]:
    made = LogIn()
    yield made
    made.close()


def ask(product: Product, token: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{product.http}/v1/suppression",
        headers={"Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_tokens_of_an_issuer_are_believed_and_its_new_keys_are_found(
    tmp_path: Path, log_in: LogIn
) -> None:
    more = (
        f'[[api.issuer]]\nissuer = "{ISSUER}"\njwks_url = "{log_in.url}"\naudience = "mail"\n'
        'scopes = ["suppressions:read"]\n'
    )
    product = Product(tmp_path, sink=1, more=more)
    try:
        wait_until(lambda: ask(product, log_in.token("one"))[0] == 200, 30)
        assert ask(product, log_in.token("one", aud="other"))[0] == 401
        assert ask(product, log_in.token("one", exp=1))[0] == 401
        log_in.add("two")
        wait_until(lambda: ask(product, log_in.token("two"))[0] == 200, 40)
        forger = LogIn()
        try:
            status, refused = ask(product, forger.token("one"))
        finally:
            forger.close()
        assert (status, refused["error"]) == (401, "UNAUTHORIZED")
    finally:
        product.kill()
