"""Mirrors angarium/mta/transport/tls_memory.py."""

from angarium.mta.transport.tls_memory import DEATHS, TlsMemory
from angarium.queue.model import UnixMs

AT = ("mx.example", "192.0.2.1")


def memory() -> TlsMemory:
    return TlsMemory(60, lambda: UnixMs(1_000_000))


def test_why_tls_is_done_without_is_remembered_d6() -> None:
    tls = memory()
    assert tls.find_reason(*AT) is None
    tls.broke(*AT, "the handshake timed out")
    assert tls.find_reason(*AT) == "the handshake timed out"


def test_a_host_that_demands_tls_is_never_spoken_to_in_the_clear_d6() -> None:
    tls = memory()
    tls.broke(*AT, "the handshake timed out")
    tls.demanded(*AT)
    assert tls.is_demanded(*AT)
    assert tls.find_reason(*AT) is None  # TM1
    for _ in range(DEATHS):
        tls.died(*AT, "lost")
    tls.broke(*AT, "the handshake timed out")
    assert tls.find_reason(*AT) is None  # TM1


def test_sessions_that_die_under_tls_one_after_the_other_break_it() -> None:
    tls = memory()
    for _ in range(DEATHS - 1):
        tls.died(*AT, "lost")
    tls.worked(*AT)
    for _ in range(DEATHS - 1):
        tls.died(*AT, "lost")
    assert tls.find_reason(*AT) is None
    tls.died(*AT, "lost at data")
    assert tls.find_reason(*AT) == "lost at data"
