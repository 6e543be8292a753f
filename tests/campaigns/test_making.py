"""Mirrors angarium/campaigns/making.py and asked.py: orders of rows, by the same preparation as all other mail."""

from typing import Any

import pytest

from angarium.campaigns.asked import Asked, AskedError, Blank, decode_asked, encode_asked
from angarium.campaigns.making import LOT, Making, NeverError, NotNow
from angarium.content.mailbox import read_mailbox
from angarium.intake.order import Fault, FaultKind, Order
from angarium.intake.template_filling import NO_TEMPLATE, Mail
from angarium.queue import MessageId, Scope, Submission
from tests.campaigns.world import LAYOUT
from tests.intake.order_fixture import CALLER, Fixture


class Filling:
    """In the place of TemplateDesk: puts the row's own values into the text."""

    def __init__(self) -> None:
        self.lots: list[int] = []
        self.fault: Fault | None = None
        self.of_one: dict[str, Fault] = {}

    async def mails(
        self, tenant: str, orders: list[Order | Fault], *, strict: bool
    ) -> list[tuple[Mail, ...] | Fault] | Fault:
        self.lots.append(len(orders))
        if self.fault is not None:
            return self.fault
        return [self._one(each) for each in orders if isinstance(each, Order)]

    def _one(self, order: Order) -> tuple[Mail, ...] | Fault:
        return self.of_one.get(order.to[0].mailbox.address.text) or (Mail(order=order),)


def asked(**more: object) -> Asked:
    fields = {"layout": LAYOUT, "author": "Shop <shop@acme.test>", "subject": "s", "text": "t"}
    return Asked(**{**fields, **more})  # type: ignore[arg-type]


def orders(count: int) -> tuple[list[Order], list[MessageId]]:
    blank = Blank(asked(), "c1")
    made = [blank.order_to(read_mailbox(f"r{at}@example.net", "to"), {}) for at in range(count)]
    return made, [MessageId(at.to_bytes(16, "big")) for at in range(count)]


@pytest.fixture
def filling() -> Filling:
    return Filling()


@pytest.fixture
def making(filling: Filling) -> Making:
    return Making(filling, Fixture().preparation, lambda: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 1, LOT, LOT + 1, 2 * LOT + 50])
async def test_each_order_comes_to_a_mail_of_its_id_in_order(
    making: Making, filling: Filling, count: int
) -> None:
    wanted, ids = orders(count)
    made = await making.make(CALLER, wanted, ids)
    assert [each.message_id for each in made if isinstance(each, Submission)] == ids
    found = [each.envelope.recipients[0].forward_path for each in made if hasattr(each, "envelope")]
    assert found == [f"r{at}@example.net" for at in range(count)]
    assert sum(filling.lots) == count
    assert max(filling.lots, default=0) <= LOT


async def test_a_campaigns_mail_bears_its_topic_and_who_left_it_gets_none(filling: Filling) -> None:
    fixture = Fixture()
    fixture.known_topics = {"offers": "offers"}
    await fixture.suppress("r1@example.net", Scope(tenant="acme", topic="offers"))
    making = Making(filling, fixture.preparation, lambda: None)
    blank = Blank(asked(topic="offers"), "c1")
    wanted = [blank.order_to(read_mailbox(f"r{at}@example.net", "to"), {}) for at in range(3)]
    made = await making.make(CALLER, wanted, orders(3)[1])
    assert [each.topic for each in made if isinstance(each, Submission)] == ["offers", "offers"]
    assert isinstance(made[1], Fault)
    assert made[1].kind is FaultKind.SUPPRESSED


async def test_what_is_wrong_with_one_is_its_own(making: Making, filling: Filling) -> None:
    fault = Fault(kind=FaultKind.INVALID, message="templateData.name: is missing")
    filling.of_one = {"r1@example.net": fault}
    made = await making.make(CALLER, *orders(3))
    assert [isinstance(each, Submission) for each in made] == [True, False, True]
    assert made[1] == fault


@pytest.mark.parametrize("kind", [FaultKind.BUSY, FaultKind.DOMAIN, FaultKind.NO_SCOPE])
async def test_what_passes_by_itself_is_no_rows_fault(
    making: Making, filling: Filling, kind: FaultKind
) -> None:
    filling.of_one = {"r1@example.net": Fault(kind=kind, message="later")}
    with pytest.raises(NotNow, match="later"):
        await making.make(CALLER, *orders(3))
    filling.fault = Fault(kind=FaultKind.BUSY, message="too many")
    with pytest.raises(NotNow, match="too many"):
        await making.make(CALLER, *orders(LOT + 3))


async def test_a_template_that_is_gone_ends_it(making: Making, filling: Filling) -> None:
    gone = Fault(kind=FaultKind.INVALID, message="templateId: gone", constraint=NO_TEMPLATE)
    filling.of_one = {"r0@example.net": gone}
    with pytest.raises(NeverError, match="templateId: gone"):
        await making.make(CALLER, *orders(1))


def test_a_rows_values_win_over_those_of_all() -> None:
    blank = Blank(asked(template="t", template_version=3, data={"a": "1", "b": "2"}), "c1")
    order = blank.order_to(read_mailbox("a@example.net", "to"), {"b": "3"})
    assert order.template is not None
    assert (order.template.name, order.template.version) == ("t", 3)
    assert order.template.data == {"a": "1", "b": "3"}
    assert order.campaign == "c1"


def test_what_was_asked_comes_back_and_what_is_damaged_is_told() -> None:
    whole = asked(tags=("a",), metadata={"x": 1}, duplicates="send")
    assert decode_asked(encode_asked(whole)) == whole
    with pytest.raises(AskedError, match="damaged"):
        decode_asked(encode_asked(whole)[:-2])
    with pytest.raises(AskedError, match="from: "):
        Blank(asked(author="a b"), "c1")


async def test_lots_are_with_the_renderer_while_one_is_built(
    making: Making, filling: Filling, monkeypatch: pytest.MonkeyPatch
) -> None:
    lots_by_then: list[int] = []
    prepare = Fixture().preparation.prepare_each

    def prepared(*arguments: Any) -> Any:
        lots_by_then.append(len(filling.lots))
        return prepare(*arguments)

    monkeypatch.setattr(making._preparation, "prepare_each", prepared)
    await making.make(CALLER, *orders(4 * LOT))
    assert lots_by_then[0] == 3
    assert set(lots_by_then[-LOT // 10 :]) == {4}
