"""Mirrors angarium/tracking/host_proof.py."""

import pytest

from angarium.tracking.host_proof import HostProof

OLD, NEW = bytes(32), bytes(range(32))
NONCE = "0123456789abcdef" * 2
HOST = "t.shop.example"


def test_only_who_has_the_key_answers_for_this_host_and_question() -> None:
    """HPF1"""
    proof = HostProof({1: NEW})
    answer = proof.answer(HOST, NONCE)
    assert answer is not None
    assert proof.accepts(HOST, NONCE, f"{answer}\n")
    assert not proof.accepts("t.bank.example", NONCE, answer)
    assert not proof.accepts(HOST, NONCE[::-1], answer)
    assert not HostProof({1: OLD}).accepts(HOST, NONCE, answer)
    for wrong in ("", "é", answer[:-1], answer.upper()):
        assert not proof.accepts(HOST, NONCE, wrong)


def test_a_key_that_was_added_is_known_before_the_others_read_it() -> None:
    before, after = HostProof({1: OLD}), HostProof({1: OLD, 2: NEW})
    answer = before.answer(HOST, NONCE)
    assert answer is not None
    assert after.accepts(HOST, NONCE, answer)
    assert after.answer(HOST, NONCE) != answer


@pytest.mark.parametrize("nonce", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "../" * 10 + "ab"])
def test_nothing_else_is_answered(nonce: str) -> None:
    assert HostProof({1: NEW}).answer(HOST, nonce) is None
