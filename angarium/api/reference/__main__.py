"""``python -m angarium.api.reference docs``: writes docs/api.md and docs/api/openapi.json."""

import json
import sys
from pathlib import Path

from angarium.api.native.resources import described_routes
from angarium.api.reference.document import describe
from angarium.api.reference.markdown import render


def main(folder: Path) -> None:
    document = describe(described_routes())
    (folder / "api").mkdir(exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    (folder / "api" / "openapi.json").write_text(text + "\n", encoding="utf-8")
    (folder / "api.md").write_text(render(document), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
