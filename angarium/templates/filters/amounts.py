"""Numbers, percentages, money and plurals in the reader's language. Pure."""

import functools
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from babel import numbers

from angarium.templates.filters.fault import FilterError
from angarium.templates.locales import conventions

MAX_DIGITS: Final = 40  # ours, before or behind the point
MAX_DECIMALS: Final = 12


def number(value: Any, decimals: int | None = None, *, tag: str) -> str:
    """Write it with the language's marks: 1.234,5. ``decimals``: exactly so many digits behind the point."""
    return _number(read_number(value), _checked(decimals), tag)


def percent(value: Any, decimals: int | None = None, *, tag: str) -> str:
    """Write a share of one as hundredths: 0.25 is 25 %."""
    return _percent(read_number(value), _checked(decimals), tag)


def money(value: Any, currency: Any, decimals: int | None = None, *, tag: str) -> str:
    """Write an amount in a currency, by its ISO 4217 code: 1.234,50 €. Digits are the currency's, if not given."""
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii()):
        raise FilterError("money needs a currency by its three letters: money('EUR')")
    return _money(read_number(value), currency.upper(), _checked(decimals), tag)


def plural(value: Any, *, tag: str, **words: str) -> str:
    """Return the word for so many, of ``one``, ``other`` and whatever else the language has (CLDR's plural rules)."""
    if "other" not in words:
        raise FilterError(
            "plural needs a word for all other numbers: plural(one='day', other='days')"
        )
    return str(words.get(_category(read_number(value), tag), words["other"]))


def read_number(value: Any) -> Decimal:
    """Read a number, or a text that is one. Raises FilterError."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        found = _decimal(str(value))
        if found is not None:
            return found
    raise FilterError(f"{str(value)[:60]!r} is no number")


@functools.lru_cache(maxsize=5000)
def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text) if len(text) <= 2 * MAX_DIGITS else Decimal("NaN")
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) <= MAX_DIGITS else None


def _checked(decimals: Any) -> int | None:
    if decimals is None:
        return None
    if isinstance(decimals, int) and 0 <= decimals <= MAX_DECIMALS:
        return decimals
    raise FilterError(f"decimals are a number from 0 to {MAX_DECIMALS}")


# Many mails of one campaign have the same amounts
@functools.lru_cache(maxsize=5000)
def _number(value: Decimal, decimals: int | None, tag: str) -> str:
    pattern = None if decimals is None else "#,##0" + _behind_point(decimals)
    return str(numbers.format_decimal(value, pattern, locale=conventions(tag)))


@functools.lru_cache(maxsize=5000)
def _percent(value: Decimal, decimals: int | None, tag: str) -> str:
    locale = conventions(tag)
    if decimals is None:
        return str(numbers.format_percent(value, locale=locale))
    pattern = locale.percent_formats[None].pattern.replace("0", "0" + _behind_point(decimals), 1)
    return str(numbers.format_percent(value, pattern, locale=locale))


@functools.lru_cache(maxsize=5000)
def _money(value: Decimal, currency: str, decimals: int | None, tag: str) -> str:
    locale = conventions(tag)
    if decimals is None:
        return str(numbers.format_currency(value, currency, locale=locale))
    pattern = locale.currency_formats["standard"].pattern
    pattern = pattern.replace("0.00", "0" + _behind_point(decimals))
    return str(
        numbers.format_currency(value, currency, pattern, locale=locale, currency_digits=False)
    )


@functools.lru_cache(maxsize=5000)
def _category(value: Decimal, tag: str) -> str:
    return str(conventions(tag).plural_form(value))


def _behind_point(decimals: int) -> str:
    return "." + "0" * decimals if decimals else ""
