"""A template as a folder of files, which people edit and keep with their programs.

    template.json       alias, name, kind, and how it is rendered; what is missing is as usual
    subject.txt         a last line end is not part of it, as of preheader.txt
    preheader.txt
    body.html           or body.mjml
    body.txt
    body.amp.html
    variables.json      what its variables are
    sample.json         what previews are filled with
    locales/de/...      the same parts in other languages

Blocks on disk.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec

from angarium.cli.exit import EX_CANTCREAT, EX_DATAERR, EX_NOINPUT, CommandError
from angarium.templates.bundle import MAX_LOCALES, MAX_PART_OCTETS, Parts, Syntax
from angarium.templates.mustache.translation import Dialect
from angarium.templates.variables import Variable
from angarium.tenancy.templates.index import Kind
from angarium.tenancy.templates.model import Content

SETTINGS: Final = "template.json"
HTML: Final = "body.html"
MJML: Final = "body.mjml"
LOCALES: Final = "locales"
_FILES: Final = {
    "subject": "subject.txt",
    "preheader": "preheader.txt",
    "text": "body.txt",
    "amp": "body.amp.html",
}
_LINES: Final = ("subject", "preheader")
T = TypeVar("T")


class Settings(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """``template.json``."""

    alias: str = ""  # "": as the folder is called
    name: str = ""
    kind: Kind = "mail"
    default_locale: str = "en"
    syntax: Syntax = "jinja"
    dialect: Dialect = "mustache"
    layout: str = ""
    missing: Literal["strict", "lenient"] = "strict"
    time_zone: str = "UTC"


class TemplateFolder(msgspec.Struct, frozen=True, kw_only=True):
    """What is in one."""

    settings: Settings
    content: Content


def is_template(path: Path) -> bool:
    """Whether anything of a template is in a folder."""
    names = (SETTINGS, HTML, MJML, *_FILES.values())
    return any((path / each).is_file() for each in names)


def read_folder(path: Path) -> TemplateFolder:
    """Raises CommandError that names the file."""
    if not path.is_dir():
        raise CommandError(f"{path} is no folder", EX_NOINPUT)
    settings = _read_json(path / SETTINGS, Settings) or Settings()
    others = sorted(each for each in _folders(path / LOCALES))
    if len(others) >= MAX_LOCALES:
        raise CommandError(f"{path / LOCALES}: more than {MAX_LOCALES} languages", EX_DATAERR)
    kinds = {kind for each in (path, *others) for kind in _html_kinds(each)}
    if len(kinds) > 1:
        raise CommandError(f"{path}: there are both {HTML} and {MJML}: keep one", EX_DATAERR)
    locales = {settings.default_locale: _read_parts(path)}
    locales |= {each.name: _read_parts(each) for each in others}
    variables = _read_json(path / "variables.json", dict[str, Variable])
    content = Content(
        locales=locales,
        default_locale=settings.default_locale,
        html_kind="mjml" if kinds == {MJML} else "html",
        syntax=settings.syntax,
        dialect=settings.dialect,
        layout=settings.layout,
        variables=variables,
        sample=_read_json(path / "sample.json", dict[str, Any]) or {},
        missing=settings.missing,
        time_zone=settings.time_zone,
    )
    if not settings.alias:
        settings = msgspec.structs.replace(settings, alias=path.resolve().name)
    return TemplateFolder(settings=settings, content=content)


def write_folder(path: Path, folder: TemplateFolder) -> None:
    """Files of before that it does not have are removed; others stay. Raises CommandError."""
    content, settings = folder.content, folder.settings
    try:
        path.mkdir(parents=True, exist_ok=True)
        _write_json(path / SETTINGS, settings)
        _write_json(path / "variables.json", content.variables)
        _write_json(path / "sample.json", content.sample or None)
        for locale, parts in content.locales.items():
            is_default = locale == content.default_locale
            where = path if is_default else path / LOCALES / locale
            where.mkdir(parents=True, exist_ok=True)
            _write_parts(where, parts, content.html_kind)
        for each in _folders(path / LOCALES):
            if each.name not in content.locales or each.name == content.default_locale:
                _write_parts(each, Parts(), content.html_kind)
                each.rmdir()
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}", EX_CANTCREAT) from None


def settings_of(alias: str, name: str, kind: Kind, content: Content) -> Settings:
    return Settings(
        alias=alias,
        name=name,
        kind=kind,
        default_locale=content.default_locale,
        syntax=content.syntax,
        dialect=content.dialect,
        layout=content.layout,
        missing=content.missing,
        time_zone=content.time_zone,
    )


def _folders(path: Path) -> list[Path]:
    return [each for each in path.iterdir() if each.is_dir()] if path.is_dir() else []


def _html_kinds(path: Path) -> list[str]:
    return [name for name in (HTML, MJML) if (path / name).exists()]


def _read_parts(path: Path) -> Parts:
    found: dict[str, str] = {}
    for part, name in (*_FILES.items(), *(("html", each) for each in _html_kinds(path))):
        text = _read(path / name)
        if text is not None:
            found[part] = text.removesuffix("\n") if part in _LINES else text
    return Parts(**found)


def _write_parts(path: Path, parts: Parts, html_kind: str) -> None:
    written: Mapping[str, str | None] = {
        _FILES["subject"]: f"{parts.subject}\n" if parts.subject else None,
        _FILES["preheader"]: f"{parts.preheader}\n" if parts.preheader else None,
        _FILES["text"]: parts.text,
        _FILES["amp"]: parts.amp,
        HTML: parts.html if html_kind == "html" else None,
        MJML: parts.html if html_kind == "mjml" else None,
    }
    for name, text in written.items():
        if text is None:
            (path / name).unlink(missing_ok=True)
        else:
            (path / name).write_bytes(text.encode())


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_PART_OCTETS + 1)
        if len(octets) > MAX_PART_OCTETS:
            raise CommandError(f"{path}: at most {MAX_PART_OCTETS} octets", EX_DATAERR)
        return octets.decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not UTF-8 text", EX_DATAERR) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", EX_NOINPUT) from None


def _read_json(path: Path, kind: type[T]) -> T | None:
    text = _read(path)
    try:
        return None if text is None else msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CommandError(f"{path}: {error}", EX_DATAERR) from None


def _write_json(path: Path, value: object) -> None:
    if value is None:
        path.unlink(missing_ok=True)
        return
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
