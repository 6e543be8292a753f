"""What changed between two versions."""

from angarium.templates.bundle import Parts
from angarium.templates.difference import MAX_LINES, as_text, difference

OLD = {"en": Parts(subject="Hi", html="a\nb\nc\n", text="t"), "de": Parts(subject="Hallo")}
NEW = {"en": Parts(subject="Hi", html="a\nB\nc\n", amp="x"), "fr": Parts(subject="Salut")}


def test_each_part_that_differs_is_shown() -> None:
    found = difference(OLD, NEW)
    assert [(each.locale, each.part, each.is_in_old, each.is_in_new) for each in found] == [
        ("de", "subject", True, False),
        ("en", "html", True, True),
        ("en", "text", True, False),
        ("en", "amp", False, True),
        ("fr", "subject", False, True),
    ]
    assert found[1].lines == ("@@ -1,3 +1,3 @@", " a", "-b", "+B", " c")
    assert found[0].lines == ("@@ -1 +0,0 @@", "-Hallo")


def test_equal_versions_do_not_differ() -> None:
    assert difference(OLD, OLD) == ()


def test_line_ends_alone_are_a_difference() -> None:
    found = difference({"en": Parts(text="a\r\nb")}, {"en": Parts(text="a\nb")})
    assert found[0].lines == ("@@ line ends @@",)


def test_it_is_written_as_a_unified_diff() -> None:
    assert as_text(difference({"en": Parts(text="a")}, {"en": Parts(text="b")})) == (
        "--- a/en/text\n+++ b/en/text\n@@ -1 +1 @@\n-a\n+b\n"
    )
    assert as_text(difference({}, {"en": Parts(text="b")})).startswith("--- /dev/null\n")


def test_texts_that_are_very_long_are_shown_whole() -> None:
    old, new = "a\n" * MAX_LINES + "same", "b\n" * MAX_LINES + "same"
    found = difference({"en": Parts(text=old)}, {"en": Parts(text=new)})[0]
    assert found.lines[:2] == (f"@@ -1,{MAX_LINES + 1} +1,{MAX_LINES + 1} @@", "-a")
    assert len(found.lines) == 2 * MAX_LINES + 3
