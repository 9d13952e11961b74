"""Background work of this layer; imported by workers only."""

from jobs.work import Work, handles
from labelling import archives, bucket_source, video  # noqa: F401 (sources of files)
from labelling.erase import erase
from labelling.models import Erasure, Project
from labelling.near_duplicates import KIND, group_near_duplicates
from labelling.opinions import settle_waiting
from labelling.taking_in import take_in


@handles("settle")
def settle_opinions(work: Work) -> dict:
    settled = settle_waiting(Project.objects.get(pk=work.job.project_id))
    return {"settled": settled, "said": f"{settled:,} photo{'' if settled == 1 else 's'} settled."}


@handles(KIND)
def near_duplicates(work: Work) -> dict:
    return group_near_duplicates(work.job.project_id, work)


handles("intake")(take_in)


@handles("erase")
def erase_person(work: Work) -> dict:
    return erase(Erasure.objects.select_related("project", "identity").get(pk=work.params["erasure"]), work)
