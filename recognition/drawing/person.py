"""Who a drawn person is: the features that stay the same from photo to photo."""

from dataclasses import dataclass

import numpy as np

from .colour import BLACK, Colour, mix

PERSON_STREAM = 0xFACE

SKINS: tuple[Colour, ...] = (
    (244, 216, 196),
    (240, 204, 178),
    (234, 193, 162),
    (225, 178, 143),
    (212, 165, 126),
    (194, 144, 104),
    (168, 118, 82),
    (140, 94, 64),
    (112, 74, 52),
    (86, 58, 45),
)
HAIRS: dict[str, Colour] = {
    "black": (38, 34, 38),
    "espresso": (62, 44, 38),
    "brown": (92, 62, 46),
    "chestnut": (122, 76, 50),
    "auburn": (142, 66, 42),
    "ginger": (196, 104, 52),
    "dark blond": (168, 130, 84),
    "blond": (214, 176, 116),
    "platinum": (232, 214, 180),
    "teal": (52, 118, 124),
    "plum": (122, 62, 104),
}
GREY: Colour = (156, 154, 156)
SILVER: Colour = (226, 223, 219)
IRISES: tuple[Colour, ...] = (
    (74, 46, 30),
    (104, 66, 38),
    (128, 104, 58),
    (92, 126, 84),
    (88, 134, 172),
    (124, 140, 150),
)
WOMENS_CUTS = ("bob", "long", "wavy", "curls", "bun", "ponytail", "pixie", "fringe", "afro", "headscarf", "short")
MENS_CUTS = ("short", "quiff", "buzz", "curly", "afro", "receding", "bald", "side", "long", "fringe", "bun")
BEARDS = ("none", "stubble", "moustache", "goatee", "full")


@dataclass(frozen=True)
class Person:
    """Lengths in face units (half a head's width), colours as RGB 0–255, shares in [0, 1]."""

    seed: int
    age: float
    masculine: float
    skin: Colour
    hair: Colour
    iris: Colour
    cut: str
    hair_volume: float
    hair_length: float
    part: float
    beard: str
    head_width: float
    temple: float
    jaw: float
    chin_square: float
    chin: float
    crown: float
    eye_gap: float
    eye_size: float
    eye_open: float
    eye_tilt: float
    lid_fold: float
    brow_height: float
    brow_thick: float
    brow_arch: float
    brow_tilt: float
    nose_tip: float
    nose_width: float
    nose_bulb: float
    nose_bridge: float
    mouth_drop: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    lip_colour: Colour
    ear_size: float
    cheek: float
    freckles: float
    mole: tuple[float, float] | None
    glasses: str
    frame: Colour
    earrings: bool
    makeup: float
    shoulders: float
    scarf: Colour

    def head_half(self) -> np.ndarray:
        """The right half of the head's outline, (n, 2), from crown to chin."""
        w, t = self.head_width, self.temple
        skull = [
            (0.0, self.crown),
            (0.33 * w, self.crown + 0.055),
            (0.64 * w, self.crown + 0.23),
            (0.88 * w * t, self.crown + 0.55),
            (1.0 * w * t, -0.42),
            (1.0 * w, 0.05),
            (0.97 * w, 0.4),
        ]
        angle = np.radians([0, 22, 42, 60, 76, 90])
        round_off = 2 / self.chin_square  # a superellipse: 2 is round, less is pointed, more is square
        jaw_x = self.jaw * w * np.cos(angle[:-1]) ** round_off
        jaw_y = self.chin * (0.58 + 0.42 * np.sin(angle[:-1]) ** round_off)
        return np.array([*skull, *zip(jaw_x, jaw_y, strict=True), (0.0, self.chin)])

    @property
    def mouth_y(self) -> float:
        """Height of the line between the lips."""
        return self.nose_tip + self.mouth_drop


def make_person(seed: int) -> Person:
    """The person of this seed: the same one every time. `seed` >= 0."""
    rng = np.random.default_rng([PERSON_STREAM, seed])
    masculine = float(np.clip(rng.choice([0.2, 0.8]) + rng.normal(0, 0.1), 0, 1))
    age = float(np.clip(rng.gamma(4.2, 5.2) + 17, 19, 82))
    skin, tone = _skin(rng)
    hair = _hair(rng, tone, age)
    cut = _cut(rng, masculine, age)
    traits = {
        **_head(rng, masculine),
        **_eyes(rng, masculine, age, tone),
        **_brows(rng, masculine),
        **_nose_and_mouth(rng, masculine),
    }
    makeup = float(rng.uniform(0.2, 1.0) * (masculine < 0.5) * (rng.random() < 0.7))
    wears = rng.random() < 0.16 + 0.3 * (age > 50)
    return Person(
        seed=seed,
        age=age,
        masculine=masculine,
        skin=skin,
        hair=hair,
        cut=cut,
        **traits,
        hair_volume=float(rng.uniform(0.8, 1.25)),
        hair_length=float(rng.uniform(0.0, 1.0)),
        part=float(rng.choice([-1, 1]) * rng.uniform(0.0, 0.5)),
        beard=_beard(rng, masculine),
        lip_colour=_lips(rng, skin, makeup),
        makeup=makeup,
        ear_size=float(rng.uniform(0.85, 1.2)),
        cheek=float(rng.uniform(0.3, 1.0)),
        freckles=float(rng.uniform(0.5, 1.0) if tone < 0.4 and rng.random() < 0.25 else 0.0),
        mole=_mole(rng),
        glasses=str(rng.choice(["round", "square", "cat"])) if wears else "none",
        frame=_pick(rng, [(34, 32, 38), (92, 54, 36), (150, 110, 60), (62, 72, 92), (128, 48, 52)]),
        earrings=bool(masculine < 0.5 and rng.random() < 0.45),
        shoulders=float(1.78 + 0.42 * masculine + rng.normal(0, 0.08)),
        scarf=_pick(rng, [(86, 112, 134), (148, 96, 104), (92, 122, 98), (176, 146, 104), (104, 88, 128)]),
    )


def _pick(rng: np.random.Generator, colours) -> Colour:
    return tuple(float(c) for c in colours[int(rng.integers(len(colours)))])


def _skin(rng: np.random.Generator) -> tuple[Colour, float]:
    """A skin colour and how dark it is, in [0, 1]."""
    tone = float(rng.random())
    at = tone * (len(SKINS) - 1)
    low = min(int(at), len(SKINS) - 2)
    red, green, blue = mix(SKINS[low], SKINS[low + 1], at - low)
    warm = rng.normal(0, 1)
    return (min(red + 1.5 * warm, 252), green - 1.5 * warm, blue - 4 * warm), tone


def _hair(rng: np.random.Generator, tone: float, age: float) -> Colour:
    names = list(HAIRS)
    light = np.array([2, 3, 4, 3, 2, 2, 3, 3, 1, 0.15, 0.15])
    dark = np.array([9, 4, 1.2, 0.3, 0.3, 0, 0, 0.1, 0.1, 0.1, 0.1])
    share = np.clip((tone - 0.15) / 0.4, 0, 1)
    weights = (1 - share) * light / light.sum() + share * dark / dark.sum()
    colour = HAIRS[str(rng.choice(names, p=weights))]
    greying = float(np.clip((age - 46 + rng.normal(0, 8)) / 26, 0, 1)) * (rng.random() < 0.85)
    grey = mix(GREY, SILVER, float(np.clip((age - 55) / 25 + rng.normal(0, 0.2), 0, 1)))
    return mix(mix(colour, grey, greying), BLACK, float(rng.uniform(0, 0.08)))


def _cut(rng: np.random.Generator, masculine: float, age: float) -> str:
    if masculine < 0.5:
        return str(rng.choice(WOMENS_CUTS, p=_shares([13, 13, 13, 10, 9, 9, 7, 9, 6, 5, 6])))
    thinning = 3.0 if age > 48 else 0.7
    return str(rng.choice(MENS_CUTS, p=_shares([16, 14, 9, 12, 6, 5 * thinning, 5 * thinning, 15, 4, 6, 3])))


def _shares(weights) -> np.ndarray:
    weights = np.asarray(weights, dtype=np.float64)
    return weights / weights.sum()


def _beard(rng: np.random.Generator, masculine: float) -> str:
    return str(rng.choice(BEARDS, p=_shares([42, 18, 9, 12, 19]))) if masculine > 0.5 else "none"


def _lips(rng: np.random.Generator, skin: Colour, makeup: float) -> Colour:
    natural = mix(skin, (168, 62, 66), 0.40)
    lipstick = _pick(rng, [(184, 54, 66), (196, 92, 92), (150, 40, 70), (204, 104, 92)])
    return mix(natural, lipstick, 0.55 * makeup)


def _mole(rng: np.random.Generator) -> tuple[float, float] | None:
    place = (float(rng.choice([-1, 1]) * rng.uniform(0.3, 0.62)), float(rng.uniform(0.35, 1.05)))
    return place if rng.random() < 0.15 else None


def _head(rng: np.random.Generator, masculine: float) -> dict:
    return {
        "head_width": float(np.clip(rng.normal(1.0, 0.045), 0.9, 1.1)),
        "temple": float(np.clip(rng.normal(0.98, 0.02), 0.93, 1.02)),
        "jaw": float(np.clip(0.80 + 0.07 * masculine + rng.normal(0, 0.03), 0.73, 0.94)),
        "chin_square": float(np.clip(1.62 + 0.34 * masculine + rng.normal(0, 0.15), 1.4, 2.3)),
        "chin": float(np.clip(1.37 + 0.08 * masculine + rng.normal(0, 0.06), 1.24, 1.6)),
        "crown": float(-np.clip(rng.normal(1.42, 0.04), 1.32, 1.5)),
    }


def _eyes(rng: np.random.Generator, masculine: float, age: float, tone: float) -> dict:
    brown = np.clip((tone - 0.2) / 0.35, 0, 1)
    chances = _shares(np.array([3, 3, 2, 2, 3.5, 1.5]) * (1 - brown) + np.array([6, 3, 0.4, 0.1, 0.1, 0.1]) * brown)
    return {
        "iris": IRISES[int(rng.choice(len(IRISES), p=chances))],
        "eye_gap": float(np.clip(rng.normal(0.445, 0.03), 0.38, 0.52)),
        "eye_size": float(np.clip(rng.normal(0.245 - 0.015 * masculine, 0.018), 0.2, 0.29)),
        "eye_open": float(np.clip(rng.normal(0.112 - 0.02 * masculine, 0.016) - 0.012 * (age > 60), 0.068, 0.15)),
        "eye_tilt": float(rng.normal(0.035 - 0.02 * masculine, 0.03)),
        "lid_fold": float(np.clip(rng.normal(0.6, 0.4), 0, 1)),
    }


def _brows(rng: np.random.Generator, masculine: float) -> dict:
    return {
        "brow_height": float(np.clip(rng.normal(0.35 - 0.03 * masculine, 0.03), 0.27, 0.43)),
        "brow_thick": float(np.clip(rng.normal(0.048 + 0.03 * masculine, 0.014), 0.028, 0.115)),
        "brow_arch": float(np.clip(rng.normal(0.075 - 0.03 * masculine, 0.025), 0.0, 0.14)),
        "brow_tilt": float(np.clip(rng.normal(-0.005, 0.02), -0.05, 0.03)),
    }


def _nose_and_mouth(rng: np.random.Generator, masculine: float) -> dict:
    return {
        "nose_tip": float(np.clip(rng.normal(0.55 + 0.03 * masculine, 0.05), 0.43, 0.70)),
        "nose_width": float(np.clip(rng.normal(0.205 + 0.025 * masculine, 0.035), 0.14, 0.32)),
        "nose_bulb": float(rng.uniform(0.6, 1.3)),
        "nose_bridge": float(rng.uniform(0.5, 1.3)),
        "mouth_drop": float(np.clip(rng.normal(0.375, 0.035), 0.3, 0.46)),
        "mouth_width": float(np.clip(rng.normal(0.36 + 0.02 * masculine, 0.035), 0.27, 0.46)),
        "upper_lip": float(np.clip(rng.normal(0.085 - 0.020 * masculine, 0.018), 0.03, 0.125)),
        "lower_lip": float(np.clip(rng.normal(0.112 - 0.02 * masculine, 0.02), 0.05, 0.16)),
    }
