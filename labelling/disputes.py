"""What people said about one photo, face by face and side by side, for whoever has to decide."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from labelling.matching import match_boxes
from labelling.models import Image, Opinion
from labelling.said import Row, in_words, seen, who_it_is, with_people_of_now


@dataclass(frozen=True)
class Voice:
    """One person's opinion."""

    opinion: int
    user: str
    faces: Sequence[Row]


@dataclass
class Place:
    """Somewhere in the photo where somebody saw a face; the rows of those who did, by opinion."""

    rows: dict[int, Row] = field(default_factory=dict)

    @property
    def box(self) -> list[float]:
        return next(iter(self.rows.values()))["box"]


def voices_about(images: Collection[Image]) -> dict[int, list[Voice]]:
    """Those by whom each photo was settled, by its id, the first first. In two queries however many photos."""
    opinions = list(
        Opinion.objects.filter(image__in=images, is_gold=False, settled_at__isnull=False)
        .select_related("user")
        .order_by("image_id", "pk")
    )
    rows = with_people_of_now([opinion.faces for opinion in opinions])
    voices: dict[int, list[Voice]] = {image.pk: [] for image in images}
    for opinion, faces in zip(opinions, rows, strict=True):
        name = opinion.user.get_username() if opinion.user else "somebody who left"
        voices[opinion.image_id].append(Voice(opinion.pk, name, faces))
    return voices


def side_by_side(voices: Sequence[Voice]) -> list[dict]:
    """Each place with what can be said of it, most heard first; `agreed` when there is no choice, and those last."""
    places: list[Place] = []
    for voice in voices:
        rows = seen(voice.faces)
        pairs = match_boxes([place.box for place in places], [row["box"] for row in rows])
        for place, row, _ in pairs:
            places[place].rows[voice.opinion] = rows[row]
        met = {row for _, row, _ in pairs}
        places += [Place({voice.opinion: row}) for index, row in enumerate(rows) if index not in met]
    places.sort(key=lambda place: (place.box[0], place.box[1]))
    return sorted((_choice(place, voices) for place in places), key=lambda choice: choice["agreed"])


def _choice(place: Place, voices: Sequence[Voice]) -> dict:
    options: dict[object, dict] = {}
    for voice in voices:
        row = place.rows.get(voice.opinion)
        said = who_it_is(row) if row else None
        if said not in options:
            options[said] = {
                "words": in_words(row),
                "opinion": voice.opinion if row else None,
                "key": row["key"] if row else None,
                "box": row["box"] if row else None,
                "by": [],
            }
        options[said]["by"].append(voice.user)
    ranked = sorted(options.values(), key=lambda option: -len(option["by"]))
    return {"box": place.box, "agreed": len(ranked) == 1, "options": ranked}
