"""The table of forms. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from angarium.tenancy.webhook import WebhookFormat
from angarium.webhooks.formats import mailgun, native, postmark, resend, sendgrid
from angarium.webhooks.formats.written import Sealing, Written
from angarium.webhooks.happening import Happening

_DELIVERED: Final = "email.delivered"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    # What the form calls it; None: it has no word for it, and nobody is told
    name_of: Callable[[Happening], str | None]
    write: Callable[[Happening, Sealing], Written]
    is_vendors: bool = True

    def names(self, happening: Happening) -> tuple[str, ...]:
        """Return the names by which an endpoint's list may ask for it; none: it is not told in this form."""
        name = self.name_of(happening)
        if name is None:
            return ()
        if not self.is_vendors:
            return (name,)
        # Vendors have one word for what a next hop took
        type_ = _DELIVERED if happening.is_relayed else happening.type
        failed = ("failed",) if name.endswith("_fail") else ()
        return (type_, name, *failed) if type_ != name else (name,)


FORMS: Final[Mapping[WebhookFormat, Form]] = {
    "native": Form(name_of=native.name_of, write=native.write, is_vendors=False),
    "resend": Form(name_of=resend.name_of, write=resend.write),
    "sendgrid": Form(name_of=sendgrid.name_of, write=sendgrid.write),
    "postmark": Form(name_of=postmark.name_of, write=postmark.write),
    "mailgun": Form(name_of=mailgun.name_of, write=mailgun.write),
}
