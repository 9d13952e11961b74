"""Figures as people read them. What is not known is a dash, never a zero."""

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

register = template.Library()

UNKNOWN = "–"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _is_known(value) -> bool:
    """Templates give "" for what is not there at all."""
    return isinstance(value, int | float)


@register.filter
def percent(share: float | None, digits: int = 1) -> str:
    """0.9312 → “93.1 %”; the space does not break."""
    return f"{100 * share:.{digits}f}\u00a0%" if _is_known(share) else UNKNOWN


@register.filter
def to_percent(low: float | None, high: float | None) -> str:
    """An interval: 0.849, 0.895 → “84.9–89.5 %”."""
    if not (_is_known(low) and _is_known(high)):
        return ""
    return f"{100 * low:.1f}–{100 * high:.1f}\u00a0%"


@register.filter
def decimal(value: float | None, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if _is_known(value) else UNKNOWN


@register.filter
def whole(value: float | None) -> str:
    """1234.4 → “1,234”."""
    return intcomma(f"{value:.0f}") if _is_known(value) else UNKNOWN


@register.filter
def width(share: float | None) -> str:
    """A share as the length of a bar, no finer than a screen shows."""
    return f"{100 * min(max(share, 0.0), 1.0):.1f}%" if _is_known(share) else "0%"


@register.filter
def rate_limit(rate: float | None) -> str:
    """A small rate: percent while that reads well, a power of ten below. 0.01 → “1 %”, 0.00001 → “10⁻⁵”."""
    if not _is_known(rate):
        return UNKNOWN
    if rate >= 0.0001 or rate <= 0:
        return f"{100 * rate:.2g}\u00a0%" if rate < 0.1 else percent(rate, 0)
    digits, exponent = f"{rate:.0e}".split("e")
    power = "10" + str(int(exponent)).translate(SUPERSCRIPTS)
    return power if digits == "1" else f"{digits}·{power}"
