"""Mirrors angarium/telemetry/metrics.py and shared_files.py; sharing is tried in processes of its own."""

import os
import platform
import subprocess
import sys
from pathlib import Path

from angarium import __version__
from angarium.telemetry.metrics import Metrics
from angarium.telemetry.shared_files import FILE_OCTETS
from angarium.telemetry.warmup_metrics import MAX_WARMUPS

TOP = Path(__file__).parents[2]


def test_counts_appear_after_a_flush() -> None:
    metrics = Metrics()
    metrics.accepted_messages.add()
    metrics.refused["syntax"].add(3)
    metrics.attempts["rcpt", "5"].add()
    metrics.queue.recipients["held"].set(7)
    metrics.queue.observe_commit(0.003, 5)
    text = metrics.render().decode()
    assert "angarium_accepted_messages_total 1.0" in text
    assert 'angarium_refused_total{kind="syntax"} 3.0' in text
    assert 'angarium_attempts_total{reply="5",stage="rcpt"} 1.0' in text
    assert 'angarium_queue_recipients{state="held"} 7.0' in text
    assert 'angarium_commit_seconds_bucket{le="0.005"} 1.0' in text
    assert "_created" not in text


def test_warm_ups_are_shown_up_to_a_number_and_end_at_0() -> None:
    metrics = Metrics()
    metrics.warmups.follow([("ip2", "gmail", 3, 55, 7)])
    labels = '{provider="gmail",source="ip2"}'
    text = metrics.render().decode()
    assert f"angarium_warmup_day{labels} 3.0" in text
    assert f"angarium_warmup_hour_limit_messages{labels} 55.0" in text
    assert f"angarium_warmup_hour_used_messages{labels} 7.0" in text
    metrics.warmups.follow([("ip3", f"p{number}", 1, None, 0) for number in range(MAX_WARMUPS)])
    text = metrics.render().decode()
    assert f"angarium_warmup_hour_limit_messages{labels} 0.0" in text
    assert text.count("angarium_warmup_day{") == MAX_WARMUPS


def test_what_runs_is_named() -> None:
    text = Metrics().render().decode()
    python = platform.python_version()
    assert f'angarium_build_info{{python="{python}",version="{__version__}"}} 1.0' in text


def test_a_followed_total_counts_its_growth() -> None:
    metrics = Metrics()
    for total in (5, 5, 8):
        metrics.dns.lookups["cached"].follow(total)
    metrics.flush()
    assert 'angarium_dns_lookups_total{result="cached"} 8.0' in metrics.render().decode()


def test_nothing_is_counted_twice_by_two_flushes() -> None:
    metrics = Metrics()
    metrics.connections.add()
    metrics.flush()
    metrics.flush()
    assert "angarium_connections_total 1.0" in metrics.render().decode()


CHILD = """
import sys
from pathlib import Path
from angarium.telemetry.shared_files import share_metrics
assert share_metrics(Path(sys.argv[1]), sys.argv[2])
from angarium.telemetry.metrics import Metrics
metrics = Metrics()
metrics.accepted_messages.add(int(sys.argv[3]))
metrics.connections_open.set(int(sys.argv[3]))
metrics.certificate_end("0.0.0.0:587").set(1000 + int(sys.argv[3]))
metrics.process.open_files(sys.argv[2]).set(int(sys.argv[3]))
metrics.flush()
if len(sys.argv) > 4:
    sys.stdout.write(metrics.render().decode())
sys.stdout.flush()
import os
os._exit(0)  # as by SIGKILL: nothing is closed
"""


def run_child(directory: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(directory), *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_processes_share_their_metrics_and_a_successor_goes_on_counting(tmp_path: Path) -> None:
    run_child(tmp_path, "ingress-0", "2")
    run_child(tmp_path, "ingress-1", "3")
    run_child(tmp_path, "ingress-0", "10")  # the first one's successor
    text = run_child(tmp_path, "platform-0", "0", "render")
    assert "angarium_accepted_messages_total 15.0" in text
    assert "angarium_connections_open 13.0" in text  # a gauge is set, not added to
    ends = 'angarium_certificate_end_timestamp_seconds{listener="0.0.0.0:587"} 1000.0'
    assert ends in text  # the first
    assert 'angarium_process_open_files{process="ingress-0"} 10.0' in text
    assert 'angarium_process_open_files{process="ingress-1"} 3.0' in text
    assert "angarium_build_info{" in text
    assert text.count("angarium_build_info{") == 1
    assert len(list(tmp_path.glob("counter_*.db"))) == 3


def test_the_files_have_room_for_all_metrics_and_are_allocated(tmp_path: Path) -> None:
    """A write to a hole of a mapped file on a full disk would be a SIGBUS."""
    run_child(tmp_path, "ingress-0", "1")
    assert len(list(tmp_path.glob("*.db"))) == 4
    for path in tmp_path.glob("*.db"):
        found = path.stat()
        assert found.st_size == FILE_OCTETS, path.name
        assert found.st_blocks * 512 >= FILE_OCTETS, path.name


def test_without_room_the_metrics_stay_in_memory(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from angarium.telemetry.shared_files import is_shared, share_metrics\n"
        "assert not share_metrics(Path(sys.argv[1]), 'ingress-0')\nassert not is_shared()\n"
        "from angarium.telemetry.metrics import Metrics\n"
        "metrics = Metrics()\nmetrics.connections.add()\n"
        "assert b'angarium_connections_total 1.0' in metrics.render()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "missing")], env=environment, check=True
    )
