"""A scenario with one provider of each temper: what runs when none is named, and the demo's world."""

from angarium.simulator.scenario import (
    Behaviour,
    Delay,
    Drop,
    Host,
    MailboxRule,
    Name,
    Report,
    Scenario,
    SimulatedProvider,
    Throttle,
)


def example_scenario() -> Scenario:
    """Return it. Domains are under .example (RFC 2606), so that nothing can be meant for anyone."""
    return Scenario(
        provider=(
            SimulatedProvider(
                name="acorn",  # takes everything
                domains=("acorn.example", "acorn-mail.example"),
                hosts=(
                    Host(name="mx1.acorn.example", preference=10),
                    Host(name="mx2.acorn.example", preference=10),
                ),
                mailboxes=(
                    MailboxRule(
                        local="complainer*", behaviour=Behaviour(report=Report(kind="arf"))
                    ),
                    MailboxRule(
                        local="late*", behaviour=Behaviour(report=Report(kind="dsn", after_s=1))
                    ),
                ),
            ),
            SimulatedProvider(
                name="birch",  # greylists who it has not met
                domains=("birch.example",),
                behaviour=Behaviour(greylist_s=2.0),
            ),
            SimulatedProvider(
                name="cedar",  # throttles as Yahoo does
                domains=("cedar.example",),
                style="yahoo",
                connections=10,
                messages_per_connection=20,
                behaviour=Behaviour(throttle=Throttle(messages_per_s=2.5, burst=20)),
            ),
            SimulatedProvider(
                name="dogwood",  # throttles as Gmail does
                domains=("dogwood.example",),
                style="gmail",
                behaviour=Behaviour(throttle=Throttle(messages_per_s=2.5, burst=20)),
            ),
            SimulatedProvider(
                name="elm",  # has a few mailboxes that it refuses
                domains=("elm.example",),
                mailboxes=(
                    MailboxRule(local="gone*", behaviour=Behaviour(refuse="unknown")),
                    MailboxRule(local="full*", behaviour=Behaviour(refuse="full")),
                    MailboxRule(local="strict*", behaviour=Behaviour(refuse="spam")),
                ),
            ),
            SimulatedProvider(
                name="fir",  # slow, and drops the first few transactions mid-DATA
                domains=("fir.example",),
                tls="none",
                behaviour=Behaviour(
                    delay=Delay(banner_s=0.1, rcpt_s=0.02, final_dot_s=0.05),
                    drop=Drop(at="content", times=3),
                ),
            ),
            SimulatedProvider(
                name="gingko",  # offers STARTTLS, and cannot do it
                domains=("gingko.example",),
                tls="broken",
            ),
            SimulatedProvider(
                name="ivy",  # takes all, and thinks better of some: bounces and complaints that come back
                domains=("ivy.example",),
                feedback_to="fbl@shop.example",
                mailboxes=(
                    MailboxRule(
                        local="regret*", behaviour=Behaviour(report=Report(kind="dsn", after_s=0.5))
                    ),
                    MailboxRule(
                        local="angry*", behaviour=Behaviour(report=Report(kind="jmrp", after_s=0.5))
                    ),
                ),
            ),
            SimulatedProvider(
                name="hazel",  # down: nothing listens
                domains=("hazel.example",),
                hosts=(Host(name="mx1.hazel.example", listens=False),),
            ),
        ),
        name=(
            Name(name="nomail.example", null_mx=True),
            Name(name="nowhere.example", answer="nxdomain"),
            Name(name="trouble.example", answer="servfail"),
            Name(name="mute.example", answer="silent"),
        ),
    )
