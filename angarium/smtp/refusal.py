"""A reply of our own that refuses a command, raised where the fault is found and caught by the session."""

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """A reply of our own that refuses something."""

    code: int  # 421, 450..599
    enhanced: str  # "5.7.1"
    text: str  # printable ASCII, one line


class RefusedError(Exception):
    """The command is refused with this reply; what the session does to its state is the session's affair."""

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(f"{code} {enhanced} {text}")
        self.refusal = Refusal(code, enhanced, text)

    @classmethod
    def of(cls, refusal: Refusal) -> "RefusedError":
        return cls(refusal.code, refusal.enhanced, refusal.text)


def render(refusal: Refusal) -> bytes:
    """Return the reply's octets, one line."""
    return f"{refusal.code} {refusal.enhanced} {refusal.text}\r\n".encode("ascii")
