"""The last step of a pipeline: the gate judges the new model, and an open one may promote it. Workers only."""

from datasets.tags import hold
from jobs.errors import TryLater
from jobs.work import Work
from labelling.errors import Refused
from recognition.gate_evidence import Evidence, weigh
from recognition.models import Pipeline, PipelineState
from recognition.pipelines import end, lacks_comparison, model_of, next_or_fail
from recognition.promotion import promote


def ask_gate(work: Work) -> dict:
    pipeline = Pipeline.objects.select_related("project", "training").get(pk=work.params["pipeline"])
    if pipeline.state != PipelineState.RUNNING or pipeline.job_id != work.job.pk:
        return {"said": "The pipeline has gone on without this."}
    work.progress(message="Weighing the model against what serves")
    evidence = weigh(model_of(pipeline))
    with work.chunk():
        hold(pipeline.project)
        row = Pipeline.objects.select_for_update().get(pk=pipeline.pk)
        if row.state != PipelineState.RUNNING or row.job_id != work.job.pk:
            return {"said": "The pipeline has gone on without this."}
        if lacks_comparison(evidence):  # another model went into production since
            next_or_fail(row)
            return {"said": "What serves now has to be evaluated on this version first."}
        said = _settle(row, evidence)
    return {"passed": evidence.verdict.passed, "promoted": row.promoted, "said": said}


def _settle(row: Pipeline, evidence: Evidence) -> str:
    row.verdict = evidence.as_dict()
    if not evidence.verdict.passed:
        said = "The gate is closed: the model stays a candidate."
    elif not row.promotes:
        said = "The gate is open: the model is a candidate, and may be promoted."
    else:
        try:
            promote(evidence.model, by=row.by)
        except Refused as error:  # what serves changed this very moment
            raise TryLater(error.message) from error
        row.promoted = True
        said = "The gate is open: the model is in production."
    end(row, PipelineState.DONE, said)
    return said
