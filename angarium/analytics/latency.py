"""How long mail took, as a histogram: how many were in each of some 240 spans of time, which add up exactly. Pure.

A span is an eighth of an octave: up to 16 ms each millisecond is one, beyond that a span is at most an eighth as wide
as its beginning. So what is said of a quantile is within 1/16 (6.25 %) of what it was.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

# Buckets by number, and how many are in each; none that is empty
Histogram = Mapping[int, int]

_EXACT: Final = 16
_HALVINGS: Final = 4  # bits of what is told apart, the first one included
_EIGHTHS: Final = 3  # their logarithm
# 49 days: what takes longer counts as that
_LONGEST_MS: Final = 2**32 - 1

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(dict[int, int]).decode


def bucket_of(ms: int) -> int:
    """Return the number of the span that so many milliseconds are in; less than none count as none."""
    ms = min(max(ms, 0), _LONGEST_MS)
    halved = max(ms.bit_length() - _HALVINGS, 0)
    return (halved << _EIGHTHS) + (ms >> halved)


def bucket_ms(bucket: int) -> int:
    """Return the middle of a span, rounded down."""
    if bucket < _EXACT:
        return bucket
    halved = (bucket >> _EIGHTHS) - 1
    first = (bucket - (halved << _EIGHTHS)) << halved
    return first + ((1 << halved) - 1) // 2


def merge(one: dict[int, int], other: Histogram) -> None:
    """Add the other to the one."""
    for bucket, count in other.items():
        one[bucket] = one.get(bucket, 0) + count


def count_of(histogram: Histogram) -> int:
    return sum(histogram.values())


def quantile_ms(histogram: Histogram, permille: int) -> int | None:
    """Return how long the slowest of the quickest ``permille`` thousandths took; None: there are none.

    As the nearest rank: 500 of three is the second. Within 1/16 of the exact time.
    """
    wanted = -(-count_of(histogram) * permille // 1000)
    for bucket in sorted(histogram):
        wanted -= histogram[bucket]
        if wanted <= 0:
            return bucket_ms(bucket)
    return None


def encode_histogram(histogram: Histogram) -> bytes:
    """The same histogram is always the same octets: in the order of its buckets. On disk."""
    return _encode(histogram if len(histogram) == 1 else dict(sorted(histogram.items())))


def decode_histogram(raw: bytes) -> dict[int, int]:
    return _decode(raw)


def merge_encoded(one: bytes, other: bytes) -> bytes:
    found = _decode(one)
    merge(found, _decode(other))
    return encode_histogram(found)


class HistogramSum:
    """An aggregate of SQLite's: all of a group as one histogram, None where there is none."""

    def __init__(self) -> None:
        self._sum: dict[int, int] = {}

    def step(self, raw: bytes | None, /) -> None:
        if raw is not None:
            merge(self._sum, _decode(raw))

    def finalize(self) -> bytes | None:
        return encode_histogram(self._sum) if self._sum else None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    count: int  # of recipients
    p50_ms: int  # half of them took no longer; see ``quantile_ms``
    p95_ms: int
    p99_ms: int


def latency_of(histogram: Histogram | None) -> Latency | None:
    """None: there are none."""
    if not histogram:
        return None
    p50, p95, p99 = [quantile_ms(histogram, permille) or 0 for permille in (500, 950, 990)]
    return Latency(count=count_of(histogram), p50_ms=p50, p95_ms=p95, p99_ms=p99)
