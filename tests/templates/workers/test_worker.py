"""Mirrors angarium/templates/workers/worker.py, in this process: what it answers, and when."""

import pytest

from angarium.templates.rendering import Examination, Filling, Problem, ProblemKind, Rendered
from angarium.templates.workers import confinement
from angarium.templates.workers.wire import (
    Done,
    Examine,
    Examined,
    Limits,
    Lot,
    Render,
    encode_filling,
)
from angarium.templates.workers.worker import LOOK_AFTER, Worker

LIMITS = Limits(
    memory_octets=64 << 20,
    cpu_s=60.0,
    output_octets=1000,
    cache_bundles=2,
    slice_s=60.0,
    answer_octets=1500,
)


class Prepared:
    def render(self, filling: Filling) -> Rendered | Problem:
        if error := filling.data.get("raise"):
            raise {"memory": MemoryError, "value": ValueError, "panic": Panic}[error]
        return Rendered(subject=str(filling.data.get("text", "")))


class Panic(BaseException):
    pass


class Engine:
    def __init__(self) -> None:
        self.prepared: list[bytes] = []

    def prepare(self, bundle: bytes) -> Prepared:
        self.prepared.append(bundle)
        return Prepared()

    def examine(self, bundle: bytes, sample: Filling | None) -> Examination:
        answer = Prepared().render(sample or Filling())
        assert isinstance(answer, Rendered)
        return Examination(sample=answer)


class Memory(confinement.Memory):
    def __init__(self) -> None:
        self.octets = 0

    def address_space(self) -> int:
        return self.octets


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def worker(engine: Engine, memory: Memory) -> Worker:
    return Worker(engine, LIMITS, memory)


def ask(
    worker: Worker, *data: dict[str, object], digest: str = "d", bundle: bytes | None = b"b"
) -> Done:
    fillings = tuple(encode_filling(Filling(data=each)) for each in data)
    bundles = {} if bundle is None else {digest: bundle}
    done = worker.do(Render(lots=(Lot(digest=digest, fillings=fillings),), bundles=bundles))
    assert isinstance(done, Done)
    return done


def kinds(done: Done) -> list[str]:
    return [each.kind.value if isinstance(each, Problem) else each.subject for each in done.answers]


def test_a_bundle_is_prepared_once(worker: Worker, engine: Engine) -> None:
    assert kinds(ask(worker, {"text": "1"}, {"text": "2"})) == ["1", "2"]
    assert kinds(ask(worker, {"text": "3"}, bundle=None)) == ["3"]
    assert engine.prepared == [b"b"]


def test_what_it_lacks_it_names_behind_what_it_has_done(worker: Worker) -> None:
    filling = encode_filling(Filling(data={"text": "1"}))
    lots = tuple(Lot(digest=each, fillings=(filling,)) for each in ("a", "b", "c"))
    done = worker.do(Render(lots=lots, bundles={"a": b"a", "c": b"c"}))
    assert done == Done(answers=(Rendered(subject="1"),), lacking=("b",))


def test_more_bundles_than_it_keeps_may_come_at_once(worker: Worker, engine: Engine) -> None:
    filling = encode_filling(Filling())
    names = ("a", "b", "c", "d")
    lots = tuple(Lot(digest=each, fillings=(filling,)) for each in names)
    done = worker.do(Render(lots=lots, bundles={each: each.encode() for each in names}))
    assert isinstance(done, Done)
    assert len(done.answers) == 4
    assert ask(worker, {}, digest="a", bundle=None).lacking == ("a",)
    assert not ask(worker, {}, digest="d", bundle=None).lacking


def test_one_output_and_one_answer_are_bounded_wk4(worker: Worker) -> None:
    assert kinds(ask(worker, {"text": "x" * 1001})) == ["too_large"]
    assert kinds(ask(worker, {"text": "\u00fc" * 501})) == ["too_large"]
    assert kinds(ask(worker, {"text": "\u00fc" * 500})) == ["\u00fc" * 500]
    assert len(ask(worker, *[{"text": "x" * 600}] * 5).answers) == 3


def test_after_its_slice_it_answers_with_what_it_has(engine: Engine, memory: Memory) -> None:
    limits = Limits(
        **{each: getattr(LIMITS, each) for each in LIMITS.__struct_fields__} | {"slice_s": 0.0}
    )
    assert len(ask(Worker(engine, limits, memory), {}, {}, {}).answers) == 1


def test_what_a_filling_brings_about_is_its_problem_alone(worker: Worker) -> None:
    done = ask(worker, {"raise": "value"}, {"text": "1"})
    assert kinds(done) == ["failed", "1"]
    assert not done.is_worn


@pytest.mark.parametrize(("error", "kind"), [("memory", "memory"), ("panic", "failed")])
def test_after_some_faults_another_worker_goes_on(worker: Worker, error: str, kind: str) -> None:
    done = ask(worker, {"text": "0"}, {"raise": error}, {"text": "1"})
    assert kinds(done) == ["0", kind], "the rest was not begun"
    assert done.is_worn


def test_one_that_has_grown_is_worn(worker: Worker, memory: Memory) -> None:
    memory.octets = (32 << 20) + 1
    looked = [ask(worker, *[{}] * 64).is_worn for _ in range(LOOK_AFTER // 64)]
    assert looked == [False, False, False, True]


def test_a_template_is_examined(worker: Worker) -> None:
    sample = encode_filling(Filling(data={"text": "1"}))
    assert worker.do(Examine(bundle=b"b", sample=sample)) == Examined(
        Examination(sample=Rendered(subject="1"))
    )
    sample = encode_filling(Filling(data={"raise": "memory"}))
    found = worker.do(Examine(bundle=b"b", sample=sample))
    assert isinstance(found, Examined)
    assert found.examination.problems[0].kind is ProblemKind.MEMORY
