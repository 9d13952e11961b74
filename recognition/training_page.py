"""What the page of a training shows: how validation went, and what the best epoch gained."""

from recognition.models import Run
from recognition.recipe_list import BY_NAME

CURVES = ("epochs", "loss", "val_recognition_rate", "val_map")


def training_page(run: Run) -> dict:
    """`curves` for the charts, `epochs` as rows for their table, `gains` of the best epoch over the start,
    and the `settings`."""
    curves = {name: run.curves.get(name) or [] for name in CURVES}
    best = run.metrics.get("best_epoch")
    epochs = [
        dict(zip(("epoch", "loss", "recognition_rate", "map"), row, strict=True), best=row[0] == best)
        for row in zip(*(_as_long(curves[name], len(curves["epochs"])) for name in CURVES), strict=True)
    ]
    return {
        "curves": {**curves, "best_epoch": best},
        "epochs": epochs,
        "gains": _gains(run.metrics),
        "settings": _settings(run),
        "recipe": BY_NAME.get(run.params.get("recipe")),
        "failed_checks": [check for check in run.preflight if not check["passed"]],
    }


def _settings(run: Run) -> list[tuple[str, object]]:
    """What was asked for and what the recipe made of it, each once."""
    asked = {name: value for name, value in run.params.items() if name != "options"}
    said = {**(run.params.get("options") or {}), **(run.metrics.get("params") or {}), **asked, "seed": run.seed}
    words = {True: "yes", False: "no"}
    return [
        (name.replace("_", " "), words[value] if isinstance(value, bool) else value) for name, value in said.items()
    ]


def _as_long(values: list, length: int) -> list:
    """A curve that was written while it grew may lack its last points."""
    return [*values[:length], *[None] * (length - len(values))]


def _gains(metrics: dict) -> list[dict]:
    start = metrics.get("start") or {}
    words = (("val_map", "mAP on validation faces"), ("val_recognition_rate", "Recognition rate on validation faces"))
    return [
        {"words": text, "best": metrics.get(name), "start": start.get(name)}
        for name, text in words
        if metrics.get("best_epoch") is not None
    ]
