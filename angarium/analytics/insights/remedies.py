"""What a class of refusals usually comes of, and what helps: a sentence each. Pure."""

from collections.abc import Mapping
from typing import Final

from angarium.feedback.classes import BounceClass as B

REMEDIES: Final[Mapping[B, str]] = {
    B.USER_UNKNOWN: "addresses that do not exist: an old list, or a form that nobody has to confirm",
    B.MOVED: "addresses whose owners have moved: an old list",
    B.HOST_UNKNOWN: "domains that do not exist: misspelt addresses, or an old list",
    B.DOMAIN_NO_MAIL: "domains that take no mail: misspelt addresses, or an old list",
    B.MAILBOX_DISABLED: "mailboxes that are switched off: an old list",
    B.MAILBOX_FULL: "mailboxes that are full: people who read there no longer",
    B.FILTERED: "a filter of the recipient's host that does not say why: compare what was sent before it began",
    B.EXPIRED: "hosts that took nothing until the time was over: `postmaster queue explain` says what they answered",
    B.NETWORK_ERROR: "hosts that could not be reached: `postmaster doctor` looks at the network and DNS from here",
    B.SYSTEM_ERROR: "trouble at the recipient's host: it usually passes",
    B.SYSTEM_FULL: "a recipient's host without room: it usually passes",
    B.MAILER_ERROR: "a program behind the recipient's mailbox that fails: it is theirs to mend",
    B.GREYLISTED: "hosts that defer whom they do not know: it passes with the next attempt",
    B.RATE_LIMITED: "a provider that finds it too much: lower its limits (`postmaster providers` shows them)",
    B.BLOCKED: "a block list, or the provider's own: `postmaster doctor` asks the lists about each source",
    B.REPUTATION: "a bad name at the provider: send less, and first to who reads; look at complaints",
    B.PTR_REQUIRED: "a source whose address has no name in reverse DNS that leads back: `postmaster doctor` says which",
    B.TLS_FAILURE: "TLS that was not agreed on: look at the host's certificate and at `tls` of the provider",
    B.AUTH_FAILURE: "SPF, DKIM or DMARC that fail: `postmaster domain verify` says which record is wrong",
    B.SPAM: "content that was taken for spam: compare what was sent before it began, and check it (`POST /v1/check`)",
    B.VIRUS: "content, an attachment or a link that was taken for malware",
    B.CONTENT: "content that the provider does not want: a link, an attachment, words",
    B.CONTENT_RFC: "mail that is not written as it should be: check it (`POST /v1/check`)",
    B.MESSAGE_TOO_LARGE: "mail that is too large for the recipients' hosts",
    B.POLICY: "a rule of the recipients' hosts: their reply says which",
    B.SECURITY: "a rule of the recipients' hosts about security: their reply says which",
    B.SENDER_REJECTED: "senders' addresses that are refused: does the domain exist in DNS, with an MX or an address?",
    B.RELAY_DENIED: "hosts that do not know the domain as theirs: its MX record is wrong, or leads elsewhere since",
    B.PROTOCOL_ERROR: "a conversation that went wrong: `postmaster trace` shows what was said",
    B.SUPPRESSED: "addresses on a suppression list of the host that was sent through",
    B.UNDETERMINED: "refusals that say nothing that is known: the mail log has their words",
}
