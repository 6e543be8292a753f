"""Something fetched what is on our tracking host: a picture, or where a link leads. Who judges makes an event of it."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class Fetched(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Neither opened nor clicked yet: a machine may have done it, and what else it fetches tells."""

    number: ClassVar[int] = 47
    name: ClassVar[str] = "fetched"

    tenant: str
    index: int  # of the recipient; -1: nobody is to know
    link_number: int  # -1: the picture; -2: the link that nobody sees
    link: str  # ""
    sent_s: int  # Unix time at which the copy was made
    network: str  # of the client: its address without the last part
    agent: str  # user agent, reduced
    method: str  # GET | HEAD
    signs: tuple[str, ...]  # what was seen then of who it is: ``tracking.signs``
