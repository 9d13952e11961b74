"""A worker for clustering and suggesting alone: `python -m tests.recognition.sorting_worker`.

Claims, leases and sweeps as every worker does, without Celery and without the models, which take seconds to load.
"""

import time

import django


def work_for_ever() -> None:
    from jobs.models import Job, State
    from jobs.sweep import sweep
    from jobs.work import handles, perform
    from labelling.models import Project
    from recognition.clusters import make_clusters
    from recognition.suggest import suggest_names

    handles("cluster")(lambda work: make_clusters(Project.objects.get(pk=work.job.project_id), work))
    handles("suggest")(lambda work: suggest_names(Project.objects.get(pk=work.job.project_id), work))
    while True:
        sweep()
        waiting = Job.objects.filter(state=State.QUEUED, kind__in=("cluster", "suggest"), not_before=None)
        for job_id in list(waiting.values_list("pk", flat=True)):
            perform(job_id)
        time.sleep(0.05)


if __name__ == "__main__":
    django.setup()
    work_for_ever()
