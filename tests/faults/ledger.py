"""What clients of the server under test were told, written and fsynced outside of it before anything else happens."""

import hashlib
import os
import random
from collections import Counter
from pathlib import Path

import msgspec

DOMAINS = tuple(f"d{each}.example" for each in range(8))


class Letter(msgspec.Struct, frozen=True):
    """One message to send. Each recipient's address is unique: it is what the letter is known by."""

    recipients: tuple[str, ...]
    content: bytes  # dot-stuffed is not needed: no line begins with one


class Ledger:
    """Invariant: an acknowledgement is on disk before the next octet is read from the server."""

    def __init__(self, file: Path, chance: random.Random) -> None:
        self.acknowledged: dict[str, str] = {}  # recipient -> the queue's id of its message
        self.refused: Counter[int] = Counter()  # by reply code
        self.offered = 0  # letters whose final dot was sent
        self.stuck: list[str] = []  # no reply within the time limit
        self._chance = chance
        self._written = 0
        self._out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        os.close(self._out)

    def next_letter(self, octets: int = 0) -> Letter:
        """Write a letter to one to three recipients, of ``octets`` or a random size."""
        self._written += 1
        count = self._chance.choice((1, 1, 1, 2, 3))
        recipients = tuple(
            f"n{self._written}r{each}@{self._chance.choice(DOMAINS)}" for each in range(count)
        )
        size = octets or self._chance.choice((200, 1_000, 4_000, 20_000))
        line = b"%d:" % self._written + self._chance.randbytes(30).hex().encode() + b"\r\n"
        body = line * (size // len(line) + 1)
        digest = hashlib.sha256(body).hexdigest()
        head = f"From: a@sender.example\r\nSubject: fault run\r\nX-Digest: {digest}\r\n\r\n"
        return Letter(recipients, head.encode() + body)

    def acknowledge(self, letter: Letter, queue_id: str) -> None:
        """Write down a 250. On disk when it returns."""
        line = f"{queue_id} {' '.join(letter.recipients)}\n"
        os.write(self._out, line.encode())
        os.fdatasync(self._out)
        for recipient in letter.recipients:
            self.acknowledged[recipient] = queue_id
