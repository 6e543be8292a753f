"""Mirrors bench/peer.py."""

from bench.direct_peer import DIRECT, DirectPeer
from bench.errors import PeerAbsent
from bench.peer import Candidate, StartPeer, present


def absent() -> StartPeer:
    raise PeerAbsent("it is not here")


def test_a_peer_that_cannot_run_is_left_out_with_a_word() -> None:
    said: list[str] = []
    found = present([Candidate("Exim", absent), DIRECT], said.append)
    assert found == [("nothing between", DirectPeer)]
    assert said == ["without Exim: it is not here"]
