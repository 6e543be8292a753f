"""``bin/bench signed``: relay with RSA-2048 signatures, beside openssl speed and Postfix with OpenDKIM."""

import shutil

from angarium.dkim.keygen import generate, write_private_key
from bench.angarium_peer import Setup, angarium
from bench.errors import BenchError
from bench.machine import describe, rsa2048_signs_per_s
from bench.measure import Plan, Round, alternate, results
from bench.opendkim_peer import REFERENCE, signing_postfix
from bench.peer import present, work_folder
from bench.relay import plan_values
from bench.report import console, print_machine, print_results, ratios, save


def run(plan: Plan) -> None:
    machine = describe(plan.folder)
    print_machine(machine)
    keys = work_folder(plan.folder, "keys")
    try:
        key = keys / "bench.pem"
        write_private_key(key, generate("rsa"))
        setups = [Setup(single=True, dkim_key=key), Setup(dkim_key=key)]
        candidates = (signing_postfix(key), *(angarium(setup) for setup in setups))
        peers = present(candidates, console.print)
        before = rsa2048_signs_per_s()
        rounds = alternate(plan, peers, console.print)
        after = rsa2048_signs_per_s()
    finally:
        shutil.rmtree(keys, ignore_errors=True)
    _check_signed(rounds)
    found = results(rounds)
    print_results(f"signed: {plan.messages:,} messages, RSA-2048", found, REFERENCE)
    speed = (before + after) / 2
    console.print(
        f"openssl speed rsa2048, one core: {before:,.0f}/s before, {after:,.0f}/s after the rounds"
    )
    shares = {
        f"{each.peer}, {each.size} octets": round(each.end_to_end_per_s / speed, 3)
        for each in found
        if speed
    }
    for name, share in shares.items():
        console.print(f"  {name}: {share:.0%} of one core's signing rate")
    save(
        "signed",
        machine,
        plan=plan_values(plan),
        results=found,
        ratios=ratios(found, REFERENCE),
        openssl_rsa2048_per_s={"before": before, "after": after},
        share_of_openssl=shares,
        rounds=rounds,
    )


def _check_signed(rounds: list[Round]) -> None:
    """Our sink saw a signature on each message; smtp-sink cannot tell."""
    for each in rounds:
        if each.signed is not None and each.signed < each.messages:
            raise BenchError(f"{each.peer} signed {each.signed} of {each.messages} messages")
