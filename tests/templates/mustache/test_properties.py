"""What holds of every mustache, whatever it and the data are."""

import string

from hypothesis import given
from hypothesis import strategies as st

from angarium.templates.compiled import Compiled
from angarium.templates.mustache.translation import DIALECTS, Dialect, translate
from angarium.templates.rendering import Filling, Problem, ProblemKind, Rendered
from tests.templates.made import bundle

PIECES = st.sampled_from(
    [
        *("{{", "}}", "{{{", "}}}", "{{#if a}}", "{{else}}", "{{/if}}", "{{#each b}}", "{{/each}}"),
        *("{{#a}}", "{{/a}}", "{{^a}}", "{{^}}", "{{a}}", "{{{a}}}", "{{~a~}}", "{{> p}}", "{{!--"),
        *("--}}", "{{!", "{{#*inline 'p'}}", "{{/inline}}", "{%", "%}", "{#", "#}", "\\", "'", '"'),
        *("|", "as |x y|", "../", "@index", "@root.", "this", ".", "[", "]", "(", ")", "=", " "),
        *("\n", "{{{@content}}}", "{{#with b}}", "{{/with}}", "equals a b", "{{else if a}}", "~"),
    ]
)
RUBBISH = st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=25).map("".join)
DIALECT = st.sampled_from(DIALECTS)
PLAIN = st.text(alphabet=string.ascii_letters + " .,\n", max_size=5)
# Such as escape: no three braces, and none of HTML's marks outside of the data
ESCAPING = st.lists(
    st.one_of(
        PLAIN,
        st.sampled_from(
            [
                *(
                    "{{a}}",
                    "{{ b.a }}",
                    "{{c.[0]}}",
                    "{{this.a}}",
                    "{{insert z a}}",
                    "{{#if a}}{{a}}{{/if}}",
                ),
                *("{{#each c}}{{this}}{{@key}}{{a}}{{/each}}", "{{#with b}}{{a}}{{../a}}{{/with}}"),
                *(
                    "{{#b}}{{a}}{{/b}}",
                    "{{#c}}{{.}}{{/c}}",
                    "{{lookup b 'a'}}",
                    "{{or z a}}",
                    "{{b}}{{c}}",
                ),
                *(
                    "{{a|x}}",
                    "{{#each b}}{{@key}}{{this}}{{/each}}",
                    "{{length a}}",
                    "{{formatDate t a}}",
                ),
                "{{#*inline 'p'}}{{a}}{{/inline}}{{> p}}{{> p b}}{{> p a=c}}",
            ]
        ),
    ),
    max_size=8,
).map("".join)
HOSTILE = st.text(alphabet="<>\"'&{}%#ab;/", max_size=12)


def is_lacking(found: Rendered | Problem, dialect: Dialect) -> bool:
    """Of SES a variable that is written must be given."""
    return (
        dialect == "ses"
        and isinstance(found, Problem)
        and found.kind is ProblemKind.MISSING_VARIABLE
    )


@given(RUBBISH, DIALECT)
def test_rubbish_is_translated_or_refused_and_its_translation_is_read_p5(
    source: str, dialect: Dialect
) -> None:
    found = translate(source, dialect)
    if isinstance(found, Problem):
        assert found.message
        assert 1 <= (found.line or 0) <= source.count("\n") + 1
        assert (found.column or 0) >= 1
    else:
        assert found.count("\n") == source.count("\n")
        made = Compiled(bundle(html=found, text=found, syntax="mustache"))
        for data in ({}, {"a": "<", "b": [{"a": 1}]}, {"a": [1], "b": {"a": "x"}}):
            rendered = made.render(Filling(data=data))
            assert (
                isinstance(rendered, Rendered)
                or "layout" in rendered.message
                or is_lacking(rendered, dialect)
            ), rendered


@given(ESCAPING, st.sampled_from(["mustache", "sendgrid", "ses"]), HOSTILE, HOSTILE, HOSTILE)
def test_no_variable_opens_an_element_through_two_braces_fl2(
    source: str, dialect: Dialect, one: str, two: str, three: str
) -> None:
    found = translate(source, dialect)
    assert isinstance(found, str), found
    data = {"a": one, "b": {"a": two, three: one}, "c": [three, {"a": one}], "t": 0}
    # What lacks in SES's is empty here: each of the others is looked at
    made = Compiled(bundle(html=found, syntax="mustache"), lenient=True)
    rendered = made.render(Filling(data=data))
    assert isinstance(rendered, Rendered), rendered
    assert not set("<>\"'") & set(rendered.html or "")


@given(st.text(max_size=60), st.text(max_size=30))
def test_text_without_braces_stays_as_it_is(source: str, value: str) -> None:
    plain = source.replace("{{", "{")
    found = translate(plain, "postmark")
    assert isinstance(found, str)
    rendered = Compiled(bundle(text=found + "{{ x }}", syntax="mustache")).render(
        Filling(data={"x": value})
    )
    assert isinstance(rendered, Rendered), rendered
    assert rendered.text == plain + value


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_a_subject_is_one_line_of_whatever_it_is_filled_with_c1_fl1(value: str) -> None:
    made = Compiled(bundle(subject="Re: {{ x }} {{ x }}", preheader="{{ x }}"))
    rendered = made.render(Filling(data={"x": value}))
    assert isinstance(rendered, Rendered), rendered
    assert len(f"{rendered.subject}x".splitlines()) == 1
    assert len(f"{rendered.preheader}x".splitlines()) == 1
    assert rendered.subject.isprintable() or "\r" not in rendered.subject
