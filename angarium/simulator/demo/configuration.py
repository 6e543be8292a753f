"""The demo's angarium.toml."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from angarium.dkim import SigningKey
from angarium.simulator.demo.world import (
    ADDRESSES,
    COLD,
    FEEDBACK_TO,
    NEW_TO,
    RETURN_PATHS,
    RULE,
    RULE_REPLY,
    SERVER_NAME,
    WARM,
)


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server listens."""

    submission: int
    http: int
    inbound: int = 0  # for what comes back

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.http}"


def configuration(
    data_dir: Path,
    endpoints: Endpoints,
    *,
    nameserver: str,
    smtp_port: int,
    keys: Sequence[tuple[SigningKey, Path]],
) -> str:
    """Return angarium.toml."""
    key_lines = "\n".join(
        f"    {{ domain = {_q(key.domain)}, selector = {_q(key.selector)}, file = {_q(str(path))} }},"
        for key, path in keys
    )
    return f"""\
# Written by bin/demo. Everything it names is on this machine's loopback.

[server]
hostname = {_q(SERVER_NAME)}
data_dir = {_q(str(data_dir))}
drain_s = 5.0

[[listener]]
kind = "submission"
address = "127.0.0.1:{endpoints.submission}"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]

[[listener]]
kind = "inbound"
address = "127.0.0.1:{endpoints.inbound}"

[[listener]]
kind = "http"
address = "127.0.0.1:{endpoints.http}"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]

[delivery]
port = {smtp_port}          # of all the simulator's MX hosts
allow_private = true  # they are on 127.20.x.y
retry_s = [2, 3, 4, 5]
greylist_retry_s = [2.5, 3, 3]

[dns]
nameservers = [{_q(nameserver)}]
negative_ttl_s = 5.0

[[source]]
name = "{WARM}"
address = "{ADDRESSES[WARM]}"

[[source]]
name = "{COLD}"  # new: acorn has never had mail from it
address = "{ADDRESSES[COLD]}"

[[pool]]
name = "default"
sources = [{{ name = "{WARM}" }}]

[[pool]]
name = "both"  # half each, as far as the warm-up lets the new one
sources = [{{ name = "{WARM}" }}, {{ name = "{COLD}" }}]

[[route]]
domain = "acorn.example"
pool = "both"

[[route]]
domain = "acorn-mail.example"
pool = "both"

[[warmup]]
source = "{COLD}"

[[provider]]
name = "{NEW_TO}"
domains = ["acorn.example", "acorn-mail.example"]

[[provider]]
name = "cedar"
domains = ["cedar.example"]
connections = 5
messages_per_connection = 20

[[rule]]
name = "{RULE}"  # as Yahoo's of the shipped rules, but slower instead of not at all
providers = ["cedar"]
match = "{RULE_REPLY}"
actions = ["throttle", "retry"]
rate = "140/min"
duration_s = "10m"

[dkim]
keys = [
{key_lines}
]

[feedback]
return_path_domain = "{RETURN_PATHS}"
feedback_addresses = ["{FEEDBACK_TO}"]

[tracking]
host = "localhost:{endpoints.http}"  # where links in tracked mail lead: the same listener, by another name
insecure = true

[webhook]
allow_networks = ["127.0.0.0/8"]  # where the demo's own application listens

[queue]
min_free_octets = 33554432
"""


def _q(text: str) -> str:
    """A TOML basic string: JSON's quoting is a part of it."""
    return msgspec.json.encode(text).decode()
