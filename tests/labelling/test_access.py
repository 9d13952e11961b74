"""Nobody gets at a project they are not a member of: every route is walked, as a stranger and as nobody.

A new route must be put into one of the tables below, or the first test names it.
"""

from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from jobs.models import Job
from labelling.identities import create_identity, rename_identity
from labelling.models import Batch, Cluster, ClusterFace, ClusterRun, Erasure, Intake, Lease
from labelling.projects import create_project
from labelling.queue import open_image
from labelling.remarks import flag
from labelling.submit import FaceWord, submit_image
from labelling.tokens import make_token

# Open to everyone by their nature.
PUBLIC = {"login", "logout", "client-wheel"}
# About the person who asks, never about a project given by its id.
PERSONAL = {"projects", "project-new", "tokens", "password_change", "api-projects", "api-schema"}
# About one project or something in it: how to address the thing that is not the stranger's.
FOREIGN = {
    "project": lambda it: {"slug": it.slug},
    "project-settings": lambda it: {"slug": it.slug},
    "ingest": lambda it: {"slug": it.slug},
    "capture": lambda it: {"slug": it.slug},
    "intake": lambda it: {"slug": it.slug, "intake_id": it.intake},
    "api-images-known": lambda it: {"slug": it.slug},
    "api-intake-ticket": lambda it: {"slug": it.slug},
    "api-intakes": lambda it: {"slug": it.slug},
    "api-intake": lambda it: {"intake_id": it.intake},
    "api-intake-files": lambda it: {"intake_id": it.intake},
    "images": lambda it: {"slug": it.slug},
    "label": lambda it: {"slug": it.slug},
    "sort": lambda it: {"slug": it.slug},
    "identities": lambda it: {"slug": it.slug},
    "identity": lambda it: {"slug": it.slug, "identity_id": it.identity},
    "collect": lambda it: {"slug": it.slug},
    "look-alikes": lambda it: {"slug": it.slug},
    "forecast": lambda it: {"slug": it.slug, "identity_id": it.identity},
    "identity-merge": lambda it: {"slug": it.slug, "identity_id": it.identity},
    "identity-history": lambda it: {"slug": it.slug, "identity_id": it.identity},
    "image-history": lambda it: {"slug": it.slug, "image_id": it.image},
    "history": lambda it: {"slug": it.slug},
    "review": lambda it: {"slug": it.slug},
    "review-disputes": lambda it: {"slug": it.slug},
    "review-flags": lambda it: {"slug": it.slug},
    "review-gold": lambda it: {"slug": it.slug},
    "review-agreement": lambda it: {"slug": it.slug},
    "jobs": lambda it: {"slug": it.slug},
    "work": lambda it: {"slug": it.slug},
    "work-now": lambda it: {"slug": it.slug},
    "work-pace": lambda it: {"slug": it.slug},
    "work-order": lambda it: {"slug": it.slug},
    "work-free": lambda it: {"slug": it.slug, "image_id": it.image},
    "batch-new": lambda it: {"slug": it.slug},
    "batch-change": lambda it: {"slug": it.slug, "batch_id": it.batch},
    "batch-end": lambda it: {"slug": it.slug, "batch_id": it.batch},
    "job-progress": lambda it: {"job_id": it.job},
    "job-cancel": lambda it: {"job_id": it.job},
    "job-pause": lambda it: {"job_id": it.job},
    "job-resume": lambda it: {"job_id": it.job},
    "job-retry": lambda it: {"job_id": it.job},
    "members": lambda it: {"slug": it.slug},
    "member-remove": lambda it: {"slug": it.slug, "user_id": it.owner},
    "token-revoke": lambda it: {"token_id": it.token},
    "picture": lambda it: {"image_id": it.image, "size": "small", "key": it.image_key},
    "crop": lambda it: {"face_id": it.face, "key": it.face_key},
    "identity-erase": lambda it: {"slug": it.slug, "identity_id": it.identity},
    "erasures": lambda it: {"slug": it.slug},
    "erasure": lambda it: {"slug": it.slug, "erasure_id": it.erasure},
    "api-identity-erase": lambda it: {"identity_id": it.identity},
    "api-erasures": lambda it: {"slug": it.slug},
    "api-erasure": lambda it: {"erasure_id": it.erasure},
    "imports": lambda it: {"slug": it.slug},
    "import": lambda it: {"slug": it.slug, "import_id": it.labels},
    "api-imports": lambda it: {"slug": it.slug},
    "api-import": lambda it: {"import_id": it.labels},
    "api-import-check": lambda it: {"import_id": it.labels},
    "api-import-apply": lambda it: {"import_id": it.labels},
    "versions": lambda it: {"slug": it.slug},
    "version": lambda it: {"slug": it.slug, "number": it.version},
    "freeze-preview": lambda it: {"slug": it.slug},
    "version-leaks": lambda it: {"slug": it.slug, "number": it.version},
    "version-pairs": lambda it: {"slug": it.slug, "number": it.version},
    "version-tag": lambda it: {"slug": it.slug, "number": it.version},
    "version-compare": lambda it: {"slug": it.slug, "number": it.version},
    "version-diff": lambda it: {"slug": it.slug, "number": it.version, "against": it.version},
    "version-export": lambda it: {"slug": it.slug, "number": it.version},
    "version-train": lambda it: {"slug": it.slug, "number": it.version},
    "version-evaluate": lambda it: {"slug": it.slug, "number": it.version},
    "runs": lambda it: {"slug": it.slug},
    "run": lambda it: {"slug": it.slug, "run_id": it.run},
    "propose-again": lambda it: {"slug": it.slug},
    "api-propose": lambda it: {"slug": it.slug},
    "review-suspicions": lambda it: {"slug": it.slug},
    "api-suspicion": lambda it: {"suspicion_id": it.suspicion},
    "review-suggestions": lambda it: {"slug": it.slug},
    "review-detector": lambda it: {"slug": it.slug},
    "api-job": lambda it: {"job_id": it.job},
    "api-job-cancel": lambda it: {"job_id": it.job},
    "api-job-pause": lambda it: {"job_id": it.job},
    "api-job-resume": lambda it: {"job_id": it.job},
    "api-job-retry": lambda it: {"job_id": it.job},
    "api-project": lambda it: {"slug": it.slug},
    "api-images": lambda it: {"slug": it.slug},
    "api-detectors": lambda it: {"slug": it.slug},
    "api-image": lambda it: {"image_id": it.image},
    "api-submit": lambda it: {"image_id": it.image},
    "api-look": lambda it: {"image_id": it.image},
    "api-flag": lambda it: {"image_id": it.image},
    "api-approve": lambda it: {"image_id": it.image},
    "api-return": lambda it: {"image_id": it.image},
    "api-judge": lambda it: {"image_id": it.image},
    "api-gold": lambda it: {"image_id": it.image},
    "api-review": lambda it: {"slug": it.slug},
    "api-disputes": lambda it: {"slug": it.slug},
    "api-resolve": lambda it: {"remark_id": it.remark},
    "api-queue-next": lambda it: {"slug": it.slug},
    "api-queue-open": lambda it: {"slug": it.slug},
    "api-queue-skip": lambda it: {"slug": it.slug},
    "api-queue-free": lambda it: {"slug": it.slug},
    "api-lease-renew": lambda it: {"token": it.lease},
    "api-lease-release": lambda it: {"token": it.lease},
    "api-face": lambda it: {"face_id": it.face},
    "api-assign": lambda it: {"slug": it.slug},
    "api-decide": lambda it: {"slug": it.slug},
    "api-clusters": lambda it: {"slug": it.slug},
    "api-cluster": lambda it: {"cluster_id": it.cluster},
    "api-pairs": lambda it: {"slug": it.slug},
    "api-identities": lambda it: {"slug": it.slug},
    "api-identity": lambda it: {"identity_id": it.identity},
    "api-identity-history": lambda it: {"identity_id": it.identity},
    "api-image-history": lambda it: {"image_id": it.image},
    "api-identity-merge": lambda it: {"identity_id": it.identity},
    "api-identity-split": lambda it: {"identity_id": it.identity},
    "api-undo": lambda it: {"event_id": it.event},
    "api-leaks": lambda it: {"slug": it.slug, "number": it.version},
    "api-pair-lists": lambda it: {"slug": it.slug, "number": it.version},
    "api-pair-list": lambda it: {"pair_list_id": it.pair_list},
    "api-pair-list-download": lambda it: {"pair_list_id": it.pair_list},
    "api-tags": lambda it: {"slug": it.slug},
    "api-tag-moves": lambda it: {"slug": it.slug},
    "api-versions": lambda it: {"slug": it.slug},
    "api-version": lambda it: {"slug": it.slug, "number": it.version},
    "api-version-diff": lambda it: {"slug": it.slug, "number": it.version},
    "api-pulls": lambda it: {"slug": it.slug},
    "api-pulled-table": lambda it: {"slug": it.slug, "number": it.version, "name": "faces.parquet"},
    "api-pulled-photos": lambda it: {"slug": it.slug, "number": it.version},
    "api-pulled-photo": lambda it: {"slug": it.slug, "sha256": it.image_sha256},
    "api-exports": lambda it: {"slug": it.slug, "number": it.version},
    "api-export": lambda it: {"export_id": it.export},
    "api-export-download": lambda it: {"export_id": it.export},
    "api-export-file": lambda it: {"export_id": it.export, "place": 0},
    "api-collect": lambda it: {"slug": it.slug},
    "api-runs": lambda it: {"slug": it.slug},
    "api-run": lambda it: {"run_id": it.run},
    "api-run-identities": lambda it: {"run_id": it.run},
    "runs-compare": lambda it: {"slug": it.slug},
    "run-again": lambda it: {"slug": it.slug, "run_id": it.run},
    "api-runs-compare": lambda it: {"slug": it.slug},
    "api-run-again": lambda it: {"run_id": it.run},
    "run-today": lambda it: {"slug": it.slug, "run_id": it.run},
    "run-doubt": lambda it: {"slug": it.slug, "run_id": it.run},
    "api-run-today": lambda it: {"run_id": it.run},
    "run-threshold": lambda it: {"slug": it.slug, "run_id": it.run},
    "api-run-threshold": lambda it: {"run_id": it.run},
    "api-recognize": lambda it: {"slug": it.slug},
    "api-recognized": lambda it: {"slug": it.slug, "job_id": it.job},
    "model-onnx": lambda it: {"slug": it.slug, "model_id": it.model},
    "api-model-onnx": lambda it: {"model_id": it.model},
    "models": lambda it: {"slug": it.slug},
    "promotions": lambda it: {"slug": it.slug},
    "model": lambda it: {"slug": it.slug, "model_id": it.model},
    "model-promote": lambda it: {"slug": it.slug, "model_id": it.model},
    "model-compare": lambda it: {"slug": it.slug, "model_id": it.model},
    "model-rollback": lambda it: {"slug": it.slug},
    "api-models": lambda it: {"slug": it.slug},
    "api-model": lambda it: {"model_id": it.model},
    "api-model-promote": lambda it: {"model_id": it.model},
    "api-model-rollback": lambda it: {"slug": it.slug},
    "automation": lambda it: {"slug": it.slug},
    "automation-run": lambda it: {"slug": it.slug},
    "rule": lambda it: {"slug": it.slug, "rule_id": it.rule},
    "rule-switch": lambda it: {"slug": it.slug, "rule_id": it.rule},
    "rule-delete": lambda it: {"slug": it.slug, "rule_id": it.rule},
    "pipeline": lambda it: {"slug": it.slug, "pipeline_id": it.pipeline},
    "pipeline-cancel": lambda it: {"slug": it.slug, "pipeline_id": it.pipeline},
    "pipeline-go-on": lambda it: {"slug": it.slug, "pipeline_id": it.pipeline},
    "api-pipelines": lambda it: {"slug": it.slug},
    "api-pipeline": lambda it: {"pipeline_id": it.pipeline},
    "api-pipeline-cancel": lambda it: {"pipeline_id": it.pipeline},
    "api-pipeline-resume": lambda it: {"pipeline_id": it.pipeline},
    "api-rules": lambda it: {"slug": it.slug},
    "api-rule": lambda it: {"rule_id": it.rule},
}
METHODS = ("get", "post", "patch", "put", "delete")


def route_names(resolver: URLResolver | None = None) -> list[str]:
    """The name of every route there is; a route without one is given by its pattern."""
    names = []
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            names.append(entry.name or f"nameless {entry.pattern}")
        else:
            names.extend(route_names(entry))
    return names


def test_every_route_is_in_a_table_of_this_file():
    strangers = set(route_names()) - PUBLIC - PERSONAL - FOREIGN.keys()
    assert not strangers, (
        f"New route {sorted(strangers)}: put it into FOREIGN in {__file__} with the ids of somebody else's things, "
        "or into PERSONAL when it is about no project, so that strangers are tried on it."
    )


def test_the_tables_name_only_routes_that_exist():
    gone = (PUBLIC | PERSONAL | FOREIGN.keys()) - set(route_names())
    assert not gone, f"No such route any more: {sorted(gone)}; take it out of the tables."


@pytest.fixture
def theirs(project, owner, make_image):
    return one_of_everything(project, owner, make_image(seed=1, faces=1))


def one_of_everything(project, owner, image) -> SimpleNamespace:
    """Fill a project with one of everything; the ids a stranger might guess. `image` has one face."""
    face = image.faces.get()
    identity = create_identity(project, "Zenobia Secret")
    words = [FaceWord(id=face.pk, identity=identity.pk, has_identity=True)]
    submit_image(image, words, by=owner, version=image.version, event_id=uuid4())
    event = rename_identity(identity, "Zenobia Hidden", by=owner, event_id=uuid4())
    face.refresh_from_db()
    job = Job.objects.create(kind="propose", title="Zenobia job", project_id=project.pk, created_by=owner)
    _, token = make_token(owner, "Zenobia token")
    return SimpleNamespace(
        project=project, slug=project.slug, owner=owner.pk, image=image.pk, image_key=image.sha256[:16],
        image_sha256=image.sha256,
        face=face.pk, face_key=face.box_key, identity=identity.pk, event=event.pk, job=job.pk, token=token.pk,
        remark=flag(image, "Zenobia?", by=owner, event_id=uuid4()).pk,
        lease=open_image(image, owner).token,
        batch=Batch.objects.create(project=project, name="Zenobia batch").pk,
        intake=Intake.objects.create(project=project, source="archive", name="Zenobia.zip", job=job).pk,
        erasure=Erasure.objects.create(
            project=project, identity=identity, class_id=1, alone="delete", shared="paint",
            report={"photos": {"not_deletable": ["s3://zenobia/Zenobia.jpg"]}},
        ).pk,
        cluster=_cluster_of(project, face), **_later_things(project, job),
    )  # fmt: skip


def _cluster_of(project, face) -> int:
    run = ClusterRun.objects.create(project=project, number=1, embedder="dlib", finished_at=timezone.now())
    cluster = Cluster.objects.create(run=run, rank=1, waiting=1)
    ClusterFace.objects.create(cluster=cluster, face=face, position=1, likeness=1.0)
    return cluster.pk


def _later_things(project, job) -> dict[str, int]:
    """Rows of the layers above, so that their routes are refused for the right reason."""
    from datasets.models import Export, Import, PairList, Version
    from labelling.models import Face
    from recognition.models import Model, Pipeline, PipelineState, Rule, Run, RunKind, Suspicion
    from recognition.pipelines import Asked

    version = Version.objects.create(project=project, number=1)
    export = Export.objects.create(version=version, job_id=job.pk, format="coco")
    run = Run.objects.create(project=project, version=version, kind=RunKind.TRAIN)
    model = Model.objects.create(
        project=project, name="Zenobia head", kind="arcface_head", embedder="dlib", version=version, artifact_key="x",
        artifact_sha256="a" * 64,
    )  # fmt: skip
    face = Face.objects.filter(project=project).first()
    suspicion = Suspicion.objects.create(
        project=project, face=face, kind="box", score=1, face_version=face.version, detail={"detector": 0.98}
    )
    labels = Import.objects.create(project=project, uid=uuid4(), format="coco", name="Zenobia.json")
    pair_list = PairList.objects.create(version=version, name="Zenobia pairs")
    asked = Asked().as_fields()
    rule = Rule.objects.create(project=project, kind="labels", threshold=9, said="Zenobia again", **asked)
    pipeline = Pipeline.objects.create(
        project=project, version=version, why="Zenobia", state=PipelineState.FAILED, finished_at=timezone.now(), **asked
    )
    return {
        "version": version.number, "export": export.pk, "run": run.pk, "suspicion": suspicion.pk, "labels": labels.pk,
        "pair_list": pair_list.pk, "model": model.pk, "rule": rule.pk, "pipeline": pipeline.pk,
    }  # fmt: skip


@pytest.fixture
def outsider(stranger, client_for):
    """Logged in, and owner of a project of their own: rights there must mean nothing here."""
    create_project("Elsewhere", by=stranger)
    return client_for(stranger)


def bodies(name: str, method: str) -> list[dict]:
    if method == "get":
        return [{}]
    if name.startswith("api-"):
        return [{"data": "{}", "content_type": "application/json"}]
    return [{}, {"data": {"name": "x", "username": "stefan", "role": "4"}}] if method == "post" else [{}]


# One walk a test, and all that leaks in one message: making the project anew for each route would cost a minute.


def test_strangers_are_refused_on_every_route(theirs, outsider):
    leaks = []
    for name, kwargs in FOREIGN.items():
        url = reverse(name, kwargs=kwargs(theirs))
        asked = [(method, body) for method in METHODS for body in bodies(name, method)]
        answers = [(method, getattr(outsider, method)(url, **body)) for method, body in asked]
        leaks += [
            f"{method.upper()} {url} answered {answer.status_code}"
            for method, answer in answers
            if answer.status_code not in {403, 404, 405} or "Zenobia" in answer.text
        ]
        if all(answer.status_code == 405 for _, answer in answers):
            leaks.append(f"{url} takes none of {METHODS}: is it still a route?")
    assert not leaks
    assert Lease.objects.filter(token=theirs.lease, user=theirs.owner, until__gt=timezone.now()).exists()


def test_nobody_gets_in_without_logging_in(theirs):
    routes = {name: kwargs(theirs) for name, kwargs in FOREIGN.items()} | {name: {} for name in PERSONAL}
    open_doors = []
    for name, kwargs in routes.items():
        url = reverse(name, kwargs=kwargs)
        for method in METHODS:
            answer = getattr(Client(), method)(url)
            if name.startswith("api-"):
                refused = answer.status_code in {401, 403}
            else:
                refused = answer.status_code == 302 and urlsplit(answer["Location"]).path == reverse("login")
            if not refused:
                open_doors.append(f"{method.upper()} {url} answered {answer.status_code}")
    assert not open_doors


def test_personal_pages_say_nothing_of_other_projects(theirs, outsider):
    for name in PERSONAL - {"api-schema"}:
        answer = outsider.get(reverse(name))
        assert answer.status_code == 200
        assert theirs.project.name not in answer.text, name
        assert "Zenobia" not in answer.text, name


def test_a_former_member_is_a_stranger(theirs, annotator, client_for):
    from labelling.projects import remove_member

    client = client_for(annotator)
    url = reverse("picture", kwargs=FOREIGN["picture"](theirs))
    assert client.get(url).status_code == 200
    remove_member(theirs.project, annotator)
    assert client.get(url).status_code == 404


def test_ids_of_one_project_mean_nothing_under_another(theirs, outsider, stranger):
    """A stranger puts the foreign id under a project that is theirs."""
    mine = stranger.membership_set.get().project
    person = reverse("identity", args=[mine.slug, theirs.identity])
    assert outsider.get(person).status_code == 404
    assert outsider.post(person, {"form": "details", "notes": "mine now"}).status_code == 404
    assert outsider.get(reverse("label", args=[mine.slug]), {"image": theirs.image}).status_code == 404
    assert outsider.post(reverse("member-remove", args=[mine.slug, theirs.owner])).status_code == 404
    listed = outsider.get(reverse("images", args=[mine.slug]), {"identity": theirs.identity})
    assert "Zenobia" not in listed.text
    opened = outsider.post(
        reverse("api-queue-open", args=[mine.slug]), {"image": theirs.image}, content_type="application/json"
    )
    assert opened.status_code == 400
    assigned = outsider.post(
        reverse("api-assign", args=[mine.slug]),
        {"faces": [theirs.face], "identity": "Mine", "event_id": str(uuid4())},
        content_type="application/json",
    )
    assert assigned.status_code == 400
