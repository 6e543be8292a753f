"""OpenDKIM, a peer in C with its own canonicalisation, verifies what we sign.

Its test mode sees header fields as a milter does, that is with exactly one blank behind the colon: fields
with more cannot be judged by it under the simple algorithm. Its opendkim-testmsg signs with SHA-1 only.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from angarium.config.schema import Dkim
from angarium.dkim import KeyRing, Signer, SigningKey
from angarium.dkim.keygen import record_text, write_private_key
from angarium.dkim.verify import verify
from angarium.queue.model import UnixMs

PATH = "/usr/sbin:/usr/bin:/usr/local/sbin"
OPENDKIM = shutil.which("opendkim", path=PATH)
TESTMSG = shutil.which("opendkim-testmsg", path=PATH)

MESSAGES = {
    "plain": b"From: a@example.com\r\nSubject: x\r\n\r\nbody\r\n",
    "empty body": b"From: a@example.com\r\n\r\n",
    "empty lines": b"From: a@example.com\r\n\r\n\r\n\r\nx\r\n\r\n\r\n",
    "blanks": b"From: a@example.com \r\nTo: a@b,\r\n\t b@b\r\n\r\n a  b\t c \r\n  \r\n",
    "8bit": b"From: a@example.com\r\nSubject: \xc3\xa4\r\n\r\n\xc3\xa4\xff\r\n",
    "repeated": b"From: a@example.com\r\nList-Help: 1\r\nList-Help: 2\r\n\r\nbody\r\n",
}
CANONICALIZATIONS = ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"]

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        OPENDKIM is None or TESTMSG is None,
        reason="opendkim and opendkim-testmsg are not installed (apt install opendkim opendkim-tools)",
    ),
]


def opendkim_says(message: bytes, key: SigningKey, folder: Path) -> str:
    """Return the words in which opendkim's test mode judges a message."""
    record = record_text(key.private.public_key())
    (folder / "keys").write_text(f"{key.record_name} {record}\n")
    user = "UserID root\n" if os.geteuid() == 0 else ""
    (folder / "conf").write_text(f"Mode v\nTestPublicKeys {folder}/keys\n{user}")
    (folder / "message").write_bytes(message)
    assert OPENDKIM is not None
    done = subprocess.run(
        [OPENDKIM, "-x", folder / "conf", "-t", folder / "message"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("canonicalization", CANONICALIZATIONS)
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_opendkim_verifies_what_we_sign(
    kind: str,
    canonicalization: str,
    rsa_key: SigningKey,
    ed25519_key: SigningKey,
    tmp_path: Path,
) -> None:
    key = rsa_key if kind == "rsa" else ed25519_key
    signer = Signer(KeyRing([key]), Dkim(canonicalization=canonicalization))  # type: ignore[arg-type]
    now = UnixMs(int(time.time() * 1000))
    for name, content in MESSAGES.items():
        end = content.find(b"\r\n\r\n") + 4
        message = signer.sign(content, end, "example.com", now) + content
        assert "succeeded" in opendkim_says(message, key, tmp_path), name
    changed = message.replace(b"From: a@", b"From: b@")
    assert "failed" in opendkim_says(changed, key, tmp_path)


def test_a_signature_of_opendkim_with_sha1_is_refused(rsa_key: SigningKey, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_private_key(path, rsa_key.private)
    record = record_text(rsa_key.private.public_key()).encode()
    assert TESTMSG is not None
    done = subprocess.run(
        [TESTMSG, "-C", "-d", "example.com", "-s", "r1", "-k", path, "-t", tmp_path],
        input=b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n" + MESSAGES["plain"],
        capture_output=True,
        timeout=20,
        check=True,
    )
    [result] = verify(done.stdout, lambda _: record)
    assert result.domain == "example.com"
    assert result.status == "permerror"
    assert "RFC 8301" in result.reason
