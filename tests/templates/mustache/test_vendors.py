"""What each vendor's documentation says of its templates, tried with samples of our own."""

from typing import Any

import pytest

from angarium.templates.mustache.translation import Dialect, translate
from angarium.templates.rendering import Problem
from tests.templates.made import mustache

Case = tuple[Dialect, str, dict[str, Any], str]
WHEN = {"at": "2020-01-01T23:00:00.000Z", "how": "MMMM DD, YYYY h:mm:ss A", "zone": "-0800"}
ORDERS = {"user": {"orders": [{"on": "2/1", "what": "shoes"}, {"on": "1/4", "what": "hat"}]}}
SENDGRID: list[Case] = [
    ("sendgrid", "<p>Hello {{ first }}</p>", {"first": "Ben"}, "<p>Hello Ben</p>"),
    (
        "sendgrid",
        '<a href="{{ url }}">Go</a>',
        {"url": "https://shop.example/a?b=c&d=e"},
        '<a href="https://shop.example/a?b=c&amp;d=e">Go</a>',
    ),
    ("sendgrid", "<p>Hello {{user.profile.first}}</p>", {"user": {"x": []}}, "<p>Hello </p>"),
    ("sendgrid", "{{{first}}}", {"first": "<b>Ben</b>"}, "<b>Ben</b>"),
    ("sendgrid", "{{formatDate at how}}", WHEN, "January 01, 2020 11:00:00 PM"),
    ("sendgrid", "{{formatDate at how zone}}", WHEN, "January 01, 2020 3:00:00 PM"),
    (
        "sendgrid",
        '{{formatDate at "YY MMM M D dddd ddd hh HH H mm m ss s Z ZZ"}}',
        {"at": 1577916000},
        "20 Jan 1 1 Wednesday Wed 10 22 22 00 0 00 0 +00:00 +0000",
    ),
    (
        "sendgrid",
        'Hello {{insert name "default=Customer"}} of {{insert firm "your firm"}}.',
        {"name": "Ben"},
        "Hello Ben of your firm.",
    ),
    ("sendgrid", 'Hello {{insert name "default=Customer"}}', {}, "Hello Customer"),
    (
        "sendgrid",
        "{{#if u.m}}Sir{{else if u.f}}Madam{{else}}Customer{{/if}}",
        {"u": {"f": True}},
        "Madam",
    ),
    (
        "sendgrid",
        "{{#if u.off}}call {{@root.phone}}{{/if}}",
        {"u": {"off": True}, "phone": "1-800"},
        "call 1-800",
    ),
    ("sendgrid", "{{#unless u.on}}off{{/unless}}", {"u": {"on": False}}, "off"),
    ("sendgrid", "{{#greaterThan a b}}won{{else}}lost{{/greaterThan}}", {"a": 100, "b": 78}, "won"),
    ("sendgrid", "{{#greaterThan a b}}won{{else}}lost{{/greaterThan}}", {"a": 55, "b": 78}, "lost"),
    ("sendgrid", "{{#lessThan a b}}less{{else}}more{{/lessThan}}", {"a": 5, "b": 78}, "less"),
    ("sendgrid", "{{#equals a b}}same{{else}}other{{/equals}}", {"a": 3, "b": "3"}, "same"),
    ("sendgrid", "{{#equals a b}}same{{else}}other{{/equals}}", {"a": 3, "b": 4}, "other"),
    ("sendgrid", "{{#notEquals a b}}other{{else}}same{{/notEquals}}", {"a": 3, "b": 4}, "other"),
    ("sendgrid", "{{#and a b}}both{{else}}not{{/and}}", {"a": "Pasta", "b": ""}, "not"),
    ("sendgrid", "{{#and a b}}both{{else}}not{{/and}}", {"a": "Pasta", "b": -1}, "both"),
    ("sendgrid", "{{#or a b}}one{{else}}none{{/or}}", {"a": False, "b": True}, "one"),
    ("sendgrid", "{{#or a b}}one{{else}}none{{/or}}", {"a": 0, "b": 0.0}, "none"),
    ("sendgrid", "{{#greaterThan (length c) 0}}cart{{else}}-{{/greaterThan}}", {"c": [1]}, "cart"),
    ("sendgrid", "{{#greaterThan (length c) 0}}cart{{else}}-{{/greaterThan}}", {"c": []}, "-"),
    (
        "sendgrid",
        "<ol>\n  {{#each user.orders}}\n   <li>{{this.what}} on: {{this.on}}</li>\n  {{/each}}\n</ol>",
        ORDERS,
        "<ol>\n   <li>shoes on: 2/1</li>\n   <li>hat on: 1/4</li>\n</ol>",
    ),
    (
        "sendgrid",
        "{{#each user.orders}}{{#if this.on}}<p>{{this.on}}</p>{{else if what}}?{{/if}}{{/each}}",
        ORDERS,
        "<p>2/1</p><p>1/4</p>",
    ),
]
STAFF = {"company_name": "ACME", "employees": [{"name": "W. E."}, {"name": "R. R."}]}
POSTMARK: list[Case] = [
    ("postmark", "Hello {{ person.first_name }}", {"person": {"first_name": "A"}}, "Hello A"),
    (
        "postmark",
        "{{#person}}Hi {{first_name}}{{/person}}",
        {"person": {"first_name": "A"}},
        "Hi A",
    ),
    (
        "postmark",
        "{{#each employees}}<li>{{ name }}</li>{{/each}}",
        STAFF,
        "<li>W. E.</li><li>R. R.</li>",
    ),
    (
        "postmark",
        "{{#each employees}}{{ name }} of {{ ../../company_name }}; {{/each}}",
        STAFF,
        "W. E. of ACME; R. R. of ACME; ",
    ),
    (
        "postmark",
        "{{#firm}}{{#each products}}{{n}} of {{../../name}}{{/each}}{{/firm}}",
        {"name": "ROOT", "firm": {"name": "ACME", "products": [{"n": 1}]}},
        "1 of ACME",
    ),
    ("postmark", "{{{name}}", {"name": "<"}, "{&lt;"),
    ("postmark", "{{#each tags}}{{ . }} {{/each}}", {"tags": ["a", "b"]}, "a b "),
    ("postmark", "{{^items}}none{{/items}}", {"items": []}, "none"),
    ("postmark", "{{^items}}none{{/items}}{{#items}}some{{/items}}", {"items": [1]}, "some"),
    ("postmark", "{{#a}}yes{{^a}}no{{/a}}", {"a": {}}, "no"),
    ("postmark", "{{#a}}yes{{^a}}no{{/a}}", {"a": "x"}, "yes"),
    ("postmark", "{{#a.b}}{{c}} {{../d}} {{../../e}}{{/a.b}}", {}, ""),
    (
        "postmark",
        "{{#a.b}}{{c}} {{../d}} {{../../e}}{{/a.b}}",
        {"a": {"b": {"c": 1}, "d": 2}, "e": 3},
        "1 2 3",
    ),
    ("postmark", "{{ html }} {{{ html }}} {{& html }}", {"html": "<i>"}, "&lt;i&gt; <i> <i>"),
    ("postmark", "{{! no }}p { } {{ {", {}, "p { } {{ {"),
    ("postmark", "{{#flag}}{{../name}}{{/flag}}", {"flag": True, "name": "N"}, "N"),
]
CONTACT = {
    "contact": {"firstName": "Anaya", "city": "Pune"},
    "subscription": [{"interest": "Sports"}, {"interest": "Cooking"}],
}
INLINE = """{{#* inline "full"}}{{firstName}}{{#if city}} of {{city}}{{/if}}{{/inline~}}
Hello {{> full contact}}! {{#with contact}}{{> full}}{{/with}}"""
SES: list[Case] = [
    ("ses", "Hello {{contact.firstName}}!", CONTACT, "Hello Anaya!"),
    (
        "ses",
        "<ul>{{#each subscription}}<li>{{interest}}</li>{{/each}}</ul>",
        CONTACT,
        "<ul><li>Sports</li><li>Cooking</li></ul>",
    ),
    ("ses", "{{#if contact.age}}old{{else}}?{{/if}}", CONTACT, "?"),
    (
        "ses",
        INLINE,
        CONTACT,
        "Hello Anaya of Pune! Anaya of Pune",
    ),
]
TITLED = {"title": "API & you", "body": "B"}
MAILGUN: list[Case] = [
    (
        "mailgun",
        '<div class="entry"><h1>{{title}}</h1>{{body}}</div>',
        TITLED,
        '<div class="entry"><h1>API &amp; you</h1>B</div>',
    ),
    ("mailgun", "{{#if a}}{{a}}{{/if}}{{#unless b}}-{{/unless}}", {"a": 1}, "1-"),
    ("mailgun", '{{#equal a "x"}}same{{else}}other{{/equal}}', {"a": "x"}, "same"),
    ("mailgun", "{{#each list}}{{@index}}{{this}}{{/each}}", {"list": ["a", "b"]}, "0a1b"),
    ("mailgun", "{{lookup de what}}", {"de": {"hi": "Hallo"}, "what": "hi"}, "Hallo"),
    ("mailgun", '{{#if (eq s "active")}}on{{else}}off{{/if}}', {"s": "active"}, "on"),
]
RESEND: list[Case] = [
    (
        "resend",
        "<p>{{{PRODUCT}}}: {{{PRICE}}}</p>",
        {"PRODUCT": "Mug", "PRICE": 25},
        "<p>Mug: 25</p>",
    ),
    ("resend", "Hi {{{FIRST_NAME|there}}}", {}, "Hi there"),
    ("resend", "Hi {{{FIRST_NAME|there}}}", {"FIRST_NAME": "A"}, "Hi A"),
]


@pytest.mark.parametrize(
    ("dialect", "source", "data", "result"), [*SENDGRID, *POSTMARK, *SES, *MAILGUN, *RESEND]
)
def test_it_comes_out_as_documented(
    dialect: Dialect, source: str, data: dict[str, Any], result: str
) -> None:
    assert mustache(source, data, dialect) == result


@pytest.mark.parametrize(
    "source", ["{{#if x}}a{{/if}}", "{{#each}}a{{/each}}", "{{ a b }}", "{{#x}}a", "{{ a..b }}"]
)
def test_what_postmark_refuses_is_refused(source: str) -> None:
    assert isinstance(translate(source, "postmark"), Problem)
