"""What [check] may say: mirrors the part of angarium/config/crosscheck.py that is about it."""

from pathlib import Path

import pytest

from angarium.config.error import ConfigError
from angarium.config.loader import parse

SERVER = '[server]\nhostname = "mx.host.example"\n[check]\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        'rspamd_url = "http://127.0.0.1:11333"\nat_sending = ["rspamd"]',
        'rspamd_url = "https://rspamd.example/worker"',
        'clamd = "unix:/run/clamav/clamd.ctl"\nat_sending = ["clamd"]\nclamd_failure = "refuse"',
        'clamd = "[::1]:3310"',
    ],
)
def test_what_can_be_asked_is_taken(text: str) -> None:
    parse(SERVER + text, Path("a.toml"))


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('rspamd_url = "127.0.0.1:11333"', "rspamd_url: ", "http://host:port"),
        ('rspamd_url = "http://a@b/"', "rspamd_url: ", "http://host:port"),
        ('clamd = "unix:clamd.ctl"', "clamd: ", "a whole path"),
        ('clamd = "/run/clamd.ctl"', "clamd: ", "or unix:/path"),
        ('clamd = "127.0.0.1"', "clamd: ", "needs a port"),
        ('at_sending = ["rspamd"]', "at_sending: ", "give check.rspamd_url"),
        ('at_sending = ["clamd"]', "at_sending: ", "give check.clamd"),
        ('at_sending = ["spamassassin"]', "at_sending: ", "spamassassin"),
        ('clamd_failure = "ignore"', "clamd_failure: ", "ignore"),
    ],
)
def test_what_cannot_work_is_named_with_what_to_do(text: str, key: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(SERVER + text, Path("a.toml"))
    assert "[check]" in str(refused.value)
    assert key in str(refused.value)
    assert words in str(refused.value)
