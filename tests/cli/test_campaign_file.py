"""Mirrors angarium/cli/campaign_file.py: a file goes to a server in pieces, or to its bucket whole, whatever breaks on
the way.
"""

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from angarium.cli import campaign_file
from angarium.cli.campaign_file import FETCHING_S, TRIES, PutFailedError, upload_file
from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_TEMPFAIL, CommandError

CSV = b"email\na@b.example\nc@d.example\n"


class House:
    """A server of uploads, and the way to it: what is in ``answers`` comes instead of the next ones."""

    def __init__(self, path: Path) -> None:
        self.path = path / "list.csv"
        self.path.write_bytes(CSV)
        self.there: dict[str, bytes] = {}
        self.shown: dict[str, dict[str, Any]] = {}
        self.answers: list[tuple[int, str] | None] = []
        self.taken: list[tuple[int, int]] = []
        self.slept: list[float] = []
        self.place = "server"
        self.fetching = 0  # so many more times that is the state of what is in the bucket
        self.whole = 0

    def ask(self, method: str, *path: str, body: Any = None, **query: Any) -> Any:
        if method == "POST":
            made = f"u{len(self.there)}"
            self.there[made], self.shown[made] = (
                b"",
                {"uploadId": made, "place": self.place, **body},
            )
            return self.shown[made]
        if len(path) == 1:  # one on a page
            ids = list(self.there)
            at = int(query["cursor"] or 0)
            cursor = str(at + 1) if at + 1 < len(ids) else None
            return {"uploads": [self.shown[each] for each in ids[at : at + 1]], "cursor": cursor}
        offset, size = len(self.there[path[1]]), self.shown[path[1]]["size"]
        state = "complete" if offset == size else "uploading"
        if state == "complete" and self.fetching:
            self.fetching -= 1
            state = "fetching"
        return {"state": state, "offset": offset, "size": size, "url": path[1]}

    def put(self, url: str, offset: int, piece: bytes) -> tuple[int, str]:
        if self.answers:
            answer = self.answers.pop(0)
            if answer is None:
                self.there[url] += piece[:3]  # came through before it broke off
                raise PutFailedError("connection reset")
            return answer
        assert offset == len(self.there[url])
        self.there[url] += piece
        self.taken.append((offset, len(piece)))
        return 202, ""

    def put_whole(self, url: str, source: BinaryIO, size: int) -> tuple[int, str]:
        self.whole += 1
        octets = source.read()
        assert len(octets) == size
        if self.answers:
            if (answer := self.answers.pop(0)) is None:
                raise PutFailedError("connection reset")
            return answer
        self.there[url] = octets
        return 200, ""

    def upload(self) -> str:
        return upload_file(self, self.path, self, self.slept.append)

    def refusal(self) -> CommandError:
        with pytest.raises(CommandError) as refused:
            self.upload()
        return refused.value


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(campaign_file, "PIECE_OCTETS", 10)
    return House(tmp_path)


def test_it_goes_in_pieces_and_is_announced_with_its_hash(house: House) -> None:
    assert house.there[house.upload()] == CSV
    assert house.taken == [(0, 10), (10, 10), (20, len(CSV) - 20)]
    assert house.shown["u0"]["sha256"] == hashlib.sha256(CSV).hexdigest()
    assert house.shown["u0"]["filename"] == "list.csv"


def test_it_goes_on_where_the_server_says_that_it_is(house: House) -> None:
    house.answers = [None, (503, "busy"), (409, "others write it")]
    assert house.there[house.upload()] == CSV
    assert house.taken[0] == (3, 10)
    assert len(house.slept) == 3


def test_what_is_there_of_the_same_file_is_not_sent_again(house: House) -> None:
    house.ask("POST", "uploads", body={"filename": "list.csv", "size": 1, "sha256": "other"})
    first = house.upload()
    house.there[first] = CSV[:25]
    house.taken.clear()
    assert house.upload() == first == "u1"
    assert house.taken == [(25, len(CSV) - 25)]


def test_what_does_not_get_through_is_given_up_and_says_how_to_go_on(house: House) -> None:
    house.answers = [(503, "busy")] * TRIES
    refused = house.refusal()
    assert (refused.exit_code, house.answers) == (EX_TEMPFAIL, [])
    assert "the same command continues there" in str(refused)


def test_what_is_refused_is_not_tried_again(house: House) -> None:
    house.answers = [(403, "the URL has expired")]
    refused = house.refusal()
    assert (refused.exit_code, str(refused)) == (EX_DATAERR, "403 the URL has expired")
    assert house.slept == []


def test_a_file_that_is_none_or_empty_is_not_announced(house: House) -> None:
    house.path.write_bytes(b"")
    assert house.refusal().exit_code == EX_DATAERR
    house.path.unlink()
    assert house.refusal().exit_code == EX_NOINPUT
    assert house.there == {}


def test_to_a_bucket_it_goes_whole_and_is_waited_for_until_the_server_has_it(house: House) -> None:
    house.place, house.fetching = "bucket", 3
    house.answers = [None, (503, "SlowDown")]
    assert house.there[house.upload()] == CSV
    assert (house.whole, house.taken) == (3, [])
    assert house.slept[-3:] == [FETCHING_S] * 3
    assert house.upload() == "u0"
    assert house.whole == 3


def test_what_a_bucket_refuses_is_not_tried_again_and_what_breaks_off_not_for_ever(
    house: House,
) -> None:
    house.place = "bucket"
    house.answers = [(403, "<Code>AccessDenied</Code>")]
    refused = house.refusal()
    assert refused.exit_code == EX_DATAERR
    assert "AccessDenied" in str(refused)
    house.answers = [None] * TRIES
    refused = house.refusal()
    assert (refused.exit_code, house.answers) == (EX_TEMPFAIL, [])
    assert "connection reset" in str(refused)
