"""The page about the detector: what people's decisions tell, and from which confidence on faces are proposed."""

import hashlib
from uuid import uuid4

import pytest
from django.urls import reverse

from labelling.models import Event, Face, FaceState, Image, ImageState, Origin, Project, Verb
from labelling.proposals import ProposedFace, record_proposals
from labelling.submit import FaceWord, submit_image
from labelling.undo import undo_event
from recognition.detector_evidence import ENOUGH_FACES, read_evidence

HOSTILE = "<script>alert(1)</script>"
MTCNN = {
    "name": "mtcnn", "weights_sha256": "ab" * 32, "parameters": {"min_face_px": 20}, "least_score": 0.7,
    "min_score": 0.8,
}  # fmt: skip
BOXES = [(10 + 30 * place, 20, 24, 30) for place in range(30)]


def url(project) -> str:
    return reverse("review-detector", args=[project.slug])


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


def settings_of(project):
    return Project.objects.get(pk=project.pk).settings


@pytest.fixture
def search(project):
    """A photo with proposals of these scores, as a search leaves it."""

    def make(*scores, detector=MTCNN):
        number = Image.objects.count()
        image = Image.objects.create(
            project=project, sha256=hashlib.sha256(str(number).encode()).hexdigest(), name=f"{number}.jpg",
            byte_size=1, format="JPEG", width=1000, height=200, phash=0, sharpness=1, brightness=1,
        )  # fmt: skip
        found = [ProposedFace(box, score, None) for box, score in zip(BOXES, scores, strict=False)]
        record_proposals(image.pk, found, detector=detector)
        return Image.objects.get(pk=image.pk)

    return make


@pytest.fixture
def finish(annotator):
    """Somebody goes through the photo: rejects what stands at these places, confirms the rest, draws so many."""

    def submit(image, *, rejected=(), drawn=0, side=30):
        faces = list(image.faces.order_by("x"))
        words = [
            FaceWord(id=face.pk, state=FaceState.REJECTED if place in rejected else FaceState.CONFIRMED)
            for place, face in enumerate(faces)
        ]
        words += [FaceWord(box=(10 + 40 * place, 120, side, side)) for place in range(drawn)]
        return submit_image(image, words, by=annotator, version=image.version, event_id=uuid4())

    return submit


@pytest.fixture
def label(search, finish):
    return lambda *scores, detector=MTCNN, **said: finish(search(*scores, detector=detector), **said)


def figures(project):
    (evidence,) = read_evidence(project)
    curve = evidence.curve
    return curve.thresholds.tolist(), curve.hits.tolist(), curve.false_alarms.tolist(), curve.faces


def test_confirmed_rejected_and_drawn_boxes_make_the_curve(project, label):
    label(0.99, 0.9, 0.85, rejected=[2], drawn=1)
    label(0.95)
    assert figures(project) == ([0.99, 0.95, 0.9, 0.85], [1, 2, 3, 3], [0, 0, 0, 1], 4)


def test_a_drawn_face_too_small_to_have_been_looked_for_is_no_miss(project, label):
    label(0.99, drawn=2, side=15)
    assert figures(project)[-1] == 1


def test_photos_nobody_went_through_tell_nothing(project, search, finish):
    search(0.99)
    named_in_sort = search(0.9)
    Face.objects.filter(image=named_in_sort).update(state=FaceState.CONFIRMED)
    Image.objects.filter(pk=named_in_sort.pk).update(state=ImageState.LABELLED)
    taken_back = search(0.8)
    undo_event(finish(taken_back), by=taken_back.events.get().actor)
    assert read_evidence(project) == []


def test_photos_with_another_detectors_or_imported_boxes_tell_nothing(project, search, finish):
    mixed = search(0.99, 0.9)
    finish(mixed)
    Face.objects.filter(image=mixed).update(detector=search(detector=MTCNN | {"name": "yunet"}).searched_by)
    imported = search(0.99)
    finish(imported)
    Face.objects.filter(image=imported).update(origin=Origin.IMPORT)
    assert read_evidence(project) == []


def test_what_is_found_anew_in_a_decided_photo_leaves_it_with_its_first_detector(project, search, finish):
    image = search()
    finish(image, drawn=1)
    record_proposals(image.pk, [], detector=MTCNN | {"parameters": {"min_face_px": 10}})
    assert figures(project)[-1] == 1
    assert Image.objects.get(pk=image.pk).searched_by.description == MTCNN


def test_photos_searched_before_limits_were_noted_tell_nothing(project, label):
    label(0.99, detector={"name": "mtcnn"})
    assert read_evidence(project) == []


def test_curves_begin_where_every_photo_was_searched(project, label):
    label(0.99, 0.85)
    label(0.95, 0.75, detector=MTCNN | {"min_score": 0.7})
    (evidence,) = read_evidence(project)
    assert (evidence.floor, evidence.left_out) == (0.8, 0)
    # The face at 0.75 is one that 0.8 would have missed.
    assert figures(project) == ([0.99, 0.95, 0.85], [1, 2, 3], [0, 0, 0], 4)


def test_a_lower_confidence_is_taken_once_it_has_faces_enough(project, label):
    label(0.99)
    for _ in range(ENOUGH_FACES // 20):
        label(*[0.75] * 20, detector=MTCNN | {"min_score": 0.7})
    (evidence,) = read_evidence(project)
    assert (evidence.floor, evidence.left_out, len(evidence.photos)) == (0.7, 1, ENOUGH_FACES // 20)


def test_a_detector_finds_nothing_below_its_own_limit(project, label):
    label(0.99, detector=MTCNN | {"min_score": 0.2})
    assert read_evidence(project)[0].floor == MTCNN["least_score"]


def test_each_detector_has_its_own_figures_the_last_set_up_first(project, label):
    label(0.99, drawn=1)
    label(0.9, detector=MTCNN | {"name": "yunet"})
    label(0.95, detector=MTCNN | {"min_score": 0.9})  # the same detector, as sure as it had to be
    told = {evidence.setup.name: evidence.curve.faces for evidence in read_evidence(project)}
    assert told == {"mtcnn": 3, "yunet": 1} and next(iter(told)) == "mtcnn"


def test_before_anybody_went_through_a_photo_the_page_says_what_to_do(project, search, annotator, client_for):
    search(0.9)
    page = text_of(client_for(annotator).get(url(project)))
    assert "No photo tells anything yet" in page and "plotly" not in page


def test_the_page_shows_counts_and_says_when_there_are_too_few(project, label, engineer, client_for):
    label(0.99, 0.9, 0.85, rejected=[2])
    page = text_of(client_for(engineer).get(url(project)))
    assert "2 of 2 faces" in page and "Of 3 proposals 1 was rejected" in page
    assert "too few faces" in page and "more that were found are needed" in page
    assert "The curves begin at 0.80" in page


def test_a_recall_out_of_reach_asks_for_a_lower_confidence_to_be_tried(project, label, engineer, client_for):
    label(*[0.9] * 5, drawn=5)
    page = text_of(client_for(engineer).get(url(project)))
    assert "No confidence is known to find 95.0 % of the faces: down to 0.80 it were 50.0 %" in page
    assert "Propose from a lower one for a while" in page


def test_names_on_the_page_are_never_markup(project, label, engineer, client_for):
    label(0.9, detector=MTCNN | {"name": HOSTILE, "parameters": {HOSTILE: HOSTILE}})
    page = client_for(engineer).get(url(project)).content.decode()
    assert HOSTILE not in page and "&lt;script&gt;" in page


@pytest.fixture
def much(label):
    """200 faces: half at 0.99, the others at 0.9; rejected ones at 0.85."""
    for _ in range(10):
        label(*[0.99] * 10, *[0.9] * 10, *[0.85] * 2, rejected=[20, 21])


def test_an_engineer_asks_for_a_recall_and_gets_its_confidence(project, much, engineer, client_for):
    client = client_for(engineer)
    assert "they support <strong>0.900</strong>" in text_of(client.get(url(project)))
    answer = client.post(url(project), {"recall": "0.97"}, follow=True)
    assert "New photos are proposed faces from a confidence of 0.9 on." in text_of(answer)
    assert (settings_of(project).min_score, settings_of(project).recall_target) == (0.9, 0.97)


def test_a_recall_that_nothing_shows_is_noted_and_changes_nothing_else(project, much, engineer, client_for):
    answer = client_for(engineer).post(url(project), {"recall": "0.999"}, follow=True)
    assert "no confidence is known to keep it" in text_of(answer)
    assert (settings_of(project).min_score, settings_of(project).recall_target) == (0.8, 0.999)


def test_an_engineer_sets_a_confidence_by_hand(project, much, engineer, client_for):
    client_for(engineer).post(url(project), {"threshold": "0.7"})
    assert settings_of(project).min_score == 0.7


@pytest.mark.parametrize("sent", [{"recall": "0.2"}, {"recall": "1"}, {"recall": "nan"}, {"threshold": "2"}, {}])
def test_what_makes_no_sense_is_refused(project, engineer, client_for, sent):
    answer = client_for(engineer).post(url(project), sent, follow=True)
    assert "Nothing was changed" in text_of(answer)
    assert settings_of(project).as_dict() == project.settings.as_dict()


def test_annotators_and_reviewers_may_look_but_not_choose(project, much, annotator, reviewer, client_for):
    for user in (annotator, reviewer):
        client = client_for(user)
        assert "Set it</button>" not in text_of(client.get(url(project)))
        assert client.post(url(project), {"threshold": "0.5"}).status_code == 403
    assert settings_of(project).min_score == 0.8


def test_the_page_asks_the_same_number_of_queries_however_much_there_is(
    project, much, annotator, client_for, django_assert_max_num_queries
):
    client = client_for(annotator)
    with django_assert_max_num_queries(14):
        client.get(url(project))


def test_accepting_in_review_counts_as_having_looked(project, search, reviewer):
    image = search(0.9)
    Face.objects.filter(image=image).update(state=FaceState.CONFIRMED)
    Image.objects.filter(pk=image.pk).update(state=ImageState.LABELLED)
    Event.objects.create(project=project, actor=reviewer, verb=Verb.APPROVE, image=image, images=[image.pk])
    assert figures(project)[-1] == 1
