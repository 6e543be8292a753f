"""Mirrors angarium/cli/upload.py."""

import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from angarium.cli.exit import EX_CANTCREAT, EX_DATAERR, EX_NOINPUT, EX_TEMPFAIL
from angarium.cli.main import run
from angarium.uploads import NewUpload, UploadLimits, UploadStore

CSV = "email;name\na@b.example;Ann\nwrong;Bob\n"


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "angarium.toml"
        self.config.write_text(
            '[server]\nhostname = "mx.example.com"\ndata_dir = "data"\n'
            "[uploads]\nfile_octets = 1000\ntenant_octets = 1500\n"
        )
        self.file = folder / "list.csv"
        self.file.write_text(CSV)
        self.store = UploadStore(folder / "data" / "uploads", lambda: 1_800_000_000_000)
        self._capsys = capsys

    def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        found = run([*words, "--config", str(self.config)])
        out, err = self._capsys.readouterr()
        assert found == code, err
        return out, err

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json")[0])


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_a_file_is_put_shown_listed_and_removed(shell: Shell) -> None:
    out, err = shell.run("upload", str(shell.file))
    upload_id = out.partition(" ")[0]
    assert "charset utf-8, delimiter ';'\naddresses in email\nvariables name" in out
    assert err.startswith("line 3: <wrong> is no address")
    found = shell.store.find("default", upload_id)
    assert found is not None
    path = shell.store.data_path(found)
    assert path.read_text() == CSV
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert f"{upload_id}  list.csv  {len(CSV)} octets, complete" in shell.run("upload", "list")[0]
    shell.run("upload", "remove", upload_id)
    assert shell.run("upload", "list")[0] == "No uploads.\n"
    shell.run("upload", "remove", upload_id, code=EX_NOINPUT)


def test_what_is_there_of_a_file_is_continued_and_a_whole_one_is_left(shell: Shell) -> None:
    first = shell.json("upload", str(shell.file))
    data = shell.folder / "data" / "uploads" / "default" / f"{first['uploadId']}.data"
    data.rename(data.with_suffix(".part"))
    data.with_suffix(".part").write_text(CSV[:10])
    again = shell.json("upload", "--tenant", "default", str(shell.file))
    assert (again["uploadId"], again["state"]) == (first["uploadId"], "complete")
    assert data.read_text() == CSV
    assert shell.json("upload", "add", str(shell.file)) == again
    assert len(shell.store.all_of("default")) == 1


def test_one_that_somebody_else_writes_is_left_to_them(shell: Shell) -> None:
    first = shell.json("upload", str(shell.file))
    data = shell.folder / "data" / "uploads" / "default" / f"{first['uploadId']}.data"
    data.unlink()
    with shell.store.open("default", first["uploadId"]):
        _, err = shell.run("upload", str(shell.file), code=EX_TEMPFAIL)
    assert "by another request" in err


def test_what_cannot_be_put_says_why(shell: Shell) -> None:
    assert "No such file" in shell.run("upload", "nowhere.csv", code=EX_NOINPUT)[1]
    shell.run("upload", str(shell.file), "--tenant", "nobody", code=EX_NOINPUT)
    shell.file.write_text("")
    assert "1 octet or more" in shell.run("upload", str(shell.file), code=EX_DATAERR)[1]
    shell.file.write_text("x" * 1001)
    assert "1000 octets" in shell.run("upload", str(shell.file), code=EX_DATAERR)[1]
    shell.file.write_text("x" * 1000)
    assert "It is no table: line 1" in shell.run("upload", str(shell.file))[1]
    shell.file.write_text("y" * 1000)
    assert "tenant_octets" in shell.run("upload", str(shell.file), code=EX_CANTCREAT)[1]


def test_what_comes_by_a_bucket_is_listed_and_removed_there_or_later(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASTUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with shell.config.open("a") as config:
            config.write(f'bucket = "files"\nregion = "r"\nendpoint_url = "{endpoint}"\n')
        # By hand it goes where campaigns read it
        assert shell.json("upload", str(shell.file))["state"] == "complete"
        limits = UploadLimits(file_octets=9, tenant_octets=999, tenant_files=9, min_free_octets=0)
        new = NewUpload(tenant="default", filename="a.csv", size=3, bucket="files")
        upload = shell.store.create(new, limits)
        listed = shell.run("upload", "list")[0]
        assert f"awaited at s3://files/default/{upload.id}" in listed
        out, err = shell.run("upload", "remove", upload.id)
    assert out == f"{upload.id} is removed.\n"
    assert "A running server will try again" in err
    assert "cannot be reached" in err
    assert [each.id for each in shell.store.gone()] == [upload.id]
