"""``python -m angarium.client.derive``: make ``waiting``, the client that waits, of ``aio``, which is awaited."""

import re
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
_REPLACED: Final = (
    (r"\basync def ", "def "),
    (r"\basync for ", "for "),
    (r"\basync with ", "with "),
    (r"\bawait ", ""),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"\bAsync(Client|Transport|Iterator)\b", r"\1"),
    (r"\bwire_aio\b", "wire"),
)
_HEAD: Final = '"""The client that waits. Made of ``aio`` by ``python -m angarium.client.derive``: change it there."""'


def derive(source: str) -> str:
    for pattern, text in _REPLACED:
        source = re.sub(pattern, text, source)
    return _HEAD + source[source.index('"""', 3) + 3 :]


def main() -> None:
    (HERE / "waiting.py").write_text(derive((HERE / "aio.py").read_text()))


if __name__ == "__main__":
    main()
