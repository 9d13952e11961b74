"""Experiment trackers that an operator set up hear of runs; one that is missing or fails stops none.

Their packages are no part of Facet. What stands in for them writes down how it was called, in a process of its own.
"""

import json
import os
import subprocess
import sys

import pytest

from recognition.models import RunState
from recognition.runs import TrainParams, start_training
from tests.inside import REPOSITORY

RECORDER = """
import json, os
class Recorder:
    def __init__(self, path): self.path = path
    def __call__(self, *args, **more):
        with open(os.environ["CALLS"], "a") as calls:
            calls.write(json.dumps([self.path, args, more], default=str) + "\\n")
        if os.environ.get("BREAKS") == self.path: raise OSError("no way to https://me:secret@tracker/ from here")
        return Recorder(self.path)
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return Recorder(f"{self.path}.{name}")
    def __iter__(self): return iter([])
    def __len__(self): return 0
"""
PACKAGES = {
    "mlflow/__init__.py": RECORDER + 'MlflowClient = Recorder("mlflow")\n',
    "wandb/__init__.py": RECORDER + 'init = Recorder("wandb")\n',
    "tensorboard_writer.py": RECORDER + 'SummaryWriter = Recorder("tensorboard")\n',
}
SCRIPT = """
import django, json, os, sys; django.setup()
import recognition.mirrors as mirrors
loaded = sorted({"mlflow", "wandb", "tensorboard"} & set(sys.modules))
if "FACET_TENSORBOARD_DIR" in os.environ:  # torch has the writer, and asks for the package
    import tensorboard_writer
    sys.modules["torch.utils.tensorboard"] = tensorboard_writer
said = []
run = mirrors.Mirrors("train-7", "house", {"recipe": "arcface_head", "margin": 10.0}, said.append)
run.log({"loss": None, "val/map": 0.5}, 0)
run.log({"loss": 2.5, "val/map": 0.75}, 1)
run.end(finished=True)
print(json.dumps({"said": said, "loaded": loaded}))
"""


@pytest.fixture
def tell(tmp_path):
    """Runs SCRIPT with those packages and variables; returns (what was said, the calls, packages loaded before)."""

    def run(*packages, **variables):
        for name in packages:
            path = tmp_path / "packages" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(PACKAGES[name])
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings", "CALLS": str(tmp_path / "calls"),
            "PYTHONPATH": f"{tmp_path / 'packages'}", **variables,
        }  # fmt: skip
        command = [sys.executable, "-c", SCRIPT]
        answer = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
        calls = tmp_path / "calls"
        told = json.loads(answer.stdout.strip().splitlines()[-1])
        rows = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
        return told["said"], rows, told["loaded"]

    return run


def test_nothing_is_imported_or_told_where_nothing_is_set_up(tell):
    assert tell("mlflow/__init__.py", "wandb/__init__.py") == ([], [], [])


def test_mlflow_hears_settings_epochs_and_the_end(tell):
    said, calls, _ = tell("mlflow/__init__.py", FACET_MLFLOW_URI="https://tracker/")
    named = [(path.removeprefix("mlflow."), args, more) for path, args, more in calls]
    assert said == [] and named[0] == ("mlflow", [], {"tracking_uri": "https://tracker/"})
    params = {args[1]: args[2] for path, args, _ in named if path.endswith("log_param")}
    metrics = [(args[1], args[2], more["step"]) for path, args, more in named if path.endswith("log_metric")]
    assert params == {"recipe": "arcface_head", "margin": 10.0}
    assert metrics == [("val/map", 0.5, 0), ("loss", 2.5, 1), ("val/map", 0.75, 1)]
    assert named[-1][0].endswith("set_terminated") and named[-1][1][1] == "FINISHED"


def test_tensorboard_gets_a_folder_for_each_run(tell):
    said, calls, _ = tell("tensorboard_writer.py", FACET_TENSORBOARD_DIR="/events")
    assert said == [] and calls[0] == ["tensorboard", ["/events/house/train-7"], {"purge_step": 0}]
    scalars = [args for path, args, _ in calls if path == "tensorboard.add_scalar"]
    assert scalars == [["val/map", 0.5, 0], ["loss", 2.5, 1], ["val/map", 0.75, 1]]
    assert calls[-1][0] == "tensorboard.close"


def test_weights_and_biases_goes_on_with_a_run_by_its_id(tell):
    said, calls, _ = tell("wandb/__init__.py", FACET_WANDB_PROJECT="team/faces")
    path, _, begun = calls[0]
    assert said == [] and path == "wandb"
    assert (begun["entity"], begun["project"], begun["id"]) == ("team", "faces", "house-train-7")
    assert begun["resume"] == "allow" and begun["config"] == {"recipe": "arcface_head", "margin": 10.0}
    assert calls[1:] == [
        ["wandb.log", [{"val/map": 0.5}], {"step": 0}],
        ["wandb.log", [{"loss": 2.5, "val/map": 0.75}], {"step": 1}],
        ["wandb.finish", [], {"exit_code": 0}],
    ]


def test_one_that_fails_is_left_out_and_named_without_its_address_and_others_go_on(tell):
    said, calls, _ = tell(
        "mlflow/__init__.py", "wandb/__init__.py", BREAKS="wandb.log", FACET_MLFLOW_URI="https://tracker/",
        FACET_WANDB_PROJECT="https://me:secret@tracker/",
    )  # fmt: skip
    assert len(said) == 1 and said[0].startswith("Weights & Biases could not be told of this run")
    assert "secret" not in said[0]
    assert [path for path, _, _ in calls if path.startswith("wandb")] == ["wandb", "wandb.log"]
    assert calls[-1][0] == "mlflow.set_terminated"


@pytest.mark.django_db(transaction=True)
def test_a_training_goes_on_where_a_package_is_missing_and_its_log_says_so(
    add_faces, project, freeze_now, work_off, monkeypatch, tmp_path
):
    for person, name in enumerate(("Ana", "Ben", "Cem")):
        for photo in range(8):
            add_faces(f"{name}-{photo}", ((person, photo), name), spread=1.0)
    for variable in ("FACET_TENSORBOARD_DIR", "FACET_MLFLOW_URI", "FACET_WANDB_PROJECT"):
        monkeypatch.setenv(variable, str(tmp_path))
    run = start_training(freeze_now(project), params=TrainParams(epochs=2, then_evaluate=False))
    (job,) = work_off(project, "train")
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.message
    for variable, name in (("FACET_MLFLOW_URI", "MLflow"), ("FACET_WANDB_PROJECT", "Weights & Biases")):
        assert f"{variable} is set, but {name} is not installed here" in job.log
