"""Mirrors angarium/feedback/classifier.py and wording/."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.reply_texts import expanded
from angarium.feedback.classes import BounceClass, Effect, usual_effect
from angarium.feedback.classifier import classify, phrases
from angarium.feedback.wording.phrases import PhraseError, Rule, rules_of
from angarium.feedback.wording.reading import MAX_CHARACTERS, read

HERE = Path(__file__).parent
BOUNCES = Path(__file__).parents[3] / "shared" / "data" / "bounces"
RULES = Path(__file__).parents[2] / "angarium" / "config" / "shipped" / "rules.toml"
needs_shared = pytest.mark.skipif(not BOUNCES.exists(), reason="the shared data are not here")


def replies() -> Iterator[tuple[str, str, str]]:
    """Yield (class, provider, reply)."""
    for bounce_class, providers in tomllib.loads((HERE / "replies.toml").read_text()).items():
        for provider, texts in providers.items():
            for text in texts:
                yield bounce_class, "" if provider == "any" else provider, text


@pytest.mark.parametrize("bounce_class", list(BounceClass))
def test_replies_of_each_class_are_known_for_what_they_are(bounce_class: BounceClass) -> None:
    wrong = [
        (classify(text, provider).bounce_class.value, text)
        for wanted, provider, text in replies()
        if wanted == bounce_class and classify(text, provider).bounce_class is not bounce_class
    ]
    assert not wrong


def test_the_samples_are_many_and_of_every_class() -> None:
    known = list(replies())
    assert len(known) > 900
    assert {each for each, _, _ in known} == {each.value for each in BounceClass}


# What upstream suites call some texts, and what a careful reader may call them as well
OTHER_READINGS = {
    "user_unknown": {"filtered", "mailbox_disabled"},
    "filtered": {"user_unknown"},
    "moved": {"user_unknown"},
    "expired": {"network_error"},
    "mailer_error": {"system_error"},
    "content": {"content_rfc"},
    "security": {"policy"},
    "sender_rejected": {"policy", "security", "spam"},
}
# Of the collection without labels of ours
BY_COMMENT = {
    "blacklist": {"blocked", "reputation"},
    "greylist": {"greylisted"},
    "policy": {"policy", "auth_failure"},
    "network": {"network_error", "host_unknown"},
    "recipient": {"user_unknown", "relay_denied"},
    "spam": {"spam", "blocked"},
}


@needs_shared
def test_the_given_replies_are_classified() -> None:
    given_replies = json.loads((BOUNCES / "smtp_replies.json").read_text())
    wrong = []
    for each in given_replies:
        label = each["reason"]
        accepted = (
            {label} | OTHER_READINGS.get(label, set())
            if label
            else BY_COMMENT.get(each["reason_upstream"], set())
        )
        if classify(each["text"]).bounce_class.value not in accepted:
            wrong.append(each["text"])
    assert len(wrong) / len(given_replies) < 0.07, wrong


@needs_shared
def test_what_diagnostic_codes_of_real_bounces_say_is_understood() -> None:
    seen, wrong = 0, []
    for message in json.loads((BOUNCES / "expected.json").read_text())["messages"]:
        recipients = message["recipients"] if message["kind"] in ("bounce", "delay") else []
        if len(recipients) != 1 or recipients[0]["src"].get("reason") != "A":
            continue
        text = (BOUNCES / message["file"]).read_text(errors="replace")
        found = re.search(r"^Diagnostic-Code:(.*(?:\n[ \t].*)*)", text, re.MULTILINE | re.I)
        reason = recipients[0]["reason"]
        if found is None or reason in ("undetermined", "delivered"):
            continue
        seen += 1
        accepted = recipients[0].get("accept_reason") or [reason]
        if classify(found[1].strip()).bounce_class.value not in accepted:
            wrong.append(found[1])
    assert seen > 100
    assert len(wrong) / seen < 0.06, wrong


def shipped_reply_texts() -> Iterator[tuple[str, str]]:
    """Yield (provider, a reply that a shipped rule of replies looks for)."""
    for rule in tomllib.loads(RULES.read_text())["rule"]:
        # Nobody says just that: the other texts of the rule do
        texts = [each for each in rule.get("match", []) if each != "{session|connection}"]
        for provider in rule.get("providers", [""]):
            for code in rule.get("codes", [550]):
                for enhanced in [*rule.get("enhanced", []), "5.1.1", ""]:
                    for text in texts or [""]:
                        for each in expanded(text) if text else [""]:
                            if text or enhanced not in ("5.1.1", ""):
                                yield provider, f"{code} {enhanced} {each.replace('*', ' ')}"


def test_no_reply_that_a_shipped_rule_takes_for_ours_suppresses_an_address() -> None:
    known = list(shipped_reply_texts())
    assert len(known) > 150
    assert [each for each in known if classify(each[1], each[0]).hard] == []


OURS = [BounceClass.RATE_LIMITED, BounceClass.BLOCKED, BounceClass.REPUTATION]


@given(
    st.sampled_from([text for wanted, _, text in replies() if wanted in OURS]),
    st.sampled_from(["550 5.1.1", "550-5.1.1 <kim@x.example>", "550 5.1.10", "551", "553 5.1.2"]),
)
def test_a_rate_or_reputation_reply_never_suppresses_whatever_its_code(
    text: str, codes: str
) -> None:
    said = re.sub(r"\b[245]\d\d[ -]|(?<![\d.])[245]\.\d+\.\d+(?![\d.])", "", text)
    assert not classify(f"{codes} {said}").hard


@given(st.text(max_size=400), st.text(max_size=10))
def test_any_text_has_an_answer_with_the_usual_effect(text: str, provider: str) -> None:
    found = classify(text, provider)
    assert found == classify(text, provider)
    mailbox_rate = found.bounce_class is BounceClass.RATE_LIMITED and found.effect is Effect.RETRY
    assert mailbox_rate or found.effect is usual_effect(found.bounce_class)


@given(st.sampled_from([text for _, _, text in replies()]))
def test_line_ends_change_nothing(text: str) -> None:
    assert classify(text.replace("\n", "\r\n")) == classify(text.replace("\n", " "))


@pytest.mark.parametrize(
    ("reply", "effect"),
    [
        ("450 4.2.1 The user you are trying to contact is receiving mail too quickly", "retry"),
        ("550 5.2.1 The user you are trying to contact is receiving mail at a rate that", "retry"),
        ("550 5.2.122 The recipient has exceeded their limit for the number of messages", "retry"),
        ("550 5.2.122", "retry"),
        ("421 4.7.28 an unusual rate of mail from your IP", "throttle"),
        ("550 Ip frequency limited", "throttle"),
    ],
)
def test_a_mailboxs_own_rate_is_tried_again_and_ours_slows_us(reply: str, effect: str) -> None:
    found = classify(reply)
    assert (found.bounce_class, found.effect) == (BounceClass.RATE_LIMITED, effect)
    assert not found.hard


@pytest.mark.parametrize(
    ("reply", "provider", "bounce_class"),
    [
        # Texts against codes
        ("550 5.1.1 Message looks like spam", "", "spam"),
        ("550 5.2.1 Host unknown", "", "host_unknown"),
        ("550 5.0.0 User unknown", "", "user_unknown"),
        ("550 5.7.1 User unknown", "", "user_unknown"),
        ("452 Mailbox over quota", "", "mailbox_full"),
        # Codes where texts say little
        ("550 5.1.1 rejected", "", "user_unknown"),
        ("552 5.2.2 sorry", "", "mailbox_full"),
        ("550 5.7.25 no", "", "ptr_required"),
        ("550 5.7.606 no", "", "blocked"),
        ("521", "", "domain_no_mail"),
        # One code, two meanings
        ("550 5.1.10 x", "", "user_unknown"),
        ("556 5.1.10 x", "", "domain_no_mail"),
        ("550 5.1.10 null MX", "", "domain_no_mail"),
        ("550 5.7.27 x", "", "sender_rejected"),
        ("550 5.7.27 x", "gmail", "auth_failure"),
        ("550 5.7.30 x", "", "tls_failure"),
        ("550 5.7.30 x", "gmail", "auth_failure"),
        # A DNS that has no answer for now knows of no such host either
        ("Host not found, try again", "", "network_error"),
        ("451 4.4.4 domain not found; try later", "", "network_error"),
        ("550 5.1.2 domain not found", "", "host_unknown"),
        # What is in addresses and names says nothing
        ("550 <spam@full.example>: user unknown", "", "user_unknown"),
        ("host relay.virus.example[192.0.2.1] said: 550 5.1.1 No such user", "", "user_unknown"),
        ("552 5.2.2 <unknown.user@x.example> quota exceeded", "", "mailbox_full"),
        # Which command was answered, and what gateways put before each reply, say nothing
        ("554 5.0.0 no (in reply to RCPT TO command)", "", "undetermined"),
        ("5.1.0 - Unknown address error 550-'5.7.1 ... Access denied'", "", "security"),
        ("", "", "undetermined"),
    ],
)
def test_texts_and_codes_are_weighed(reply: str, provider: str, bounce_class: str) -> None:
    assert classify(reply, provider).bounce_class == bounce_class


# What reports say around a reply, whoever writes them
AROUND = (
    (
        "This is the mail system at host mx.example.org. I'm sorry to have to inform you that your message could not be"
        " delivered to one or more recipients. It's attached below. If you do so, please include this problem report.\n"
    ),
    (
        "A message that you sent could not be delivered to one or more of its recipients. This is a permanent error."
        " The following address(es) failed:\n  kim@x.example\n"
    ),
    (
        "Hi. This is the qmail-send program at mx.example.org. I'm afraid I wasn't able to deliver your message to the"
        " following addresses. I've given up. Sorry it didn't work out.\n<kim@x.example>:\n"
    ),
    (
        "----- The following addresses had permanent fatal errors -----\n<kim@x.example>\n"
        "----- Transcript of session follows -----\n... while talking to mx.x.example.:\n>>> DATA\n<<< "
    ),
    (
        "Your message couldn't be delivered to kim@x.example because the remote server is misconfigured. The"
        " response from the remote server was:\n"
    ),
    (
        "Delivery has failed to these recipients or groups: kim@x.example. Diagnostic information for administrators:"
        " Generating server: a.example. Remote Server returned '"
    ),
    "Sorry, we were unable to deliver your message to the following address. <kim@x.example>:\n",
)
SAID = {
    "550 5.1.1 User unknown": "user_unknown",
    "552 5.2.2 Mailbox full": "mailbox_full",
    "550 5.7.1 Message rejected as spam": "spam",
    "554 5.7.1 blocked using zen.spamhaus.org": "blocked",
    "550 5.4.1 Recipient address rejected: Access denied": "user_unknown",
    "450 4.7.1 Greylisted": "greylisted",
    "550 5.2.1 account disabled": "mailbox_disabled",
    "552 5.3.4 message too large": "message_too_large",
    "connect to mx.x.example[192.0.2.1]:25: Connection refused": "network_error",
    "": "undetermined",
}


@pytest.mark.parametrize("around", AROUND)
def test_what_a_report_says_around_a_reply_changes_nothing(around: str) -> None:
    found = {said: classify(around + said).bounce_class.value for said in SAID}
    assert found == SAID


@pytest.mark.parametrize(
    "text",
    [
        *("a", " ", "<", "@", ".", ":", "5.1.1 ", "a@", "aB", "no such ", "(in reply to ", "1:"),
        *("a.b@", "recipient rejected ", "é", "ﷺ", "不存在", "5.1.0 - Unknown address error "),
    ],
)
def test_no_text_takes_long(text: str) -> None:
    """C4: what is read is bounded, and nothing is read more often than a few times."""
    long = text * (1_000_000 // len(text))
    assert classify(long) == classify(long[:MAX_CHARACTERS])
    assert len(read(long).words) < 20 * MAX_CHARACTERS


def test_each_rule_looks_at_long_texts_once() -> None:
    """C4: of a part that is found again and again, what follows is looked for only near it."""
    rules = {id(rule): rule for kept in phrases()._by_word.values() for _, _, rule in kept}.values()
    assert len(rules) > 2000
    for rule in rules:
        assert not rule.holds(" a" * 4000 + " ")
        if rule.near and len(rule.parts) > 1:
            assert isinstance(rule.holds(rule.parts[0] * 300 + " z" * 200 + " "), bool)


def test_parts_of_a_phrase_are_near_each_other_and_in_order() -> None:
    rule = Rule(outcome=0, weight=1, parts=(" user ", " unknown "), near=True)
    assert rule.holds(" 550 user the other unknown ")
    assert rule.holds(" user" + " x" * 40 + " user unknown ")
    assert not rule.holds(" unknown user ")
    assert not rule.holds(" user" + " x" * 40 + " unknown ")


def test_a_phrase_that_says_nothing_is_refused() -> None:
    with pytest.raises(PhraseError, match="'your message' is read as"):
        list(rules_of(0, 1, "your message", {}))
    with pytest.raises(PhraseError, match="begin and end"):
        list(rules_of(0, 1, "relay .. to", {}))
