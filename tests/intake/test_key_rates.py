"""Mirrors angarium/intake/key_rates.py."""

from angarium.intake.key_rates import KeyRates
from angarium.queue.model import UnixMs
from angarium.smtp.refusal import Refusal


def test_a_key_has_its_rate_and_who_has_none_is_let_go() -> None:
    now = [UnixMs(1_000_000)]
    rates = KeyRates({"slow": 2, "fast": 1000}.get, lambda: now[0])
    assert [rates.find_refusal("slow") for _ in range(2)] == [None, None]
    text = "Over the rate of this key, 2 messages per second; try again"
    assert rates.find_refusal("slow") == Refusal(451, "4.7.1", text)
    assert [rates.find_refusal("fast") for _ in range(1000)] == [None] * 1000
    assert [rates.find_refusal("joe") for _ in range(5000)] == [None] * 5000
    now[0] = UnixMs(1_000_500)
    assert rates.find_refusal("slow") is None
    assert rates.find_refusal("slow") is not None
