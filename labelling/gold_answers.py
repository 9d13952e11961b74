"""Answers to photos whose truth is known: kept beside the labels, and told right from wrong."""

from uuid import UUID

from labelling.gold import as_if_new
from labelling.matching import match_boxes
from labelling.models import Event, Image, Lease
from labelling.opinions import keep_opinion, rows_said
from labelling.said import Row, in_words, seen, who_it_is, with_people_of_now
from labelling.submit import FaceWord, must_be_current, must_be_free


def answer(image: Image, words: list[FaceWord], *, by, version: int, event_id: UUID, lease=None) -> Event:
    """Under the image's lock: keep what `by` says about a known photo. No label and no version changes by it."""
    must_be_free(image, by)
    must_be_current(image, version)
    said = rows_said(image, as_if_new(list(image.faces.all())), words)
    told = compare(said, image.gold.truth)
    right = sum(face["right"] for face in told)
    event = keep_opinion(image, said, by=by, event_id=event_id, is_gold=True, right=right, wrong=len(told) - right)
    Lease.objects.filter(image=image, user=by).delete()
    return event


def compare(said: list[Row], truth: list[Row]) -> list[dict]:
    """Each face that one of both has: {"key", "said", "truth", "right"}, both in words."""
    said, truth = with_people_of_now([seen(said), seen(truth)])
    pairs = match_boxes([row["box"] for row in said], [row["box"] for row in truth])
    met = [(said[i], truth[j]) for i, j, _ in pairs]
    missed = [(None, row) for j, row in enumerate(truth) if j not in {pair[1] for pair in pairs}]
    invented = [(row, None) for i, row in enumerate(said) if i not in {pair[0] for pair in pairs}]
    return [
        {
            "key": (ours or theirs)["key"],
            "said": in_words(ours),
            "truth": in_words(theirs),
            "right": bool(ours and theirs and who_it_is(ours) == who_it_is(theirs)),
        }
        for ours, theirs in (*met, *missed, *invented)
    ]
