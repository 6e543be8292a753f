"""What may be mended of a message that an old application submits. Plain values."""

import enum


class Repair(enum.StrEnum):
    """As it stands in the mail log, the metrics and the ``accepted`` event: a name is never given another meaning."""

    LINE_ENDS = "line_ends"  # lines ended in LF alone
    BYTE_ORDER_MARK = "byte_order_mark"  # one stood before the first field
    MBOX_LINE = "mbox_line"  # a mailbox's "From " line did
    BLANK_BEFORE_COLON = "blank_before_colon"
    HEADER_END = "header_end"  # the empty line behind the header was not there
    EMPTY_FIELD = "empty_field"  # a From, Sender or Message-ID that says nothing
    REPEATED_FIELD = "repeated_field"  # the same once more, or recipients in several To or Cc
    RAW_UTF8 = "raw_utf8"  # text that was not encoded (RFC 2047)
    ADDRESS_FORM = "address_form"  # blanks in angle brackets, a separator behind the last address
    QUOTED_NAME = "quoted_name"  # a display name with specials had no quotes
    COMMENT_NAME = "comment_name"  # a comment was all of the display name
    BARE_ADDRESS = "bare_address"  # a local part alone, the one that MAIL names with its domain
