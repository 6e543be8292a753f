"""An attempt as it lies on disk: fields were appended, and what an older version wrote is read."""

import msgspec

from angarium.queue import Attempt, UnixMs

OLD = (7, "mx", "192.0.2.1", "ip1", 250, "2.0.0", "250 ok", "", "final_dot")


def test_an_attempt_of_before_the_reason_for_the_clear_is_read() -> None:
    attempt = msgspec.msgpack.decode(msgspec.msgpack.encode(OLD), type=Attempt)
    assert (attempt.at, attempt.stage, attempt.tls_skipped) == (UnixMs(7), "final_dot", "")


def test_an_older_version_finds_its_fields_where_they_were() -> None:
    attempt = msgspec.convert(OLD, Attempt)
    written = msgspec.msgpack.decode(msgspec.msgpack.encode(attempt))
    assert tuple(written[: len(OLD)]) == OLD
