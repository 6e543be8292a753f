"""A pool with real workers, whose engine does as it is told."""

import ast
import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from angarium.templates.bundle import Bundle, Parts
from angarium.templates.rendering import Filling, Problem, ProblemKind, Rendered
from angarium.templates.workers.backlog import LOT, problem_of
from angarium.templates.workers.pool import FAILED_STARTS
from angarium.templates.workers.process import Death
from angarium.templates.workers.request import Settings
from tests.templates.workers.conftest import OpenPool, Pool, until

BUNDLE = Bundle(locales={"en": Parts(subject="s")})


def numbered(count: int) -> list[dict[str, object]]:
    return [{"n": number} for number in range(count)]


def subjects(count: int, bundle: str = "b") -> list[str]:
    return [f"{bundle} {number}" for number in range(count)]


async def test_each_filling_is_answered_in_its_place(pool: Pool) -> None:
    assert await pool.render(*numbered(3 * LOT)) == subjects(3 * LOT)
    assert await pool.render({"n": 1}, {"do": "problem"}, {"do": "fail"}, {"n": 2}) == [
        *("b 1", "syntax", "failed", "b 2")
    ]
    assert await pool.render() == []
    assert len(pool.witness.answers) == 3 * LOT + 4
    assert pool.witness.ended == []


async def test_nothing_is_started_before_it_is_needed(open_pool: OpenPool) -> None:
    pool = open_pool(workers=3)
    assert pool.pool.pids == ()
    await pool.render({"n": 1})
    assert len(pool.pool.pids) == 1
    await pool.render({"n": 2})
    assert len(pool.pool.pids) == 1, "the one that is there does it"


async def test_workers_that_have_nothing_to_do_end(open_pool: OpenPool) -> None:
    pool = open_pool(idle_s=0.05)
    await pool.render({"n": 1})
    await until(lambda: not pool.pool.pids)
    assert await pool.render({"n": 2}) == ["b 2"]


async def test_a_bundle_is_sent_once_to_a_worker_and_again_when_it_forgot(
    open_pool: OpenPool,
) -> None:
    pool = open_pool(workers=1, cache_bundles=2)
    for bundle in ("a", "b", "a", "b"):
        await pool.render({"n": 1}, bundle=bundle)
    assert pool.loaded == ["a", "b"]
    await pool.render({"n": 1}, bundle="c")
    assert await pool.render({"n": 1}, bundle="a") == ["a 1"]
    assert pool.loaded == ["a", "b", "c", "a"]


async def test_a_worker_that_lacks_a_bundle_says_so_and_gets_it(pool: Pool) -> None:
    """Its memory of them and the pool's may differ, after a lot that it did not finish."""
    await pool.render({"n": 1}, bundle="a")
    for place in pool.pool._workers.values():
        assert place is not None
        place._has.add("x", True, 1)  # which the worker never got
    assert await pool.render({"n": 2}, bundle="x") == ["x 2"]
    assert pool.loaded == ["a", "x"]
    assert pool.witness.ended == []


async def test_what_loading_a_bundle_raises_goes_to_who_asked(pool: Pool) -> None:
    def load() -> bytes:
        raise FileNotFoundError("gone")

    async def broken() -> None:
        await pool.pool.render("gone", load, [Filling(), Filling()], tenant="t")

    async def sound() -> list[str]:
        return await pool.render(*numbered(2))

    found = await asyncio.gather(broken(), sound(), return_exceptions=True)
    assert isinstance(found[0], FileNotFoundError)
    assert found[1] == subjects(2)


async def test_data_that_are_not_plain_or_too_long_are_refused_here(pool: Pool) -> None:
    data: list[dict[str, object]] = [{"x": object()}, {"x": 2**80}, {"x": "y" * 300_000}, {"n": 4}]
    found = await pool.render(*data)
    assert found == ["wrong_variable", "wrong_variable", "too_large", "b 4"]


# --- what hostile fillings cost ---


@pytest.mark.parametrize(
    ("act", "kind", "reasons"),
    [
        ("eat", ProblemKind.MEMORY, ["worn"]),
        ("abort", ProblemKind.MEMORY, ["memory", "memory"]),
        ("crash", ProblemKind.FAILED, ["crash"]),
        ("exit", ProblemKind.FAILED, ["crash", "crash"]),
        ("panic", ProblemKind.FAILED, ["worn"]),
    ],
)
async def test_only_the_filling_at_fault_is_lost(
    pool: Pool, act: str, kind: ProblemKind, reasons: Sequence[str]
) -> None:
    data = numbered(2 * LOT)
    data[LOT // 2] = {"do": act}
    found = await pool.render(*data)
    expected = subjects(2 * LOT)
    expected[LOT // 2] = kind.value
    assert found == expected
    # Once more where it had company at first
    assert pool.witness.reasons() in (list(reasons), [reasons[0], *reasons])
    assert await pool.render({"n": 7}, bundle="next") == ["next 7"]


async def test_one_that_computes_too_long_is_ended_by_the_kernel(open_pool: OpenPool) -> None:
    pool = open_pool(cpu_s=0.2)
    hostile = asyncio.create_task(pool.answers({"do": "hang"}, bundle="h", tenant="hostile"))
    behind = await pool.render(*numbered(5), bundle="good", tenant="good")
    assert behind == subjects(5, "good")
    (problem,) = await hostile
    assert isinstance(problem, Problem)
    assert problem.kind is ProblemKind.TOO_SLOW
    assert pool.witness.ended[0] == ("cpu", "hostile", "h")


async def test_one_that_waits_too_long_is_killed(open_pool: OpenPool) -> None:
    """No template can wait for anything; but whatever it is, nobody waits for it."""
    pool = open_pool(wall_s=0.3)
    assert await pool.render({"do": "sleep"}) == ["too_slow"]
    assert pool.witness.reasons() == ["late", "late"], "it may have been starved"


async def test_one_that_the_kernel_does_not_end_is_killed_too(open_pool: OpenPool) -> None:
    pool = open_pool(wall_s=0.4)
    assert await pool.render({"do": "spin"}) == ["too_slow"]
    assert set(pool.witness.reasons()) == {"late"}


async def test_a_bundle_that_hangs_when_it_is_prepared_is_too_slow(open_pool: OpenPool) -> None:
    pool = open_pool(cpu_s=0.2)
    assert await pool.render({"n": 1}, bundle="hang") == ["too_slow"]


async def test_an_output_that_is_too_long_is_refused(open_pool: OpenPool) -> None:
    pool = open_pool(output_octets=1000)
    assert await pool.render({"do": "long", "octets": 999}, {"do": "long", "octets": 1001}) == [
        *("b", "too_large")
    ]


async def test_long_outputs_come_in_many_answers(pool: Pool) -> None:
    data = [{"do": "long", "octets": 300_000, "n": number} for number in range(20)]
    assert await pool.render(*data) == subjects(20)


async def test_one_hostile_filling_of_a_thousand_costs_the_others_nothing(pool: Pool) -> None:
    data = numbered(1000)
    data[500] = {"do": "crash"}
    expected = subjects(1000)
    expected[500] = "failed"
    assert await pool.render(*data) == expected
    assert len(pool.witness.ended) <= 3


async def test_a_bundle_that_only_ends_workers_is_not_tried_for_long_wk2(pool: Pool) -> None:
    found = await pool.render(*[{"do": "crash"}] * 40, bundle="bad", tenant="hostile")
    assert found == ["failed"] * 40
    assert pool.witness.rests == [("hostile", "bad")]
    # The first lot, or two, and each of three twice
    assert len(pool.witness.ended) <= 8
    before = len(pool.witness.ended)
    assert await pool.render({"n": 1}, bundle="bad", tenant="hostile") == ["failed"]
    assert await pool.render({"n": 1}, bundle="bad", tenant="other") == ["bad 1"]
    assert len(pool.witness.ended) == before


async def test_workers_that_are_killed_while_they_work_lose_nothing_wk5(pool: Pool) -> None:
    data = [{"do": "long", "octets": 200_000, "n": number} for number in range(200)]
    rendering = asyncio.create_task(pool.render(*data))
    for _ in range(2):  # nobody can tell a filling that kills each time from one that is unlucky
        await until(lambda: bool(pool.pool.pids) or rendering.done())
        for pid in pool.pool.pids[:1]:
            os.kill(pid, signal.SIGKILL)
        await until(lambda pid=pid: pid not in pool.pool.pids or rendering.done())
    assert await rendering == subjects(200)


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGKILL, ProblemKind.BUSY), (signal.SIGSEGV, ProblemKind.FAILED)]
)
def test_who_kills_from_outside_is_no_fault_of_a_template(number: int, kind: ProblemKind) -> None:
    settings = Settings(
        workers=1, memory_octets=1 << 20, wall_s=1, cpu_s=1, output_octets=1 << 20, cache_bundles=1
    )
    assert problem_of("crash", Death(signal=number), settings).kind == kind


async def test_a_worker_that_was_killed_while_it_was_idle_is_replaced(pool: Pool) -> None:
    await pool.render({"n": 1})
    for pid in pool.pool.pids:
        os.kill(pid, signal.SIGKILL)
    assert await pool.render(*numbered(4)) == subjects(4)


# --- who is served, and who is not ---


async def test_a_single_mail_does_not_wait_for_another_tenants_mountain_wk1(
    open_pool: OpenPool,
) -> None:
    pool = open_pool(workers=1)
    await pool.render({"n": 0})
    mountain = asyncio.create_task(pool.render(*numbered(20_000), tenant="big"))
    await asyncio.sleep(0)
    assert await pool.render({"n": 1}, tenant="small") == ["b 1"]
    assert not mountain.done()
    assert len(pool.witness.answers) < 20_000
    assert await mountain == subjects(20_000)


async def test_what_does_not_fit_is_busy(open_pool: OpenPool) -> None:
    pool = open_pool(waiting=100, waiting_of_tenant=50)
    first = asyncio.create_task(pool.render(*numbered(60), tenant="a"))
    await asyncio.sleep(0)
    assert await pool.render({"n": 1}, tenant="a") == ["busy"]
    assert await pool.render(*numbered(50), tenant="b") == ["busy"] * 50
    assert await pool.render({"n": 2}, tenant="b") == ["b 2"]
    assert await first == subjects(60)
    assert await pool.render({"n": 3}, tenant="a") == ["b 3"]


async def test_what_nobody_waits_for_is_not_rendered(pool: Pool) -> None:
    dropped = asyncio.create_task(pool.render(*numbered(5000), tenant="gone"))
    await asyncio.sleep(0)
    dropped.cancel()
    await asyncio.gather(dropped, return_exceptions=True)
    assert len(pool.pool._backlog) == 0
    assert await pool.render({"n": 1}, tenant="gone") == ["b 1"]


async def test_a_pool_without_workers_answers_busy_and_tries_again_later_wk6(
    open_pool: OpenPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angarium.templates.workers.pool.FIRST_REST_S", 0.5)
    pool = open_pool("no_engine")
    assert await pool.render(*numbered(3)) == ["busy"] * 3
    assert await pool.render({"n": 1}) == ["busy"]
    reason = "RuntimeError: the engine is not there"
    assert pool.witness.failures[0] == (reason, 0.5)
    await until(lambda: not pool.pool._is_resting)
    assert await pool.render({"n": 1}) == ["busy"]
    assert pool.witness.failures == [(reason, 0.5), (reason, 1.0)]
    assert (await pool.pool.examine(BUNDLE, tenant="t")).problems[0].kind is ProblemKind.BUSY


async def test_workers_that_die_at_their_start_do_not_keep_anybody_waiting(
    open_pool: OpenPool,
) -> None:
    pool = open_pool("deadly")
    assert await pool.render({"n": 1}) == ["busy"]
    assert pool.witness.failures == [("exit status 9", 1.0)]
    assert FAILED_STARTS == 3


async def test_a_closed_pool_has_no_process_and_answers_busy(pool: Pool) -> None:
    await pool.render({"n": 1})
    (pid,) = pool.pool.pids
    waiting = asyncio.create_task(pool.render(*numbered(5000)))
    await asyncio.sleep(0)
    await pool.pool.close()
    assert set(await waiting) <= {"busy", *subjects(5000)}
    assert "busy" in await waiting
    assert not Path(f"/proc/{pid}").exists()
    assert await pool.render({"n": 1}) == ["busy"]


# --- examinations ---


async def test_a_template_is_examined_in_a_worker_too(pool: Pool) -> None:
    found = await pool.pool.examine(BUNDLE, Filling(data={"n": 4}), tenant="t")
    assert found.sample == Rendered(subject="4")
    problems = (
        await pool.pool.examine(BUNDLE, Filling(data={"do": "problem"}), tenant="t")
    ).problems
    assert [(each.kind, each.line) for each in problems] == [(ProblemKind.SYNTAX, 3)]
    for act, kind in (("crash", ProblemKind.FAILED), ("eat", ProblemKind.MEMORY)):
        found = await pool.pool.examine(BUNDLE, Filling(data={"do": act}), tenant="t")
        assert [each.kind for each in found.problems] == [kind]
    assert await pool.render({"n": 1}) == ["b 1"]


# --- what a worker can see, and what is left of it ---


async def test_a_worker_sees_and_reaches_nothing_p5(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    (answer,) = await pool.answers({"do": "seen"})
    assert isinstance(answer, Rendered)
    seen = ast.literal_eval(answer.html or "")
    refused = ("Operation not permitted", "Permission denied")
    assert seen["environment"] == {}
    # Its socket, and the kernel's page on how much memory it has
    assert seen["files"] == [0, 1, 2, 3, 4]
    assert seen["folder"] == "/"
    for act in ("socket", "fork", "exec", "kill", "write", "open"):
        assert seen[act] in refused, act
    assert (seen["library"], seen["zone"]) == ("done", "done")
    assert seen["nice"] >= 5


async def test_nothing_leaks_over_many_renders_and_some_ends(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    await pool.render(*numbered(100))
    (pid,) = pool.pool.pids
    files, memory = open_files(), resident(pid)
    for turn in range(10):
        await pool.render(*numbered(100), bundle=f"b{turn}")
    assert pool.pool.pids == (pid,)
    assert resident(pid) < memory + (4 << 20)
    for turn in range(5):
        assert await pool.render({"do": "crash"}, bundle=f"c{turn}") == ["failed"]
    assert await pool.render({"n": 1}) == ["b 1"]
    assert open_files() <= files
    assert not any(status(each) == "Z" for each in children())


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def children() -> list[int]:
    found = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(each) for each in found.read_text().split()] if found.exists() else []


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


async def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    """Even one that is busy, and never looks at its socket."""
    from tests.templates.workers.conftest import FOLDER

    script = f"""
import asyncio, os, signal, sys
from angarium.templates.rendering import Filling
from angarium.templates.workers.observer import Unobserved
from angarium.templates.workers.pool import RenderPool
from angarium.templates.workers.request import Settings

async def main():
    settings = Settings(workers=1, memory_octets=64 << 20, wall_s=600.0, cpu_s=9.0, output_octets=1000, cache_bundles=1)
    pool = RenderPool(settings, Unobserved(), engine="stand_in:open_engine", path=({FOLDER!r},))
    await pool.render("b", lambda: b"b", [Filling()], tenant="t")
    task = asyncio.create_task(pool.render("b", lambda: b"b", [Filling(data={{"do": "sleep"}})], tenant="t"))
    await asyncio.sleep(0.05)
    print(*pool.pids, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    import sys

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    output, _ = await process.communicate()
    pid = int(output)
    await until(lambda: status(pid) in ("", "Z"))
