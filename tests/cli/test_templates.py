"""Mirrors angarium/cli/template: what is written in folders is kept, published, shown and taken elsewhere."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_USAGE
from angarium.cli.main import run
from angarium.tenancy.templates.files import TemplateFiles
from angarium.tenancy.templates.index import TemplateEntry

pytestmark = pytest.mark.slow
FRAME = "<html><body>{% block content %}{% endblock %}<p>Shop Inc.</p></body></html>\n"
HELLO = '{% extends "frame" %}{% block content %}<p>Hello {{ name }}</p>{% endblock %}\n'


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.config = folder / "angarium.toml"
        self.config.write_text('[server]\nhostname = "mx.example.com"\ndata_dir = "data"\n')
        self._capsys = capsys
        self.err = ""

    def run(self, words: str, code: int = 0) -> str:
        found = run(["template", *words.split(), "--config", str(self.config)])
        out, self.err = self._capsys.readouterr()
        assert found == code, self.err
        return out or self.err

    def json(self, words: str, code: int = 0) -> Any:
        return json.loads(self.run(f"{words} --json", code))

    def lines(self, words: str) -> list[Any]:
        return [json.loads(line) for line in self.run(f"{words} --json").splitlines()]

    def write(self, name: str, **files: str) -> Path:
        """A folder of files, whose names have __ for a dot."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        for file, text in files.items():
            (path / file.replace("__", ".")).write_text(text)
        return path


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_a_template_goes_from_a_folder_to_what_is_sent(shell: Shell) -> None:
    frame = shell.write("frame", body__html=FRAME)
    hello = shell.write(
        "hello", subject__txt="Hi {{ name }}\n", body__html=HELLO, sample__json='{"name": "Ann"}'
    )
    refused = shell.run(f"create hello {hello}", EX_DATAERR)
    assert "parts.html: line 1, column 12: there is no layout or partial 'frame'" in refused
    (frame / "template.json").write_text('{"kind": "layout"}')
    made = shell.json(f"create frame {frame} --publish")
    assert (made["kind"], made["publishedVersion"]) == ("layout", 1)
    said = shell.run(f"create hello {hello} --name Welcome")
    assert said == "Saved version 1 of hello. Next: postmaster template publish hello 1\n"
    assert shell.run("publish hello 1") == "Published version 1 of hello.\n"
    found = TemplateFiles(shell.data).find("default", "hello")
    assert isinstance(found, TemplateEntry)
    assert (found.version, found.state) == (1, "published")
    assert shell.run("list") == (
        "frame  layout   version 1  frame\nhello  mail     version 1  Welcome\n"
    )
    listed = shell.lines("list --kind layout")
    assert [each["alias"] for each in listed] == ["frame"]
    (frame / "body.html").write_text(FRAME.replace("Shop Inc.", "Shop & Co."))
    saved = shell.json(f"save frame {frame} --comment renamed")
    assert (saved["version"], saved["state"], saved["comment"]) == (2, "draft", "renamed")
    published = shell.run("publish frame 2")
    assert published == "Published version 2 of frame. In force, too, in hello.\n"
    assert "Shop & Co." in shell.json("preview hello")["html"]
    assert shell.json("rollback frame")["version"] == 1
    assert "Shop Inc." in shell.json("preview hello")["html"]
    used = shell.run("delete frame", EX_DATAERR)
    assert "it cannot be removed: hello uses it" in used
    assert shell.run("delete frame --version 2") == "Deleted version 2 of frame.\n"
    assert shell.run("delete hello") == "Deleted hello.\n"
    assert "template list" in shell.run("show hello", EX_NOINPUT)


def test_a_draft_is_written_anew_and_compared(shell: Shell) -> None:
    path = shell.write("a", subject__txt="one\n", body__txt="first\nline\n")
    shell.run(f"create a {path} --publish")
    (path / "body.txt").write_text("second\nline\n")
    shell.run(f"save a {path}")
    (path / "template.json").write_text('{"missing": "lenient"}')
    edited = shell.json(f"save a {path} --draft 2")
    assert (edited["version"], edited["missing"]) == (2, "lenient")
    assert shell.run("diff a") == (
        'missing: "strict" -> "lenient"\n'
        "--- a/en/text\n+++ b/en/text\n@@ -1,2 +1,2 @@\n-first\n+second\n line\n"
    )
    assert shell.run("diff a 1 1") == "Versions 1 and 1 do not differ.\n"
    found = shell.json("diff a 2 1")
    assert (found["from"], found["to"], found["parts"][0]["part"]) == (2, 1, "text")
    shown = shell.json("show a")
    assert [each["state"] for each in shown["versions"]] == ["draft", "published"]
    assert shell.json("show a --version 2")["parts"]["text"] == "second\nline\n"
    assert "--- text (en)\nsecond\nline\n" in shell.run("show a --version 2")
    assert "was published, and stays" in shell.run(f"save a {path} --draft 1", EX_DATAERR)
    assert "--draft and --publish" in shell.run(f"save a {path} --draft 2 --publish", EX_USAGE)
    assert "--publish needs a FOLDER" in shell.run("create b --publish", EX_USAGE)
    assert "template save b FOLDER" in shell.run("create b")


def test_a_preview_shows_the_mail_and_what_is_wrong_with_it(shell: Shell, tmp_path: Path) -> None:
    path = shell.write(
        "a",
        subject__txt="Hi {{ name }}",
        preheader__txt="News",
        body__html="<p>Dear {{ name }}</p><img src='https://x.example/a.png'>",
        sample__json='{"name": "Ann"}',
    )
    (path / "locales" / "de").mkdir(parents=True)
    (path / "locales" / "de" / "subject.txt").write_text("Hallo {{ name }}")
    (path / "locales" / "de" / "body.txt").write_text("Liebe {{ name }}")
    shell.run(f"create a {path}")
    said = shell.run("preview a")
    assert said.startswith("Subject: Hi Ann\nPreheader: News\nSize: ")
    assert "version 1, draft" in said
    assert "Dear Ann" in said
    assert "alt" in said
    data = tmp_path / "data.json"
    data.write_text('{"name": "Eva"}')
    german = shell.json(f"preview a --data {data} --locale de")
    assert (german["subject"], german["text"]) == ("Hallo Eva", "Liebe Eva")
    out = tmp_path / "out"
    shell.run(f"preview a --out {out}")
    assert "Dear Ann" in (out / "preview.html").read_text()
    data.write_text("{}")
    missing = shell.run(f"preview a --data {data}", EX_DATAERR)
    assert "name" in missing
    data.write_text("[]")
    assert "data.json" in shell.run(f"preview a --data {data}", EX_DATAERR)
    assert "nothing.json" in shell.run("preview a --data nothing.json", EX_NOINPUT)


def test_templates_are_taken_from_one_tenant_to_another(shell: Shell, tmp_path: Path) -> None:
    run(["tenant", "create", "shop", "--config", str(shell.config)])
    shell.write("frame", body__html=FRAME)
    shell.run(f"create frame {tmp_path / 'frame'} --kind layout --publish")
    hello = shell.write("hello", subject__txt="Hi\n", body__html=HELLO)
    shell.run(f"create hello {hello} --publish --name Welcome")
    out = tmp_path / "out"
    exported = shell.lines(f"export {out}")
    assert [(each["alias"], each["version"]) for each in exported] == [("frame", 1), ("hello", 1)]
    assert (out / "hello" / "body.html").read_text() == HELLO
    shell.run(f"import {out} --tenant shop", EX_DATAERR)
    assert "only what is published counts" in shell.err
    assert [each["alias"] for each in shell.lines("list --tenant shop")] == ["frame"]
    imported = shell.lines(f"import {out} --tenant shop --publish")
    assert [(each["alias"], each["version"], each["state"]) for each in imported] == [
        ("frame", 2, "published"),
        ("hello", 1, "published"),
    ]
    again = shell.run(f"import {out} --tenant shop --publish")
    assert again == "frame  as it is there\nhello  as it is there\n"
    (out / "hello" / "subject.txt").write_text("Hello\n")
    changed = shell.lines(f"import {out} --tenant shop")
    assert [(each["alias"], each["version"]) for each in changed] == [("frame", None), ("hello", 2)]
    only = shell.lines(f"export {tmp_path / 'one'} hello --tenant shop --version 2")
    assert [each["version"] for each in only] == [2]
    assert (tmp_path / "one" / "hello" / "subject.txt").read_text() == "Hello\n"
    assert "template.json" in shell.run(f"import {hello.parent / 'data'}", EX_NOINPUT)
    # Without it the folder's name is the alias
    shell.write("written", body__txt="by hand\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "written").rename(tmp_path / "more" / "plain")
    assert shell.run(f"import {tmp_path / 'more'}") == "plain  version 1, draft\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for others")
def test_root_exports_to_where_the_servers_user_may_not_write(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with tempfile.TemporaryDirectory() as name:  # others cannot enter those that pytest makes
        folder = Path(name)
        folder.chmod(0o711)
        shell = Shell(folder, capsys)
        shell.data.mkdir(mode=0o700)
        os.chown(shell.data, 65534, 65534)
        path = shell.write("hello", subject__txt="Hi\n", body__txt="Hello\n")
        shell.run(f"create hello {path}")
        shell.run(f"export {folder / 'backup'}")
        assert (folder / "backup" / "hello" / "body.txt").read_text() == "Hello\n"


def test_a_sample_is_tried_at_a_time_too(shell: Shell) -> None:
    text = "{{ name }}, {{ now|datetime('short', tz='Europe/Vienna') }}"
    path = shell.write("a", body__txt=text, sample__json='{"name": "Ann"}')
    shell.run(f"create a {path}")
    assert shell.json("preview a")["text"].startswith("Ann, ")


def test_mustaches_are_kept_as_they_were_written(shell: Shell) -> None:
    path = shell.write(
        "a",
        subject__txt="Hi {{name}}\n",
        body__html="<p>{{{name}}}</p>{{#each items}}<i>{{this}}</i>{{/each}}",
        template__json='{"syntax": "mustache", "dialect": "sendgrid"}',
        sample__json='{"name": "<b>Ann</b>", "items": [1, 2]}',
    )
    shell.run(f"create a {path}")
    assert shell.json("show a --version 1")["parts"]["subject"] == "Hi {{name}}"
    seen = shell.json("preview a")
    assert "<p><b>Ann</b></p><i>1</i><i>2</i>" in seen["html"]
    (path / "body.html").write_text("x\n {{#each")
    refused = shell.run(f"save a {path}", EX_DATAERR)
    assert "parts.html: line 2, column 2" in refused
