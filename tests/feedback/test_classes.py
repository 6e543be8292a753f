"""Mirrors angarium/feedback/classes: what each class has us do."""

import json
from pathlib import Path

import pytest

from angarium.feedback.classes import BounceClass, Effect, usual_effect, verdict_of

CLASSES = Path(__file__).parents[3] / "shared" / "data" / "bounces" / "classes.json"


@pytest.mark.skipif(not CLASSES.exists(), reason="the shared data are not here")
def test_the_classes_and_their_effects_are_those_of_the_one_list() -> None:
    listed = json.loads(CLASSES.read_text())
    assert {each.value: usual_effect(each).value for each in BounceClass} == {
        name: told["effect"] for name, told in listed.items()
    }


@pytest.mark.parametrize(
    "ours",
    [BounceClass.RATE_LIMITED, BounceClass.BLOCKED, BounceClass.REPUTATION, BounceClass.EXPIRED],
)
def test_what_is_not_the_addresss_fault_never_suppresses(ours: BounceClass) -> None:
    assert usual_effect(ours) is not Effect.SUPPRESS
    assert not verdict_of(ours).hard


def test_an_unknown_user_is_hard() -> None:
    assert verdict_of(BounceClass.USER_UNKNOWN).hard
