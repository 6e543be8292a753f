"""Mirrors angarium/tenancy/templates/files.py and publishing.py."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from angarium.host import exchanged_file
from angarium.queue.model import UnixMs
from angarium.templates.bundle import Bundle, Parts, encode_bundle, encoded_digest
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.templates import files, publishing
from angarium.tenancy.templates.files import BundleGoneError, TemplateFiles
from angarium.tenancy.templates.index import IndexedTemplate, IndexedVersion, TemplateEntry
from angarium.tenancy.templates.publishing import PARTING_MS, publish_templates

NOW = UnixMs(1_800_000_000_000)


def encoded(text: str) -> bytes:
    return encode_bundle(Bundle(locales={"en": Parts(subject=text, html=text * 100)}))


def template(alias: str, *texts: str, draft: str = "") -> IndexedTemplate:
    """Its versions, the last of ``texts`` published."""
    versions = [
        IndexedVersion(number, bytes.fromhex(encoded_digest(encoded(text))))
        for number, text in enumerate(texts, 1)
    ]
    if draft:
        digest = bytes.fromhex(encoded_digest(encoded(draft)))
        versions.append(IndexedVersion(len(texts) + 1, digest, was_published=False))
    return IndexedTemplate(
        tenant="shop",
        id=f"id of {alias}",
        alias=alias,
        kind="mail",
        published=len(texts) or None,
        versions=tuple(versions),
    )


class Shelf:
    """Bundles by their digests, as a database has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = 0

    def publish(self, *templates: IndexedTemplate, at: int = NOW) -> None:
        publish_templates(self.folder, templates, self._bundle, UnixMs(at))

    def _bundle(self, digest: bytes) -> bytes:
        self.asked += 1
        known = {encoded_digest(encoded(text)): encoded(text) for text in "abcdefgh"}
        return known[digest.hex()]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def text_of(found: TemplateFiles, name: str, version: int | None = None) -> str:
    entry = found.find("shop", name, version)
    assert isinstance(entry, TemplateEntry), entry
    (text,) = [each for each in "abcdefgh" if encoded(each) == found.load(entry.digest)]
    return text


def names(folder: Path) -> set[str]:
    return {each.name for each in (folder / "templates").iterdir()}


def test_what_is_published_is_found_and_loaded(shelf: Shelf, tmp_path: Path) -> None:
    found = TemplateFiles(tmp_path)
    assert not isinstance(found.find("shop", "one"), TemplateEntry)
    shelf.publish(template("one", "a", "b", draft="c"), template("two", "d"))
    assert [text_of(found, "one", each) for each in (1, 2, 3, None)] == ["a", "b", "c", "b"]
    assert text_of(found, "two") == "d"
    shelf.publish(template("one", "a", "b", "e"), template("two", "d"))
    assert text_of(found, "one") == "e"
    assert shelf.asked == 5  # what is there is not written again


def test_where_there_are_no_templates_nothing_is_made(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish()
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_says_the_same_is_left_alone(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish(template("one", "a"))
    before = (tmp_path / "templates" / "index").stat()
    shelf.publish(template("one", "a"))
    assert (tmp_path / "templates" / "index").stat() == before


def test_a_bundle_that_was_lost_is_written_again(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish(template("one", "a"))
    name = encoded_digest(encoded("a"))
    (tmp_path / "templates" / name).unlink()
    with pytest.raises(BundleGoneError):
        TemplateFiles(tmp_path).load(name)
    shelf.publish(template("one", "a"))
    assert text_of(TemplateFiles(tmp_path), "one") == "a"


def test_what_nothing_names_goes_after_a_while_and_a_draft_at_once(
    shelf: Shelf, tmp_path: Path
) -> None:
    a, c = (encoded_digest(encoded(each)) for each in "ac")
    shelf.publish(template("one", "a", draft="b"))
    (tmp_path / "templates" / ".index.0123").write_bytes(b"of a crash")
    shelf.publish(template("one", "c"))
    assert names(tmp_path) == {"index", a, c}
    shelf.publish(template("one", "c"), template("two", "d"), at=NOW + PARTING_MS - 1)
    assert a in names(tmp_path)
    shelf.publish(template("one", "c"), at=NOW + PARTING_MS)
    assert a not in names(tmp_path)
    assert text_of(TemplateFiles(tmp_path), "one") == "c"


def test_what_is_named_again_stays(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish(template("one", "a"))
    shelf.publish(template("one", "b"))
    shelf.publish(template("one", "a"))
    shelf.publish(template("one", "a"), at=NOW + 10 * PARTING_MS)
    assert names(tmp_path) == {"index", encoded_digest(encoded("a"))}


def test_partings_are_bounded(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "MAX_PARTINGS", 2)
    for each in "abcdef":
        shelf.publish(template("one", each))
    kept = {encoded_digest(encoded(each)) for each in "def"}
    assert names(tmp_path) == {"index", *kept}


def test_all_is_closed_to_others_p8(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish(template("one", "a"))
    folder = tmp_path / "templates"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}


class Died(BaseException):
    """The process ended here."""


@contextmanager
def dying_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[Callable[[], bool]]:
    """Die at the n-th change of the disk: before it, so that it never happens."""
    left = step
    real = {name: getattr(os, name) for name in ("open", "fsync", "replace", "unlink", "mkdir")}

    def wrapped(name: str) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Died
            return real[name](*args, **more)

        return call

    with monkeypatch.context() as patched:
        for name in real:
            patched.setattr(os, name, wrapped(name))
        yield lambda: left < 0


def test_a_crash_at_any_step_leaves_the_old_or_the_new(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    for step in range(60):
        shelf.publish(template("one", "a", "b"), template("two", "c"))
        died = False
        with dying_at(monkeypatch, step):
            try:
                shelf.publish(template("one", "a", "d"), template("three", "e", draft="f"))
            except Died:
                died = True
        found = TemplateFiles(tmp_path)
        now = text_of(found, "one")
        seen.add(now)
        if now == "b":
            assert [text_of(found, "one", 1), text_of(found, "two")] == ["a", "c"]
        else:
            assert now == "d"
            texts = [text_of(found, "one", 1), text_of(found, "three"), text_of(found, "three", 2)]
            assert texts == ["a", "e", "f"]
        if not died:
            break
    else:
        pytest.fail("it never came to an end")
    assert step > 10
    assert seen == {"b", "d"}


def test_an_index_that_cannot_be_read_changes_nothing_tf1(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.publish(template("one", "a"))
    found = TemplateFiles(tmp_path)
    before = found.current
    (tmp_path / "templates" / "index").write_bytes(b"\xc1")
    found.refresh()
    found.refresh()
    assert found.current is before
    assert caplog.text.count("is damaged") == 1
    with pytest.raises(TenancySetupError, match="is damaged"):
        TemplateFiles(tmp_path)
    shelf.publish(template("one", "b"))  # as a restart does
    assert text_of(found, "one") == "b"


def test_a_damaged_bundle_is_not_rendered_tf2(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish(template("one", "a"))
    name = encoded_digest(encoded("a"))
    (tmp_path / "templates" / name).write_bytes(encoded("b"))
    with pytest.raises(BundleGoneError, match="damaged"):
        TemplateFiles(tmp_path).load(name)


def test_what_was_loaded_last_is_kept_in_memory_and_no_more(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish(template("one", "a", "b", "c"))
    one, two, three = (encoded_digest(encoded(each)) for each in "abc")
    found = TemplateFiles(tmp_path, cache_octets=2 * len(encoded("a")))
    for each in (one, two, one, three):
        found.load(each)
    for each in (one, two, three):
        (tmp_path / "templates" / each).unlink()
    assert found.load(one) == encoded("a")
    assert found.load(three) == encoded("c")
    with pytest.raises(BundleGoneError):
        found.load(two)


def test_modules_are_the_ones_that_are_patched() -> None:
    """The crash test wraps functions of ``os``: all that changes the disk goes by them."""
    assert exchanged_file.os is os
    assert files.FOLDER == "templates"
