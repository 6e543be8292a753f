"""Mirrors angarium/mta/egress/ready.py."""

from angarium.mta.egress.ready import ReadyQueue, RecipientGroup
from angarium.queue.model import DeliveryId, DueHead, MessageId, PartitionNumber, UnixMs


def head(message: int, index: int = 0, tenant: str = "t") -> DueHead:
    mid = MessageId(message.to_bytes(16, "big"))
    return DueHead(PartitionNumber(0), UnixMs(0), DeliveryId(mid, index), tenant, "d", 1)


def taken(ready: ReadyQueue) -> list[list[tuple[int, int]]]:
    groups = []
    while (group := ready.next_group()) is not None:
        groups.append([(h.id.message_id[-1], h.id.index) for h in group.heads])
    return groups


def test_recipients_of_one_message_share_a_group_up_to_the_limit() -> None:
    ready = ReadyQueue(recipients_per_message=2)
    for index in range(3):
        ready.push(head(1, index))
    ready.push(head(2))
    assert (len(ready), ready.groups) == (4, 3)
    assert taken(ready) == [[(1, 0), (1, 1)], [(1, 2)], [(2, 0)]]
    assert (len(ready), ready.groups) == (0, 0)


def test_tenants_take_turns_whatever_one_of_them_has_waiting() -> None:
    ready = ReadyQueue(1)
    for message in range(1, 5):
        ready.push(head(message, tenant="bulk"))
    ready.push(head(9, tenant="small"))
    assert [group[0][0] for group in taken(ready)] == [1, 9, 2, 3, 4]


def test_a_group_given_back_is_the_next_one() -> None:
    ready = ReadyQueue(1)
    for message in (1, 2):
        ready.push(head(message))
    ready.push(head(3, tenant="other"))
    group = ready.next_group()
    assert isinstance(group, RecipientGroup)
    ready.put_first(group)
    assert len(ready) == 3
    assert [g[0][0] for g in taken(ready)] == [1, 3, 2]


def test_room_is_made_by_the_newest_of_the_longest() -> None:
    ready = ReadyQueue(1)
    for message in range(1, 9):
        ready.push(head(message, tenant="bulk"))
    ready.push(head(9, tenant="small"))
    dropped = ready.drop_newest(4)
    assert [h.id.message_id[-1] for h in dropped] == [8, 7, 6, 5]
    assert (len(ready), ready.groups) == (5, 5)
    assert [len(ready.drain()), len(ready), ready.groups] == [5, 0, 0]
