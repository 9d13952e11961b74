"""The lines to paste for those who take a version away."""

from django.urls import reverse

from datasets.client_wheel import wheel
from datasets.models import Version
from labelling.models import Project

COMMAND = """\
pip install {wheel}
export FACET_TOKEN=facet_…
facet pull {server} {wanted} {folder}"""
PYTHON = """\
# pip install "facet-client[torch] @ {wheel}"
import facet_client

data = facet_client.pull("{server}", "{wanted}", "{folder}")
faces = data.faces()                    # a pandas.DataFrame, one row per face, with the path of its photo
train = data.torch("train", size=160)   # a torch Dataset: square crops and class numbers"""


def how_to_pull(request, project: Project, version: Version) -> dict[str, str]:
    """`command` for a shell, `python` for a program. Slugs need no quotes in either."""
    file_name, _ = wheel()
    said = {
        "server": request.build_absolute_uri("/").rstrip("/"),
        "wheel": request.build_absolute_uri(reverse("client-wheel", args=[file_name])),
        "wanted": f"{project.slug}@{version.number}",
        "folder": project.slug,
    }
    return {"command": COMMAND.format(**said), "python": PYTHON.format(**said)}
