"""A reply is read: codes, what words mean, which hosts and marks it names. Pure, linear in its length (C4)."""

import functools
import re
import unicodedata
from typing import Final

import msgspec

from angarium.feedback.wording.stems import STEMS
from angarium.feedback.wording.vocabulary import CLUSTERS, JOINED, SYNONYMS, UNREAD

# Ours: what stands behind that in a text is not looked at; replies are far shorter
MAX_CHARACTERS: Final = 8192
# Among the words, in the place of codes: no host said this, but who had to do without one
UNCODED: Final = "uncoded"

_ENHANCED: Final = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?![\w]|\.\d)")
# On a line of its own kind: in front, or where a report quotes another host's
_BASIC: Final = re.compile(r"(?<![\w.:/#-])([245][0-7]\d)(?=$|[\s\-;:.,#])")
_TOKEN: Final = re.compile(r"[^\s<>()\[\]{}\"`|,;!?*~]+")
_PIECE: Final = re.compile(r"[^\W_]+")
_NUMBER: Final = re.compile(r"#?[\d.,:/%+-]+")
_IPV6: Final = re.compile(r"(?:ipv6:)?[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}")
_HOST: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CAMEL: Final = re.compile(r"\b[A-Za-z]+[a-z][A-Z][A-Za-z]*")
# Which command it answers says nothing: "(in reply to RCPT TO command)"
_ASIDE: Final = re.compile(r"\(in reply to [^()]{0,60}\)")
# Cisco's gateways put the same words before whatever the other host said
_WRAPPER: Final = re.compile(
    r"\b[245]\.\d\.\d - (?:Unknown address error|Other mail system problem) (?=[#\d])"
)
_SENTENCE: Final = re.compile(r"(?<=[a-z])\.(?=[A-Z])")
# Whose address or name follows, when one does: it says no more than they
_NAMED: Final = frozenset(
    {
        *("user", "mailbox", "account", "recipient", "address", "alias"),
        *("domain", "host", "server", "ip", "sender", "client"),
    }
)


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was read of one text."""

    code: str  # "550"; ""
    enhanced: tuple[str, ...]  # "5.1.1", in order
    words: str  # in their common form, a space around each; "@": an address, "ip": one, "~": a host; codes last
    marks: tuple[str, ...]  # words with digits or colons in them, as they are
    names: str  # hosts and links, a space between them
    plain: str  # the text, folded


def _words_of(lines: str) -> dict[str, str]:
    table = {}
    for line in lines.strip().splitlines():
        meaning, _, words = line.partition(": ")
        for word in words.split():
            table[fold(word)] = meaning
    return table


def fold(text: str) -> str:
    """Return the text without case, accents and apostrophes."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)[:MAX_CHARACTERS]
        text = "".join(each for each in text if not unicodedata.combining(each))
        text = text.replace("’", "'").replace("ı", "i").replace("ł", "l").replace("Ł", "l")
        text = text.replace("ø", "o").replace("Ø", "o")
    text = text.casefold()
    if "'" in text:
        text = text.replace("n't", "nt").replace("'s", "").replace("'", " ")
    return text


def _joined() -> dict[tuple[str, str], str]:
    table = {}
    for line in JOINED.strip().splitlines():
        meaning, _, words = line.partition(": ")
        first, second = words.split()
        table[first, second] = meaning
    return table


_MEANINGS: Final = dict.fromkeys((fold(each) for each in UNREAD.split()), "") | _words_of(SYNONYMS)
_STEMS: Final = _words_of(STEMS)
_STEM_LENGTHS: Final = sorted({len(each) for each in _STEMS}, reverse=True)
_JOINED: Final = _joined()
_CLUSTERS: Final = {
    fold(cluster.replace("_", " ")): meaning
    for meaning, _, clusters in (line.partition(": ") for line in CLUSTERS.strip().splitlines())
    for cluster in clusters.split()
}
_CLUSTER: Final = re.compile("|".join(sorted(_CLUSTERS, key=len, reverse=True)))
# Between those scripts (kana, Han, Hangul taken apart) and Latin letters there is no space either
_EASTERN: Final = "[\u1100-\u11ff\u3040-\u30ff\u4e00-\u9fff]"
_SCRIPT_EDGE: Final = re.compile(f"(?<=[a-z0-9])(?={_EASTERN})|(?<={_EASTERN})(?=[a-z0-9])")


def read(text: str) -> Reading:
    text = text[:MAX_CHARACTERS]
    spaced = _SENTENCE.sub(". ", _WRAPPER.sub("", _ASIDE.sub(" ", text)))
    humps = [_HUMP.sub(" ", each) for each in _CAMEL.findall(text)]
    plain = fold(spaced)
    if not plain.isascii():
        plain = _SCRIPT_EDGE.sub(" ", plain)
        plain = _CLUSTER.sub(lambda found: f" {_CLUSTERS[found[0]]} ", plain)
    found = _BASIC.search(plain)
    code = found[1] if found else ""
    enhanced = tuple(dict.fromkeys(each[0] for each in _ENHANCED.finditer(plain)))
    reader = _Reader()
    for token in _TOKEN.findall(plain):
        reader.read(token)
    for each in humps:
        reader.words.append("~")
        for token in fold(each).split():
            reader.add(token)
    said = (*enhanced, code or UNCODED)
    words = " ".join((*reader.words, "/", *said))
    return Reading(
        code=code,
        enhanced=enhanced,
        words=f" {words} ",
        marks=tuple(reader.marks),
        names=" ".join(reader.names),
        plain=plain,
    )


def common_form(phrase: str) -> str:
    """Return the phrase as ``Reading.words`` has it."""
    reader = _Reader()
    for word in fold(phrase).split():
        reader.add(word)
    return f" {' '.join(reader.words)} "


@functools.lru_cache(maxsize=8192)
def _by_stem(word: str) -> str:
    for length in _STEM_LENGTHS:
        meaning = _STEMS.get(word[:length])
        if meaning is not None:
            return meaning
    return word


class _Reader:
    """Takes a text token by token."""

    __slots__ = ("marks", "names", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.marks: list[str] = []
        self.names: list[str] = []

    def read(self, token: str) -> None:
        if token.isalpha():
            self.add(token)
        elif "@" in token:
            self._named("@")
            # "anna@host:blocked"; not "mailto:anna@host"
            said = token.rpartition(":")[2]
            if said.isalpha():
                self.add(said)
        elif "://" in token or token.startswith("www."):
            self.names.append(token)
        else:
            self._read_compound(token.strip(".:-#=/\\_&"))

    def add(self, word: str) -> None:
        """Add a word by its meaning; said twice, it is there once."""
        meaning = _MEANINGS.get(word)
        if meaning is None:
            meaning = _by_stem(word)
        if not meaning:
            return
        last = self.words[-1] if self.words else ""
        if joined := _JOINED.get((last, meaning)):
            self.words[-1] = joined
        elif meaning != last:
            self.words.append(meaning)

    def _read_compound(self, token: str) -> None:
        if _NUMBER.fullmatch(token):
            if token.count(".") == 3:
                self._named("ip")
        elif _IPV6.fullmatch(token):
            self._named("ip")
        elif _HOST.fullmatch(token):
            self.names.append(token)
            self._named("~")
        elif token in _MEANINGS:
            self.add(token)
        else:
            # Of a link's query "r=r-sc4" no part is a mark
            if "=" not in token and any(each.isdigit() or each == ":" for each in token):
                self.marks.append(token)
            for piece in _PIECE.findall(token):
                self._read_piece(piece, "=" not in token)

    def _read_piece(self, piece: str, may_be_mark: bool) -> None:
        if piece.isalpha():
            self.add(piece)
        elif not piece.isdigit():
            if may_be_mark:
                self.marks.append(piece)
            self.words.append(piece)

    def _named(self, what: str) -> None:
        """What stands behind the word for it says no more than that word."""
        if not self.words or self.words[-1] not in _NAMED:
            self.words.append(what)
