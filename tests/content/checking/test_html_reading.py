"""Mirrors angarium/content/checking/html_reading.py."""

import mrml
import pytest

from angarium.content.checking.html_reading import read_html

MJML = """
<mjml><mj-body><mj-section><mj-column>
<mj-text>Your order was sent</mj-text>
</mj-column></mj-section></mj-body></mjml>
"""


@pytest.mark.parametrize(
    ("html", "text", "hidden"),
    [
        ('<p>a</p><p style="font-size:0">b</p>', "a", "b"),
        ('<p>a</p><p style="font-size:0px"><b>b</b></p>', "a", "b"),
        ('<p style="font-size: 0"><b style="color:red; font-size: 0.8rem">b</b></p>', "b", ""),
        ('<p>a</p><p style="font-size:0"><b style="font-size:2em">b</b></p>', "a", "b"),
        ('<p>a</p><p style="font-size:0"><b style="font-size: inherit">b</b></p>', "a", "b"),
        ('<p style="font-size:12px;font-size:0">b</p>', "", ""),
        ('<p>a</p><p style="display:none"><b style="font-size:12px">b</b></p>', "a", "b"),
    ],
)
def test_letters_of_no_size_are_hidden_until_something_in_them_has_one(
    html: str, text: str, hidden: str
) -> None:
    found = read_html(html)
    assert (found.text, found.hidden) == (text, hidden)


def test_the_frames_of_mjml_hide_nothing() -> None:
    assert "Your order was sent" in read_html(mrml.to_html(MJML).content).text
