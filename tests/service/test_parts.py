"""Mirrors the small modules of angarium/service: backoff, notify, sockets, data_dir, state, slot."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

import angarium
from angarium.access.client_table import ClientTable
from angarium.access.shared_rates import SharedRates
from angarium.config.address import HostPort
from angarium.config.loader import parse
from angarium.config.schema import Config, Listener, Queue
from angarium.host.directory import Directory, ForeignFileError
from angarium.host.identity import Identity
from angarium.host.sockets import bind, bind_all
from angarium.host.sysexits import EX_NOPERM, StartError
from angarium.queue.wall_clock import wall_clock
from angarium.service.data_dir import DataDir
from angarium.service.life.backoff import Backoff
from angarium.service.life.notify import Notifier
from angarium.service.life.slot import Slot, forget
from angarium.service.life.state import STALE_S, State, StateFile, blank, read_reasons
from angarium.service.runtime import Runtime
from angarium.service.spool_share import SpoolShare
from angarium.service.tuning import COLLECT_AFTER
from angarium.telemetry.metrics import Metrics

BASE = '[server]\nhostname = "mx.example.com"\n'


def config(text: str = "") -> Config:
    return parse(BASE + text, Path("/etc/angarium/angarium.toml"))


def test_the_wait_doubles_to_a_limit_and_begins_anew_after_a_sound_run() -> None:
    backoff = Backoff()
    assert [backoff.delay_s(1) for _ in range(10)] == [
        *(0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0)
    ]
    assert backoff.delay_s(61) == 0.1


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notifier = Notifier.from_environment()
    notifier.ready("serving")
    assert notifier.watchdog_s is None


def test_systemd_hears_and_children_do_not_inherit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        notifier = Notifier.from_environment()
        assert notifier.watchdog_s == 3.0
        assert "NOTIFY_SOCKET" not in os.environ
        notifier.ready("serving")
        assert systemd.recv(1000).decode().splitlines()[:2] == ["READY=1", "STATUS=serving"]
        notifier.reloading()
        assert "MONOTONIC_USEC=" in systemd.recv(1000).decode()


def listener(address: str) -> Listener:
    return Listener(kind="submission", address=address)


def test_processes_share_a_port_that_the_system_chose() -> None:
    slots = bind_all([listener("127.0.0.1:0"), listener("[::1]:0")], 2)
    try:
        assert slots[0][0].getsockname() == slots[1][0].getsockname()
        assert slots[0][1].getsockname() == slots[1][1].getsockname()
    finally:
        for each in [*slots[0], *slots[1]]:
            each.close()


def test_a_port_of_another_server_is_not_shared_with_it() -> None:
    """SO_REUSEPORT alone would let two servers of one user take each other's clients."""
    first = bind(HostPort("127.0.0.1", 0), "127.0.0.1:0")
    with first:
        port = first.getsockname()[1]
        with pytest.raises(StartError, match="in use"):
            bind_all([listener(f"127.0.0.1:{port}")], 1)


def test_an_address_of_another_machine_is_explained() -> None:
    with pytest.raises(StartError, match="does not have the address"):
        bind(HostPort("192.0.2.1", 2525), "192.0.2.1:2525")


def test_the_data_directory_is_closed_to_others_p8(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    data_dir = DataDir(tmp_path / "data")
    data_dir.prepare(None)
    assert data_dir.path.stat().st_mode & 0o777 == 0o700
    assert data_dir.run.stat().st_mode & 0o777 == 0o700


def test_one_server_holds_the_lock_and_the_other_is_told_whose_it_is(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data")
    data_dir.prepare(None)
    lock = data_dir.acquire()
    with pytest.raises(StartError, match=rf"another server \(pid {os.getpid()}\)"):
        data_dir.acquire(wait_s=0)
    os.close(lock)
    os.close(data_dir.acquire(wait_s=0))


def test_waiting_for_the_lock_ends_when_it_is_free(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data")
    data_dir.prepare(None)
    lock = data_dir.acquire()
    naps = 0

    def nap(_: float) -> None:
        nonlocal naps
        naps += 1
        if naps == 3:
            os.close(lock)

    os.close(data_dir.acquire(sleep=nap))
    assert naps == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_giving_the_tree_away_follows_no_links_l1(tmp_path: Path) -> None:
    """Its owner could have put a link to a file of root's there, to be given that."""
    outside = tmp_path / "outside"
    outside.write_text("root's")
    linked = tmp_path / "linked"
    linked.write_text("root's too")
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "file").write_text("ours")
    (tree / "symbolic").symlink_to(outside)
    (tree / "hard").hardlink_to(linked)
    with Directory(tree) as directory:
        directory.give_tree(Identity(uid=65534, gid=65534, groups=()))
    assert tree.stat().st_uid == (tree / "below" / "file").stat().st_uid == 65534
    assert outside.stat().st_uid == linked.stat().st_uid == 0


def start_in(data_dir: DataDir) -> None:
    """As root does, for the user nobody, before it drops privileges."""
    identity = Identity(uid=65534, gid=65534, groups=()) if os.geteuid() == 0 else None
    data_dir.prepare(identity)
    lock = data_dir.acquire(identity, wait_s=0)
    try:
        data_dir.wipe_run(identity)
    finally:
        os.close(lock)


@pytest.mark.parametrize("name", ["run", "run/lock", "run/metrics", "run/state"])
@pytest.mark.parametrize("leads_to", ["file", "directory", "nothing"])
def test_a_start_follows_no_link_in_the_data_directory_l1(
    tmp_path: Path, name: str, leads_to: str
) -> None:
    """Who took over the server's user plants it there, and root's next start must touch nothing behind it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("root's")
    (outside / "directory").mkdir()
    (outside / "directory" / "kept").touch()
    before = [(each, each.stat()) for each in sorted(outside.rglob("*"))]
    data_dir = DataDir(tmp_path / "data")
    start_in(data_dir)
    planted = data_dir.path / name
    shutil.rmtree(planted) if planted.is_dir() else planted.unlink()
    planted.symlink_to(outside / leads_to)
    if name in ("run/metrics", "run/state"):  # these are made anew at each start
        start_in(data_dir)
        assert planted.is_dir()
        assert not planted.is_symlink()
    else:
        with pytest.raises(StartError, match=rf"{planted}: is a link") as refused:
            start_in(data_dir)
        assert refused.value.code == EX_NOPERM
    assert [(each, each.stat()) for each in sorted(outside.rglob("*"))] == before


def test_a_second_name_of_somebodys_file_is_not_the_lock_l1(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data")
    start_in(data_dir)
    (tmp_path / "outside").write_text("root's")
    data_dir.lock.unlink()
    data_dir.lock.hardlink_to(tmp_path / "outside")
    with pytest.raises(StartError, match="not a plain file"):
        start_in(data_dir)
    assert (tmp_path / "outside").read_text() == "root's"


def test_a_pipe_in_the_place_of_the_lock_is_not_waited_for_l1(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data")
    start_in(data_dir)
    data_dir.lock.unlink()
    os.mkfifo(data_dir.lock)
    with pytest.raises(StartError, match="not a plain file"):
        start_in(data_dir)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to have another's file")
def test_a_file_of_a_third_user_is_not_the_lock_l1(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data")
    start_in(data_dir)
    os.chown(data_dir.lock, 4711, 4711)
    lock = Directory(data_dir.path, "run")
    with lock, pytest.raises(ForeignFileError):
        lock.open("lock", os.O_RDWR, {0, 65534})


def test_what_the_supervisor_does_for_a_dead_process_follows_no_link_l1(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data")
    start_in(data_dir)
    slot = Slot("ingress", 0)
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("ingress-0.json", "gauge_livesum_ingress-0.db"):
        (outside / name).write_text("root's")
    (data_dir.state / "ingress-0.json").symlink_to(outside / "ingress-0.json")
    blank(data_dir.state_directory(), slot)
    for directory in (data_dir.state, data_dir.metrics):
        shutil.rmtree(directory)
        directory.symlink_to(outside)
    blank(data_dir.state_directory(), slot)
    forget(slot, data_dir.metrics_directory())
    assert [each.read_text() for each in outside.iterdir()] == ["root's"] * 2


OWNER_CHANGES = re.compile(r"\b(?:l?chown|fchown)\(")


def test_files_are_given_away_by_descriptor_and_in_one_module_l1() -> None:
    """``fchown`` of what ``Directory`` opened; the users' file is given to its directory's owner."""
    package = Path(angarium.__file__).parent
    found = {
        str(path.relative_to(package)): set(OWNER_CHANGES.findall(path.read_text()))
        for path in package.rglob("*.py")
        if OWNER_CHANGES.search(path.read_text())
    }
    assert found == {
        "host/directory.py": {"fchown("},
        "service/data_dir.py": {"fchown("},
        "service/instance.py": {"fchown("},
        "access/credential_file.py": {"fchown("},
        "access/numbered_keys.py": {"fchown("},
    }


def test_readiness_gathers_the_reasons_of_all_processes(tmp_path: Path) -> None:
    well, ill, old, gone = (Slot("ingress", index) for index in range(4))
    StateFile(tmp_path, well).write(())
    StateFile(tmp_path, ill).write(("no disk",))
    stale = State(pid=1, at=time.monotonic() - STALE_S - 1, reasons=())
    (tmp_path / "ingress-2.json").write_bytes(msgspec.json.encode(stale))
    reasons = read_reasons(tmp_path, [well, ill, old, gone])
    assert reasons[0] == "ingress-1: no disk"
    assert reasons[1].startswith("ingress-2: not heard of for 7 s")
    assert reasons[2] == "ingress-3: not running"


def test_who_is_told_that_a_process_is_ready_finds_it_ready(tmp_path: Path) -> None:
    settings = parse(BASE + f'data_dir = "{tmp_path}"\n', tmp_path / "angarium.toml")
    directory = DataDir(tmp_path)
    directory.prepare(None)
    directory.wipe_run(None)
    slot = Slot("delivery", 0)
    spool = SpoolShare(directory.queue, settings.queue, wall_clock)
    runtime = Runtime(
        slot,
        settings,
        slots=[slot],
        metrics=Metrics(),
        spool=spool,
        sockets=(),
        clients=ClientTable.of_one_process(0),
        rates=SharedRates.of_one_process(),
    )
    assert read_reasons(directory.state, [slot]) == ["delivery-0: not running"]
    runtime.ready(lambda: ())
    assert read_reasons(directory.state, [slot]) == []


def test_a_process_that_ended_or_died_is_not_running(tmp_path: Path) -> None:
    ended, died = (Slot("ingress", index) for index in range(2))
    files = [StateFile(tmp_path, each) for each in (ended, died)]
    for each in files:
        each.write(())
    assert read_reasons(tmp_path, [ended, died]) == []
    files[0].close()
    blank(Directory(tmp_path), died)
    assert read_reasons(tmp_path, [ended, died]) == [
        "ingress-0: not running",
        "ingress-1: not running",
    ]
    StateFile(tmp_path, died).write(("again",))
    assert read_reasons(tmp_path, [died]) == ["ingress-1: again"]


def test_reasons_without_end_are_cut(tmp_path: Path) -> None:
    slot = Slot("ingress", 0)
    state = StateFile(tmp_path, slot)
    state.write(["x" * 10_000, "y"])
    (reason,) = read_reasons(tmp_path, [slot])
    assert set(reason.removeprefix("ingress-0: ")) == {"x"}
    state.write(["short"])  # nothing of the longer one is left
    assert read_reasons(tmp_path, [slot]) == ["ingress-0: short"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_on_a_disk_without_any_room_readiness_still_tells_the_true_reason(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount")
    try:
        slot = Slot("ingress", 0)
        state = StateFile(tmp_path, slot)
        state.write(())
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "ballast").write_bytes(bytes(1 << 20))
        state.write(("the disk is full",))
        assert read_reasons(tmp_path, [slot]) == ["ingress-0: the disk is full"]
        blank(Directory(tmp_path), slot)  # it dies; its successor needs no new block either
        StateFile(tmp_path, slot).write(("still full",))
        assert read_reasons(tmp_path, [slot]) == ["ingress-0: still full"]
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_dead_process_leaves_its_counters_and_takes_its_gauges(tmp_path: Path) -> None:
    for name in (
        "counter_ingress-0.db",
        "gauge_livesum_ingress-0.db",
        "gauge_livesum_ingress-1.db",
    ):
        (tmp_path / name).touch()
    forget(Slot("ingress", 0), Directory(tmp_path))
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "counter_ingress-0.db",
        "gauge_livesum_ingress-1.db",
    ]


def test_a_tuned_process_is_not_interrupted_by_what_it_wakes() -> None:
    code = (
        "import os; from angarium.service.tuning import tune; "
        "tune(); print(os.sched_getscheduler(0)); tune()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == os.SCHED_BATCH


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_queue_with_a_file_of_somebody_else_is_refused_by_name() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own directories are closed to others
        Path(name).chmod(0o755)
        file = Path(name, "lock.mdb")
        file.touch(0o600)
        os.seteuid(64_123)
        try:
            with pytest.raises(StartError, match=f"{file} is closed to") as caught:
                SpoolShare(Path(name), Queue(), wall_clock).open()
        finally:
            os.seteuid(0)
        assert caught.value.code == EX_NOPERM


def test_a_tuned_process_may_open_what_the_hard_limit_allows() -> None:
    code = (
        "import resource; from angarium.service.tuning import tune\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (128, 256)); tune()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "(256, 256)\n"


def test_a_tuned_process_looks_for_cycles_seldom_and_never_at_what_was_imported() -> None:
    code = (
        "import gc, angarium.smtp.server.session; from angarium.service.tuning import tune\n"
        "tune(); print(gc.get_freeze_count() > 1000, gc.get_threshold()[0])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == f"True {COLLECT_AFTER}\n"
