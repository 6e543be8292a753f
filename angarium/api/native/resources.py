"""All resources of our own dialect: with what describes them, and without what they work with, to be described."""

from collections.abc import Sequence
from typing import Any

from angarium.api.dialect import Route
from angarium.api.native.campaigns import CampaignResource
from angarium.api.native.checking import CheckResource
from angarium.api.native.dialect import Resource
from angarium.api.native.history import HistoryResource
from angarium.api.native.insights import InsightsResource
from angarium.api.native.lake import LakeResource
from angarium.api.native.management import management
from angarium.api.native.oauth import TokenResource
from angarium.api.native.persons import PersonResource
from angarium.api.native.providers import ProviderResource
from angarium.api.native.receiver_reports import ReceiverReportResource
from angarium.api.native.receivers import ReceiverTables
from angarium.api.native.sending import SendResource
from angarium.api.native.stats import StatsResource
from angarium.api.native.upload_content import UploadContent
from angarium.api.native.uploads import UploadResource
from angarium.api.native.waiting import WaitingResource
from angarium.api.reference.resource import ReferenceResource


class _Absent:
    """What a resource would work with."""

    def __getattr__(self, _: str) -> "_Absent":
        return self

    def __truediv__(self, _: str) -> "_Absent":
        return self


def with_reference(resources: Sequence[Resource]) -> Sequence[Resource]:
    """Return them with one more, which describes them all, itself too."""
    found = list(resources)

    def all_routes() -> Sequence[Route]:
        return [route for each in found for route in each.routes()]

    found.append(ReferenceResource(all_routes))
    return found


def described_routes() -> Sequence[Route]:
    """Return the routes of a server as they are described; nothing can be asked of them.

    A test compares them with those of a running one.
    """
    absent: Any = _Absent()
    resources: Sequence[Resource] = (
        SendResource(absent, absent),
        WaitingResource(absent, absent),
        HistoryResource(absent, absent),
        StatsResource(absent, absent),
        InsightsResource(absent, absent),
        LakeResource(absent, absent),
        ReceiverTables(absent, absent),
        ReceiverReportResource(absent, absent),
        PersonResource(absent),
        CheckResource(absent, absent),
        TokenResource(absent, absent, absent),
        ProviderResource(absent, absent, absent, absent, absent),
        *management(absent, absent, absent),
        UploadResource(absent, absent, absent, absent),
        UploadContent(absent, absent, absent),
        CampaignResource(absent, absent, absent),
    )
    return [route for each in with_reference(resources) for route in each.routes()]
