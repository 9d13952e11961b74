"""What is known about a person beside their name: each change is an event, and is taken back field by field."""

import hashlib
import json
from datetime import date
from uuid import UUID

from django.db import transaction

from labelling.errors import AlreadyUsed, Refused, Stale
from labelling.identities import clean_name
from labelling.models import Event, Identity, Verb
from labelling.signals import announce, names_changed

FIELDS = ("aliases", "notes", "target_count", "consent_basis", "consent_date", "consent_expiry")
MOST_ALIASES = 100


def description(person: Identity) -> dict:
    """As plain values, for events."""
    values = {name: getattr(person, name) for name in FIELDS}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def fingerprint(person: Identity) -> str:
    """Short name of a description as it stands: who saves another one says which they saw."""
    return hashlib.sha256(json.dumps(description(person)).encode()).hexdigest()[:16]


def clean_aliases(person: Identity, names) -> list[str]:
    """Each once, letter case aside, in the order given; the person's own name is none."""
    kept = {}
    for name in map(clean_name, names):
        if name.casefold() != person.name.casefold():
            kept.setdefault(name.casefold(), name)
    if len(kept) > MOST_ALIASES:
        raise Refused(f"A person may have {MOST_ALIASES} aliases.", fields={"aliases": ["Too many."]})
    return list(kept.values())


@transaction.atomic
def describe_person(person: Identity, changes: dict, *, by, event_id: UUID, seen: str | None = None) -> Event | None:
    """Change some of FIELDS; None when nothing differs. Stale when the description is not the one that was `seen`."""
    replay = Event.objects.sent_before(event_id)
    if replay:
        if (replay.verb, replay.before.get("identity")) != (Verb.DESCRIBE, person.pk):
            raise AlreadyUsed("This event id was used for something else; make a new one.")
        return replay
    current = Identity.objects.select_for_update(no_key=True).get(pk=person.pk)
    if seen and seen != fingerprint(current):
        raise Stale(f"Somebody changed what is known about “{current.name}” since you opened this; look again.")
    before = description(current)
    for name in FIELDS:
        if name in changes:
            setattr(current, name, clean_aliases(current, changes[name]) if name == "aliases" else changes[name])
    if current.consent_date and current.consent_expiry and current.consent_expiry < current.consent_date:
        raise Refused("Consent cannot end before it was given.", fields={"consent_expiry": ["Before its date."]})
    after = description(current)
    changed = [name for name in FIELDS if after[name] != before[name]]
    if not changed:
        return None
    current.save(update_fields=changed)
    if "target_count" in changed:  # who lacks faces comes first in Sort and in the queue
        announce(names_changed, current.project_id)
    return Event.objects.create(
        id=event_id,
        project_id=current.project_id,
        actor=by,
        verb=Verb.DESCRIBE,
        before={"identity": current.pk, "name": current.name, **{name: before[name] for name in changed}},
        after={"identity": current.pk, "name": current.name, **{name: after[name] for name in changed}},
        identities=[current.pk],
    )


def describe_back(event: Event, by) -> None:
    person = Identity.objects.select_for_update(no_key=True).get(pk=event.after["identity"])
    now = description(person)
    fields = [name for name in FIELDS if name in event.after]
    if any(now[name] != event.after[name] for name in fields):
        raise Stale(f"What is known about “{person.name}” was changed again since; take that back first.")
    Identity.objects.filter(pk=person.pk).update(**{name: event.before[name] for name in fields})
    if "target_count" in fields:
        announce(names_changed, event.project_id)
