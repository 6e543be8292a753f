"""Mirrors angarium/cli/template/folder.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, CommandError
from angarium.cli.template.folder import (
    Settings,
    TemplateFolder,
    read_folder,
    settings_of,
    write_folder,
)
from angarium.templates.bundle import Parts
from angarium.templates.variables import Variable
from angarium.tenancy.templates.model import Content

FULL = Content(
    locales={
        "de": Parts(subject="Hallo é\n", preheader=" x ", html="<p>\r\n", text="", amp="⚡"),
        "pt-BR": Parts(text="olá\n\n"),
    },
    default_locale="de",
    html_kind="html",
    syntax="mustache",
    layout="base",
    variables={"name": Variable(type="string", required=True)},
    sample={"name": "Ann", "items": [1, None]},
    missing="lenient",
    time_zone="Europe/Berlin",
)


def folder_of(content: Content) -> TemplateFolder:
    return TemplateFolder(
        settings=settings_of("hello", "Hello mail", "mail", content), content=content
    )


def files(path: Path) -> set[str]:
    return {str(each.relative_to(path)) for each in path.rglob("*") if each.is_file()}


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", folder_of(FULL))
    assert read_folder(tmp_path / "a") == folder_of(FULL)
    assert files(tmp_path / "a") == {
        *("template.json", "subject.txt", "preheader.txt", "body.html", "body.txt"),
        *("body.amp.html", "variables.json", "sample.json", "locales/pt-BR/body.txt"),
    }


def test_what_a_version_lacks_is_taken_away_and_other_files_stay(tmp_path: Path) -> None:
    write_folder(tmp_path, folder_of(FULL))
    (tmp_path / "README").write_text("mine")
    small = Content(locales={"en": Parts(html="<mjml>")}, html_kind="mjml")
    write_folder(tmp_path, folder_of(small))
    assert files(tmp_path) == {"template.json", "body.mjml", "README"}
    assert read_folder(tmp_path) == folder_of(small)


def test_a_folder_needs_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "welcome"
    path.mkdir()
    (path / "body.txt").write_text("Hi\n")
    assert read_folder(path) == TemplateFolder(
        settings=Settings(alias="welcome"), content=Content(locales={"en": Parts(text="Hi\n")})
    )


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("template.json", b'{"allias": "x"}', "allias"),
        ("template.json", b"{", "template.json"),
        ("variables.json", b'{"a": {"type": "strin"}}', "variables.json"),
        ("sample.json", b"[]", "sample.json"),
        ("body.html", b"\xff", "body.html is not UTF-8"),
        ("body.text", b"", ""),
        ("subject.txt", b"x" * (1 << 20) + b"yz", "subject.txt: at most"),
    ],
)
def test_what_cannot_be_read_names_the_file(
    tmp_path: Path, name: str, text: bytes, problem: str
) -> None:
    (tmp_path / "body.txt").write_text("x")
    (tmp_path / name).write_bytes(text)
    if not problem:
        assert read_folder(tmp_path).content.locales == {"en": Parts(text="x")}
        return
    with pytest.raises(CommandError, match=problem) as caught:
        read_folder(tmp_path)
    assert caught.value.exit_code == EX_DATAERR


def test_html_and_mjml_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "body.html").write_text("x")
    other = tmp_path / "locales" / "de"
    other.mkdir(parents=True)
    (other / "body.mjml").write_text("x")
    with pytest.raises(CommandError, match=r"both body\.html and body\.mjml"):
        read_folder(tmp_path)


def test_a_folder_that_is_none_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is no folder") as caught:
        read_folder(tmp_path / "nothing")
    assert caught.value.exit_code == EX_NOINPUT


def test_settings_are_json_that_people_edit(tmp_path: Path) -> None:
    write_folder(tmp_path, folder_of(FULL))
    found: dict[str, Any] = json.loads((tmp_path / "template.json").read_text())
    assert found == {
        "alias": "hello",
        "name": "Hello mail",
        "defaultLocale": "de",
        "syntax": "mustache",
        "layout": "base",
        "missing": "lenient",
        "timeZone": "Europe/Berlin",
    }
    assert "\n  " in (tmp_path / "template.json").read_text()
