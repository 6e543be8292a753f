"""Mirrors angarium/smtp/server/data.py."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from angarium.smtp.line_ends import has_only_crlf
from angarium.smtp.refusal import Refusal
from angarium.smtp.server.data import (
    BARE_LINE_END,
    BUDGET_SPENT,
    HAS_NUL,
    LONG_LINE,
    TOO_BIG,
    ChunkCollector,
    DataDecoder,
    OctetBudget,
)

Result = tuple[bytes | Refusal, bytes]  # content or refusal, octets left behind the end


def decode(
    *chunks: bytes, octets: int = 10_000, line: int = 1000, mends: bool = False
) -> Result | None:
    """None: the end has not come."""
    decoder = DataDecoder(octets, line, OctetBudget(1_000_000), mends_line_ends=mends)
    for number, chunk in enumerate(chunks):
        used = decoder.receive(chunk)
        if used >= 0:
            return decoder.finish(), chunk[used:] + b"".join(chunks[number + 1 :])
    return None


@pytest.mark.parametrize(
    ("wire", "content"),
    [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"...\r\n..a\r\na.\r\n.\r\n", b"..\r\n.a\r\na.\r\n"),
        (b"a\r\n..\r\n\r\n.\r\n", b"a\r\n.\r\n\r\n"),
        (b"\xff\xfe\r\n.\r\n", b"\xff\xfe\r\n"),
    ],
)
def test_dot_stuffing_is_undone(wire: bytes, content: bytes) -> None:
    assert decode(wire) == (content, b"")


def test_what_stands_behind_the_end_is_left() -> None:
    assert decode(b"a\r\n.\r\nMAIL FROM:<>\r\n.\r\n") == (b"a\r\n", b"MAIL FROM:<>\r\n.\r\n")


FALSE_ENDS = [  # those of the shared probe, and some more
    *(b"\n.\n", b"\r.\r", b"\r.\n", b"\n.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r"),
    *(
        b"\r\n\x00.\r\n",
        b"\r\n.\x00\r\n",
        b"\n\n.\r\n",
        b"\r\r\n.\r\r\n",
        b"\r\n.\r\r\n",
        b"\r\n..\n",
    ),
]


@pytest.mark.parametrize("mends", [False, True])
@pytest.mark.parametrize("header", [b"Subject: x\r\n\r\n", b"Subject: x\n\n", b""])
@pytest.mark.parametrize("false_end", FALSE_ENDS)
def test_a_false_end_ends_nothing_and_is_refused_at_the_true_end_s1(
    false_end: bytes, header: bytes, mends: bool
) -> None:
    before = header + b"first" + false_end + b"MAIL FROM:<smuggled@example.com>"
    assert decode(before, mends=mends) is None
    assert decode(before + b"\r\n.\r\nQUIT\r\n", mends=mends) in [
        (BARE_LINE_END, b"QUIT\r\n"),
        (HAS_NUL, b"QUIT\r\n"),
    ]


@pytest.mark.parametrize(
    "bare", [b"a\nb", b"a\rb", b"\n", b"\r", b"\n\r\n", b"\r\r\n", b"\n\r", b"a\r\n\r"]
)
def test_a_bare_cr_or_lf_is_refused_s1(bare: bytes) -> None:
    assert decode(bare + b"\r\n.\r\n") == (BARE_LINE_END, b"")


def test_nul_is_refused_s8() -> None:
    assert decode(b"a\0b\r\n.\r\n") == (HAS_NUL, b"")


def test_lines_up_to_the_limit_are_taken_and_longer_ones_refused_s7() -> None:
    longest = b"x" * 998 + b"\r\n"
    assert decode(longest * 3 + b".\r\n") == (longest * 3, b"")
    assert decode(longest + b"x" + longest + b".\r\n") == (LONG_LINE, b"")
    assert decode(b"x" + longest + b".\r\n") == (LONG_LINE, b"")
    assert decode(b".." + longest[1:] + b".\r\n") == (b"." + longest[1:], b"")  # RFC 5321 4.5.3.1.6
    assert decode(b".." + longest + b".\r\n") == (LONG_LINE, b"")


def test_content_up_to_the_limit_is_taken_s7() -> None:
    fits = b"x" * 98 + b"\r\n"
    assert decode(fits + b".\r\n", octets=100) == (fits, b"")
    assert decode(b"x" + fits + b".\r\n", octets=100) == (TOO_BIG, b"")
    assert decode(b"." + b"." * 98 + b"\r\n.\r\n", octets=100) == (b"." * 98 + b"\r\n", b"")


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_dots_that_stuffing_added_do_not_count_s7(size: int) -> None:
    """RFC 1870 section 3: the same message by BDAT has the same size."""
    wire, fits = b"..\r\n" * 100 + b".\r\n", b".\r\n" * 100
    chunks = [wire[at : at + size] for at in range(0, len(wire), size)]
    assert decode(*chunks, octets=300) == (fits, b"")
    assert decode(b"x\r\n", *chunks, octets=302) == (TOO_BIG, b"")


def test_what_is_too_big_is_not_held_but_its_end_is_found_s7() -> None:
    budget = OctetBudget(1_000_000)
    decoder = DataDecoder(1000, 1000, budget)
    for _ in range(50):
        assert decoder.receive(b"y" * 78 + b"\r\n") == -1
        assert budget.used <= 1100
    assert decoder.refusal == TOO_BIG
    assert budget.used == 0
    assert decoder.receive(b".\r\n") == 3
    assert decoder.finish() == TOO_BIG


def test_what_is_far_too_big_is_hopeless_s7() -> None:
    decoder = DataDecoder(1000, 1000, OctetBudget(10_000_000))
    decoder.receive(b"z" * 60_000)
    assert not decoder.is_hopeless
    decoder.receive(b"z" * 60_000)
    assert decoder.is_hopeless


def test_a_spent_budget_refuses_for_now_and_everything_is_given_back() -> None:
    budget = OctetBudget(1000)
    first, second = (DataDecoder(900, 1000, budget) for _ in range(2))
    assert first.receive(b"a" * 600) == -1
    assert budget.used == 600
    assert second.receive(b"b" * 600) == -1
    assert budget.used == 600
    assert second.receive(b"\r\n.\r\n") == 5
    assert second.finish() == BUDGET_SPENT
    assert first.receive(b"\r\n.\r\n") == 5
    assert first.finish() == b"a" * 600 + b"\r\n"
    first.release()
    second.release()
    assert budget.used == 0


ALPHABET = st.lists(
    st.sampled_from(
        [b"\r\n", b".", b"\r", b"\n", b"\0", b"a", b"x" * 30, b"\r\n.", b"\r\n.\r\n", b"MAIL"]
    )
)


@given(ALPHABET, st.lists(st.integers(1, 7), max_size=40))
@example([b"\r\n.\r\n"], [1] * 40)
def test_chunking_never_changes_the_content(parts: list[bytes], sizes: list[int]) -> None:
    wire = b"".join(parts)
    chunks, at = [], 0
    for size in sizes:
        chunks.append(wire[at : at + size])
        at += size
    chunks.append(wire[at:])
    one_by_one = [wire[i : i + 1] for i in range(len(wire))]
    whole = decode(wire, octets=100, line=40)
    assert decode(*filter(None, chunks), octets=100, line=40) == whole
    assert decode(*one_by_one, octets=100, line=40) == whole


@pytest.mark.parametrize(
    "wire", [b"a\r\n..b\r\n.\r\n", b"..a\r\n...\r\n..\r\nb\r\n.\r\n", b"a\r\n..b\r\nc\r\n.\r\n"]
)
def test_stuffing_is_undone_wherever_the_data_is_cut(wire: bytes) -> None:
    lines = wire.split(b"\r\n")[:-2]
    content = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)
    for at in range(1, len(wire)):
        decoder = DataDecoder(1000, 1000, OctetBudget(10_000))
        if decoder.receive(wire[:at]) < 0:
            assert decoder.receive(wire[at:]) == len(wire) - at
        assert decoder.finish() == content
        assert decoder.has_dot_lines


def test_whether_a_line_may_begin_with_a_dot_is_known() -> None:
    decoder = DataDecoder(1000, 1000, OctetBudget(10_000))
    decoder.receive(b"a.b\r\n")
    decoder.receive(b"c.\r\n.\r\n")
    assert decoder.finish() == b"a.b\r\nc.\r\n"
    assert decoder.has_dot_lines is False


@given(st.lists(st.binary(max_size=20).filter(lambda line: not set(line) & set(b"\r\n\0"))))
def test_what_a_client_stuffs_comes_out_as_it_was(lines: list[bytes]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
    assert decode(stuffed + b".\r\n") == (content, b"")


def model(wire: bytes) -> tuple[bytes, int] | None:
    """RFC 5321 section 4.5.2, line by line: lines end in CRLF only."""
    content, at = b"", 0
    while (end := wire.find(b"\r\n", at)) >= 0:
        line = wire[at:end]
        at = end + 2
        if line == b".":
            return content, at
        content += line.removeprefix(b".") + b"\r\n"
    return None


@given(ALPHABET)
def test_the_decoder_agrees_with_a_reader_of_lines_s1(parts: list[bytes]) -> None:
    wire = b"".join(parts)
    expected = model(wire)
    found = decode(wire)
    if expected is None:
        assert found is None
        return
    assert found is not None
    content, used = expected
    assert found[1] == wire[used:]
    bare = not has_only_crlf(wire[: used - 3])
    if bare:
        assert found[0] == BARE_LINE_END
    elif b"\0" in wire[:used]:
        assert found[0] == HAS_NUL
    else:
        assert found[0] == content


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"a", b"\0", b"\xff"])))
@example([b"\r"])
@example([b"\r\n", b"\r"])
def test_line_ends_are_checked_like_by_counting_s1(parts: list[bytes]) -> None:
    content = b"".join(parts)
    ends = content.count(b"\r\n")
    assert has_only_crlf(content) == (content.count(b"\r") == ends == content.count(b"\n"))


@pytest.mark.parametrize("edge", [-2, -1, 0, 1])
def test_line_ends_are_checked_across_slices_of_a_big_message_s1(edge: int) -> None:
    padding = b"x" * (1_048_576 + edge)
    assert has_only_crlf(padding + b"\r\n" + padding + b"\r\n")
    assert not has_only_crlf(padding + b"\r" + padding + b"\r\n")
    assert not has_only_crlf(padding + b"\n" + padding + b"\r\n")
    assert not has_only_crlf(padding + b"\r\n" + padding + b"\r")


def collect(*chunks: bytes, octets: int = 1000) -> bytes | Refusal:
    collector = ChunkCollector(octets, 100, OctetBudget(1_000_000))
    for chunk in chunks:
        collector.begin(len(chunk))
        assert collector.receive(chunk + b"next") == len(chunk)
    return collector.finish()


def test_chunks_are_joined_as_they_are_s5() -> None:
    assert collect(b"a\r", b"\n.\r", b"\n", b"") == b"a\r\n.\r\n"
    assert collect(b"") == b""


def test_a_last_line_without_its_end_gets_one() -> None:
    assert collect(b"a\r\nb") == b"a\r\nb\r\n"


@pytest.mark.parametrize("text", [b"a\nb\r\n", b"a\rb\r\n", b"a\r", b"\n", b"a\r\n\r"])
def test_the_rules_of_lines_hold_for_chunks_too_s5(text: bytes) -> None:
    assert collect(text) == BARE_LINE_END
    assert collect(*(text[i : i + 1] for i in range(len(text)))) == BARE_LINE_END


def test_nul_and_long_lines_in_chunks_are_refused_s5() -> None:
    assert collect(b"a\0b\r\n") == HAS_NUL
    assert collect(b"x" * 200 + b"\r\n") == LONG_LINE


def test_the_limit_is_on_the_sum_of_chunks_s5() -> None:
    assert collect(*[b"x" * 48 + b"\r\n"] * 20) == (b"x" * 48 + b"\r\n") * 20
    assert collect(*[b"x" * 48 + b"\r\n"] * 21) == TOO_BIG


def test_octets_of_a_refused_chunk_are_still_counted_s5() -> None:
    budget = OctetBudget(10_000)
    collector = ChunkCollector(100, 100, budget)
    collector.begin(300)
    assert collector.refusal == TOO_BIG
    assert collector.receive(b"x" * 299) == -1
    assert budget.used == 0
    assert collector.receive(b"xQUIT\r\n") == 1


LF_HEADER = b"Subject: x\nTo: y\n\n"
CRLF_HEADER = b"Subject: x\r\nTo: y\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (LF_HEADER + b"a\nb\n\r\n", CRLF_HEADER + b"a\r\nb\r\n\r\n"),
        (LF_HEADER + b"a\n.b\n\r\n", None),
        (CRLF_HEADER + b"a\nb\r\nc\r\n", CRLF_HEADER + b"a\r\nb\r\nc\r\n"),
        (CRLF_HEADER + b"a\nb\r\n..c\r\n", CRLF_HEADER + b"a\r\nb\r\n.c\r\n"),
        (b"Subject: x\nTo: y\r\n", b"Subject: x\r\nTo: y\r\n"),
        (b"Subject: x\r\nTo: y\nBcc: injected@z\r\n\r\na\r\n", None),  # C1
        (b"Subject: x\n\ninjected\r\nTo: y\r\n\r\na\r\n", None),
        (b"Subject: x\nTo: y\n\na\r\nb\r\n", None),
        (CRLF_HEADER + b"a\nb\rc\r\n", None),
        (CRLF_HEADER + b"a\n\0\r\n", HAS_NUL),
        (CRLF_HEADER + b"\n" * 6000 + b"\r\n", TOO_BIG),
    ],
)
def test_lines_that_end_in_lf_are_mended_for_who_is_trusted(
    raw: bytes, content: bytes | Refusal | None
) -> None:
    assert decode(raw + b".\r\n", mends=True) == (content or BARE_LINE_END, b"")
    assert decode(raw + b".\r\n") == (BARE_LINE_END, b"")


def test_what_mending_adds_is_counted_s7() -> None:
    budget = OctetBudget(2_500)
    decoder = DataDecoder(10_000, 1000, budget, mends_line_ends=True)
    wire = CRLF_HEADER + b"a\n" * 1000 + b"\r\n.\r\n"
    assert decoder.receive(wire) == len(wire)
    assert decoder.finish() is BUDGET_SPENT
    assert budget.used == 0
    decoder = DataDecoder(10_000, 1000, OctetBudget(10_000), mends_line_ends=True)
    decoder.receive(wire)
    assert len(decoder.finish()) > 3000  # type: ignore[arg-type]
    assert decoder.has_mended_line_ends


@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b".", b"\r", b"b: c"]), max_size=30), st.data()
)
def test_s1_what_was_mended_has_one_reading(parts: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(parts) + b"\r\n.\r\n"
    decoded = decode(wire, mends=True)
    assert decoded is not None
    content, rest = decoded
    at = data.draw(st.integers(0, len(wire)))
    assert decode(wire[:at], wire[at:], mends=True) == (content, rest)
    if isinstance(content, bytes):
        assert has_only_crlf(content)
        used = wire[: len(wire) - len(rest)]
        # Who ends lines at LF, and knows stuffing, reads the same lines and one end
        if not has_only_crlf(used):
            lines = used.replace(b"\r\n", b"\n").split(b"\n")
            assert lines.index(b".") == len(lines) - 2
            plain = [line.removeprefix(b".") for line in lines[:-2]]
            assert b"".join(line + b"\r\n" for line in plain) == content
