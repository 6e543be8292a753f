"""The demo's internet: one provider of each temper, the senders' own mailboxes, and their DKIM records."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from angarium.dkim import SigningKey
from angarium.dkim.keygen import generate, record_text, write_private_key
from angarium.simulator.example import example_scenario
from angarium.simulator.scenario import Name, Scenario, SimulatedProvider

SENDERS_PROVIDER = "senders"
SENDER_DOMAINS = ("shop.example", "ops.example", "crm.example")
SERVER_NAME = "mx.angarium.example"
# The server's sources: one that its providers know, and one that is new to one of them
WARM = "warm"
COLD = "cold"
ADDRESSES = {WARM: "127.0.0.1", COLD: "127.0.0.2"}
NEW_TO = "acorn"
# Where bounces and complaints come back to
RETURN_PATHS = "bounces.shop.example"
FEEDBACK_TO = "fbl@shop.example"
# What comes into force when cedar says that it is too much
RULE = "cedar-ts04"
RULE_REPLY = "[TSS04]"


def make_keys(folder: Path) -> list[tuple[SigningKey, Path]]:
    """Write an RSA key for each sending domain, and an Ed25519 key beside one of them."""
    folder.mkdir(mode=0o700)
    keys = [
        SigningKey(domain=domain, selector="s1", private=generate("rsa"))
        for domain in SENDER_DOMAINS
    ]
    keys.append(SigningKey(domain=SENDER_DOMAINS[0], selector="s2", private=generate("ed25519")))
    written = []
    for key in keys:
        path = folder / f"{key.domain}.{key.selector}.pem"
        write_private_key(path, key.private)
        written.append((key, path))
    return written


def demo_scenario(keys: Sequence[SigningKey]) -> Scenario:
    example = example_scenario()
    senders = SimulatedProvider(name=SENDERS_PROVIDER, domains=SENDER_DOMAINS)  # where DSNs arrive
    names = [
        Name(name=key.record_name, records=(f"TXT {record_text(key.private.public_key())}",))
        for key in keys
    ]
    names.append(Name(name=SERVER_NAME, records=("A 127.0.0.1",)))
    return msgspec.structs.replace(
        example, provider=(*example.provider, senders), name=(*example.name, *names)
    )
