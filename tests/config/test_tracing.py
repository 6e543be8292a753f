"""``[tracing]``: mirrors angarium/config/tracing.py."""

from pathlib import Path

import pytest

from angarium.config.error import ConfigError
from angarium.config.loader import load

BASE = """
[server]
hostname = "mx1.example.com"
data_dir = "data"

[[listener]]
kind = "http"
address = "127.0.0.1:0"

[tracing]
"""
URL = 'endpoint = "http://127.0.0.1:4318/v1/traces"\n'


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "angarium.toml"
    file.write_text(BASE + text)
    return file


def test_an_endpoint_has_traces_sent_and_files_are_those_beside_the_configuration(
    tmp_path: Path,
) -> None:
    text = f'{URL}headers_file = "headers"\nsample_ratio = 0.1\npartial_after_s = "10m"\n'
    tracing = load(written(tmp_path, text)).tracing
    assert tracing.is_used
    assert tracing.headers_file == str(tmp_path / "headers")
    assert (tracing.sample_ratio, tracing.partial_after_s) == (0.1, 600.0)
    assert not load(written(tmp_path, "")).tracing.is_used


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('endpoint = "127.0.0.1:4318"', "endpoint"),
        ('endpoint = "http://127.0.0.1:4318"', "endpoint"),
        ('endpoint = "ftp://host/v1/traces"', "endpoint"),
        ('endpoint = "http://me:secret@host/v1/traces"', "endpoint"),
        ('endpoint = "http://host:99999/v1/traces"', "endpoint"),
        ('headers_file = "headers"', "headers_file"),
        (URL + 'service_name = ""', "service_name"),
        (URL + "sample_ratio = 1.5", "sample_ratio"),
    ],
)
def test_what_cannot_be_is_named_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, text))
    assert key in str(raised.value)
