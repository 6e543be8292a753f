"""What codes say by themselves: enhanced ones (RFC 3463, its registry, providers' own) and basic ones. Pure.

Weights are those of ``phrases``: a code that only this can be meant by outweighs all but the surest words; those that
hosts give for anything (5.1.1, 5.7.1) yield to any words that are clear.
"""

from typing import Final

from angarium.feedback.classes import BounceClass

# Of subject and detail: the same with 4 in front. Nothing else can be meant
DEFINITE: Final = {
    "7.10": BounceClass.TLS_FAILURE,
    "7.13": BounceClass.MAILBOX_DISABLED,
    "7.20": BounceClass.AUTH_FAILURE,
    "7.21": BounceClass.AUTH_FAILURE,
    "7.22": BounceClass.AUTH_FAILURE,
    "7.23": BounceClass.AUTH_FAILURE,
    "7.24": BounceClass.AUTH_FAILURE,
    "7.25": BounceClass.PTR_REQUIRED,
    "7.26": BounceClass.AUTH_FAILURE,
    "7.29": BounceClass.TLS_FAILURE,
    "7.509": BounceClass.AUTH_FAILURE,
    "7.515": BounceClass.AUTH_FAILURE,
    "7.511": BounceClass.BLOCKED,
    "7.512": BounceClass.CONTENT_RFC,
    "7.650": BounceClass.REPUTATION,
    "7.651": BounceClass.REPUTATION,
    "7.652": BounceClass.RATE_LIMITED,
    "7.708": BounceClass.RATE_LIMITED,
    "7.705": BounceClass.RATE_LIMITED,
    "7.750": BounceClass.SENDER_REJECTED,
    "7.501": BounceClass.SENDER_REJECTED,
    "7.502": BounceClass.SENDER_REJECTED,
    "7.503": BounceClass.SENDER_REJECTED,
    "7.64": BounceClass.RELAY_DENIED,
    "7.57": BounceClass.SECURITY,
    "7.124": BounceClass.SECURITY,
    "7.133": BounceClass.SECURITY,
    "7.134": BounceClass.SECURITY,
    "7.135": BounceClass.SECURITY,
    "7.136": BounceClass.SECURITY,
    "7.129": BounceClass.SECURITY,
    "7.193": BounceClass.SECURITY,
    "4.310": BounceClass.HOST_UNKNOWN,
    "4.14": BounceClass.NETWORK_ERROR,
    "1.90": BounceClass.RATE_LIMITED,
}
# What the code is for, and mostly used for
SPECIFIC: Final = {
    "1.6": BounceClass.MOVED,
    "1.1": BounceClass.USER_UNKNOWN,
    "1.2": BounceClass.HOST_UNKNOWN,
    "1.7": BounceClass.SENDER_REJECTED,
    "1.8": BounceClass.SENDER_REJECTED,
    "1.10": BounceClass.USER_UNKNOWN,
    "2.2": BounceClass.MAILBOX_FULL,
    "2.3": BounceClass.MESSAGE_TOO_LARGE,
    "3.1": BounceClass.SYSTEM_FULL,
    "3.4": BounceClass.MESSAGE_TOO_LARGE,
    "4.4": BounceClass.HOST_UNKNOWN,
    "4.6": BounceClass.NETWORK_ERROR,
    "4.7": BounceClass.EXPIRED,
    "4.300": BounceClass.EXPIRED,
    "4.316": BounceClass.NETWORK_ERROR,
    "4.312": BounceClass.NETWORK_ERROR,
    "5.3": BounceClass.RATE_LIMITED,
    "6.7": BounceClass.CONTENT,
    "6.9": BounceClass.CONTENT,
    "6.11": BounceClass.CONTENT_RFC,
    "7.27": BounceClass.SENDER_REJECTED,
    "7.28": BounceClass.RATE_LIMITED,
    "7.30": BounceClass.TLS_FAILURE,
    "7.8": BounceClass.SECURITY,
    "7.11": BounceClass.TLS_FAILURE,
}
# It is given for many things
LOOSE: Final = {
    "1.0": BounceClass.USER_UNKNOWN,
    "1.3": BounceClass.PROTOCOL_ERROR,
    "1.5": BounceClass.USER_UNKNOWN,
    "2.1": BounceClass.MAILBOX_DISABLED,
    "2.4": BounceClass.SECURITY,
    "3.0": BounceClass.SYSTEM_ERROR,
    "3.2": BounceClass.SYSTEM_ERROR,
    "3.3": BounceClass.SYSTEM_ERROR,
    "3.5": BounceClass.SYSTEM_ERROR,
    "4.1": BounceClass.NETWORK_ERROR,
    "4.2": BounceClass.NETWORK_ERROR,
    "4.3": BounceClass.NETWORK_ERROR,
    "4.5": BounceClass.NETWORK_ERROR,
    "5.1": BounceClass.PROTOCOL_ERROR,
    "5.2": BounceClass.PROTOCOL_ERROR,
    "5.4": BounceClass.PROTOCOL_ERROR,
    "6.0": BounceClass.CONTENT,
    "6.1": BounceClass.CONTENT,
    "6.2": BounceClass.CONTENT,
    "6.3": BounceClass.CONTENT,
    "6.5": BounceClass.CONTENT,
    "6.6": BounceClass.CONTENT,
    "7.0": BounceClass.POLICY,
    "7.1": BounceClass.POLICY,
    "7.2": BounceClass.SECURITY,
    "7.3": BounceClass.SECURITY,
    "7.4": BounceClass.SECURITY,
    "7.5": BounceClass.SECURITY,
    "7.6": BounceClass.SECURITY,
    "7.7": BounceClass.SECURITY,
    "7.9": BounceClass.POLICY,
}
# Where nothing else says anything
BASIC: Final = {
    "421": BounceClass.SYSTEM_ERROR,
    "432": BounceClass.SYSTEM_ERROR,
    "450": BounceClass.SYSTEM_ERROR,
    "451": BounceClass.SYSTEM_ERROR,
    "452": BounceClass.SYSTEM_FULL,
    "454": BounceClass.SYSTEM_ERROR,
    "500": BounceClass.PROTOCOL_ERROR,
    "501": BounceClass.PROTOCOL_ERROR,
    "502": BounceClass.PROTOCOL_ERROR,
    "503": BounceClass.PROTOCOL_ERROR,
    "504": BounceClass.PROTOCOL_ERROR,
    "521": BounceClass.DOMAIN_NO_MAIL,
    "523": BounceClass.MESSAGE_TOO_LARGE,
    "530": BounceClass.SECURITY,
    "534": BounceClass.SECURITY,
    "535": BounceClass.SECURITY,
    "538": BounceClass.TLS_FAILURE,
    "551": BounceClass.MOVED,
    "552": BounceClass.MAILBOX_FULL,
    "555": BounceClass.PROTOCOL_ERROR,
    "556": BounceClass.DOMAIN_NO_MAIL,
    "571": BounceClass.POLICY,
}
# A mailbox's own rate, at Microsoft
MAILBOX_RATE: Final = "2.122"
# Of 5.7: banned sources, at Microsoft
MICROSOFT_BANNED: Final = range(606, 650)
# At Gmail; elsewhere 5.7.27 is the sender's null MX (RFC 7505 section 4.2), 5.7.30 is REQUIRETLS (RFC 8689)
GMAIL_AUTHENTICATION: Final = frozenset({"7.27", "7.30"})
