"""Makes the pictures of previews in docs/templates.md: ``python docs/pictures/make.py [FOLDER]``.

The templates of docs/samples are published in a data directory of their own, previewed by ``postmaster template
preview``, and looked at in a headless Chromium. Where there is none, nothing is made, and it exits with 69.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).resolve().parents[1]
SAMPLES: Final = DOCS / "samples" / "templates"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
EX_UNAVAILABLE: Final = 69
# What is shown: the picture's name, the template, the language, width and height
PICTURES: Final = (
    ("receipt", "receipt", "", 640, 520),
    ("invitation", "invitation", "", 640, 330),
    ("invitation-de", "invitation", "de", 640, 330),
)
CONFIG: Final = '[server]\nhostname = "mx.books.example"\ndata_dir = "data"\n'


def find_browser() -> str | None:
    return next((found for each in BROWSERS if (found := shutil.which(each))), None)


def make(browser: str, pictures: Path) -> None:
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "angarium.toml"
        config.write_text(CONFIG)
        run_postmaster(config, "import", str(SAMPLES), "--publish")
        for picture, template, locale, width, height in PICTURES:
            out = folder / picture
            run_postmaster(config, "preview", template, "--locale", locale, "--out", str(out))
            take(browser, out / "preview.html", pictures / f"{picture}.png", width, height)


def run_postmaster(config: Path, *arguments: str) -> None:
    path = os.pathsep.join([str(DOCS.parent), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-m", "angarium", "-c", str(config), "template", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        timeout=120,
    )


def take(browser: str, page: Path, picture: Path, width: int, height: int) -> None:
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser,
                "--headless",
                # Our own page alone is looked at; as root, Chromium starts in no other way
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--screenshot={picture}",
                page.as_uri(),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )


def main() -> int:
    browser = find_browser()
    if browser is None:
        print(f"there is no browser: {', '.join(BROWSERS)}", file=sys.stderr)
        return EX_UNAVAILABLE
    make(browser, Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
