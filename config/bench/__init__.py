"""Benchmarks behind `facet bench NAME`: each module here is one, with `run(say) -> dict`."""

import importlib
import pkgutil


def names() -> list[str]:
    """The benchmarks there are; a module whose name begins with “_” is a part of others."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str):
    return importlib.import_module(f"{__name__}.{name}")
