"""What somebody wants to have changed of a tenant's checks. Pure."""

from collections.abc import Iterable

from angarium.content.checking.checking import OF_MAIL, RULES
from angarium.tenancy.check_policy import CHECK_MODES, CheckMode, CheckPolicy
from angarium.tenancy.model import TenancyError


def changed_policy(
    policy: CheckPolicy, mode: CheckMode | None, codes: Iterable[str] | None
) -> CheckPolicy:
    """What is None stays. Raises TenancyError."""
    if mode is not None and mode not in CHECK_MODES:
        raise TenancyError(f"check is one of {', '.join(CHECK_MODES)}", field="check")
    given = policy.codes if codes is None else tuple(dict.fromkeys(codes))
    for each in given:
        if each not in RULES:
            text = f"no finding has the code {each!r}: see docs/findings.md"
            raise TenancyError(text, field="codes")
        if each not in OF_MAIL:
            text = f"{each} is not known of a mail alone, so it cannot be asked at sending"
            raise TenancyError(text, field="codes")
    return CheckPolicy(mode=policy.mode if mode is None else mode, codes=given)
