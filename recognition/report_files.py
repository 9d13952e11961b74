"""A report to take along: figures per person as CSV, everything as JSON."""

import csv
import io
from collections.abc import Iterable

from django.http import HttpResponse, JsonResponse

from recognition.baselines import best_baseline, people_beside
from recognition.models import Run

COLUMNS = (
    "identity_name", "class_id", "gallery", "probes", "ap", "ap_low", "ap_high", "baseline_ap",
    "recognition_rate", "precision", "recall",
)  # fmt: skip
# Spreadsheets take a cell that begins with one of these for a formula, and run it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_answer(run: Run) -> HttpResponse:
    """One line a person; what is not known is an empty cell."""
    lines = [
        [row.simple_ap if name == "baseline_ap" else getattr(row, name) for name in COLUMNS]
        + ["; ".join(f"{other['name']} ({other['count']})" for other in row.confusions)]
        for row in people_beside(run, best_baseline(run))
    ]
    answer = HttpResponse(csv_text([*COLUMNS, "taken_for"], lines), content_type="text/csv; charset=utf-8")
    return _attached(answer, run, "csv")


def csv_text(columns: Iterable[str], lines: Iterable[Iterable]) -> str:
    """For spreadsheets: the mark in front tells them that it is UTF-8, and no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in line] for line in lines)
    return "\ufeff" + text.getvalue()


def cell(value: str | float | None) -> str | float | None:
    """Text that would be taken for a formula gets an apostrophe in front; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def json_answer(run: Run) -> JsonResponse:
    """Figures, curves and people with all that is needed to repeat the run."""
    people = people_beside(run, best_baseline(run)).values(*COLUMNS, "confusions", "simple_ap")
    content = {
        "run": run.pk,
        "project": run.project.slug,
        "version": run.version.number,
        "content_hash": run.version.content_hash,
        "model": run.model.name if run.model else None,
        "model_sha256": run.model.artifact_sha256 if run.model else None,
        "seed": run.seed,
        "params": run.params,
        "environment": run.environment,
        "finished_at": run.finished_at,
        "metrics": run.metrics,
        "curves": run.curves,
        "identities": [{**row, "baseline_ap": row.pop("simple_ap")} for row in people],
    }
    return _attached(JsonResponse(content, json_dumps_params={"ensure_ascii": False, "indent": 1}), run, "json")


def _attached(answer: HttpResponse, run: Run, suffix: str) -> HttpResponse:
    answer["Content-Disposition"] = f'attachment; filename="{run.project.slug}-run{run.pk}.{suffix}"'
    return answer
