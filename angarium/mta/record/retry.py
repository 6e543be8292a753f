"""When a recipient is tried again, and when its sender hears of the delay. Pure: time and chance are arguments."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from angarium.config.providers import DEFAULT_PROVIDER
from angarium.config.schema import Delivery, Provider, Stream
from angarium.queue.destination import is_smart_host
from angarium.queue.model import UnixMs

# Who meets a site that is left alone waits for it: a minute, and a tenth of it. Ours: some more, it is only a bound.
SITE_LEFT_ALONE_MS: Final = 120_000


class _Delays(msgspec.Struct, frozen=True, kw_only=True):
    usual: tuple[float, ...]
    greylisted: tuple[float, ...]

    @classmethod
    def of(cls, retry_s: tuple[float, ...], greylist_retry_s: tuple[float, ...]) -> "_Delays":
        return cls(usual=retry_s, greylisted=(*greylist_retry_s, *retry_s))

    def attempts_by_age(self, age_ms: int) -> int:
        made, passed_ms = 1, 0.0
        for delay in self.usual:
            passed_ms += delay * 1000
            if passed_ms > age_ms:
                break
            made += 1
        return made

    def longest(self, attempts: int) -> float:
        """Return the longer one of the two delays after so many attempts."""
        return max(
            delays[min(attempts, len(delays)) - 1] for delays in (self.usual, self.greylisted)
        )


class RetrySchedule:
    """Invariant RS1: never early: the delay of the schedule, less its jitter, lies between two attempts. Only the
    last one, made at ``expires``, may come sooner: after the shortest delay.

    Invariant RS2: never after ``expires``.
    """

    def __init__(
        self,
        delivery: Delivery,
        streams: Iterable[Stream] = (),
        providers: Iterable[Provider] = (),
    ) -> None:
        self.exchange(delivery, streams, providers)

    def exchange(
        self,
        delivery: Delivery,
        streams: Iterable[Stream] = (),
        providers: Iterable[Provider] = (),
    ) -> None:
        """Go by these delays from now on; what is due already stays so. ``streams`` with delays of their own go by
        those, else ``providers``, of which the one named ``default`` stands for all that are not among them.
        """
        greylisted = delivery.greylist_retry_s
        self._default = _Delays.of(delivery.retry_s, greylisted)
        self._of_stream = {
            each.name: _Delays.of(each.retry_s, greylisted) for each in streams if each.retry_s
        }
        self._of_provider = {
            each.name: _Delays.of(each.retry_s, greylisted) if each.retry_s else self._default
            for each in providers
        }
        self._elsewhere = self._of_provider.get(DEFAULT_PROVIDER, self._default)
        self._jitter = delivery.retry_jitter
        self._delay_dsn_after_ms = round(delivery.delay_dsn_after_s * 1000)

    def next_due(
        self,
        *,
        now: UnixMs,
        attempts: int,
        expires: UnixMs,
        greylisted: bool,
        random: float,
        stream: str = "",
        provider: str = "",
        own: Sequence[float] = (),
    ) -> UnixMs | None:
        """Return when to try again; None: there is no time left, the recipient expires.

        ``attempts`` were made, the one that failed just now included. ``random`` is in [0, 1). ``provider``: "", it is
        not known. ``own``: delays that a rule has for this failure, if any.
        """
        found = self._delays_of(stream, provider)
        delays = own or (found.greylisted if greylisted else found.usual)
        delay_ms = delays[min(max(attempts, 1), len(delays)) - 1] * 1000
        due = now + round(delay_ms * (1 + self._jitter * (2 * random - 1)))
        if due <= expires:
            return UnixMs(due)
        # Rather one more attempt at the very end than giving up hours before it.
        soonest = now + round(min(delays) * 1000 * (1 - self._jitter))
        return expires if soonest <= expires else None  # RS1, RS2

    def _delays_of(self, stream: str, provider: str) -> _Delays:
        if (own := self._of_stream.get(stream)) is not None:
            return own
        if not provider:
            return self._default
        known = self._of_provider.get(provider)
        if known is None:  # a site by itself
            known = self._default if is_smart_host(provider) else self._elsewhere
        return known

    def attempts_by_age(self, age_ms: int, stream: str = "", provider: str = "") -> int:
        """Return how many attempts the schedule would have made by now, the first one included.

        By it waits who is not attempted, and so has no count to go by: as long as if it had been.
        """
        return self._delays_of(stream, provider).attempts_by_age(age_ms)

    def latest_due(
        self, *, now: UnixMs, accepted: UnixMs, attempts: int, was_tried: bool
    ) -> UnixMs:
        """Return when a recipient that waits has to be due at the latest, by a clock that was always right.

        ``accepted`` may be ahead of ``now``: then it was not.
        """
        if not was_tried and not attempts:
            return now
        # Its stream and its provider are not known here: of each, since it is a bound
        delay_ms = max(
            each.longest(max(attempts, each.attempts_by_age(now - accepted)))
            for each in (self._default, *self._of_stream.values(), *self._of_provider.values())
        )
        delay_ms *= 1000 * (1 + self._jitter)
        return UnixMs(now + round(max(delay_ms, SITE_LEFT_ALONE_MS)))

    def delay_dsn_is_due(self, *, now: UnixMs, accepted: UnixMs, sent: bool) -> bool:
        """Whether the sender ought to hear by now that the message waits (RFC 3461 section 5.2.5), once."""
        if sent or not self._delay_dsn_after_ms:
            return False
        return now - accepted >= self._delay_dsn_after_ms
