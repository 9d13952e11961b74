"""The recipes there are, as the web shows them: names, titles and parameters. What they do is in recognition/recipes,
which only workers import.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from labelling.errors import Refused

NEAREST_FACE = "the nearest gallery face"
BELIEFS = "Cosine similarity of class probabilities"
SUREST = "the person that a classifier is surest of"


@dataclass(frozen=True)
class Parameter:
    """A number of a recipe. Whole numbers are those whose default is one.

    search: between which a search tries values, evenly or, with `by_factor`, evenly in their logarithm; None: never.
    """

    name: str
    default: int | float
    low: float
    high: float
    what: str
    search: tuple[float, float] | None = None
    by_factor: bool = False

    def read(self, value: object) -> int | float:
        """Raises ValueError for what is no number, or out of bounds."""
        if isinstance(value, bool):
            raise ValueError
        number = type(self.default)(value)
        if number != float(value) or not self.low <= number <= self.high:
            raise ValueError
        return number


@dataclass(frozen=True)
class Recipe:
    """module: in recognition/recipes. is_baseline: a trained model is held against it. sees: what of a face it uses;
    “pixels” means that it makes vectors of its own.
    named_by: what a probe gets its name from, in words. similarity: of two faces, as an axis is called.
    """

    name: str
    title: str
    module: str
    what: str
    is_baseline: bool = True
    sees: str = "embedding"
    named_by: str = "the nearest mean of a person’s faces"
    parameters: tuple[Parameter, ...] = ()
    similarity: str = "Cosine similarity"

    @property
    def is_head(self) -> bool:
        """Over frozen embeddings: these can serve."""
        return self.module == "metric_head"

    @property
    def searched(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.search)


_HEAD = (
    Parameter("learning_rate", 3e-4, 1e-6, 0.1, "size of a step", (3e-5, 1e-2), by_factor=True),
    Parameter("batch_size", 64, 8, 4096, "faces in a step"),
    Parameter("patience", 12, 1, 1000, "epochs without a better mAP before it stops"),
)
_SCALE = Parameter("scale", 64.0, 1.0, 256.0, "inverse temperature of the softmax", (16.0, 128.0), by_factor=True)


def _head(name: str, title: str, what: str, *parameters: Parameter) -> Recipe:
    return Recipe(
        name, f"{title} head over frozen embeddings", "metric_head", what, is_baseline=False,
        parameters=(*_HEAD, *parameters),
    )  # fmt: skip


ALL = (
    _head(
        "arcface_head", "ArcFace", "Adds an angle to what is asked of a face's own person.",
        Parameter("margin", 10.0, 0.0, 60.0, "angle in degrees", (0.0, 40.0)), _SCALE,
    ),
    _head(
        "cosface_head", "CosFace", "Takes a margin off the similarity to a face's own person.",
        Parameter("margin", 0.05, 0.0, 0.9, "similarity taken off", (0.0, 0.4)), _SCALE,
    ),
    _head(
        "subcenter_head", "SubCenter ArcFace", "Several centres a person: some labels may be wrong, some looks differ.",
        Parameter("margin", 10.0, 0.0, 60.0, "angle in degrees", (0.0, 40.0)), _SCALE,
        Parameter("sub_centers", 3, 2, 10, "centres a person", (2, 5)),
    ),
    _head(
        "triplet_head", "Triplet", "Draws a face nearer to its own person than to strangers; semi-hard triplets.",
        Parameter(
            "margin", 0.05, 0.001, 1.0, "distance by which strangers must be further off", (0.01, 0.5), by_factor=True
        ),
    ),
    _head(
        "supcon_head", "Supervised contrastive", "All faces of a person in a step attract each other.",
        Parameter(
            "temperature", 0.05, 0.005, 1.0, "the lower, the more the nearest strangers count", (0.02, 0.5),
            by_factor=True,
        ),
    ),
    Recipe(
        "facenet_tuned", "FaceNet, fine-tuned", "facenet",
        "FaceNet's own weights go on learning: first its last layer, then all of it. Wants a GPU.",
        is_baseline=False, sees="pixels",
        parameters=(
            Parameter("learning_rate", 1e-4, 1e-7, 0.01, "size of a step; the last layer takes ten times larger ones"),
            Parameter("batch_size", 32, 4, 1024, "faces in a step"),
            Parameter("patience", 5, 1, 1000, "epochs without a better mAP before it stops"),
            Parameter("frozen_epochs", 2, 0, 1000, "epochs in which only the last layer learns"),
            Parameter("margin", 10.0, 0.0, 60.0, "ArcFace's angle in degrees"),
            Parameter("scale", 64.0, 1.0, 256.0, "inverse temperature of the softmax"),
            Parameter("augment", 1, 0, 1, "1 for mirrored, moved, brighter and darker faces; 0 for none"),
            Parameter("side", 160, 80, 224, "pixels of a face's side; FaceNet was made for 160"),
        ),
    ),
    Recipe("chance", "Chance", "chance", "Random vectors: what guessing gives.", sees="nothing"),
    Recipe(
        "lbph", "OpenCV LBPH", "lbph", "Histograms of local binary patterns, nearest by chi-square.", sees="crop",
        named_by=NEAREST_FACE,
        parameters=(
            Parameter("radius", 1, 1, 8, "of a pattern, in pixels"),
            Parameter("grid", 6, 1, 16, "cells along each side"),
            Parameter("faces_a_person", 5, 1, 100, "gallery faces compared with, at most"),
        ),
        similarity="Similarity: 1 − share of the greatest chi-square",
    ),
    Recipe(
        "eigenfaces", "OpenCV eigenfaces", "eigenfaces", "Principal components of grey crops, nearest by distance.",
        sees="crop", named_by=NEAREST_FACE,
        parameters=(
            Parameter("components", 80, 1, 1000, "eigenvectors kept"),
            Parameter("most_faces", 2000, 10, 20_000, "training faces they are made of, at most"),
        ),
        similarity="Similarity: 1 − share of the greatest distance",
    ),
    Recipe(
        "hog_linear", "HOG + linear", "hog_linear", "Histograms of gradients, a linear classifier.", sees="crop",
        named_by=SUREST,
        parameters=(Parameter("alpha", 10.0, 1e-6, 1e6, "how much large weights cost"),),
        similarity=BELIEFS,
    ),
    Recipe("nearest_mean", "Frozen embedding + nearest mean", "nearest_mean", "The mean of each person's faces."),
    Recipe("nearest_neighbour", "Frozen embedding + nearest neighbour", "nearest_neighbour", "The nearest face.",
           named_by=NEAREST_FACE),
    Recipe(
        "logistic_regression", "Frozen embedding + logistic regression", "logistic_regression",
        "A linear classifier of embeddings.", named_by=SUREST,
        parameters=(
            Parameter("c", 1000.0, 1e-4, 1e8, "inverse of how much large weights cost"),
            Parameter("steps", 300, 10, 10_000, "of the solver, at most"),
        ),
        similarity=BELIEFS,
    ),
)  # fmt: skip
BY_NAME = {recipe.name: recipe for recipe in ALL}
TITLES = {recipe.name: recipe.title for recipe in ALL}
BASELINES = frozenset(recipe.name for recipe in ALL if recipe.is_baseline)
DEFAULT = "arcface_head"


def recipe_named(name: str) -> Recipe:
    if name not in BY_NAME:
        raise Refused(f"“{name}” is no recipe; use one of: {', '.join(BY_NAME)}.", fields={"recipe": [name]})
    return BY_NAME[name]


def settled(recipe: Recipe, asked: Mapping[str, object]) -> dict[str, int | float]:
    """All parameters of the recipe: those asked for, and the defaults of the others."""
    known = {parameter.name: parameter for parameter in recipe.parameters}
    if strange := sorted(set(asked) - set(known)):
        there = ", ".join(known) or "none"
        raise Refused(
            f"“{recipe.title}” has no parameter “{strange[0]}”; it has: {there}.", fields={"options": strange}
        )
    settled = {}
    for name, parameter in known.items():
        try:
            settled[name] = parameter.read(asked.get(name, parameter.default))
        except (TypeError, ValueError) as error:
            kind = "a whole number" if isinstance(parameter.default, int) else "a number"
            raise Refused(
                f"“{name}” must be {kind} from {parameter.low:g} to {parameter.high:g}: {parameter.what}.",
                fields={"options": [name]},
            ) from error
    return settled


def to_search(recipe: Recipe, fixed: Mapping[str, object]) -> list[str]:
    """Names of what a search tries; `fixed` is what somebody set by hand. Refused where nothing is left."""
    names = [parameter.name for parameter in recipe.searched]
    if not names:
        able = ", ".join(other.title for other in ALL if other.searched)
        raise Refused(f"“{recipe.title}” has nothing to search for; a search is for: {able}.",
                      fields={"trials": [recipe.name]})  # fmt: skip
    if not (left := [name for name in names if name not in fixed]):
        raise Refused(
            f"Every parameter that could be searched is set by hand: {', '.join(names)}. Leave one of them out.",
            fields={"trials": names},
        )
    return left


def read_options(text: str) -> dict[str, str]:
    """`margin=20 scale=32` as people type it."""
    pairs = [word.partition("=") for word in text.replace(",", " ").split()]
    if bad := [name for name, sign, value in pairs if not (sign and name and value)]:
        raise Refused(f"“{bad[0]}” is no parameter with a value; write name=value, as in margin=20.",
                      fields={"options": bad})  # fmt: skip
    return {name: value for name, _, value in pairs}
