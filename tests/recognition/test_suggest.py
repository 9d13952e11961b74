"""Names for waiting faces, from what people confirmed and from what the source claims."""

import uuid

import pytest

from jobs.models import State
from labelling.assign import assign_faces
from labelling.identities import get_or_create_identity
from labelling.models import Face, Suggestion

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
    assign_faces(project, [face.pk], get_or_create_identity(project, who), by=None, event_id=uuid.uuid4())


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
    assert suggest().result == {"suggestions": 0}
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
