"""Each code in a comment, a docstring or the name of a test leads somewhere: to docs/THREATS.md, to the class that
has the invariant, or to the numbered list in docs/ARCHITECTURE.md.

One letter and a number (S1) is a threat. Two letters or more and a number (CR1) is an invariant of a class, defined in
its docstring as ``Invariant CR1: ...`` or in a list there as ``CR1. ...``. ``Invariant 1`` is the architecture's.
"""

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
CODE = ROOT / "angarium"
LABEL = re.compile(r"(?<![\w+=./\\:#-])([A-Z]{1,4})([0-9]{1,2})(?![\w-]|\.[0-9])")
DEFINITION = re.compile(r'^\s*(?:"""\s*)?(?:Invariant )?([A-Z]{2,4}[0-9]{1,2})[.:] ')
ONE_LETTER_INVARIANT = re.compile(r"\bInvariants?:? ([A-Z][0-9]{1,2})\b|^\s+([A-Z][0-9]{1,2})\. ")
NUMBERED_INVARIANT = re.compile(r"\binvariants? ((?:[0-9]+(?:, | and )?)+)", re.IGNORECASE)
# Words of other people that look like ours.
FOREIGN = frozenset({"IPV4", "IPV6", "SHA1", "UTF8"})


class Line(NamedTuple):
    path: Path
    number: int
    text: str
    is_definition: bool = False  # may be one: of a module's or a class's docstring

    @property
    def at(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.number}"


def python_files(*folders: str) -> list[Path]:
    return sorted(path for each in folders for path in (ROOT / each).rglob("*.py"))


def docstring_nodes(tree: ast.AST) -> Iterator[tuple[ast.Expr, bool]]:
    """Strings that stand alone, and whether an invariant may be defined there."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for index, each in enumerate(body if isinstance(body, list) else ()):
            if (
                isinstance(each, ast.Expr)
                and isinstance(each.value, ast.Constant)
                and isinstance(each.value.value, str)
            ):
                yield each, index == 0 and isinstance(node, ast.Module | ast.ClassDef)


@functools.cache
def words_of_python(path: Path) -> tuple[Line, ...]:
    """The lines of comments and docstrings, and the labels in names of tests as lines of their own."""
    source = path.read_text()
    lines = source.splitlines()
    found = [
        Line(path, token.start[0], token.string.lstrip("# "))
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    tree = ast.parse(source)
    for node, is_definition in docstring_nodes(tree):
        found.extend(
            Line(path, number, lines[number - 1], is_definition)
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        )
    for function in ast.walk(tree):
        if isinstance(
            function, ast.FunctionDef | ast.AsyncFunctionDef
        ) and function.name.startswith("test_"):
            words = function.name.upper().split("_")
            labels = [each for each in words if LABEL.fullmatch(each) and each not in FOREIGN]
            found.append(Line(path, function.lineno, " ".join(labels)))
    return tuple(found)


@functools.cache
def all_words() -> tuple[Line, ...]:
    found = [
        line
        for path in python_files("angarium", "tests", "bench")
        if path != Path(__file__)
        for line in words_of_python(path)
    ]
    documents = [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]
    dialogues = sorted((ROOT / "tests").rglob("*.smtp"))
    for path in (*sorted(documents), *dialogues):
        found.extend(
            Line(path, number, text)
            for number, text in enumerate(path.read_text().splitlines(), 1)
            if path.suffix == ".md" or text.startswith("#")
        )
    return tuple(found)


def labels_in(line: Line) -> list[str]:
    return [found[0] for found in LABEL.finditer(line.text) if found[0] not in FOREIGN]


class Threat(NamedTuple):
    paths: tuple[str, ...]  # of code and tests that hold it off, relative to the root
    awaits: bool  # a part of it, or all, comes with a feature


def read_threats() -> dict[str, Threat]:
    text = (ROOT / "docs" / "THREATS.md").read_text()
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    threats = {}
    for section in sections:
        heading, _, body = section.partition("\n")
        found = re.fullmatch(r"([A-Z][0-9]{1,2}): \S.*", heading)
        assert found, f"docs/THREATS.md: {heading!r} is not a code and what it means"
        assert found[1] not in threats, f"docs/THREATS.md: {found[1]} is there twice"
        facts = "\n".join(re.findall(r"^- (?:Where|Tests): .*$", body, flags=re.MULTILINE))
        paths = tuple(
            each if each.startswith("tests/") else f"angarium/{each}"
            for each in re.findall(r"`([\w/.*]+)`", facts)
        )
        threats[found[1]] = Threat(paths, awaits="\n- Comes with " in body)
    return threats


@functools.cache
def defined_invariants() -> dict[str, tuple[str, ...]]:
    """Where each is defined."""
    found: dict[str, tuple[str, ...]] = {}
    for path in python_files("angarium"):
        for line in words_of_python(path):
            if line.is_definition and (match := DEFINITION.match(line.text)):
                found[match[1]] = (*found.get(match[1], ()), line.at)
    return found


def test_each_threat_says_where_it_is_held_off_or_what_it_comes_with() -> None:
    for code, threat in read_threats().items():
        assert threat.paths or threat.awaits, f"docs/THREATS.md: {code} has neither"
        for path in threat.paths:
            assert any(ROOT.glob(path)), f"docs/THREATS.md: {code} names {path}, which is not there"


def test_each_threat_code_is_in_the_list_of_threats_and_has_code_there() -> None:
    threats = read_threats()
    wrong = []
    for line in all_words():
        for label in labels_in(line):
            if len(label.rstrip("0123456789")) != 1:
                continue
            if label not in threats:
                wrong.append(f"{line.at}: {label} is not in docs/THREATS.md")
            elif not threats[label].paths and line.path.suffix == ".py":
                wrong.append(f"{line.at}: {label} has no code yet, says docs/THREATS.md")
    assert not wrong, "\n".join(wrong)


def test_one_letter_and_a_number_never_names_an_invariant() -> None:
    wrong = [
        f"{line.at}: {found[1] or found[2]} is for threats; prefix an invariant by its class (CR1)"
        for path in python_files("angarium")
        for line in words_of_python(path)
        if line.is_definition and (found := ONE_LETTER_INVARIANT.search(line.text))
    ]
    assert not wrong, "\n".join(wrong)


def test_each_invariant_of_a_class_is_defined_once() -> None:
    defined = defined_invariants()
    wrong = [
        f"{label} is defined at {' and '.join(places)}"
        for label, places in defined.items()
        if len(places) > 1
    ]
    wrong += [
        f"{line.at}: {label} is defined nowhere: no class has `Invariant {label}: ...`"
        for line in all_words()
        for label in labels_in(line)
        if len(label.rstrip("0123456789")) > 1 and label not in defined
    ]
    assert not wrong, "\n".join(wrong)


def test_each_invariant_of_a_class_is_upheld_by_a_line_and_named_by_a_test() -> None:
    uses: dict[str, set[str]] = {label: set() for label in defined_invariants()}
    for line in all_words():
        folder = line.path.relative_to(ROOT).parts[0]
        for label in labels_in(line):
            is_use = not (line.is_definition and DEFINITION.match(line.text))
            if label in uses and is_use:
                uses[label].add(folder)
    wrong = [
        f"{defined_invariants()[label][0]}: {label} stands at no line that upholds it"
        for label, folders in uses.items()
        if "angarium" not in folders
    ]
    wrong += [
        f"{defined_invariants()[label][0]}: {label} is named by no test"
        for label, folders in uses.items()
        if "tests" not in folders
    ]
    assert not wrong, "\n".join(wrong)


def test_each_numbered_invariant_is_the_architectures_and_has_a_test() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    section = text.partition("\n## Invariants\n")[2].partition("\n## ")[0]
    entries = re.findall(r"^([0-9]+)\. \*\*(.+?)\.\*\*(.*)$", section, flags=re.MULTILINE)
    numbers = [int(number) for number, _, _ in entries]
    assert numbers == list(range(1, 11)), "docs/ARCHITECTURE.md: the invariants are 1 to 10"

    used: dict[int, set[str]] = {number: set() for number in numbers}
    wrong = []
    for line in all_words():
        for found in NUMBERED_INVARIANT.finditer(line.text):
            for number in map(int, re.findall("[0-9]+", found[1])):
                if number not in used:
                    wrong.append(f"{line.at}: docs/ARCHITECTURE.md has no invariant {number}")
                else:
                    used[number].add(line.path.relative_to(ROOT).parts[0])
    tests = " ".join(
        re.findall(
            r"def (test_\w+)", "".join(each.read_text() for each in (ROOT / "tests").rglob("*.py"))
        )
    )
    for number, title, rest in entries:
        name = "test_" + re.sub(r"\W+", "_", title.lower())
        if (
            "comes with" not in rest.lower()
            and "tests" not in used[int(number)]
            and name not in tests
        ):
            wrong.append(
                f"docs/ARCHITECTURE.md: no test names invariant {number}, nor is called {name}"
            )
    assert not wrong, "\n".join(wrong)
