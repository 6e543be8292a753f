"""Mirrors angarium/feedback/mail/parameters.py."""

import pytest

from angarium.feedback.mail.parameters import MAX_PARAMETERS, read_parameters


@pytest.mark.parametrize(
    ("value", "name", "parameters"),
    [
        ("TEXT/Plain", "text/plain", {}),
        ("text/plain; charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ('a/b; Name="x; y"; c=d', "a/b", {"name": "x; y", "c": "d"}),
        (r'a/b; n="q\"uote"', "a/b", {"n": 'q"uote'}),
        ('a/b; n="never closed', "a/b", {"n": "never closed"}),
        ("attachment; filename*=utf-8''%C3%BC.txt", "attachment", {"filename": "ü.txt"}),
        ('a/b; n*0="one"; n*1="two"', "a/b", {"n": "onetwo"}),
        ("a/b; n*1=two; n*0=one", "a/b", {"n": "onetwo"}),
        ("a/b; n*0*=utf-8'en'%C3%BC; n*1=x", "a/b", {"n": "üx"}),
        ("a/b; n=plain; n*=utf-8''other", "a/b", {"n": "plain"}),
        ("", "", {}),
        (";;;=", "", {}),
    ],
)
def test_a_value_and_its_parameters(value: str, name: str, parameters: dict[str, str]) -> None:
    assert read_parameters(value) == (name, parameters)


def test_parameters_and_their_continuations_are_bounded() -> None:
    many = "a/b" + "".join(f"; n{number}=x" for number in range(1000))
    assert len(read_parameters(many)[1]) == MAX_PARAMETERS
    pieces = "a/b" + "".join(f"; n*{number}=x" for number in range(99))
    assert read_parameters(pieces)[1] == {"n": "x" * MAX_PARAMETERS}
