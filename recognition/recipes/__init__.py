"""What recipes do: each module has `fit(gallery, …) -> Fitted` and `load(data) -> Scorer`. Workers only.

A scorer says how it sees probes beside a gallery (`compare`), and `measure` makes the same figures of all of them.
Names, titles and parameters are in recognition/recipe_list.py, which the web reads.
"""

import importlib

from recognition.recipe_list import BY_NAME
from recognition.recipes.scorer import Scorer


def module_of(recipe: str):
    return importlib.import_module(f"{__name__}.{BY_NAME[recipe].module}")


def load_scorer(recipe: str, data: bytes) -> Scorer:
    """Raises BadArtifact for bytes that this recipe did not write."""
    return module_of(recipe).load(data)
