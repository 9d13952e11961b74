"""Background work of this layer; imported by workers only.

What learns and what writes ONNX is imported when it is asked for: a worker is up without torch, long before it.
"""

from django.db.models.functions import Now

from jobs.models import Job, Queue, State
from jobs.work import Work, handles
from labelling.models import Project
from recognition.cluster_ranks import rank_clusters
from recognition.clusters import make_clusters
from recognition.embed import embed_faces
from recognition.evaluate import evaluate
from recognition.forecast import forecast
from recognition.look import look_at_box
from recognition.look_alikes import find_look_alikes
from recognition.models import Model, Run
from recognition.pipeline_gate import ask_gate
from recognition.propose import propose_faces
from recognition.propose_again import find_again
from recognition.recognize import recognize
from recognition.rescore import rescore
from recognition.suggest import suggest_everywhere, suggest_names
from recognition.suspicions import find_suspicions
from recognition.work_left import (
    cluster_soon,
    embed_soon,
    look_alikes_soon,
    propose_rest,
    suggest_soon,
    suspect_soon,
)


def _project(work: Work) -> Project:
    return Project.objects.get(pk=work.job.project_id)


def _run(work: Work) -> Run:
    runs = Run.objects.select_related("project", "version__project", "model")
    return runs.get(pk=work.params["run"])


def _is_at_it_already(work: Work) -> bool:
    same = Job.objects.filter(kind=work.job.kind, project_id=work.job.project_id, pk__lt=work.job.pk)
    return same.filter(state=State.RUNNING, lease_until__gt=Now()).exists()


@handles("propose")
def propose(work: Work) -> dict:
    try:
        answer = propose_faces(_project(work), work)
    finally:  # what was found is worth describing, however this ended
        embed_soon(work.job.project_id, queue=Queue(work.job.queue))
    propose_rest(work.job.project_id)
    return answer


@handles("propose_again")
def propose_again(work: Work) -> dict:
    try:
        return find_again(_project(work), work)
    finally:
        embed_soon(work.job.project_id, queue=Queue.BULK)


@handles("embed")
def embed(work: Work) -> dict:
    answer = embed_faces(_project(work), work)
    suggest_soon(work.job.project_id)
    cluster_soon(work.job.project_id)
    return answer


@handles("rank_clusters")
def rank(work: Work) -> dict:
    answer = rank_clusters(_project(work), work)
    if answer.get("fresh"):
        cluster_soon(work.job.project_id)
    return answer


@handles("cluster")
def cluster(work: Work) -> dict:
    return make_clusters(_project(work), work)


@handles("look")
def look(work: Work) -> dict:
    return look_at_box(work)


@handles("recognize")
def recognize_photo(work: Work) -> dict:
    return recognize(_project(work), work)


@handles("onnx_export")
def write_onnx(work: Work) -> dict:
    from recognition.onnx_export import export_onnx

    return export_onnx(Model.objects.select_related("version", "project").get(pk=work.params["model"]), work)


@handles("suggest")
def suggest(work: Work) -> dict:
    if _is_at_it_already(work):  # two at once would hold up all that is quicker, to the same end
        suggest_soon(work.job.project_id)
        return {"said": "Names were being suggested already; once more right after."}
    answer = suggest_names(_project(work), work)
    suspect_soon(work.job.project_id)
    look_alikes_soon(work.job.project_id)
    return answer


@handles("suggest_everywhere")
def suggest_in_all_photos(work: Work) -> dict:
    return suggest_everywhere(_project(work), work)


@handles("suspect")
def suspect(work: Work) -> dict:
    return find_suspicions(_project(work), work)


@handles("train")
def train_model(work: Work) -> dict:
    from recognition.train import train

    return train(_run(work), work)


@handles("evaluate")
def evaluate_model(work: Work) -> dict:
    return evaluate(_run(work), work)


@handles("gate")
def gate_of_pipeline(work: Work) -> dict:
    return ask_gate(work)


@handles("rescore")
def score_with_todays_labels(work: Work) -> dict:
    return rescore(_run(work), work)


@handles("forecast")
def forecast_people(work: Work) -> dict:
    return forecast(_project(work), work.params)


@handles("look_alikes")
def compare_people(work: Work) -> dict:
    return find_look_alikes(_project(work), work)
