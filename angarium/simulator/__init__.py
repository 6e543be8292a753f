"""A small internet of mailbox providers on loopback, to deliver to: demo, tests, chaos runs.

Start with ``scenario`` (what a provider is to do), then ``internet`` (all of it running). Knows nothing of
how Angarium delivers: it is a peer, on aiosmtpd, so that our own client meets an SMTP server that is not ours.
"""

from angarium.simulator.internet import Internet
from angarium.simulator.mailboxes import Mailboxes, StoredMessage
from angarium.simulator.scenario import Scenario, load_scenario

__all__ = ["Internet", "Mailboxes", "Scenario", "StoredMessage", "load_scenario"]
