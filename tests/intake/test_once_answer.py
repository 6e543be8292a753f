"""Mirrors angarium/intake/once_answer.py."""

import msgspec

from angarium.content.mailbox import read_mailbox
from angarium.intake.once_answer import decode_answer, encode_answer, orders_digest
from angarium.intake.order import Addressee, Fault, FaultKind, Order, Sent
from angarium.queue.model import UnixMs

ORDER = Order(
    author=read_mailbox("Shop <a@b.test>", "from"),
    to=(Addressee(mailbox=read_mailbox("c@d.test", "to"), metadata={"b": 1, "a": [None, "x"]}),),
    subject="s",
    text="t",
    metadata={"z": {"y": 1, "x": 2}, "w": 1.5},
)


def test_an_answer_is_read_back_equal() -> None:
    answer = (
        Sent(
            email_id="1",
            message_id="<1@b>",
            status="pending",
            accepted_at=UnixMs(5),
            suppressed=("x",),
        ),
        Fault(kind=FaultKind.DOMAIN, message="m", field="from", addresses=("y",)),
    )
    assert decode_answer(encode_answer(answer)) == answer


def test_equal_orders_have_one_digest_whatever_the_order_of_names() -> None:
    other = msgspec.structs.replace(ORDER, metadata={"w": 1.5, "z": {"x": 2, "y": 1}})
    assert orders_digest((ORDER,), True) == orders_digest((other,), True)


def test_other_orders_have_other_digests() -> None:
    fault = Fault(kind=FaultKind.INVALID, message="m")
    found = {
        orders_digest(orders, strict)
        for orders in (
            (ORDER,),
            (ORDER, ORDER),
            (ORDER, fault),
            (msgspec.structs.replace(ORDER, subject="t"),),
            (msgspec.structs.replace(ORDER, send_at=UnixMs(1)),),
            (msgspec.structs.replace(ORDER, metadata={}),),
        )
        for strict in (True, False)
    }
    assert len(found) == 12
