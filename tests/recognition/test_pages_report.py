"""The report of an evaluation: figures beside what bounds them, people, mistakes, and files to take along."""

import csv
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import Job
from labelling.identities import get_or_create_identity
from labelling.loop import loop_steps
from labelling.models import Face, FaceState, Image, ImageState, Remark, Who
from labelling.projects import create_project
from recognition.models import IdentityMetric, Run, RunKind
from recognition.report_files import cell

HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://example.org")'


def run_url(run) -> str:
    return reverse("run", args=[run.project.slug, run.pk])


def list_url(project) -> str:
    return reverse("runs", args=[project.slug])


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


def test_a_report_gives_figures_with_intervals_beside_what_bounds_them(make_report, annotator, client_for):
    page = text_of(client_for(annotator).get(run_url(make_report())))
    for words in (
        "85.0 %", "80.0–88.0 % at 95 %", "75.0 %",  # mAP, interval, baseline
        "90.0 %", "80.0 %", "33 %",  # recognition rate, baseline, chance
        "Verification at FPR 1 %", "0.613", "45", "694",
        "over 2 people with 3 or more test faces", "120 named training and validation faces",
    ):  # fmt: skip
        assert words in page


def test_a_report_tells_of_parts_and_which_are_too_small(make_report, make_metrics, annotator, client_for):
    client = client_for(annotator)
    page = text_of(client.get(run_url(make_report())))
    small, large = page.split("below 32 px")[-1].split("32 to 64 px")[0], page.split("32 to 64 px")[-1]
    assert "too few" in small and "33.3 %" not in small
    assert "96.8 %" in large and "87.5 %" in large
    old = make_metrics()
    del old["parts"]
    assert "kept no figures of parts" in text_of(client.get(run_url(make_report(metrics=old))))


def test_a_report_draws_errors_promises_and_strangers_or_says_why_not(make_report, annotator, client_for):
    client = client_for(annotator)
    page = text_of(client.get(run_url(make_report())))
    assert 'id="det-chart"' in page and "10.00 %" in page  # FNMR where the TPR is 90 %
    assert "did not look at probabilities" in page and "did not look at strangers" in page
    run = make_report()
    bins = [
        {"low": 0.9, "high": 0.95, "promised": 0.93, "right": 0.75, "right_low": 0.5, "right_high": 0.9, "probes": 40}
    ]
    point = {"max_fpir": 0.1, "fnir": 0.125, "fpir": 0.1, "threshold": 0.7, "strangers_needed": 30}
    run.curves |= {
        "reliability": {"bins": bins, "probes": 40, "ece": 0.18, "brier": 0.2, "fitted_on": 120},
        "open_set": {"mated": 40, "strangers": 35, "at_fpir": [point], "curve": {"fpir": [0.1], "fnir": [0.125]}},
    }
    run.save()
    page = text_of(client.get(run_url(run)))
    for words in ('id="reliability-chart"', "18.0 % on average (ECE)", "93.0 %", 'id="open-set-chart"', "12.5 %"):
        assert words in page
    run.curves["reliability"], run.curves["open_set"]["curve"] = {"reason": "Serves none."}, {"fpir": [], "fnir": []}
    run.save()
    page = text_of(client.get(run_url(run)))
    assert "Serves none." in page and 'id="open-set-chart"' not in page


def test_the_ap_of_a_person_is_followed_over_versions(make_report, make_version, annotator, client_for):
    first = make_report()
    client = client_for(annotator)
    assert "AP over versions" not in text_of(client.get(run_url(first)))
    make_report(first.version, params={"gallery": "one"})  # another protocol tells of something else
    IdentityMetric.objects.filter(run=make_report(make_version()), class_id=1).update(ap=0.625)
    third = make_report(make_version())
    page = text_of(client.get(run_url(third)))
    assert "AP over versions: 80.0 % in version 1, 62.5 % in version 2, 80.0 % in version 3" in page
    assert 'points="2.0,4.4 30.0,6.5 58.0,4.4"' in page
    assert page.count("<polyline") == 2  # nobody has measured the third person
    assert "AP over versions" not in text_of(client.get(run_url(first)))  # what came later is not its matter


def test_a_report_says_how_far_people_agree(make_report, make_metrics, annotator, client_for):
    client = client_for(annotator)
    assert "How far people agree is not measured" in text_of(client.get(run_url(make_report())))
    human = {"value": 0.962, "low": 0.93, "high": 0.98, "faces": 214, "photos": 90, "kappa": 0.95}
    page = text_of(client.get(run_url(make_report(metrics=make_metrics() | {"human": human}))))
    assert "People agree on 96.2 % (214 double-labelled faces, 93.0–98.0 % at 95 %)" in page


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "The model beats the simpler way."),
        ({"own": (0.9, 0.78)}, "ahead of the simpler way, but not surely"),
        ({"beats": False, "own": (0.7, 0.7)}, "The model does not beat the simpler way."),
        ({"beats": None}, "Too few test faces to compare"),
        ({"model": None}, "this is the embedding alone"),
    ],
)
def test_a_report_says_plainly_whether_the_model_is_worth_having(
    changed, words, make_report, make_metrics, annotator, client_for
):
    run = make_report(metrics=make_metrics(**changed))
    assert words in text_of(client_for(annotator).get(run_url(run)))


def test_a_model_that_is_the_embedding_itself_is_not_praised(make_report, make_version, project, annotator, client_for):
    version = make_version()
    training = Run.objects.create(project=project, kind=RunKind.TRAIN, version=version, metrics={"best_epoch": 0})
    page = text_of(client_for(annotator).get(run_url(make_report(version, parent=training))))
    assert "Training gained nothing" in page
    assert "beats the simpler way" not in page


def test_what_could_not_be_measured_is_a_dash_with_a_reason_never_zero(
    make_report, make_metrics, annotator, client_for
):
    nothing = make_metrics((None, None), (None, None), beats=None)
    nothing["confusion"] = None
    nothing["recognition_rate"] |= {"probes": 0, "correct": 0}
    empty = {"pr": {"recall": [], "precision": []}, "roc": {"fpr": [], "tpr": []}, "cmc": [], "mistakes": []}
    run = make_report(metrics=nothing, curves=empty, people=())
    page = text_of(client_for(annotator).get(run_url(run)))
    for words in (
        "Nobody has 3 or more test faces.",
        "No test face belongs to an enrolled person.",
        "There are not enough pairs of test faces to say.",
        "too few pairs of different people among the test faces to set a threshold",
        "so there is no curve",
        "No person was measured in this run.",
    ):
        assert words in page
    assert "0.0 %" not in page
    assert "None" not in page.replace("None:", "")


def test_a_report_without_any_figures_still_opens(make_report, annotator, client_for):
    run = make_report(metrics={}, curves={}, people=())
    assert "Not measured." in text_of(client_for(annotator).get(run_url(run)))


def rows_of(answer) -> list[str]:
    return [row.identity_name for row in answer.context["table"].rows]


def test_people_come_weakest_first_and_those_with_too_few_probes_last(make_report, annotator, client_for):
    answer = client_for(annotator).get(run_url(make_report()))
    assert rows_of(answer) == [HOSTILE, "Ben", FORMULA]
    page = text_of(answer)
    assert "too few" in page
    assert "50.0 %" in page
    assert "30.0–60.0 %" in page
    assert rows_of(client_for(annotator).get(answer.request["PATH_INFO"], {"sort": "-ap"})) == ["Ben", HOSTILE, FORMULA]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"show": "too_few"}, [FORMULA]),
        ({"show": "measured"}, [HOSTILE, "Ben"]),
        ({"show": "worse"}, [HOSTILE]),
        ({"q": "be"}, ["Ben"]),
        ({"q": "%"}, []),
        ({"sort": "-probes"}, [HOSTILE, "Ben", FORMULA]),
        ({"sort": "identity_name; drop"}, [HOSTILE, "Ben", FORMULA]),
        ({"show": "nonsense", "page": "nan"}, [HOSTILE, "Ben", FORMULA]),
    ],
)
def test_people_are_found_and_filtered(asked, found, make_report, annotator, client_for):
    assert rows_of(client_for(annotator).get(run_url(make_report()), asked)) == found


def test_a_search_answers_with_the_part_that_changes(make_report, annotator, client_for):
    answer = client_for(annotator).get(
        run_url(make_report()), {"q": "nobody"}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="people"
    )
    assert text_of(answer).startswith('<div id="people"')
    assert "Nobody matches." in text_of(answer)


def test_names_are_never_markup(make_report, annotator, client_for):
    run = make_report(mistakes=[{"face_id": 1, "truth": HOSTILE, "predicted": HOSTILE, "score": 0.9, "own_score": 0.2}])
    page = client_for(annotator).get(run_url(run)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.fixture
def faces(project):
    """Two confirmed faces of one photo, Ana's and Ben's."""
    image = Image.objects.create(
        project=project, sha256="a" * 64, name="a.jpg", byte_size=1, format="JPEG", width=100, height=100, phash=0,
        sharpness=1, brightness=1, state=ImageState.LABELLED,
    )  # fmt: skip
    return [
        Face.objects.create(
            project=project, image=image, x=x, y=1, w=20, h=20, image_w=100, image_h=100, origin="human",
            state=FaceState.CONFIRMED, who=Who.ASSIGNED, identity=get_or_create_identity(project, name),
        )
        for x, name in ((1, "Ana"), (50, "Ben"))
    ]  # fmt: skip


def mistake(probe: int, other: int, truth="Ana", image_id=None) -> dict:
    return {
        "face_id": probe, "nearest_face_id": other, "truth": truth, "predicted": "Ben", "score": 0.91,
        "own_score": 0.44, "image_id": image_id,
    }  # fmt: skip


def test_mistakes_show_both_faces_and_lead_to_the_label(faces, make_report, annotator, client_for):
    ana, ben = faces
    page = text_of(client_for(annotator).get(run_url(make_report(mistakes=[mistake(ana.pk, ben.pk)]))))
    for face in faces:
        assert reverse("crop", args=[face.pk, face.box_key]) in page
    assert f"{reverse('label', args=[ana.project.slug])}?image={ana.image_id}" in page
    assert "Similarity 0.910 to that face, 0.440 to the best of their own." in page
    assert "relabelled since" not in page


def test_faces_that_are_gone_or_relabelled_are_said_to_be(faces, make_report, annotator, client_for):
    ana, ben = faces
    rows = [mistake(10**9, ben.pk, image_id=ana.image_id), mistake(ben.pk, 10**9, truth="Cem")]
    page = text_of(client_for(annotator).get(run_url(make_report(mistakes=rows))))
    assert page.count("face removed") == 2
    assert "relabelled since</span> now Ben" in page


def test_a_label_that_looks_wrong_goes_to_review(faces, make_report, annotator, client_for):
    ana, ben = faces
    run, client = make_report(mistakes=[mistake(ana.pk, ben.pk)]), client_for(annotator)
    page = text_of(client.get(run_url(run)))
    assert page.count("The label is wrong</button>") == 2 and 'aria-label="The label Ben is wrong"' in page
    url = reverse("run-doubt", args=[run.project.slug, run.pk])
    assert client.post(url, {"face": ben.pk}).status_code == 302
    assert "in Review" in text_of(client.post(url, {"face": ben.pk}, headers={"HX-Request": "true"}))
    remark = Remark.objects.get()
    assert (remark.face, remark.kind, remark.author) == (ben, "flag", annotator)
    assert remark.text == f"The label “Ben” looks wrong in the report of evaluation {run.pk}."
    page = text_of(client.get(run_url(run)))
    assert page.count("The label is wrong</button>") == 1 and page.count("in Review") == 1


@pytest.mark.parametrize("asked", ["", "x", "999999999", "9" * 30])
def test_only_faces_of_the_report_can_be_doubted(asked, faces, make_report, annotator, client_for):
    run = make_report(mistakes=[mistake(faces[0].pk, 999999999)])
    url = reverse("run-doubt", args=[run.project.slug, run.pk])
    client = client_for(annotator)
    for face in (asked, faces[1].pk):
        answer = client.post(url, {"face": face}, headers={"HX-Request": "true"})
        assert "not in the report any more" in text_of(answer)
    assert not Remark.objects.exists()


def test_a_changed_label_asks_for_figures_at_once_and_shows_old_and_new(faces, make_report, annotator, client_for):
    ana, ben = faces
    run, client = make_report(mistakes=[mistake(ana.pk, ben.pk)]), client_for(annotator)
    url = reverse("run-today", args=[run.project.slug, run.pk])
    asks = f'hx-post="{url}" hx-trigger="load"'
    assert asks not in text_of(client.get(run_url(run)))
    Face.objects.filter(pk=ana.pk).update(identity=ben.identity)
    assert asks in text_of(client.get(run_url(run)))
    working = text_of(client.post(url, headers={"HX-Request": "true"}))
    assert 'hx-trigger="load delay:800ms"' in working and asks not in working
    job = Job.objects.get(kind="rescore")
    rate = {"value": 0.925, "low": 0.8, "high": 0.97, "correct": 37, "probes": 40}
    done = {"map": {"macro": 0.871, "low": 0.8, "high": 0.9}, "recognition_rate": rate, "changed": 1, "gone": 0}
    Job.objects.filter(pk=job.pk).update(state="done", result=done)
    shown = text_of(client.get(url))
    assert "85.0 % → <strong>87.1 %</strong>" in shown and "90.0 % → <strong>92.5 %</strong>" in shown
    assert "1 face has another name since the freeze" in shown
    answer = client.get(reverse("api-run-today", args=[run.pk])).json()
    assert (answer["is_stale"], answer["result"]["map"]["macro"]) == (False, 0.871)
    Face.objects.filter(pk=ana.pk).update(identity=None, who=Who.UNKNOWN)
    assert asks in text_of(client.get(url))


def test_what_could_not_be_scored_again_says_why_and_does_not_ask_for_ever(faces, make_report, annotator, client_for):
    run, client = make_report(mistakes=[mistake(faces[0].pk, 10**9)]), client_for(annotator)
    url = reverse("run-today", args=[run.project.slug, run.pk])
    assert client.post(reverse("api-run-today", args=[run.pk])).status_code == 202
    Job.objects.update(state="failed", message="A photo cannot be read.")
    page = text_of(client.get(url))
    assert "A photo cannot be read." in page and 'hx-trigger="load"' not in page


def test_faces_of_other_projects_never_show(faces, make_report, make_version, owner, client_for):
    other = create_project("Another house", by=owner)
    run = make_report(make_version(project=other), mistakes=[mistake(faces[0].pk, faces[1].pk)])
    page = text_of(client_for(owner).get(run_url(run)))
    assert page.count("face removed") == 2
    assert "media/faces" not in page


def test_pages_of_runs_ask_a_fixed_number_of_questions(faces, make_report, project, engineer, client_for):
    client = client_for(engineer)

    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    few = make_report(mistakes=[mistake(faces[0].pk, faces[1].pk)])
    counted = queries(run_url(few)), queries(list_url(project))
    with CaptureQueriesContext(connection) as strip:
        loop_steps(project)
    many = make_report(few.version, [mistake(face.pk, 10**9) for face in faces] * 9, [f"P{n}" for n in range(40)])
    assert (queries(run_url(many)), queries(list_url(project))) == counted
    # Session, user, project, role asked for and role held; then the run, its people and their number, the faces of
    # its errors, remarks about them, figures with today's labels, the versions before and AP in them, the baselines of
    # its version and tags; or the runs, the baselines of their versions, whether there is a version, and the choices of
    # two forms with their tags, those that must be made twice.
    assert [number - len(strip) for number in counted] == [13, 12]


# --- taking it along ---


def test_the_csv_has_every_person_and_no_formula(make_report, annotator, client_for):
    run = make_report()
    answer = client_for(annotator).get(run_url(run), {"download": "csv"})
    assert answer["Content-Disposition"] == f'attachment; filename="lobby-cameras-run{run.pk}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["identity_name"] for row in rows} == {HOSTILE, "Ben", f"'{FORMULA}"}
    by_name = {row["identity_name"]: row for row in rows}
    assert by_name["Ben"]["ap"] == "0.8"
    assert by_name[f"'{FORMULA}"]["ap"] == ""
    assert by_name["Ben"]["taken_for"] == "Ben (2)"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_cells_that_would_be_formulas_are_made_text(start):
    assert cell(f"{start}1+1") == f"'{start}1+1"
    assert cell(f"a{start}") == f"a{start}"


def test_numbers_stay_numbers():
    assert cell(-0.5) == -0.5
    assert cell(None) is None


def test_the_json_has_all_that_was_measured(make_report, annotator, client_for):
    run = make_report()
    answer = client_for(annotator).get(run_url(run), {"download": "json"})
    content = json.loads(answer.content)
    assert content["metrics"] == run.metrics
    assert content["curves"] == run.curves
    assert len(content["identities"]) == 3
    assert content["content_hash"] == run.version.content_hash
    assert answer["Content-Type"] == "application/json"


def test_an_unknown_download_is_the_page_itself(make_report, annotator, client_for):
    assert "<html" in text_of(client_for(annotator).get(run_url(make_report()), {"download": "exe"}))
