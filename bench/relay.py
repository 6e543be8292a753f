"""``bin/bench relay``: submission to delivery, fsync on, beside its peers and the limit in the same run."""

from collections.abc import Sequence

from bench.direct_peer import DIRECT
from bench.machine import describe
from bench.measure import Plan, alternate, results
from bench.peer import Candidate, present
from bench.postfix_peer import POSTFIX
from bench.report import console, print_machine, print_results, ratios, save


def run(plan: Plan, candidates: Sequence[Candidate]) -> None:
    machine = describe(plan.folder)
    print_machine(machine)
    rounds = alternate(plan, present(candidates, console.print), console.print)
    found = results(rounds)
    references = (POSTFIX.name, DIRECT.name)
    print_results(
        f"relay: {plan.messages:,} messages, {plan.sessions} sessions", found, *references
    )
    save(
        "relay",
        machine,
        plan=plan_values(plan),
        results=found,
        ratios={reference: ratios(found, reference) for reference in references},
        rounds=rounds,
    )


def plan_values(plan: Plan) -> dict[str, object]:
    return {name: str(value) if name == "folder" else value for name, value in plan_items(plan)}


def plan_items(plan: Plan) -> list[tuple[str, object]]:
    return [(name, getattr(plan, name)) for name in plan.__struct_fields__]
