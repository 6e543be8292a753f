"""Mirrors angarium/intake/required_signatures.py."""

from angarium.config.schema import Dkim, DkimKey
from angarium.intake.required_signatures import RequiredSignatures

KEY = DkimKey(domain="Example.com", selector="s1", file="x.pem")


def test_a_domain_without_a_key_is_refused_for_good_and_told_what_to_do() -> None:
    signatures = RequiredSignatures(Dkim(keys=(KEY,), required=True))
    assert signatures.find_refusal("example.com") is None
    assert signatures.find_refusal("news.example.com") is None  # the key of a domain above it signs
    refusal = signatures.find_refusal("notexample.com")
    assert refusal is not None
    assert (refusal.code, refusal.enhanced) == (550, "5.7.1")
    assert "notexample.com" in refusal.text
    assert "dkim keygen" in refusal.text


def test_nothing_is_refused_unless_it_is_required_and_a_reload_may_say_so() -> None:
    signatures = RequiredSignatures(Dkim())
    assert signatures.find_refusal("example.com") is None
    signatures.exchange(Dkim(required=True))
    assert signatures.find_refusal("example.com") is not None


def test_what_a_tenant_has_a_key_for_of_its_own_may_go() -> None:
    signatures = RequiredSignatures(
        Dkim(required=True), lambda tenant, domain: (tenant, domain) == ("shop", "shop.example")
    )
    assert signatures.find_refusal("Shop.example", "shop") is None
    assert signatures.find_refusal("shop.example", "default") is not None
    assert signatures.find_refusal("other.example", "shop") is not None
