"""Clustering and suggesting for `tests/plain_worker.py`: they need no model, which would take seconds to load."""

from jobs.work import handles
from labelling.models import Project
from recognition.clusters import make_clusters
from recognition.suggest import suggest_names

KINDS = ("cluster", "suggest")

handles("cluster")(lambda work: make_clusters(Project.objects.get(pk=work.job.project_id), work))
handles("suggest")(lambda work: suggest_names(Project.objects.get(pk=work.job.project_id), work))
