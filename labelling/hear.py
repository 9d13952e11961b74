"""Where somebody's word about a photo goes: into its labels, among blind opinions, or to a known photo's answers."""

from uuid import UUID

from django.db import transaction

from labelling.access import require_role
from labelling.gold import is_asked
from labelling.gold_answers import answer
from labelling.models import Event, Image, ImageState, Role
from labelling.opinions import give_opinion
from labelling.overlap import is_blind, wanted
from labelling.remarks import return_answered
from labelling.submit import SUBMITS, FaceWord, replayed, submit_image


def hear(image: Image, words: list[FaceWord], *, by, version: int, event_id: UUID, lease: UUID | None = None) -> Event:
    """Take the word in. `event.verb` tells what became of it; errors are those of `submit_image`."""
    word = {"by": by, "version": version, "event_id": event_id, "lease": lease}
    if image.state == ImageState.PROPOSED and image.assigned_to_id is None and wanted(image) <= 1:
        # By far the most frequent case. What changes it raises the version too, so nothing has to be asked.
        return submit_image(image, words, **word)
    with transaction.atomic():
        image = Image.objects.select_for_update(of=("self",)).select_related("project", "gold").get(pk=image.pk)
        replay = replayed(event_id, by=by, image=image, verbs=SUBMITS)
        if replay:
            return replay
        if is_blind(image):
            return give_opinion(image, words, **word)
        if is_asked(image, by):
            return answer(image, words, **word)
        if image.state == ImageState.DISPUTED or hasattr(image, "gold"):
            require_role(by, image.project, Role.REVIEWER)
        event = submit_image(image, words, **word)
        return_answered(image, event, by=by)
        return event
