"""Erases a person: everything about them goes, in all layers, and a report without their name says what went.

One job does it, in steps that can be done again: killed at any moment, it goes on where it was. Layers above add
their own steps (`add_step`); names are taken out of texts by `erase_words.py`. The erasure is done when the last step
is, and is never called done before.
"""

import uuid
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from jobs.enqueue import enqueue
from jobs.errors import TryLater
from jobs.models import Job
from jobs.work import Work
from labelling import erase_photos, erase_words, storage
from labelling.errors import Refused
from labelling.models import (
    Cluster,
    Constraint,
    Erasure,
    ErasureState,
    Event,
    Face,
    Identity,
    Image,
    Intake,
    LedgerEntry,
    PhotoFate,
    Project,
    Suggestion,
    Verb,
)
from labelling.signals import announce, names_changed

# (erasure, ids of the people, their class ids, names, work): what it did, for the report.
Step = Callable[[Erasure, list[int], list[int], erase_words.Names, Work], dict]
_steps: dict[str, Step] = {}
_previews: list[Callable[[Project, list[int]], dict]] = []
EVENTS_AT_ONCE = 500


def add_step(name: str, step: Step) -> None:
    """Steps are done in the order in which they were added, layer by layer."""
    _steps.setdefault(name, step)


def add_preview(preview: Callable[[Project, list[int]], dict]) -> None:
    """(project, class ids): what else would go, in numbers and lists."""
    if preview not in _previews:
        _previews.append(preview)


def everyone(identity: Identity) -> list[Identity]:
    """The person and all who were merged into them, whose rows still have names."""
    people, fresh = [identity], [identity]
    while fresh:
        fresh = list(Identity.objects.filter(merged_into__in=fresh).order_by("pk"))
        people += fresh
    return people


def preview(identity: Identity) -> dict:
    """What would go, in numbers."""
    people = everyone(identity)
    ids, project = [person.pk for person in people], identity.project
    waiting = Suggestion.objects.filter(identity__in=ids, rank=1, face__in=Face.objects.waiting().values("pk"))
    found = {
        "names": [person.name for person in people] + [alias for person in people for alias in person.aliases],
        "faces": Face.objects.filter(identity__in=ids).count(),
        **erase_photos.counts(project, ids),
        "suggested_faces": waiting.count(),
        "events": Event.objects.filter(project=project, identities__overlap=ids).count(),
    }
    for look in _previews:
        found |= look(project, [person.class_id for person in people])
    return found


@transaction.atomic
def erase_person(
    identity: Identity, *, by=None, confirm: str, alone=PhotoFate.DELETE, shared=PhotoFate.PAINT
) -> Erasure:
    """Ask for it. From this moment nobody finds the person any more. Asked again, an erasure that stopped goes on.

    confirm: the person's name, typed by whoever asks. Raises Refused.
    """
    identity = Identity.objects.select_for_update(of=("self",)).select_related("project").get(pk=identity.pk)
    known = Erasure.objects.filter(identity=identity).select_related("job").first()
    if known:
        return _go_on(known, by)
    if identity.merged_into_id:
        raise Refused(f"“{identity.name}” was merged into “{identity.merged_into.name}”; erase that person.")
    if " ".join(confirm.split()).casefold() != identity.name.casefold():
        raise Refused("Type the person's name to confirm.", fields={"confirm": ["Not the name."]})
    now = timezone.now()
    Identity.objects.filter(pk__in=[person.pk for person in everyone(identity)]).update(erased_at=now)
    erasure = Erasure.objects.create(
        project=identity.project, identity=identity, class_id=identity.class_id, alone=alone, shared=shared, asked_by=by
    )
    announce(names_changed, identity.project_id)
    return _ask(erasure, by)


def _go_on(erasure: Erasure, by) -> Erasure:
    if erasure.state == ErasureState.DONE or (erasure.job and erasure.job.is_active):
        return erasure
    return _ask(erasure, by)


def _ask(erasure: Erasure, by) -> Erasure:
    erasure.job = enqueue(
        "erase",
        title=f"Erase person {erasure.class_id}",
        project_id=erasure.project_id,
        params={"erasure": erasure.pk},
        key=f"erase:{erasure.pk}:{uuid.uuid4().hex}",
        by=by,
        result_url=f"/p/{erasure.project.slug}/erasures/{erasure.pk}/",
    )
    erasure.save(update_fields=["job"])
    return erasure


def erase(erasure: Erasure, work: Work) -> dict:
    """Every step, again where it was interrupted; then the end."""
    if erasure.state == ErasureState.DONE:
        return {"report": erasure.report}
    people = everyone(erasure.identity)
    ids, class_ids = [person.pk for person in people], [person.class_id for person in people]
    names = erase_words.Names(erasure.project, people)
    must_be_quiet(erasure, work)
    _note(erasure, work, "before", _before(erasure, ids))
    erase_photos.erase_photos(erasure, ids, work)
    _erase_rows(ids, work)
    for name, step in _steps.items():
        work.progress(message=f"Erasing: {name}")
        _note(erasure, work, name, step(erasure, ids, class_ids, names, work))
    work.progress(message="Erasing history")
    _note(erasure, work, "history", {"events": _erase_events(erasure, ids, work)})
    work.progress(message="Erasing names")
    _note(erasure, work, "texts", {"rows": erase_words.take_out(erasure.project, names, work)})
    _end(erasure, ids, work)
    return {"said": "Everything about the person is gone."}


def must_be_quiet(erasure: Erasure, work: Work) -> None:
    """What reads labels at length may have read the person's before they went; it has to end first."""
    readers = ("freeze", "export", "compare", "train", "evaluate", "import", "intake")
    busy = Job.objects.in_project(erasure.project_id).filter(kind__in=readers, lease_until__isnull=False)
    if busy.exists():
        raise TryLater("Other work of this project has to end first.")


def _before(erasure: Erasure, ids: list[int]) -> dict:
    """What there was. A later run keeps what the first one wrote: by then less is there."""
    if "before" in erasure.report:
        return erasure.report["before"]
    found = preview(erasure.identity)
    del found["names"]
    return found


def _note(erasure: Erasure, work: Work, name: str, found: dict) -> None:
    """Numbers add up over interruptions: what was done before is not there any more to be counted."""
    with work.chunk(0):
        row = Erasure.objects.select_for_update().get(pk=erasure.pk)
        was = row.report.get(name, {}) if name != "before" else {}
        row.report[name] = {key: _added(was.get(key), value) for key, value in (was | found).items()}
        row.save(update_fields=["report"])
    erasure.report = row.report


def _added(was, now):
    if isinstance(now, bool) or was is None or (was == now and not isinstance(now, int)):
        return now
    if isinstance(now, int) and isinstance(was, int):
        return was + now
    if isinstance(now, list) and isinstance(was, list):
        return was + [one for one in now if one not in was]
    return now


def _erase_rows(ids: list[int], work: Work) -> None:
    """What speaks of the people in other rows of this layer."""
    with work.chunk():
        Suggestion.objects.filter(identity__in=ids).delete()
        Constraint.objects.filter(identity__in=ids).delete()
        Cluster.objects.filter(identity__in=ids).update(identity=None, probability=0)
        Image.objects.filter(claimed_identity__in=ids).update(claimed_identity=None)
        Intake.objects.filter(identity__in=ids).update(identity=None)
        LedgerEntry.objects.filter(suggested__in=ids).update(suggested=None, ranked=[])
        LedgerEntry.objects.filter(chosen__in=ids).update(chosen=None)


def _erase_events(erasure: Erasure, ids: list[int], work: Work) -> int:
    """What was said about the people, and about photos they were in: that it was said stays, with who and when."""
    about = Event.objects.filter(project=erasure.project_id, erased=False, identities__overlap=ids)
    count = 0
    for events in (about, _about_photos(erasure)):
        while found := list(events.order_by("pk").values_list("pk", flat=True)[:EVENTS_AT_ONCE]):
            with work.chunk(0):
                erase_words.allow_erasing()
                count += Event.objects.filter(pk__in=found).update(before={}, after={}, erased=True)
    return count


def _about_photos(erasure: Erasure):
    """Each snapshot of such a photo holds the boxes of all its faces. Photos that are gone are in no table any more;
    their events have lost their photo."""
    painted = Image.objects.filter(
        project=erasure.project_id, sha256__in=erasure.photos.exclude(new_sha256="").values("new_sha256")
    )
    pks = list(painted.values_list("pk", flat=True))
    events = Event.objects.filter(project=erasure.project_id, erased=False, created_at__lte=erasure.asked_at)
    return events.filter(images__overlap=pks) if pks else events.none()


def _end(erasure: Erasure, ids: list[int], work: Work) -> None:
    """Only once nothing is left, which is looked at here once more."""
    with work.chunk():
        rows = Identity.objects.select_for_update().filter(pk__in=ids).order_by("pk")
        people = list(rows)
        if Face.objects.filter(identity__in=ids).exists() or erasure.photos.filter(objects_gone=False).exists():
            raise TryLater("Somebody named a face of that person just now.")
        Suggestion.objects.filter(identity__in=ids).delete()  # of a worker that was at it all the while
        for person in people:
            Identity.objects.filter(pk=person.pk).update(
                name=f"(erased person {person.class_id})", aliases=[], notes="", target_count=None, consent_basis="",
                consent_date=None, consent_expiry=None,
            )  # fmt: skip
        row = Erasure.objects.select_for_update().get(pk=erasure.pk)
        row.report["photos"] = _photos_report(row)
        row.state, row.finished_at = ErasureState.DONE, timezone.now()
        row.save(update_fields=["report", "state", "finished_at"])
        Event.objects.create(
            project_id=erasure.project_id, actor=erasure.asked_by, verb=Verb.ERASE, identities=[erasure.identity_id],
            after={"class_id": erasure.class_id}, erased=True,
        )  # fmt: skip
        announce(names_changed, erasure.project_id)


def _photos_report(erasure: Erasure) -> dict:
    return {
        "deleted": erasure.photos.filter(new_sha256="").count(),
        "painted": erasure.photos.exclude(new_sha256="").count(),
        "not_deletable": list(erasure.photos.exclude(elsewhere="").values_list("elsewhere", flat=True)),
    }


def staged_left(project: Project) -> int:
    """Archives and clips that wait to be taken in; nobody has looked what they show."""
    return sum(1 for _ in storage.listed(f"{storage.project_prefix(project.pk)}staged/"))
