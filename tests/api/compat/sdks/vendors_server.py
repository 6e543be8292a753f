"""The running server as a vendor's customer meets it: a URL, a key, and the mail that arrives."""

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from angarium.config.loader import load
from angarium.tenancy.keys import KeyWish
from angarium.tenancy.plan_change import PlanChange
from angarium.tenancy.platform import Platform
from tests.api.compat.node import run_node
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, Taken

DOMAIN = "shop.example"
OTHER_DOMAIN = "other.example"  # of another tenant
SENDER = f"Shop <orders@{DOMAIN}>"
SUPPRESSED = "gone@example.net"
SMALL = "small"
MORE = """
[[stream]]
name = "broadcasts"

[webhook]
allow_networks = ["127.0.0.1/32"]
"""


class VendorsServer:
    def __init__(self, folder: Path, sink: RecordingSink) -> None:
        self.sink = sink
        self.product = Product(folder, listeners="", sink=sink.port, more=MORE)
        self.url = f"http://127.0.0.1:{self.product.http}"
        with Platform.open(load(self.product.config), actor="tests") as platform:
            platform.domains.add(DOMAIN, tenant="default", assume_verified=True)
            wishes = (
                KeyWish(tenant="default", kind="api"),
                KeyWish(tenant="default", kind="api", scopes=("emails:read",)),
                KeyWish(tenant="default", kind="api", rate=1),
            )
            self.key, self.reading_key, self.slow_key = (
                platform.keys.create(each).text for each in wishes
            )
            # A tenant that may send once a day
            platform.tenants.create(SMALL)
            platform.tenants.change_plan(SMALL, PlanChange(per_day=1))
            platform.domains.add(f"{SMALL}.example", tenant=SMALL, assume_verified=True)
            self.small_key = platform.keys.create(KeyWish(tenant=SMALL, kind="api")).text
            platform.tenants.create("other")
            platform.domains.add(OTHER_DOMAIN, tenant="other", assume_verified=True)
            # Of Amazon SES: a key of each tenant
            self.ses_key, self.other_ses_key = (
                platform.keys.create(KeyWish(tenant=each, kind="ses"))
                for each in ("default", "other")
            )
            platform.publish()
        self.product.postmaster("suppress", "add", SUPPRESSED)

    def mail(self, mark: str) -> EmailMessage:
        """Return the message that has the mark, once it has arrived."""
        return _parsed(self.sink.wait_for_token(mark))

    def recipients(self, mark: str) -> set[str]:
        commands = self.sink.wait_for_token(mark).rcpts
        return {each.decode().partition("<")[2].partition(">")[0] for each in commands}

    def count(self, mark: str) -> int:
        return sum(mark.encode() in each.content for each in self.sink.taken)

    def node(self, script: str, **given: Any) -> list[Any]:
        """Run a script of tests/node with these in JSON, and return what it printed."""
        return run_node(script, **{"url": self.url, "key": self.key, **given})


def often(call: Callable[[], object]) -> None:
    """Call it more often than a key of one request per second allows."""
    for _ in range(50):
        call()


def _parsed(taken: Taken) -> EmailMessage:
    return message_from_bytes(taken.content, policy=policy.default)  # type: ignore[return-value]
