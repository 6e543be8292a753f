"""Campaigns: a mail to each row of a file, whatever crashes on the way.

Start with ``Runner``, which takes campaigns of the ledger one batch at a time; ``Asked`` is what a tenant wants,
``FileSource`` where rows come from, ``Making`` how rows become mails, ``told_of`` what events mean for a row. Progress
has one owner, the queue's ledger: what is here in memory can be lost at any moment. Knows nothing of HTTP.
"""

from angarium.campaigns.asked import Asked, decode_asked, encode_asked
from angarium.campaigns.making import Making
from angarium.campaigns.outcomes import told_of
from angarium.campaigns.runner import Runner, RunnerSettings
from angarium.campaigns.source import FileSource, campaign_file

__all__ = [
    "Asked",
    "FileSource",
    "Making",
    "Runner",
    "RunnerSettings",
    "campaign_file",
    "decode_asked",
    "encode_asked",
    "told_of",
]
