"""A provider of OpenID Connect of the tests' own, with real keys, on a loopback port. It says what a test wants."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT = "angarium-client"
SECRET = "s3cret:with/signs"


class OpenIdProvider:
    """``claims`` go into each ID token; ``forge`` may make another token of them; ``log`` has the token requests."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[Any, str]] = {
            "rsa": (rsa.generate_private_key(65537, 2048), "RS256"),
            "ec": (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        }
        self.published = {"rsa", "ec"}
        self.signs_with = "rsa"
        self.claims: dict[str, Any] = {"sub": "person-1"}
        self.forge: Callable[[dict[str, Any]], str] | None = None
        self.metadata: dict[str, Any] = {}
        self.answer: dict[str, str] = {}  # goes into each redirect
        self.log: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path)
                if path.path == "/.well-known/openid-configuration":
                    self.reply(200, provider._described())
                elif path.path == "/keys":
                    self.reply(200, {"keys": provider._members()})
                elif path.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider._authorized(dict(parse_qsl(path.query))))
                    self.end_headers()
                else:
                    self.reply(404, {})

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
                self.reply(*provider._redeemed(form, self.headers.get("Authorization", "")))

            def reply(self, status: int, answer: Any) -> None:
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sign(self, claims: dict[str, Any], **header: str) -> str:
        key, algorithm = self.keys[self.signs_with]
        return jwt.encode(claims, key, algorithm, headers={"kid": self.signs_with, **header})

    def _described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.metadata,
        }

    def _members(self) -> list[dict[str, Any]]:
        made = []
        for kid in sorted(self.published):
            key, algorithm = self.keys[kid]
            member = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key()))
            made.append({**member, "kid": kid, "alg": algorithm, "use": "sig"})
        return made

    def _authorized(self, asked: dict[str, str]) -> str:
        """The person says yes at once."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        said = {"code": code, "state": asked["state"], **self.answer}
        return f"{asked['redirect_uri']}?{urlencode(said)}"

    def _redeemed(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        self.log.append(form)
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        basic = base64.b64decode(authorization.partition(" ")[2]).decode()
        user, _, password = map(unquote_plus, basic.partition(":"))
        if (
            (user, password) != (CLIENT, SECRET)
            or challenge != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        token = self.sign(claims) if self.forge is None else self.forge(claims)
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": token}
