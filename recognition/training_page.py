"""What the page of a training shows: how validation went, and what the best epoch gained."""

from recognition.models import Run
from recognition.recipe_list import BY_NAME
from recognition.runs import best_trial

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
        "again": _again(run),
        "search": _search(run),
        "recipe": BY_NAME.get(run.params.get("recipe")),
        "failed_checks": [check for check in run.preflight if not check["passed"]],
    }


def _settings(run: Run) -> list[tuple[str, object]]:
    """What was asked for and what the recipe made of it, each once."""
    asked = {name: value for name, value in run.params.items() if name != "options"}
    said = {**(run.params.get("options") or {}), **(run.metrics.get("params") or {}), **asked, "seed": run.seed}
    return [(_words(name), _value(value)) for name, value in said.items()]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(_words(str(one)) for one in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _again(run: Run) -> dict:
    """Parameters as a form takes them, to start the same once more."""
    searched = run.params.get("searched") or []
    options = (run.params.get("options") or {}).items()
    return {
        "options": " ".join(f"{name}={value}" for name, value in options if name not in searched),
        "trials": run.params.get("trials") or 0,
    }


def _search(run: Run) -> dict | None:
    """What a search tried so far: names and values in the same order, and which trial is the best."""
    if not run.params.get("trials"):
        return None
    names = run.params.get("searched") or []
    best = best_trial(run.trials) or {}
    rows = [
        {**row, "values": [row["params"][name] for name in names], "best": row["number"] == best.get("number")}
        for row in run.trials
    ]
    recipe = BY_NAME.get(run.params.get("recipe"))
    known = {parameter.name: parameter for parameter in (recipe.searched if recipe else ())}
    axes = [
        {"name": _words(name), "range": known[name].search, "by_factor": known[name].by_factor}
        for name in names if name in known
    ]  # fmt: skip
    return {
        "asked": run.params["trials"],
        "names": [_words(name) for name in names],
        "rows": rows,
        "chart": {"axes": axes, "trials": rows} if len(axes) == len(names) else None,
    }


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
