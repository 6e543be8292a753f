"""Mirrors angarium.content.preheader."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from angarium.content.plain_text import plain_text
from angarium.content.preheader import with_preheader


@pytest.mark.parametrize(
    ("html", "before"),
    [
        ("<p>a</p>", ""),
        ("<html><body class='x'><p>a</p>", "<html><body class='x'>"),
        (
            "<!DOCTYPE html><html><head><title>t</title></head><p>a",
            "<!DOCTYPE html><html><head><title>t</title></head>",
        ),
        ("<!-- <body> --><body>a", "<!-- <body> --><body>"),
        ("<html><p>a<body>", "<html>"),
        ("", ""),
        ("<!doctype html><p>a", "<!doctype html>"),
        ("<head><style>p{}</style></head>a<b>c", "<head><style>p{}</style></head>"),
        ("<div><body>", ""),
    ],
)
def test_the_line_stands_at_the_beginning_of_the_body(html: str, before: str) -> None:
    made = with_preheader(html, "soon <over>")
    assert made.startswith(before + "<div style=")
    assert made.endswith("</div>" + html[len(before) :])
    body = LexborHTMLParser(made).body
    assert body is not None
    first = body.css_first("div")
    assert first is not None
    assert first.text().startswith("soon <over>")


def test_nobody_reads_it_in_the_text() -> None:
    assert plain_text(with_preheader("<body><p>Hi</p>", "soon over")) == "Hi\n"
