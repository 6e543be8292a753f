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


class OwnersFake:
    """Tenant shop has a key for shop.example; nobody has one for bare.example."""

    def signs_for(self, tenant: str, domain: str) -> bool:
        return (tenant, domain) == ("shop", "shop.example")

    def find_fault(self, tenant: str, domain: str, *, is_signed: bool) -> str | None:
        return None if is_signed or domain != "bare.example" else f"publish it, {tenant}"


def test_what_a_tenant_has_a_key_for_of_its_own_may_go() -> None:
    signatures = RequiredSignatures(Dkim(required=True), OwnersFake())
    assert signatures.find_refusal("Shop.example", "shop") is None
    assert signatures.find_refusal("shop.example", "default") is not None
    assert signatures.find_refusal("other.example", "shop") is not None


def test_what_is_not_aligned_is_refused_though_no_signature_is_required() -> None:
    signatures = RequiredSignatures(Dkim(), OwnersFake())
    refusal = signatures.find_refusal("Bare.example", "shop")
    assert refusal is not None
    assert (refusal.code, refusal.enhanced) == (550, "5.7.1")
    assert refusal.text == "publish it, shop"
    assert signatures.find_refusal("bare.example", "shop", is_program=False) is None
    signatures.exchange(Dkim(keys=(DkimKey(domain="bare.example", selector="s", file="x"),)))
    assert signatures.find_refusal("bare.example", "shop") is None
