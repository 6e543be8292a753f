"""Mirrors bench/report.py."""

from bench.measure import Result
from bench.report import ratios, result_rows


def result(peer: str, size: int, rate: float, cpu_ms: float = 0.25) -> Result:
    return Result(
        peer=peer,
        size=size,
        accept_per_s=rate + 10,
        end_to_end_per_s=rate,
        cpu_ms=cpu_ms,
        load_ms=0.15,
        memory_pss=0 if not cpu_ms else 50_000_000,
        memory_anonymous=0 if not cpu_ms else 40_000_000,
        proved_once=True,
        slowest_per_s=rate - 5,
        fastest_per_s=rate + 5,
    )


RESULTS = [
    result("nothing between", 4096, 8000, cpu_ms=0),
    result("Postfix", 4096, 500),
    result("ours", 4096, 4000),
    result("ours", 20_480, 3000),
]


def test_a_row_has_the_ratio_to_each_reference_at_its_size() -> None:
    rows = result_rows(RESULTS, ("Postfix", "nothing between"))
    assert [row[-2:] for row in rows] == [
        ("16.00", "1.00"),
        ("1.00", "0.06"),
        ("8.00", "0.50"),
        ("", ""),  # neither ran at this size
    ]


def test_nothing_between_has_no_cost_of_its_own() -> None:
    rows = result_rows(RESULTS, ())
    assert rows[0] == (
        *("4,096", "nothing between", "8,010", "8,000", "7,995-8,005"),
        *("", "0.150", "", "", "proved"),
    )
    assert rows[2][5:9] == ("0.250", "0.150", "50", "40")


def test_ratios_leave_out_the_reference_and_sizes_without_one() -> None:
    assert ratios(RESULTS, "Postfix") == {
        "nothing between, 4096 octets": 16.0,
        "ours, 4096 octets": 8.0,
    }
