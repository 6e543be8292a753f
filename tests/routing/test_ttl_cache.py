"""Mirrors angarium/routing/ttl_cache.py."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.routing.ttl_cache import TtlCache


def test_an_entry_ends_at_its_time() -> None:
    cache: TtlCache[str, int] = TtlCache(2)
    cache.put("a", 1, 10.0)
    assert cache.find("a", 9.9) == 1
    assert cache.find_with_end("a", 9.9) == (1, 10.0)
    assert cache.find("a", 10.0) is None
    assert len(cache) == 0


def test_what_was_used_last_stays() -> None:
    cache: TtlCache[str, int] = TtlCache(2)
    cache.put("a", 1, 10.0)
    cache.put("b", 2, 10.0)
    cache.find("a", 0.0)
    cache.put("c", 3, 10.0)
    assert [cache.find(each, 0.0) for each in "abc"] == [1, None, 3]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.booleans())), st.integers(1, 4))
def test_it_never_holds_more_than_its_limit_nor_tells_what_ended(
    steps: list[tuple[int, int, bool]], limit: int
) -> None:
    cache: TtlCache[int, int] = TtlCache(limit)
    model: dict[int, int] = {}
    for now, (key, lasts, drop) in enumerate(steps):
        if drop:
            cache.drop(key)
            model.pop(key, None)
        else:
            cache.put(key, now, now + lasts)
            model[key] = now + lasts
        assert len(cache) <= limit
        found = cache.find_with_end(key, now)
        assert found is None or (found[1] == model[key] and found[1] > now)
