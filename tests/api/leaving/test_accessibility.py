"""The pages in a real Chromium: axe-core finds nothing, and nothing is wider than a telephone, by day and by night."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from angarium.api.leaving import views
from angarium.api.leaving.markup import Frame
from angarium.api.leaving.words import LANGUAGES
from angarium.queue import Scope
from angarium.tracking.leaving import Standing

AXE = Path(__file__).parents[2] / "node" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Of Blink's setting preferredColorScheme
SCHEMES = {"dark": 0, "light": 1}
NARROW_PX = 320  # WCAG 2.2, 1.4.10
LONG = "a-topic-whose-name-nobody-had-thought-would-ever-be-shown-to-anybody"
CHOICES = [
    views.Choice(scope=Scope(tenant="a", topic="offers"), title="Offers", standing=Standing.GETS),
    views.Choice(scope=Scope(tenant="a", topic=LONG), title=LONG, standing=Standing.LEFT),
    views.Choice(scope=Scope(tenant="a", stream="b"), title="b", standing=Standing.KEPT_AWAY),
]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def frame(language: str) -> Frame:
    return Frame(
        language=language,
        path="/u/token",
        values={
            "address": "a***@a-rather-long-name-of-a-domain.subdivision.example.net",
            "sender": "Acme Travel and Tourism Company of Exampletown",
            "topic": "Offers",
        },
        address=("Acme Travel", "1 Example Street"),
    )


def every_page(language: str) -> dict[str, str]:
    shown, choose = frame(language), "/p/token"
    return {
        "ask": views.ask(shown, "topic", choose),
        "left": views.left(shown, "topic", choose),
        "back": views.back(shown, "stream", choose),
        "kept": views.kept_away(shown, choose),
        "preferences": views.preferences(shown, CHOICES, is_saved=True),
        "expired": views.unusable(shown, is_expired=True),
        "unknown": views.unusable(shown, is_expired=False),
        "failed": views.failed(shown),
    }


HARNESS = """<!DOCTYPE html><title>harness</title><body>%s<pre id="found"></pre><script>
addEventListener("load", async () => {
  const found = [];
  for (const each of document.querySelectorAll("iframe")) {
    const view = each.contentWindow, page = view.document;
    const run = await view.axe.run(page, {runOnly: ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a",
      "wcag21aa", "wcag22aa", "best-practice"], iframes: false});
    found.push({
      page: each.title,
      violations: run.violations.map(v => v.id + ": " + v.nodes.map(n => n.html).join(" | ")),
      passes: run.passes.map(p => p.id),
      overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
      dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
      paper: view.getComputedStyle(page.body).backgroundColor,
    });
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>"""


def look(pages: dict[str, str], scheme: str, folder: Path) -> list[dict[str, Any]]:
    """Return what axe-core finds on each, in a frame of NARROW_PX. Skips where there is no browser."""
    browser = next((found for each in BROWSERS if (found := shutil.which(each))), None)
    if browser is None:
        pytest.skip("Chromium is not installed")
    if not AXE.is_file():
        pytest.skip("axe-core, which npm ci installs in tests/node, is not there")
    script = f"<script>{AXE.read_text('utf-8')}</script></body>"
    frames = "".join(
        f'<iframe title="{name}" width="{NARROW_PX}" height="900" style="border:0"'
        f' srcdoc="{html.escape(page.replace("</body>", script))}"></iframe>'
        for name, page in pages.items()
    )
    harness = folder / "harness.html"
    harness.write_text(HARNESS % frames, encoding="utf-8")
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=100000",
            harness.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    found = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout.decode(), re.DOTALL)
    return list(json.loads(html.unescape(found[-1])))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page_is_accessible_and_fits_a_narrow_screen(scheme: str, tmp_path: Path) -> None:
    found = look(every_page("en"), scheme, tmp_path)
    assert [each["page"] for each in found] == list(every_page("en"))
    for each in found:
        assert each["violations"] == [], each["page"]
        assert {"color-contrast-enhanced", "html-has-lang", "landmark-one-main"} <= {
            *each["passes"]
        }
        assert each["overflow"] == 0, each["page"]
        assert each["dark"] == (scheme == "dark")
    (paper,) = {each["paper"] for each in found}
    assert paper == ("rgb(20, 23, 27)" if scheme == "dark" else "rgb(255, 255, 255)")


def test_so_it_is_in_every_language(tmp_path: Path) -> None:
    pages = {each: every_page(each)["preferences"] for each in LANGUAGES}
    for each in look(pages, "light", tmp_path):
        assert (each["violations"], each["overflow"]) == ([], 0), each["page"]


def test_what_is_wrong_would_be_found(tmp_path: Path) -> None:
    broken = every_page("en")["preferences"].replace(' lang="en" dir="ltr"', "")
    broken = broken.replace("--ink:#1b1f24", "--ink:#ddd").replace("<label>", "<div>")
    (found,) = look({"broken": broken}, "light", tmp_path)
    names = {each.partition(":")[0] for each in found["violations"]}
    assert {"html-has-lang", "label", "color-contrast"} <= names
