"""The objects of trained models, for `fsck`."""

from collections.abc import Iterator

from labelling.fsck import Area, Expected
from labelling.models import Project
from recognition.models import Model


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
