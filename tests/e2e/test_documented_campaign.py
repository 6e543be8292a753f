"""docs/campaigns.md's first campaign, word for word: the commands are read from the page, and run by a shell."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.campaign_server import CampaignServer
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import TOP

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is absent"),
    pytest.mark.skipif(shutil.which("jq") is None, reason="jq is absent"),
]
SECTION = "## The first one\n"
# What a reader fills in, and the moment for which nobody waits here
GIVEN = re.compile(r"^export API=\S+ KEY=\S+$", re.MULTILINE)
PROGRESS = "jq '.status, .summary'"
POSTMASTER = '#!/bin/sh\nexec {python} -m angarium -c {config} "$@"\n'


def commands() -> str:
    page = (TOP / "docs" / "campaigns.md").read_text()
    section = page.partition(SECTION)[2].partition("\n## ")[0]
    lines = [each[4:] for each in section.splitlines() if each.startswith("    ")]
    return "\n".join(lines) + "\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CampaignServer]:
    with RecordingSink() as sink:
        started = CampaignServer(tmp_path, sink)
        try:
            started.product.postmaster("domain", "add", "example.com", "--assume-verified")
            yield started
            started.product.assert_clean()
        finally:
            started.kill()


def test_the_first_campaign_goes_as_the_page_says(server: CampaignServer, tmp_path: Path) -> None:
    programs, place = tmp_path / "bin", tmp_path / "place"
    programs.mkdir()
    place.mkdir()
    postmaster = programs / "postmaster"
    postmaster.write_text(POSTMASTER.format(python=sys.executable, config=server.product.config))
    postmaster.chmod(0o755)
    given = f"export API=http://127.0.0.1:{server.product.http} KEY={server.api.key}"
    script, found = GIVEN.subn(given, commands())
    assert found == 1
    assert PROGRESS in script
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script + "\necho $campaign > id\n"],
        cwd=place,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(TOP)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = done.stdout.decode()
    assert done.returncode == 0, (said, done.stderr)
    assert '"success":false' not in said
    assert '"address": "ann@example.net"' in said
    assert "<wrong> is no address" in said
    finished = server.completed((place / "id").read_text().strip())
    assert (finished["summary"]["sent"], finished["summary"]["refused"]) == (2, 1)
    server.sink.wait_for(4)
    assert len([each for each in server.sink.taken if b"July, Ann" in each.content]) == 2
    states = [
        each["status"] for each in server.api.right("GET", "/v1/email/campaigns")["campaigns"]
    ]
    assert states[0] == "scheduled"
    assert len(states) == 3
