"""What people of a project said, as the numpy side of clustering reads it. Runs in workers only."""

from collections import defaultdict

from labelling.models import Bond, Constraint, Face, Project
from recognition.grouping import Words
from recognition.known_faces import WAITING, KnownFaces


def read_words(project: Project, faces: KnownFaces) -> Words:
    """All that people said about who is and is not whom, and who stands in which photo."""
    said = Constraint.objects.filter(project=project)
    pairs = said.filter(other__isnull=False)
    not_person: dict[int, set[int]] = defaultdict(set)
    for face, person in said.filter(identity__isnull=False).values_list("face", "identity"):
        not_person[face].add(person)
    return Words(
        must=list(pairs.filter(bond=Bond.MUST).values_list("face", "other")),
        cannot=list(pairs.filter(bond=Bond.CANNOT).values_list("face", "other")),
        not_person=not_person,
        in_photo=in_photo(project, faces),
    )


def in_photo(project: Project, faces: KnownFaces) -> dict[int, set[int]]:
    """People named in each photo in which a face waits."""
    photos = set(faces.photos[faces.people == WAITING].tolist())
    there: dict[int, set[int]] = defaultdict(set)
    named = Face.objects.in_project(project).named()
    if len(photos) < 1000:
        named = named.filter(image__in=photos)
    for image, person in named.values_list("image_id", "identity_id").iterator(chunk_size=10_000):
        if image in photos:
            there[image].add(person)
    return there
