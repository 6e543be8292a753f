"""Mirrors angarium/simulator/demo/plan.py."""

from angarium.simulator.demo.plan import GROUPS, SENDERS, TEMPERS, Plan, render
from angarium.simulator.demo.world import SENDER_DOMAINS
from angarium.simulator.example import example_scenario
from angarium.simulator.mailboxes import find_id, is_malformed


def test_each_recipient_is_written_to_once() -> None:
    plan = Plan()
    recipients = [r for message in plan.messages for r in message.recipients]
    assert sorted(recipients) == sorted(plan.expected)
    assert len(recipients) == sum(group.count for group in GROUPS) > 300
    assert len({message.id for message in plan.messages}) == len(plan.messages)


def test_some_messages_have_several_recipients_and_all_senders_write() -> None:
    messages = Plan().messages
    assert {len(message.recipients) for message in messages} == {1, 3}
    assert {message.sender for message in messages} == set(SENDERS)
    domains = {sender.address.partition("@")[2] for sender in SENDERS}
    assert domains == set(SENDER_DOMAINS)


def test_what_comes_back_is_about_mail_to_one_person_at_its_provider() -> None:
    """A complaint about a message that went to two of them in one transaction would suppress nobody."""
    plan = Plan()
    assert set(plan.later.values()) == {"report_bounced", "complained"}
    for message in plan.messages:
        assert sum(each in plan.later for each in message.recipients) <= 1


def test_every_provider_is_met_among_the_first_messages() -> None:
    plan = Plan()
    first = [r for message in plan.messages[:140] for r in message.recipients]
    assert {plan.provider[r] for r in first} == set(TEMPERS)


def test_every_domain_is_one_of_the_small_internet() -> None:
    scenario = example_scenario()
    known = {domain for provider in scenario.provider for domain in provider.domains}
    known |= {name.name for name in scenario.name}
    assert {group.domain for group in GROUPS} <= known


def test_a_message_carries_its_id_and_is_well_formed() -> None:
    message = Plan().messages[9]
    content = render(message, 0.0)
    assert find_id(content) == message.id
    assert not is_malformed(content)
    assert all(f"<{recipient}>".encode() in content for recipient in message.recipients)
