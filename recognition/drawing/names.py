"""Invented full names: pronounceable, of no one country, one per person."""

# Every start ends in a vowel and every ending begins with at most two consonants, so any pair can be said.
GIVEN_STARTS = (
    "Ama",
    "Beno",
    "Cali",
    "Dori",
    "Eshe",
    "Fara",
    "Giko",
    "Hali",
    "Imo",
    "Jori",
    "Kesi",
    "Lumo",
    "Mira",
    "Nalo",
    "Ode",
    "Pema",
    "Rani",
    "Sefa",
    "Tomi",
    "Uli",
    "Vane",
    "Wema",
    "Yoru",
    "Zula",
)
GIVEN_ENDS = ("", "n", "ra", "lin", "sh", "ko", "ne", "vi")
FAMILY_STARTS = (
    "Ara",
    "Belo",
    "Cori",
    "Dasu",
    "Elo",
    "Fenwi",
    "Gara",
    "Holme",
    "Ivo",
    "Jasa",
    "Koro",
    "Lenna",
    "Moru",
    "Nako",
    "Okwe",
    "Pelli",
    "Quanta",
    "Rusi",
    "Satri",
    "Tembu",
    "Ulve",
    "Vorra",
    "Wexo",
    "Yami",
    "Zeli",
    "Osta",
)
FAMILY_ENDS = ("ndi", "well", "vik", "moto", "rez", "ski", "nen", "dze", "ford", "tala")

GIVEN = tuple(start + end for start in GIVEN_STARTS for end in GIVEN_ENDS)
FAMILY = tuple(start + end for start in FAMILY_STARTS for end in FAMILY_ENDS)
NAME_COUNT = len(GIVEN) * len(FAMILY)
# Shares no divisor with NAME_COUNT, so a run of seeds visits every name before one comes again; near the
# golden section, so neighbours sound different.
STRIDE = 30_851


def person_name(seed: int) -> str:
    """`Given Family` for a person's seed; any NAME_COUNT consecutive seeds have different names."""
    place = seed * STRIDE % NAME_COUNT
    return f"{GIVEN[place % len(GIVEN)]} {FAMILY[place // len(GIVEN)]}"
