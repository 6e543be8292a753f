"""``python -m tests.upgrades.make NAME``: keep a data directory of the version that runs, for ``test_upgrades``.

With what a server has after some use: mail that waits, that is scheduled, held and in retry; users, suppressions,
hold rules; tenants with keys and domains. Beside the archive, what must be in it.
"""

import hashlib
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.product import Product, good_session
from tests.service.running_server import wait_until

HERE = Path(__file__).parent
LISTENERS = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]

[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth_without_tls = ["127.0.0.0/8"]
"""
USER = ("shop", "a password of some length", "@shop.example")
# Not part of what is moved from version to version
LEFT_OUT = {"run", "instance", "mail.log"}
# What is kept is opened for years
LASTING = 'expire_s = "3650d"'


def make(folder: Path) -> dict[str, Any]:
    product = Product(
        folder,
        listeners=LISTENERS,
        sink=1,
        retry="[3600]",
        delivery=LASTING,
        single=False,
        users=(USER,),
    )
    try:
        for number in range(3):
            good_session(product.smtp[0], f"waits-{number}@example.org")
        good_session(product.smtp[0], "held@example.org")
        wait_until(lambda: any(each["attempts"] for each in product.queued()), 60)
        wait_until(lambda: all(each["state"] == "scheduled" for each in product.queued()), 60)
        product.postmaster("queue", "hold", "--recipient", "held@example.org", "--reason", "wait")
        product.postmaster("queue", "hold", "--rule", "--sender", "@spam.example")
        product.postmaster("suppress", "add", "gone@example.org", "--why", "asked by phone")

        def ask(*arguments: str) -> Any:
            return json.loads(product.postmaster(*arguments, "--json"))

        ask("tenant", "create", "acme")
        domain = ask("domain", "add", "acme.example", "--tenant", "acme", "--assume-verified")
        pending = ask("domain", "add", "later.example", "--tenant", "acme")
        keys = {
            kind: ask("key", "create", "--tenant", "acme", "--kind", kind)
            for kind in ("api", "smtp", "ses")
        }
        revoked = ask("key", "create", "--tenant", "acme", "--kind", "api")
        product.postmaster("key", "revoke", revoked["id"])
        queued = {
            each["recipient"]: {
                "id": each["id"],
                "state": each["state"],
                "sender": each["sender"],
                "attempts": each["attempts"],
            }
            for each in product.queued()
        }
    finally:
        product.server.end()
        product.kill()
    return {
        "queued": queued,
        "user": USER,
        "suppressed": ["gone@example.org"],
        "hold_rules": 1,
        "keys": keys,
        "revoked": revoked["id"],
        "domains": {domain["domain"]: "verified", pending["domain"]: "pending"},
    }


def main(name: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        known = make(folder)
        archive = HERE / f"{name}.tar.xz"
        with tarfile.open(archive, "w:xz") as file:
            for each in sorted((folder / "data").iterdir()):
                if each.name not in LEFT_OUT:
                    file.add(each, arcname=each.name)
    known["sha256"] = hashlib.sha256(archive.read_bytes()).hexdigest()
    (HERE / f"{name}.json").write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
