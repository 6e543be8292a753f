"""A wheel, installed by pip alone, gives a working command."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TOP = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_installed_wheel_works(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, source)
    shutil.copytree(
        TOP / "angarium", source / "angarium", ignore=shutil.ignore_patterns("__pycache__")
    )
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path)
    run(*build, source, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=True)
    pip = (fresh / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check")
    try:
        subprocess.run(
            [*pip, "--require-hashes", "-r", TOP / "requirements.txt"],
            check=True,
            capture_output=True,
            timeout=200,
        )
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no package index here: {error.stderr.decode()[-300:]}")
    run(*pip, "--no-deps", wheel, cwd=tmp_path)
    run(fresh / "bin" / "pip", "check", cwd=tmp_path)
    assert "Angarium" in run(fresh / "bin" / "postmaster", "version", cwd=tmp_path)
    config = tmp_path / "a.toml"
    config.write_text(f'[server]\nhostname = "mx.example.com"\ndata_dir = "{tmp_path}/data"\n')
    command = (fresh / "bin" / "postmaster", "check", "--no-network", "--config", config)
    assert "0 failed" in run(*command, cwd=tmp_path)
