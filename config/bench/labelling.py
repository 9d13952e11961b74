"""facet bench labelling: keys and clicks for each face that gets its right name, with Sort and with Label alone.

Drives the public API as the screens do, on real photos where there are some. FACET_BENCH_SCALE makes it smaller,
FACET_BENCH_BASELINE=0 leaves Label alone out.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack

from django.contrib.auth import get_user_model

from config.bench._api_client import ApiClient
from config.bench._labelling_oracle import Labeller, Score, Sorter
from config.bench._labelling_photos import Work, chosen_photos, forget_words, name_the_first, ready_work
from config.bench._web import running_web
from config.embedded.workers import running_workers
from jobs.models import Job
from labelling.models import ClusterRun, Face, Project, Role, Who
from labelling.projects import set_member
from labelling.tokens import make_token

PORT = 8131
# A person at Label is slower than workers; the bench is not, so it lets them catch up every so many photos.
CATCH_UP_EVERY = 10
# Label alone is measured on as many photos, drawn at random from all of them, because it is as slow as it is.
BASELINE_PHOTOS = 600
PATIENCE_S = 300


def run(say: Callable[[str], None]) -> dict:
    scale = float(os.environ.get("FACET_BENCH_SCALE", "1"))
    kind, photos = chosen_photos(scale, say)
    with ExitStack() as stack:
        port = stack.enter_context(running_web(PORT))
        stack.enter_context(running_workers())
        work = ready_work(f"Bench labelling {kind} {scale:g}", photos, lambda project: _client(project, port), say)
        client = _client(work.project, port)
        answer = {"photos_are": kind, **_sort(work, client, say)}
        if os.environ.get("FACET_BENCH_BASELINE") != "0":
            answer |= _label(work, client, say)
    return answer


def _client(project: Project, port: int) -> ApiClient:
    user = get_user_model().objects.get_or_create(username="bench-oracle")[0]
    set_member(project, user, Role.ANNOTATOR)
    return ApiClient(port, make_token(user, "bench", days=1)[0])


def _sort(work: Work, client: ApiClient, say: Callable[[str], None]) -> dict:
    say("Naming one photo in ten, and waiting for the first groups …")
    name_the_first(work, client)
    _await_first_groups(work)
    targets = _targets(work)
    start = time.monotonic()
    sorter = Sorter(client, work.project.slug, _open_truth(work), say)
    score = sorter.sort_all()
    seconds = time.monotonic() - start
    right, wrong = _outcome(work, targets)
    reranks = sorted(score.reranks)
    return {
        "faces": len(targets),
        "people": len(set(targets.values())),
        "named_before": len(work.named),
        "strangers": len(_open_truth(work)) - len(targets),
        "actions": score.total,
        "actions_per_face": round(score.total / max(1, right), 4),
        "named_right": right,
        "wrong": wrong,
        "wrong_share": round(wrong / max(1, len(targets)), 5),
        "overlooked": score.overlooked,
        "unsettled": len(_open_truth(work)) - len(score.said),
        "by_action": dict(score.actions),
        "screens": score.screens,
        "clusterings": ClusterRun.objects.filter(project=work.project).count(),
        "rerank_p50_ms": _percentile_ms(reranks, 50),
        "rerank_p95_ms": _percentile_ms(reranks, 95),
        "seconds": round(seconds, 1),
    }


def _await_first_groups(work: Work) -> None:
    """As when a person opens the screen some time after the photos came."""
    deadline = time.monotonic() + PATIENCE_S
    named = len(work.named)
    while time.monotonic() < deadline:
        newest = ClusterRun.objects.filter(project=work.project, finished_at__isnull=False).first()
        busy = Job.objects.in_project(work.project.pk).filter(kind__in=_BEFORE_SORT).active().exists()
        if newest and newest.params["named"] == named and not busy:
            return
        if not busy:
            _ask_for_groups(work)
        time.sleep(0.5)
    raise TimeoutError("The workers made no groups in time; see their log.")


_BEFORE_SORT = ("suggest", "suggest_everywhere", "cluster", "rank_clusters")


def _ask_for_groups(work: Work) -> None:
    from recognition.work_left import cluster_soon

    cluster_soon(work.project.pk)


def _targets(work: Work) -> dict[int, str]:
    return {face: person for face, person in _open_truth(work).items() if person}


def _open_truth(work: Work) -> dict[int, str | None]:
    return {face: person for face, person in work.truth.items() if face not in set(work.named)}


def _outcome(work: Work, targets: dict[int, str]) -> tuple[int, int]:
    """Right names, and wrong words: a wrong name, or “unknown” about somebody who is known."""
    right = wrong = 0
    faces = Face.objects.filter(pk__in=_open_truth(work)).exclude(who=Who.UNASSIGNED)
    for face, who, name in faces.values_list("pk", "who", "identity__name"):
        if who == Who.ASSIGNED and name == targets.get(face):
            right += 1
        elif who == Who.ASSIGNED or face in targets:
            wrong += 1
    return right, wrong


def _label(work: Work, client: ApiClient, say: Callable[[str], None]) -> dict:
    say("The same photos with Label alone …")
    forget_words(work.project)
    work.project.stored_settings = {**work.project.stored_settings, "queue_order": "sampled"}
    work.project.save(update_fields=["stored_settings"])
    name_the_first(work, client)
    targets = _targets(work)
    labeller = Labeller(client, work.project.slug, work.truth, work.project.settings.accept_probability)
    count = 0

    def pause() -> None:
        nonlocal count
        count += 1
        if count % CATCH_UP_EVERY == 1:
            _await_suggestions(work)

    _await_suggestions(work)
    score: Score = labeller.label_all(pause, BASELINE_PHOTOS)
    named = sum(face in targets for face in score.said)
    return {
        "baseline_actions_per_face": round(score.total / max(1, named), 4),
        "baseline_actions": score.total,
        "baseline_faces": named,
        "baseline_by_action": dict(score.actions),
    }


def _await_suggestions(work: Work) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if not Job.objects.in_project(work.project.pk).filter(kind="suggest").active().exists():
            return
        time.sleep(0.1)


def _percentile_ms(seconds: list[float], percent: int) -> float | None:
    if not seconds:
        return None
    return round(1000 * seconds[min(len(seconds) - 1, len(seconds) * percent // 100)], 1)
