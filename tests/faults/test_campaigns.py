"""A server that sends a file of thousands of rows, killed at random moments: the ledger balances to the last row."""

from pathlib import Path

import pytest

from tests.e2e.campaign_server import CampaignServer
from tests.e2e.recording_sink import RecordingSink
from tests.e2e.test_campaigns import kill_while_sending
from tests.faults.harness import SEED, rounds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.mark.parametrize("number", range(rounds(2)))
def test_no_row_is_left_out_nor_sent_twice_whenever_it_is_killed(
    number: int, tmp_path: Path
) -> None:
    with RecordingSink() as sink:
        server = CampaignServer(tmp_path, sink, batch_rows=37 + 100 * number)
        try:
            kill_while_sending(server, rows=8000, kills=12, seed=SEED * 100 + number)
        finally:
            server.kill()
