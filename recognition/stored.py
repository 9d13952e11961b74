"""The objects of trained models, unfinished trainings and evaluations, for `fsck`."""

from collections.abc import Iterator

from labelling.fsck import Area, Expected
from labelling.models import Project
from recognition.models import Model, Run
from recognition.probe_verdicts import FOLDER, verdict_key


class Artifacts(Area):
    folder = "models/"

    def expected(self, project: Project) -> Iterator[Expected]:
        # Equal trainings give equal bytes: several models may share one object.
        models = Model.objects.filter(project=project).order_by("-pk")
        by_key = {model.artifact_key: model for model in models}
        for key in sorted(by_key):
            yield Expected(key, f"the file of model “{by_key[key]}”", sha256=by_key[key].artifact_sha256)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Train on the same version again: the same bytes come out."


class OnnxFiles(Area):
    folder = "onnx/"

    def expected(self, project: Project) -> Iterator[Expected]:
        # Equal trainings give equal bytes here as well.
        rows = Model.objects.filter(project=project, onnx__isnull=False).order_by("-pk").values_list("onnx", "pk")
        by_key = {stored["key"]: (stored, pk) for stored, pk in rows}
        for key, (stored, pk) in sorted(by_key.items()):
            yield Expected(key, f"model {pk} as ONNX", stored["byte_size"], stored["sha256"], row=pk)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Ask for the ONNX file again on the model's page; the same bytes come out."

    def remake(self, project: Project, expected: Expected) -> str:
        Model.objects.filter(project=project, onnx__key=expected.key).update(onnx=None)
        return "Forgotten; it is written anew when somebody asks for it."


class Checkpoints(Area):
    folder = "runs/"

    def expected(self, project: Project) -> Iterator[Expected]:
        rows = Run.objects.filter(project=project).exclude(checkpoint={}).values_list("pk", "checkpoint")
        for key, run, sha256 in sorted((known["key"], pk, known["sha256"]) for pk, known in rows):
            yield Expected(key, f"where training {run} stands", sha256=sha256, row=run)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Nothing has to be done: that training begins anew, to the same model."

    def remake(self, project: Project, expected: Expected) -> str:
        Run.objects.filter(pk=expected.row).update(checkpoint={})
        return "Forgotten; that training begins anew."


class Verdicts(Area):
    folder = FOLDER

    def expected(self, project: Project) -> Iterator[Expected]:
        rows = Run.objects.filter(project=project, curves__has_key="verdicts").values_list("pk", "curves__verdicts")
        for key, run, kept in sorted((verdict_key(project.pk, pk), pk, kept) for pk, kept in rows):
            what = f"what evaluation {run} said of each face"
            yield Expected(key, what, kept["byte_size"], kept["sha256"], row=run)

    def advice(self, project: Project, expected: Expected) -> str:
        return "Run that evaluation again, or run with --repair to forget it: the report itself stays."

    def remake(self, project: Project, expected: Expected) -> str:
        run = Run.objects.get(pk=expected.row)
        Run.objects.filter(pk=run.pk).update(curves={k: v for k, v in run.curves.items() if k != "verdicts"})
        return "Forgotten; the report stays, and comparing it face by face needs another evaluation."
