"""Who read a mail and followed its links, as far as machines let that be known; and how one leaves. Pure."""
