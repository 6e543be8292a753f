"""``bin/bench relay``: submission to delivery, fsync on, beside Postfix in the same run."""

from functools import partial

from bench.angarium_peer import AngariumPeer, Setup
from bench.errors import PeerAbsent
from bench.machine import describe
from bench.measure import Plan, StartPeer, alternate, results
from bench.postfix_peer import PostfixPeer, find_postfix
from bench.report import console, print_machine, print_results, ratios, save

REFERENCE = "Postfix"


def run(plan: Plan, setups: list[Setup], *, with_postfix: bool = True) -> None:
    machine = describe(plan.folder)
    print_machine(machine)
    peers: list[tuple[str, StartPeer]] = [
        (setup.name, partial(AngariumPeer, setup=setup)) for setup in setups
    ]
    if with_postfix:
        try:
            find_postfix()
            peers.insert(0, (REFERENCE, PostfixPeer))
        except PeerAbsent as e:
            console.print(f"without Postfix: {e}")
    rounds = alternate(plan, peers, console.print)
    found = results(rounds)
    print_results(f"relay: {plan.messages:,} messages, {plan.sessions} sessions", found, REFERENCE)
    save(
        "relay",
        machine,
        plan=plan_values(plan),
        results=found,
        ratios=ratios(found, REFERENCE),
        rounds=rounds,
    )


def plan_values(plan: Plan) -> dict[str, object]:
    return {name: str(value) if name == "folder" else value for name, value in plan_items(plan)}


def plan_items(plan: Plan) -> list[tuple[str, object]]:
    return [(name, getattr(plan, name)) for name in plan.__struct_fields__]
