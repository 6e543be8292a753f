"""What is logged while a session works has the id that ``postmaster connections`` and ``trace`` call it by."""

from angarium.smtp.refusal import Refusal
from angarium.telemetry.log import LOG_IDS
from tests.smtp_in.test_listener import Counts, connect, serve


async def test_what_is_logged_of_a_session_has_its_id() -> None:
    seen: list[object] = []

    class Seeing(Counts):
        def refused(self, client: str, refusal: Refusal) -> None:
            seen.append(LOG_IDS.get().get("session_id"))

    async with serve() as server:
        server.reception.observer.__class__ = Seeing
        for _ in range(2):
            async with connect(server, b"EHLO c\r\n") as client:
                await client.say(b"NONSENSE\r\n")
    first, _ = dict.fromkeys(seen)
    assert isinstance(first, str)
    assert first.startswith("/")  # behind the name of the process, of which there is none here
    assert "session_id" not in LOG_IDS.get()
