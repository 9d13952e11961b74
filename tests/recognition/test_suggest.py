"""Names for waiting faces, from what people confirmed and from what the source claims."""

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest

from jobs.models import Job, Queue, State
from jobs.work import claim, perform
from labelling.assign import assign_faces
from labelling.identities import get_or_create_identity
from labelling.models import Bond, Constraint, Face, Identity, Image, Suggestion
from labelling.undo import undo_event
from recognition.models import CalibrationFit

ANA, BEN, CEM = 1, 2, 3


@pytest.fixture
def suggest(project, work_off, ask_again):
    def run():
        ask_again(project, "suggest")
        for job in work_off(project, "suggest"):
            assert job.state == State.DONE
        return job

    return run


@pytest.fixture
def waiting(add_faces):
    """Four photos each of two people, nobody named."""
    return {
        person: [add_faces(f"{person}-{photo}", ((person, photo), None)).faces.get() for photo in range(4)]
        for person in (ANA, BEN)
    }


def name(project, face, who):
    return assign_faces(project, [face.pk], get_or_create_identity(project, who), by=None, event_id=uuid.uuid4())


def named(face):
    return [row.identity.name for row in face.suggestions.order_by("rank").select_related("identity")]


def assert_sound():
    """Ranks count from 1, the likeliest comes first, and shares of one face add up to 1 at most."""
    for face in Face.objects.prefetch_related("suggestions"):
        rows = list(face.suggestions.all())
        assert [row.rank for row in rows] == list(range(1, len(rows) + 1))
        own = [row.probability for row in rows if row.model_name != "source"]
        assert all(0 <= share <= 1 for share in own) and sum(own) <= 1 + 1e-9
        assert own == sorted(own, reverse=True)


def test_before_anybody_is_named_there_is_nothing_to_suggest(waiting, suggest):
    assert suggest().result["suggestions"] == 0
    assert not Suggestion.objects.exists()


def test_a_claim_is_suggested_before_anybody_is_named(add_faces, suggest):
    image = add_faces("filed", ((ANA, 1), None), claim="Ana", size=(140, 480))
    suggest()
    (row,) = Suggestion.objects.filter(face__image=image)
    assert (row.identity.name, row.rank, row.model_name, row.nearest_face) == ("Ana", 1, "source", None)


def test_each_name_helps_the_faces_that_wait(project, waiting, suggest):
    name(project, waiting[ANA][0], "Ana")
    suggest()
    assert all(named(face) == ["Ana"] for face in waiting[ANA][1:])
    like, unlike = (waiting[person][1].suggestions.get().probability for person in (ANA, BEN))
    assert like > unlike
    name(project, waiting[BEN][0], "Ben")
    suggest()
    assert all(named(face)[0] == "Ana" for face in waiting[ANA][1:])
    assert all(named(face)[0] == "Ben" for face in waiting[BEN][1:])
    assert_sound()


def test_a_suggestion_shows_the_confirmed_face_it_rests_on(project, waiting, suggest):
    name(project, waiting[ANA][0], "Ana")
    suggest()
    row = waiting[ANA][1].suggestions.get()
    assert row.nearest_face == waiting[ANA][0]
    assert 0.8 < row.similarity <= 1 and row.model_name == "dlib"


def test_two_faces_of_a_photo_are_never_suggested_as_one_person(project, waiting, add_faces, suggest):
    name(project, waiting[ANA][0], "Ana")
    name(project, waiting[BEN][0], "Ben")
    left, right = add_faces("twins", ((ANA, 20), None), ((ANA, 21), None)).faces.order_by("x")
    suggest()
    both = [person for face in (left, right) for person in named(face)]
    assert len(both) == len(set(both)) and "Ana" in both
    assert_sound()


def test_somebody_named_in_a_photo_is_not_suggested_there_again(project, waiting, add_faces, suggest):
    image = add_faces("again", ((ANA, 20), "Ana"), ((ANA, 21), None))
    name(project, waiting[BEN][0], "Ben")
    suggest()
    assert "Ana" not in named(image.faces.order_by("x").last())


def test_somebody_claimed_in_a_photo_is_not_suggested_for_a_bystander(project, waiting, add_faces, suggest):
    name(project, waiting[ANA][0], "Ana")
    image = add_faces("filed", ((ANA, 20), None), ((BEN, 21), None), claim="Ana", size=(500, 480))
    suggest()
    bystander, middle = image.faces.order_by("x")
    assert (named(bystander), named(middle)) == ([], ["Ana"])


def test_a_claim_comes_first_and_is_not_said_twice(project, waiting, add_faces, suggest):
    name(project, waiting[ANA][0], "Ana")
    name(project, waiting[BEN][0], "Ben")
    face = add_faces("filed", ((BEN, 20), None), claim="Ana", size=(140, 480)).faces.get()
    suggest()
    assert named(face) == ["Ana", "Ben"]
    assert_sound()


def test_suggestions_never_touch_what_a_face_is(project, waiting, suggest):
    name(project, waiting[ANA][0], "Ana")
    before = list(Face.objects.order_by("pk").values("pk", "state", "who", "identity", "version", "updated_at"))
    suggest()
    assert Suggestion.objects.exists()
    assert list(Face.objects.order_by("pk").values("pk", "state", "who", "identity", "version", "updated_at")) == before


def test_a_named_face_keeps_no_suggestions(project, waiting, suggest):
    name(project, waiting[ANA][0], "Ana")
    suggest()
    face = waiting[ANA][1]
    assert named(face)
    name(project, face, "Ana")
    suggest()
    assert not named(face) and named(waiting[ANA][2]) == ["Ana"]


def test_running_again_changes_nothing(project, waiting, suggest):
    name(project, waiting[ANA][0], "Ana")
    name(project, waiting[BEN][0], "Ben")
    columns = ("face", "rank", "identity", "probability", "similarity", "nearest_face", "model_name")
    suggest()
    before = list(Suggestion.objects.values(*columns))
    suggest()
    assert list(Suggestion.objects.values(*columns)) == before


def test_at_most_nine_people_are_suggested(project, add_faces, suggest):
    for person in range(1, 13):
        add_faces(f"known-{person}", ((person, 1), f"Person {person:02}"))
    face = add_faces("waits", ((5, 2), None)).faces.get()
    suggest()
    assert len(named(face)) == 9 and named(face)[0] == "Person 05"
    assert_sound()


# ── what people said about who is who ─────────────────────────────────────────────────────────────────────


@pytest.fixture
def say(project):
    def same(face, other):
        return _pair(project, Bond.MUST, face, other)

    def apart(face, other):
        return _pair(project, Bond.CANNOT, face, other)

    def not_this(face, who):
        identity = get_or_create_identity(project, who)
        return Constraint.objects.create(project=project, bond=Bond.CANNOT, face=face, identity=identity)

    return SimpleNamespace(same=same, apart=apart, not_this=not_this)


def _pair(project, bond, *faces):
    face, other = sorted(faces, key=lambda face: face.pk)
    return Constraint.objects.create(project=project, bond=bond, face=face, other=other)


def test_who_it_is_not_is_never_suggested_again(project, waiting, say, suggest):
    name(project, waiting[ANA][0], "Ana")
    name(project, waiting[BEN][0], "Ben")
    face, others = waiting[ANA][1], waiting[ANA][2:]
    say.not_this(face, "Ana")
    suggest()
    assert named(face) == ["Ben"]
    assert all(named(other)[0] == "Ana" for other in others)
    name(project, others[0], "Ana")
    suggest()
    assert named(face) == ["Ben"]


def test_a_face_apart_from_somebodys_face_is_not_that_person(project, waiting, say, suggest):
    name(project, waiting[ANA][0], "Ana")
    say.apart(waiting[ANA][1], waiting[ANA][0])
    say.apart(waiting[ANA][2], waiting[ANA][3])  # nobody knows yet who either is
    suggest()
    assert [named(face) for face in waiting[ANA][1:]] == [[], ["Ana"], ["Ana"]]


def test_one_person_with_a_named_face_is_suggested_first_and_surely(project, waiting, say, suggest):
    name(project, waiting[ANA][0], "Ana")
    name(project, waiting[BEN][0], "Ben")
    chain = waiting[BEN][1], waiting[BEN][2], waiting[ANA][0]
    say.same(chain[0], chain[1])
    say.same(chain[1], chain[2])
    suggest()
    for face in chain[:2]:
        first = face.suggestions.get(rank=1)
        assert (first.identity.name, first.nearest_face) == ("Ana", waiting[ANA][0]) and first.probability > 0.95
    assert named(waiting[BEN][3])[0] == "Ben"
    assert_sound()


def test_not_this_person_outweighs_the_same_person(project, waiting, say, suggest):
    name(project, waiting[ANA][0], "Ana")
    say.same(waiting[ANA][0], waiting[ANA][1])
    say.not_this(waiting[ANA][1], "Ana")
    suggest()
    assert named(waiting[ANA][1]) == []


def test_a_mirror_may_show_one_person_twice(project, waiting, add_faces, say, suggest):
    name(project, waiting[ANA][0], "Ana")
    left, right = add_faces("mirror", ((ANA, 20), None), ((ANA, 21), None)).faces.order_by("x")
    say.same(left, right)
    suggest()
    assert (named(left), named(right)) == (["Ana"], ["Ana"])


def test_a_claim_that_was_denied_is_not_made_again(add_faces, say, suggest):
    face = add_faces("filed", ((ANA, 1), None), claim="Ana", size=(140, 480)).faces.get()
    say.not_this(face, "Ana")
    suggest()
    assert named(face) == []


# ── which model said so ───────────────────────────────────────────────────────────────────────────────────


def test_suggestions_say_which_weights_and_calibration_made_them(project, waiting, add_faces, suggest):
    name(project, waiting[ANA][0], "Ana")
    suggest()
    first = waiting[ANA][1].suggestions.get()
    weights, calibration = first.model_version.split("-")
    assert len(weights) == len(calibration) == 8 and not CalibrationFit.objects.exists()
    for person in range(10):
        for photo in range(4):
            add_faces(f"known-{person}-{photo}", ((person, photo), f"Person {person}"))
    suggest()
    fit = CalibrationFit.objects.get()
    assert fit.version.startswith(weights) and fit.version != first.model_version
    assert fit.faces == 41
    assert waiting[BEN][0].suggestions.first().model_version == fit.version


def test_one_more_name_makes_no_new_version(project, waiting, add_faces, suggest):
    for person in range(10):
        for photo in range(4):
            add_faces(f"known-{person}-{photo}", ((person, photo), f"Person {person}"))
    suggest()
    name(project, waiting[ANA][0], "Ana")
    suggest()
    assert CalibrationFit.objects.count() == 1


# ── how doubtful and how needed a photo is ────────────────────────────────────────────────────────────────


def rated(face):
    face.image.refresh_from_db()
    return face.image.doubt, face.image.need


def test_a_photo_is_as_doubtful_as_its_least_certain_face(project, waiting, add_faces, suggest):
    name(project, waiting[ANA][0], "Ana")
    both = add_faces("both", ((ANA, 30), None), ((CEM, 31), None)).faces.order_by("x")
    suggest()
    chances = [max((row.probability for row in face.suggestions.all()), default=0) for face in both]
    assert rated(both[0])[0] == pytest.approx(1 - min(chances), abs=0.005)
    assert rated(both[0])[0] > rated(waiting[ANA][1])[0]


def test_a_photo_is_needed_as_its_people_lack_faces(project, waiting, suggest):
    name(project, waiting[ANA][0], "Ana")
    name(project, waiting[BEN][0], "Ben")
    Identity.objects.filter(name="Ana").update(target_count=4)
    suggest()
    needed, enough = rated(waiting[ANA][1])[1], rated(waiting[BEN][1])[1]
    assert 0.5 < needed <= 0.75 and enough < needed


def test_rating_a_photo_is_no_change_of_it(project, waiting, suggest):
    versions = dict(Image.objects.values_list("pk", "version"))
    name(project, waiting[ANA][0], "Ana")
    versions[waiting[ANA][0].image_id] += 1
    suggest()
    assert waiting[BEN][1].image.doubt == 0 and rated(waiting[BEN][1])[0] > 0
    assert dict(Image.objects.values_list("pk", "version")) == versions


# ── many waiting photos ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def crowded(monkeypatch):
    """As if the project had too many waiting faces to compare them all after each name."""
    monkeypatch.setattr("recognition.suggest.FEW", 0)
    monkeypatch.setattr("recognition.freshness.AHEAD", 0)


def test_among_many_a_name_reaches_the_faces_like_it_at_once(project, waiting, suggest, crowded, monkeypatch):
    suggest()
    monkeypatch.setattr("recognition.freshness.LIKES", 3)
    name(project, waiting[ANA][0], "Ana")
    suggest()
    assert all(named(face) == ["Ana"] for face in waiting[ANA][1:])
    assert not any(named(face) for face in waiting[BEN])


def test_among_many_the_rest_follows_behind(project, waiting, suggest, crowded, work_off, monkeypatch):
    suggest()
    monkeypatch.setattr("recognition.freshness.LIKES", 1)
    name(project, waiting[ANA][0], "Ana")
    suggest()
    assert sum(bool(named(face)) for face in waiting[ANA]) == 1
    (job,) = work_off(project, "suggest_everywhere")
    assert (job.queue, job.state) == (Queue.BULK, State.DONE)
    assert all(named(face) for face in waiting[ANA][1:] + waiting[BEN])


def test_among_many_a_name_taken_back_is_not_suggested_any_more(project, waiting, suggest, crowded):
    suggest()
    event = name(project, waiting[ANA][0], "Ana")
    suggest()
    assert named(waiting[ANA][1]) == ["Ana"]
    undo_event(event, by=None)
    suggest()
    assert not Suggestion.objects.exists()


def test_among_many_the_photos_handed_out_next_are_compared(project, waiting, suggest, crowded, monkeypatch):
    monkeypatch.setattr("recognition.freshness.AHEAD", 2)
    monkeypatch.setattr("recognition.freshness.LIKES", 0)
    suggest()
    name(project, waiting[BEN][3], "Ben")
    suggest()
    assert [bool(named(face)) for face in waiting[ANA]] == [True, True, False, False]


def test_names_in_quick_succession_wait_together(project, waiting, work_off, monkeypatch):
    monkeypatch.setattr("recognition.work_left.SUGGEST_PAUSE", timedelta(minutes=5))  # however slow this machine is
    for face in waiting[ANA]:
        name(project, face, "Ana")
        jobs = Job.objects.filter(kind="suggest", project_id=project.pk)
        work_off(project, "suggest")
    assert [job.state for job in jobs.order_by("pk")] == [State.DONE, State.QUEUED]
    assert jobs.get(state=State.QUEUED).not_before is not None


def test_what_nobody_could_tell_apart_is_not_written_again(project, waiting, suggest):
    name(project, waiting[ANA][0], "Ana")
    suggest()
    before = set(Suggestion.objects.values_list("pk", flat=True))
    name(project, waiting[ANA][1], "Ana")
    suggest()
    kept = set(Suggestion.objects.filter(face__in=waiting[ANA][2:]).values_list("pk", flat=True))
    assert suggest().result["suggestions"] == 0
    assert set(Suggestion.objects.filter(face__in=waiting[ANA][2:]).values_list("pk", flat=True)) == kept
    assert before


def test_a_second_run_waits_for_the_first(project, add_faces, ask_again, work_off):
    add_faces("one", ((1, 0), "Ann"))
    add_faces("two", ((1, 1), None))
    first, second = ask_again(project, "suggest"), ask_again(project, "suggest")
    claim(first.pk)
    perform(second.pk)
    second.refresh_from_db()
    assert (second.state, Suggestion.objects.count()) == (State.DONE, 0)
    again = Job.objects.get(project_id=project.pk, kind="suggest", state=State.QUEUED)
    Job.objects.filter(pk=first.pk).update(state=State.DONE, lease_until=None)
    Job.objects.filter(pk=again.pk).update(not_before=None)
    perform(again.pk)
    assert Suggestion.objects.get().identity.name == "Ann"
