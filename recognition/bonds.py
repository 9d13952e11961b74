"""What people said about who is and who is not the same, made into what a suggestion may say."""

from collections import defaultdict
from collections.abc import Collection

from labelling.models import Bond, Constraint, Face, Project


class Bonds:
    """The constraints that touch some waiting faces.

    One person's faces form a group: faces joined by MUST, directly or through others. What is said of one of them
    holds for all. A CANNOT with a face named P means: not P. It outweighs a MUST, as a person said so explicitly.
    """

    def __init__(self, project: Project, face_ids: Collection[int]):
        self._head: dict[int, int] = {}
        for face, other in Constraint.objects.filter(project=project, bond=Bond.MUST).values_list("face", "other"):
            self._join(face, other)
        self._members: dict[int, set[int]] = defaultdict(set)
        for face in self._head:
            self._members[self.group(face)].add(face)
        wanted = {mate for face in face_ids for mate in self.mates(face)}
        self._person_of: dict[int, int] = {}
        self._not: dict[int, set[int]] = defaultdict(set)
        self._read(wanted)

    def _join(self, face: int, other: int) -> None:
        self._head.setdefault(face, face)
        self._head.setdefault(other, other)
        self._head[self.group(other)] = self.group(face)

    def group(self, face: int) -> int:
        """Equal for faces that are one person."""
        while self._head.get(face, face) != face:
            self._head[face] = face = self._head[self._head[face]]
        return face

    def mates(self, face: int) -> set[int]:
        """The face and all that are the same person."""
        return self._members.get(self.group(face)) or {face}

    def _read(self, faces: set[int]) -> None:
        apart = Constraint.objects.filter(bond=Bond.CANNOT)
        pairs = [
            *apart.filter(face__in=faces, other__isnull=False).values_list("face", "other"),
            *apart.filter(other__in=faces).values_list("other", "face"),
        ]
        mates_apart = {mate for _, other in pairs for mate in self.mates(other)}
        named = Face.objects.named().filter(pk__in=faces | mates_apart)
        self._person_of = dict(named.values_list("pk", "identity"))
        for face, other in pairs:
            self._not[self.group(face)] |= self._persons(self.mates(other))
        for face, person in apart.filter(face__in=faces, other=None).values_list("face", "identity"):
            self._not[self.group(face)].add(person)

    def _persons(self, faces: set[int]) -> set[int]:
        return {self._person_of[face] for face in faces if face in self._person_of}

    def ruled_out(self, face: int) -> set[int]:
        """People it is known not to be."""
        return self._not.get(self.group(face), set())

    def sure(self, face: int) -> tuple[int, int] | None:
        """The person a MUST names it, and the named face that says so; None when nobody or several are said."""
        said = {mate: self._person_of[mate] for mate in self.mates(face) if mate in self._person_of}
        people = set(said.values()) - self.ruled_out(face)
        if len(people) != 1:
            return None
        (person,) = people
        return person, min(mate for mate, whose in said.items() if whose == person)
