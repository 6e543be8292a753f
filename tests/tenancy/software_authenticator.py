"""An authenticator as software: makes passkeys and signs with them, as a browser hands them over (WebAuthn)."""

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

FLAG = AuthenticatorData.FLAG


class SoftwareAuthenticator:
    def __init__(self, origin: str, rp_id: str, *, verifies: bool = True) -> None:
        """``verifies``: it has its person's finger."""
        self.origin = origin
        self.rp_id = rp_id
        self.counter = 0
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._id = os.urandom(32)
        self._flags = FLAG.UP | (FLAG.UV if verifies else FLAG(0))

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        asked = options["publicKey"]
        public = ES256.from_cryptography_key(self._private.public_key())
        credential = AttestedCredentialData.create(bytes(16), self._id, public)
        data = AuthenticatorData.create(
            self._rp_hash(), self._flags | FLAG.AT, self.counter, bytes(credential)
        )
        return self._answer(
            clientDataJSON=websafe_encode(self._client("webauthn.create", asked["challenge"])),
            attestationObject=websafe_encode(bytes(AttestationObject.create("none", data, {}))),
        )

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        self.counter += 1
        data = AuthenticatorData.create(self._rp_hash(), self._flags, self.counter)
        client = self._client("webauthn.get", options["publicKey"]["challenge"])
        signed = bytes(data) + hashlib.sha256(client).digest()
        signature = self._private.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=websafe_encode(client),
            authenticatorData=websafe_encode(bytes(data)),
            signature=websafe_encode(signature),
        )

    def _answer(self, **response: str) -> dict[str, Any]:
        name = websafe_encode(self._id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _rp_hash(self) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest()
