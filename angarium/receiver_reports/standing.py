"""What a source of mail is to us, by what receivers say of it. Pure."""

from typing import Final, Literal

# own: an address that we send from | permitted: another's, whose mail passes SPF as ours: a service that sends for us
# | signed: another's, whose mail has our signature: a service that signs for us, or one that forwards our mail
# | stranger: most of its mail is not ours
Standing = Literal["own", "permitted", "signed", "stranger"]
_MOST: Final = 0.5


def standing_of(
    *, is_own: bool, messages: int, aligned: int, dkim_aligned: int, spf_aligned: int
) -> Standing:
    if is_own:
        return "own"
    if aligned <= messages * _MOST:
        return "stranger"
    return "permitted" if spf_aligned > dkim_aligned * _MOST else "signed"
