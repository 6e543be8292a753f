"""Mirrors angarium/service/platform/queue_answers.py, delivery_answers.py and ingress_answers.py."""

from collections.abc import Iterator

import msgspec

from angarium.host.unix_socket import PeerUser
from angarium.insight.admin.connections import ConnectionEnded, EndConnection, ListConnections
from angarium.insight.admin.live import FindLive, QueuedRecipient
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.traffic import PATHS_AT_ONCE, AskTraffic, SomeTraffic
from angarium.mta.egress.lease import LiveConnection
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.egress.traffic_counts import Windows
from angarium.mta.traffic import PathTraffic
from angarium.mta.whereabouts import Whereabouts
from angarium.queue import DeliveryId, MessageId, PartitionNumber, UnixMs
from angarium.service.admin_socket import Asker
from angarium.service.delivery.answers import CONNECTIONS_LISTED, DeliveryAnswers
from angarium.service.ingress.answers import IngressAnswers

ASKER = Asker(PeerUser(pid=1, uid=0), None)  # type: ignore[arg-type]
ID = MessageId(bytes(16))


def connection(number: int) -> LiveConnection:
    return LiveConnection(
        id=number,
        source="ip1",
        provider="p",
        site="(mx).example.net",
        host="mx.example.net",
        address="192.0.2.1",
        stage="transfer",
        since=UnixMs(5),
        transfers=2,
    )


def path(number: int) -> PathTraffic:
    return PathTraffic(
        source=f"ip{number}",
        provider="p",
        waiting=number,
        connections=1,
        limits=None,
        windows=Windows(),
    )


class Listening(Asker):
    def __init__(self) -> None:
        super().__init__(PeerUser(pid=1, uid=0), None)  # type: ignore[arg-type]
        self.heard: list[object] = []

    async def say(self, item: object) -> None:
        self.heard.append(item)


class Delivery:
    def __init__(self, count: int = 2) -> None:
        self.open = {number: connection(number) for number in range(count)}
        self.asked: list[DeliveryId] = []

    def now(self) -> UnixMs:
        return UnixMs(75_000)

    def open_connections(self) -> list[LiveConnection]:
        return list(self.open.values())

    def end_connection(self, connection_id: int) -> bool:
        return self.open.pop(connection_id, None) is not None

    def traffic(self) -> Iterator[PathTraffic]:
        return (path(number) for number in self.open)

    def find_whereabouts(
        self, delivery: DeliveryId, domain: str, *, in_flight: bool
    ) -> Whereabouts:
        self.asked.append(delivery)
        return Whereabouts(state="transfer", host="mx.example.net", connection=1)


class Client(msgspec.Struct):
    id: int
    client: str = "192.0.2.7"
    user: str = "ann"
    phase: str = "dialogue"
    since: UnixMs = UnixMs(7)
    messages: int = 3


def nothing() -> None:
    pass


def nothing_narrows(_: UnixMs) -> list[Narrowing]:
    return []


class Listener:
    def __init__(self, *numbers: int) -> None:
        self.open = {number: Client(number) for number in numbers}

    def connections(self) -> list[Client]:
        return list(self.open.values())

    def end(self, connection_id: int) -> bool:
        return self.open.pop(connection_id, None) is not None


async def test_delivery_answers_for_its_own_partitions_only() -> None:
    delivery = Delivery()
    answers = DeliveryAnswers(
        delivery, [PartitionNumber(1)], "delivery-0", nothing, nothing_narrows
    )
    asked = tuple(
        QueuedRecipient(id=DeliveryId(ID, n), partition=n, domain="a.b", in_flight=True)
        for n in range(3)
    )
    (fact,) = (await answers.find_live(FindLive(recipients=asked), ASKER)).facts
    assert delivery.asked == [fact.id] == [DeliveryId(ID, 1)]
    assert (fact.state, fact.connection) == ("transfer", "delivery-0/1")


async def test_a_connection_of_delivery_is_ended_by_its_name() -> None:
    delivery = Delivery()
    answers = DeliveryAnswers(delivery, [], "delivery-0", nothing, nothing_narrows)
    listed = await answers.list_connections(ListConnections(), ASKER)
    assert [each.id for each in listed.connections] == ["delivery-0/0", "delivery-0/1"]
    ended = await answers.end_connection(EndConnection(id="delivery-0/1"), ASKER)
    assert isinstance(ended, ConnectionEnded)
    assert (ended.connection.peer, ended.connection.phase) == ("mx.example.net", "transfer")
    assert list(delivery.open) == [0]
    for gone in ("delivery-0/1", "delivery-1/0", "delivery-0/x", "0", "delivery-0/\u0663", ""):
        refused = await answers.end_connection(EndConnection(id=gone), ASKER)
        assert isinstance(refused, Refused)
        assert refused.reason == "not_found"
    assert list(delivery.open) == [0]


async def test_what_a_connection_that_is_being_opened_waits_for_is_told() -> None:
    delivery = Delivery(1)
    delivery.open[0] = msgspec.structs.replace(
        delivery.open[0], stage="opening", awaits="banner", awaits_since=UnixMs(2_000), hangs=True
    )
    answers = DeliveryAnswers(delivery, [], "delivery-0", nothing, nothing_narrows)
    (shown,) = (await answers.list_connections(ListConnections(), ASKER)).connections
    assert (shown.phase, shown.hangs) == ("opening", True)
    assert shown.awaits == "connected for 73 s, no banner yet"


async def test_a_list_of_connections_is_bounded() -> None:
    answers = DeliveryAnswers(
        Delivery(CONNECTIONS_LISTED + 7), [], "delivery-0", nothing, nothing_narrows
    )
    listed = await answers.list_connections(ListConnections(), ASKER)
    assert (len(listed.connections), listed.left_off) == (CONNECTIONS_LISTED, 7)


async def test_traffic_is_told_in_pieces_and_ends_with_what_is_in_force() -> None:
    rule = Narrowing(kind="rule", name="slow", text="2 connections instead of 10", provider="p")
    answers = DeliveryAnswers(
        Delivery(PATHS_AT_ONCE + 3), [], "delivery-0", nothing, lambda now: [rule] * (now == 75_000)
    )
    asker = Listening()
    end = await answers.tell_traffic(AskTraffic(), asker)
    pieces = [each.paths for each in asker.heard if isinstance(each, SomeTraffic)]
    assert [len(each) for each in pieces] == [PATHS_AT_ONCE, 3]
    assert [each.source for piece in pieces for each in piece][-1] == f"ip{PATHS_AT_ONCE + 2}"
    assert end.in_force == (rule,)


async def test_connections_of_all_listeners_are_listed_and_ended() -> None:
    first, second = Listener(1, 4), Listener(2)
    answers = IngressAnswers([("127.0.0.1:25", first), ("[::1]:587", second)], "ingress-1")
    listed = await answers.list_connections(ListConnections(), ASKER)
    assert [(each.id, each.place) for each in listed.connections] == [
        ("ingress-1/1", "127.0.0.1:25"),
        ("ingress-1/2", "[::1]:587"),
        ("ingress-1/4", "127.0.0.1:25"),
    ]
    assert listed.connections[0].user == "ann"
    ended = await answers.end_connection(EndConnection(id="ingress-1/2"), ASKER)
    assert isinstance(ended, ConnectionEnded)
    assert second.open == {}
    assert isinstance(await answers.end_connection(EndConnection(id="ingress-1/2"), ASKER), Refused)
