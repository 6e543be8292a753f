"""Files of certificates and keys, read within a bound."""

from pathlib import Path
from typing import Final

MAX_PEM_OCTETS: Final = 1024 * 1024  # ours


class TlsFileError(Exception):
    """A certificate or key cannot be used; the text names the file. What was in use before stays in use."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file
        self.problem = problem


def read_tls_file(path: Path) -> bytes:
    """Raises TlsFileError."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_PEM_OCTETS + 1)
    except OSError as error:
        raise TlsFileError(str(path), error.strerror or str(error)) from error
    if len(octets) > MAX_PEM_OCTETS:
        raise TlsFileError(str(path), f"over {MAX_PEM_OCTETS} octets")
    return octets
