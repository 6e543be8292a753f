"""The files of a first configuration, as text. Pure: answers go in, text comes out."""

from collections.abc import Sequence
from typing import Final

import msgspec

_LISTENER: Final = """
[[listener]]
kind = "submission"
address = "{address}"
tls = "{tls}"
auth = "required"
certificate = "tls/fullchain.pem"
private_key = "tls/privkey.pem"
"""
_LOCAL: Final = """
# Programs on this machine (cron, mail(), by angarium-sendmail) submit here without a password.
[[listener]]
kind = "submission"
address = "127.0.0.1:{port}"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]
"""
_HEAD: Final = """\
# Angarium. Every key and its default: docs/configuration.md. After a change:
#   postmaster check && {reload}

[server]
hostname = "{hostname}"
data_dir = "{data_dir}"
{user}
# Applications submit mail here, with a name and password (`postmaster user add NAME`).
"""
_TAIL: Final = """
# /healthz, /readyz and /metrics, for this machine only.
[[listener]]
kind = "http"
address = "127.0.0.1:{http}"

[dkim]
keys = [
{keys}
]

# Is port 25 closed here? Then send by a relay, which sees signed mail:
# [[route]]
# domain = "*"
# via = "smtp://apikey@smtp.relay.example:587"
# password_file = "relay.password"
"""


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Where it listens."""

    local: int
    starttls: int
    implicit: int
    http: int


PRIVILEGED: Final = Ports(local=25, starttls=587, implicit=465, http=8025)
UNPRIVILEGED: Final = Ports(local=2525, starttls=2587, implicit=2465, http=8025)


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    domain: str
    hostname: str
    data_dir: str
    user: str | None  # the server's; None: whoever starts it
    key_files: Sequence[tuple[str, str]]  # (selector, file)
    ports: Ports


def configuration(answers: Answers) -> str:
    """``angarium.toml``."""
    ports = answers.ports
    keys = [
        f'    {{ domain = "{answers.domain}", selector = "{selector}", file = "{file}" }},'
        for selector, file in answers.key_files
    ]
    reload = "systemctl reload angarium" if answers.user else "postmaster reload"
    return "".join(
        [
            _HEAD.format(
                reload=reload,
                hostname=answers.hostname,
                data_dir=answers.data_dir,
                user=f'user = "{answers.user}"\n' if answers.user else "",
            ).rstrip("\n"),
            _LISTENER.format(address=f"0.0.0.0:{ports.starttls}", tls="starttls"),
            _LISTENER.format(address=f"0.0.0.0:{ports.implicit}", tls="implicit"),
            _LOCAL.format(port=ports.local),
            _TAIL.format(http=ports.http, keys="\n".join(keys)),
        ]
    )


def sendmail_configuration(answers: Answers) -> str:
    """``sendmail.toml``: everybody who may send must be able to read it."""
    return (
        "# angarium-sendmail: to whom it submits, and who its users are outside. See docs/submission.md.\n"
        f'server = "127.0.0.1:{answers.ports.local}"\n'
        f'domain = "{answers.domain}"\n'
        "\n"
        "# Where mail to a name without a domain goes, as cron's to root. Without it: to that name at the domain.\n"
        "[aliases]\n"
        f'# root = "you@{answers.domain}"\n'
    )
