"""Freezing only some of it: by who is in a face, quality, consent, session, person and date.

What is left out is counted under the first filter that it does not pass, in the order of `FILTERS`: the counts add up
to all that was confirmed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Least

from labelling.errors import Refused
from labelling.models import Face, FaceState, Identity, Image, ImageState, Project, Who

MOST_LISTED = 500
# As the form, the API and the command name them; and what was left out is counted in this order.
FILTERS = {
    "sessions": "other capture sessions",
    "not_sessions": "capture sessions left out by name",
    "taken": "taken at another time, or nobody knows when",
    "sharpness": "photos less sharp",
    "brightness": "photos too dark or too bright",
    "who": "faces of another kind",
    "face_size": "faces too small",
    "people": "other people",
    "not_people": "people left out by name",
    "consent": "people without a consent that runs, and faces without a name",
}
NO_FACE_LEFT = "photos of which no face was left"


@dataclass(frozen=True)
class Filters:
    """What a face and its photo must have to be frozen; whatever is empty asks for nothing.

    who: kinds of confirmed faces. people, not_people: class ids; `names` tells how they were called then. min_face: the
    shorter side of the box, in pixels of the upright photo. taken_from, taken_to: ISO days in UTC, both included.
    consent_on: an ISO day on which the person's consent must have been given and not ended.
    """

    who: tuple[str, ...] = ()
    min_face: float | None = None
    min_sharpness: float | None = None
    min_brightness: float | None = None
    max_brightness: float | None = None
    consent_on: str = ""
    sessions: tuple[str, ...] = ()
    not_sessions: tuple[str, ...] = ()
    people: tuple[int, ...] = ()
    not_people: tuple[int, ...] = ()
    taken_from: str = ""
    taken_to: str = ""
    names: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.as_dict())

    def as_dict(self) -> dict:
        """Only what is asked for: nothing asked for is nothing stored."""
        asked = {name: value for name, value in asdict(self).items() if value not in (None, "", (), {})}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}

    @classmethod
    def from_dict(cls, stored: Mapping) -> "Filters":
        known = {one.name for one in fields(cls)}
        lists = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
        return cls(**{name: value for name, value in lists.items() if name in known})

    def photo_fails(self) -> dict[str, Q]:
        """What a photo must not be, by filter."""
        rules = {
            "sessions": ~Q(session__in=self.sessions) if self.sessions else None,
            "not_sessions": Q(session__in=self.not_sessions) if self.not_sessions else None,
            "taken": self._taken_at_another_time(),
            "sharpness": Q(sharpness__lt=self.min_sharpness) if self.min_sharpness is not None else None,
            "brightness": _outside("brightness", self.min_brightness, self.max_brightness),
        }
        return {name: rule for name, rule in rules.items() if rule is not None}

    def face_fails(self) -> dict[str, Q]:
        """What a face must not be, by filter; `shorter` is its shorter side."""
        rules = {
            "who": ~Q(who__in=self.who) if self.who else None,
            "face_size": Q(shorter__lt=self.min_face) if self.min_face is not None else None,
            "people": _is_not(Q(identity__class_id__in=self.people)) if self.people else None,
            "not_people": Q(identity__class_id__in=self.not_people) if self.not_people else None,
            "consent": _is_not(_consents(self.consent_on)) if self.consent_on else None,
        }
        return {name: rule for name, rule in rules.items() if rule is not None}

    def _taken_at_another_time(self) -> Q | None:
        if not (self.taken_from or self.taken_to):
            return None
        outside = Q(taken_at=None)
        if self.taken_from:
            outside |= Q(taken_at__lt=_begin(self.taken_from))
        if self.taken_to:
            outside |= Q(taken_at__gte=_begin(self.taken_to) + timedelta(days=1))
        return outside


def _begin(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)


def _outside(name: str, low: float | None, high: float | None) -> Q | None:
    rules = [Q(**{f"{name}__lt": low})] if low is not None else []
    rules += [Q(**{f"{name}__gt": high})] if high is not None else []
    return rules[0] | rules[-1] if rules else None


def _is_not(person: Q) -> Q:
    """Faces of nobody are of none of these people."""
    return Q(identity=None) | ~person


def _consents(day: str) -> Q:
    given = ~Q(identity__consent_basis="") | Q(identity__consent_date__isnull=False)
    begun = Q(identity__consent_date=None) | Q(identity__consent_date__lte=day)
    runs = Q(identity__consent_expiry=None) | Q(identity__consent_expiry__gte=day)
    return given & begun & runs


def confirmed_faces(project_id: int) -> QuerySet:
    """Only what a person confirmed, named or not. Proposals and what is no face stay out."""
    return Face.objects.filter(project_id=project_id, state=FaceState.CONFIRMED)


def finished_photos(project_id: int) -> QuerySet:
    """Photos that a person is done with, those without any face too, and all that hold a confirmed face."""
    confirmed = Face.objects.filter(image=OuterRef("pk"), state=FaceState.CONFIRMED)
    return Image.objects.filter(Q(state=ImageState.LABELLED) | Exists(confirmed), project_id=project_id)


def faces_that_pass(project_id: int, filters: Filters) -> QuerySet:
    faces = confirmed_faces(project_id)
    return _judged_faces(faces, filters).filter(left_out_by="") if filters else faces


def photos_that_pass(project_id: int, filters: Filters) -> QuerySet:
    """Photos with a face that passes, and those in which nobody found any face, unless only some people are wanted.

    A photo whose faces are all left out is left out too: it would teach a detector that there is none.
    """
    photos = finished_photos(project_id)
    return _judged_photos(photos, filters).filter(left_out_by="") if filters else photos


def what_passes(project_id: int, filters: Filters) -> dict[str, int]:
    """How many faces, photos and people a version would hold."""
    faces = faces_that_pass(project_id, filters)
    photos = photos_that_pass(project_id, filters).count()
    return {"faces": faces.count(), "photos": photos, "people": confirmed_people(faces)}


def left_out(project_id: int, filters: Filters) -> dict:
    """How many faces and photos each filter left out: `{"filter", "words", "faces", "photos"}` of each asked for."""
    if not filters:
        return {}
    faces = _counts(_judged_faces(confirmed_faces(project_id), filters))
    photos = _counts(_judged_photos(finished_photos(project_id), filters))
    asked = [name for name in FILTERS if name in filters.photo_fails() or name in filters.face_fails()]
    rows = [
        {"filter": name, "words": FILTERS[name], "faces": faces.get(name, 0), "photos": photos.get(name, 0)}
        for name in asked
    ]
    if photos.get("no_face_left"):
        none_left = {"filter": "no_face_left", "words": NO_FACE_LEFT, "faces": 0, "photos": photos["no_face_left"]}
        rows.append(none_left)
    kept = confirmed_people(faces_that_pass(project_id, filters))
    return {"filters": rows, "filtered_people": confirmed_people(confirmed_faces(project_id)) - kept}


def confirmed_people(faces: QuerySet) -> int:
    return faces.filter(identity__isnull=False).order_by().values("identity").distinct().count()


def _counts(judged: QuerySet) -> dict[str, int]:
    rows = judged.order_by().values_list("left_out_by").annotate(number=Count("*"))
    return {name: number for name, number in rows if name}


def _judged_faces(faces: QuerySet, filters: Filters) -> QuerySet:
    """`left_out_by`: the first filter that a face, or its photo, does not pass; empty when it passes all."""
    mine = Image.objects.filter(pk=OuterRef("image"))
    of_photos = {name: Exists(mine.filter(rule)) for name, rule in filters.photo_fails().items()}
    return _judged(faces, {**of_photos, **filters.face_fails()})


def _judged(faces: QuerySet, rules: Mapping) -> QuerySet:
    whens = [When(rule, then=Value(name)) for name, rule in rules.items()]
    return faces.annotate(shorter=Least(F("w"), F("h"))).annotate(left_out_by=Case(*whens, default=Value("")))


def _judged_photos(photos: QuerySet, filters: Filters) -> QuerySet:
    whens = [When(rule, then=Value(name)) for name, rule in filters.photo_fails().items()]
    if filters.face_fails():
        mine = Face.objects.filter(image=OuterRef("pk"), state=FaceState.CONFIRMED)
        passes = _judged(mine, filters.face_fails()).filter(left_out_by="")
        without = "people" if filters.people else ""
        whens += [
            When(Exists(passes), then=Value("")),
            When(~Exists(mine), then=Value(without)),
            When(Q(pk__isnull=False), then=Value("no_face_left")),
        ]
    return photos.annotate(left_out_by=Case(*whens, default=Value("")))


def read_filters(project: Project, asked: Mapping, *, today: date) -> Filters:
    """Filters as people write them: names of people and sessions, days, `consent` yes or no. Raises Refused in words.

    people, not_people: names, or class ids of the project.
    """
    low, high = asked.get("min_brightness"), asked.get("max_brightness")
    if low is not None and high is not None and low > high:
        raise Refused("The least brightness is above the most.", fields={"min_brightness": ["Above the most."]})
    begin, end = asked.get("taken_from"), asked.get("taken_to")
    if begin and end and begin > end:
        raise Refused("“Taken from” is after “taken to”.", fields={"taken_from": ["After the end."]})
    wanted, unwanted = (_people(project, asked, name) for name in ("people", "not_people"))
    both = set(wanted) & set(unwanted)
    if both:
        raise Refused(f"“{wanted[min(both)]}” is both wanted and left out.", fields={"not_people": ["Wanted too."]})
    sessions, not_sessions = (_sessions(project, asked, name) for name in ("sessions", "not_sessions"))
    if set(sessions) & set(not_sessions):
        twice = min(set(sessions) & set(not_sessions))
        raise Refused(f"The session “{twice}” is both wanted and left out.", fields={"not_sessions": ["Wanted too."]})
    who = tuple(sorted(asked.get("who") or ()))
    return Filters(
        who=() if set(who) >= set(Who.values) else who,
        min_face=asked.get("min_face"),
        min_sharpness=asked.get("min_sharpness"),
        min_brightness=low,
        max_brightness=high,
        consent_on=today.isoformat() if asked.get("consent") else "",
        sessions=sessions,
        not_sessions=not_sessions,
        people=tuple(sorted(wanted)),
        not_people=tuple(sorted(unwanted)),
        taken_from=begin.isoformat() if begin else "",
        taken_to=end.isoformat() if end else "",
        names={str(class_id): name for class_id, name in sorted({**wanted, **unwanted}.items())},
    )


def _people(project: Project, asked: Mapping, field: str) -> dict[int, str]:
    """Class id and name of each person asked for."""
    wanted = _listed(asked, field)
    found: dict[int, str] = {}
    for text in wanted:
        called = Identity.objects.in_project(project)
        person = called.called(text).first() or (called.filter(class_id=int(text)).first() if _is_id(text) else None)
        if person is None:
            raise Refused(f"Nobody is called “{text}” in this project.", fields={field: [text]})
        found[person.class_id] = person.name
    return found


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _sessions(project: Project, asked: Mapping, field: str) -> tuple[str, ...]:
    wanted = _listed(asked, field)
    there = set(Image.objects.filter(project=project, session__in=wanted).values_list("session", flat=True).distinct())
    for text in wanted:
        if text not in there:
            raise Refused(f"There is no capture session “{text}” in this project.", fields={field: [text]})
    return tuple(wanted)


def _listed(asked: Mapping, field: str) -> list[str]:
    wanted = sorted({str(text).strip() for text in asked.get(field) or ()} - {""})
    if len(wanted) > MOST_LISTED:
        raise Refused(f"At most {MOST_LISTED} can be listed; these are {len(wanted)}.", fields={field: ["Too many."]})
    return wanted


def in_words(filters: Filters) -> list[str]:
    """What was asked for, a short sentence each."""
    kinds = dict(Who.choices)

    def called(ids: Iterable[int]) -> str:
        return ", ".join(filters.names.get(str(one), f"person {one}") for one in ids)

    said = [
        (filters.who, f"only faces that are {', '.join(kinds.get(one, one) for one in filters.who)}"),
        (filters.min_face is not None, f"faces of {filters.min_face or 0:g} pixels or more"),
        (filters.min_sharpness is not None, f"photos with a sharpness of {filters.min_sharpness or 0:g} or more"),
        (filters.min_brightness is not None, f"photos with a brightness of {filters.min_brightness or 0:g} or more"),
        (filters.max_brightness is not None, f"photos with a brightness of {filters.max_brightness or 0:g} at most"),
        (filters.consent_on, f"only people whose consent runs on {filters.consent_on}"),
        (filters.sessions, f"only the sessions {', '.join(filters.sessions)}"),
        (filters.not_sessions, f"without the sessions {', '.join(filters.not_sessions)}"),
        (filters.people, f"only {called(filters.people)}"),
        (filters.not_people, f"without {called(filters.not_people)}"),
        (filters.taken_from, f"taken on {filters.taken_from} or later"),
        (filters.taken_to, f"taken on {filters.taken_to} or earlier"),
    ]
    return [words for is_asked, words in said if is_asked]
