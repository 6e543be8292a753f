"""Events as records of a Kafka topic, by librdkafka. A record's key is the message's id, so that a partition has its
events in order; it is told when all replicas that are in step have it.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

import confluent_kafka

from angarium.webhooks.courier import Letter
from angarium.webhooks.sinks.reach import Reach
from angarium.webhooks.sinks.sink import Place, SinkError

POLL_S: Final = 0.05
FLUSH_S: Final = 0.5  # at the end: what is not taken by then is told again
# What the library says of its connections is said of the delivery that failed
_log: Final = logging.getLogger("angarium.kafka")
_log.propagate = False
_log.addHandler(logging.NullHandler())


class KafkaSink:
    """One producer, and one thread that asks it what came of its records: it calls back in no other way."""

    def __init__(
        self, place: Place, reach: Reach, timeout_s: float, more: Mapping[str, Any] | None = None
    ) -> None:
        """``more``: settings of librdkafka, for tests."""
        self._place = place
        self._reach = reach
        self._settings = _settings(place, timeout_s) | dict(more or {})
        self._lock = asyncio.Lock()
        self._producer: confluent_kafka.Producer | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem = ""

    async def tell(self, letter: Letter) -> str:
        producer = await self._started()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()

        def conclude(error: Any, record: Any) -> None:
            def settle() -> None:
                if done.done():
                    return
                if error is not None:
                    done.set_exception(SinkError(self._words(error)))
                else:
                    done.set_result(f"partition {record.partition()}, offset {record.offset()}")

            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(settle)

        try:
            producer.produce(
                self._place.name,
                value=letter.body,
                key=letter.key,
                headers=list(letter.headers.items()),
                on_delivery=conclude,
            )
        except (confluent_kafka.KafkaException, BufferError) as error:
            raise SinkError(str(error)) from None
        return await done

    async def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 4 * FLUSH_S)

    async def _started(self) -> confluent_kafka.Producer:
        """Raises SinkError."""
        async with self._lock:
            if self._producer is None:
                await self._reach.addresses(self._place.target)
                self._producer = confluent_kafka.Producer(
                    {**self._settings, "error_cb": self._note}, logger=_log
                )
                self._thread = threading.Thread(
                    target=self._ask, args=(self._producer,), name="kafka", daemon=True
                )
                self._thread.start()
            return self._producer

    def _ask(self, producer: confluent_kafka.Producer) -> None:
        while not self._closing.is_set():
            producer.poll(POLL_S)
        producer.purge()
        producer.flush(FLUSH_S)

    def _note(self, error: Any) -> None:
        self._problem = str(error.str())

    def _words(self, error: Any) -> str:
        """A record that was not taken in time says that alone; why is what the connection met last."""
        problem = f" ({self._problem})" if self._problem else ""
        return f"{error.str()}{problem}"


def _settings(place: Place, timeout_s: float) -> dict[str, Any]:
    target = place.target
    is_secured, is_named = not target.is_clear, target.user is not None
    protocol = ("SASL_" if is_named else "") + ("SSL" if is_secured else "PLAINTEXT")
    host = f"[{target.host}]" if ":" in target.host else target.host
    named = {
        "sasl.mechanism": place.options.get("mechanism", "PLAIN"),
        "sasl.username": target.user,
        "sasl.password": target.password,
    }
    return {
        "bootstrap.servers": f"{host}:{target.port}",
        "security.protocol": protocol,
        **(named if is_named else {}),
        "client.id": "angarium",
        "acks": "all",
        "enable.idempotence": True,
        "allow.auto.create.topics": False,
        "delivery.timeout.ms": max(1000, int(timeout_s * 900)),
        "queue.buffering.max.messages": 1000,
        "linger.ms": 0,
        "log_level": 3,
    }
