"""Mirrors angarium/intake/order_preparation.py: mails that are prepared together come to what each comes to alone."""

from collections.abc import Sequence
from typing import Any

import pytest

from angarium.intake.order import Fault, FaultKind
from angarium.intake.order_preparation import Prepared
from angarium.intake.template_filling import Mail
from angarium.queue import MessageId
from tests.intake.order_fixture import CALLER, Fixture, order

IDS = [MessageId(bytes(15) + bytes([at])) for at in range(3)]


def mails(*orders: Any) -> list[Mail]:
    return [Mail(order=each) for each in orders]


async def test_mails_prepared_together_are_what_each_is_alone() -> None:
    fixture = Fixture()
    await fixture.suppress("gone@c.test")
    asked = mails(order("one@c.test"), order("gone@c.test"), order("three@c.test", subject=""))
    together = fixture.preparation.prepare_each(CALLER, asked, IDS)
    alone = [
        fixture.preparation.prepare(CALLER, mail, message_id)
        for mail, message_id in zip(asked, IDS, strict=True)
    ]
    assert together == alone
    kinds = [each.kind if isinstance(each, Fault) else "prepared" for each in together]
    assert kinds == ["prepared", FaultKind.SUPPRESSED, FaultKind.MISSING]


async def test_suppressions_are_looked_at_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = Fixture()
    looks: list[Sequence[str]] = []
    find_each = fixture.spool.suppressions.find_each

    def found(addresses: Sequence[str], *rest: Any) -> Any:
        looks.append(addresses)
        return find_each(addresses, *rest)

    monkeypatch.setattr(fixture.spool.suppressions, "find_each", found)
    asked = mails(order("one@c.test"), order("two@c.test"))
    fixture.preparation.prepare_each(CALLER, asked, IDS[:2])
    assert looks == [["one@c.test", "two@c.test"]]


async def test_a_suppression_that_cannot_be_read_is_one_mails_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixture = Fixture()
    find_each = fixture.spool.suppressions.find_each

    def found(addresses: Sequence[str], *rest: Any) -> Any:
        if "bad@c.test" in addresses:
            raise ValueError("damaged")
        return find_each(addresses, *rest)

    monkeypatch.setattr(fixture.spool.suppressions, "find_each", found)
    asked = mails(order("one@c.test"), order("bad@c.test"), order("three@c.test"))
    made = fixture.preparation.prepare_each(CALLER, asked, IDS)
    assert [isinstance(each, Prepared) for each in made] == [True, False, True]
    assert [str(each) for each in fixture.errors] == ["damaged"]
