"""Mirrors angarium/routing/route_table.py."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.config.schema import Route
from angarium.routing.route_table import RouteTable


def test_the_first_match_wins() -> None:
    table = RouteTable(
        [
            Route(domain="a.test", via="smtp://one"),
            Route(domain="*.a.test"),
            Route(domain="x.a.test", via="smtp://never"),
            Route(domain="BÜCHER.test.", via="smtp://three"),
            Route(domain="*", via=("smtps://u%40x@four:4650", "ses"), pool="p"),
        ]
    )
    assert table.find_ways("a.test") == ("smtp://one",)
    assert table.find_ways("x.a.test") == ()
    assert table.find("y.x.a.test") == Route(domain="*.a.test")
    assert table.find("xn--bcher-kva.test") == Route(domain="BÜCHER.test.", via="smtp://three")
    assert table.find_ways("b.test") == ("smtps://u%40x@four:4650", "ses")


def test_without_a_match_mail_goes_by_mx() -> None:
    table = RouteTable([Route(domain="*.a.test", via="smtp://one")])
    assert table.find("a.test") is None
    assert table.find_ways("nota.test") == ()


domains = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map(".".join)
patterns = st.one_of(domains, domains.map("*.{}".format), st.just("*"))


@given(st.lists(patterns, max_size=8), domains)
def test_the_index_finds_what_trying_each_in_turn_finds(written: list[str], domain: str) -> None:
    routes = [Route(domain=each, pool=str(n)) for n, each in enumerate(written)]
    expected = next(
        (
            each
            for each in routes
            if each.domain in ("*", domain)
            or (each.domain.startswith("*.") and domain.endswith(each.domain[1:]))
        ),
        None,
    )
    assert RouteTable(routes).find(domain) == expected
