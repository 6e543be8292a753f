"""A message to two, with all that can be told of it, and what came of it."""

from angarium.history.introducing import introduction_of
from angarium.queue.about import About
from angarium.webhooks.happening import Happening, mail_happenings
from tests.history.samples import Log

ABOUT = About(
    subject="Grüße",
    author="Shop <noreply@shop.example>",
    metadata={"userId": "user-123", "n": 7},
    recipients={"ann@example.net": {"userId": "ann"}},
    variables={"ann@example.net": {"name": "Ann"}},
)
TAGS = ("campaign:welcome", "plain")


class Sample:
    """``happen`` returns what an event comes to."""

    def __init__(self) -> None:
        self.log = Log()
        self.message = self.log.accept(
            "ann@example.net", "bob@example.net", tags=TAGS, about=ABOUT, campaign="spring"
        )
        self.introduction = introduction_of(self.log.positions[0].event)

    @property
    def accepted(self) -> list[Happening]:
        return list(mail_happenings(self.log.positions[0], self.introduction))

    def happen(self, name: str, index: int = 0, **fields: object) -> Happening:
        self.log.happen(name, self.message, index, **fields)
        (found,) = mail_happenings(self.log.positions[-1], self.introduction)
        return found
