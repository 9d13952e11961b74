"""Searches a recipe's parameters with Optuna. Worker-only.

Optuna keeps nothing: trials are plain rows of the run, and each next one follows from them and the seed alone. So a
search that was cut off goes on to the same trials, on whichever worker.
"""

from collections.abc import Sequence

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from recognition.recipe_list import Parameter, Recipe

DIGITS = 4  # as many as people read and type again
BY_CHANCE = 5  # trials before earlier ones say where to look

optuna.logging.set_verbosity(optuna.logging.WARNING)


class ParameterSearch:
    """names: parameters of the recipe to search. trials: rows of those that ended, in order."""

    def __init__(self, recipe: Recipe, names: Sequence[str], seed: int, trials: Sequence[dict] = ()):
        self.seed, self.trials = seed, list(trials)
        self.space = {one.name: _distribution(one) for one in recipe.searched if one.name in names}

    def next(self, options: dict) -> dict[str, int | float]:
        """What to try: first the recipe's own values, so that no search ends worse than none."""
        if not self.trials:
            return {name: options[name] for name in self.space}
        # A sampler of its own for each trial: its random numbers need not be carried over a kill.
        sampler = optuna.samplers.TPESampler(seed=self.seed + len(self.trials), n_startup_trials=BY_CHANCE)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for row in self.trials:
            study.add_trial(self._replayed(row))
        return {name: _readable(value, self.space[name]) for name, value in study.ask(self.space).params.items()}

    def done(self, number: int, params: dict, figures: dict) -> None:
        """figures: what the training wrote of itself; a trial is judged by `val_map`."""
        told = {name: figures[name] for name in ("val_map", "val_recognition_rate", "best_epoch", "epochs_run")}
        self.trials.append({"number": number, "params": params, **told})

    def failed(self, number: int, params: dict, said: str) -> None:
        self.trials.append({"number": number, "params": params, "val_map": None, "said": said})

    def _replayed(self, row: dict) -> optuna.trial.FrozenTrial:
        known = {"params": row["params"], "distributions": self.space}
        if row["val_map"] is None:
            return create_trial(state=TrialState.FAIL, **known)
        return create_trial(value=row["val_map"], **known)


def _distribution(parameter: Parameter) -> BaseDistribution:
    low, high = parameter.search
    kind = IntDistribution if isinstance(parameter.default, int) else FloatDistribution
    return kind(low, high, log=parameter.by_factor)


def _readable(value: float, within: BaseDistribution) -> int | float:
    if isinstance(within, IntDistribution):
        return int(value)
    return min(max(float(f"{value:.{DIGITS}g}"), within.low), within.high)
