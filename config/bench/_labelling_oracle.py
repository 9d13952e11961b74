"""A person at the Sort screen, and the same person with Label alone: sees what the screens show, counts each key.

They know whom the face in the middle of a photo shows, as the folder it lay in says; everybody else is a stranger.
They are not perfect: of wrong faces among right ones they overlook some, most of those that nothing marks.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from config.bench._api_client import ApiClient, ApiError

STRANGER = None
# Of the wrong faces of a grid: how many are overlooked when they are marked as doubtful, and when they are not.
OVERLOOKED_MARKED, OVERLOOKED = 0.02, 0.1
DIGITS = 9
PATIENCE_S = 60


@dataclass
class Score:
    actions: Counter = field(default_factory=Counter)
    said: dict[int, str | None] = field(default_factory=dict)  # face: person, None for a stranger
    reranks: list[float] = field(default_factory=list)
    overlooked: int = 0
    screens: int = 0

    @property
    def total(self) -> int:
        return sum(self.actions.values())


class NamePicker:
    """How many letters of a name it takes until the server finds one person only, and Enter."""

    def __init__(self, client: ApiClient, slug: str):
        self._client, self._slug = client, slug
        self._known: dict[str, int] = {}

    def keys(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = 1 + self._letters(name)
        return self._known[name]

    def _letters(self, name: str) -> int:
        for count in range(1, len(name) + 1):
            found = self._client.get(f"projects/{self._slug}/identities/?q={quote(name[:count])}&limit=2")["results"]
            if len(found) == 1 and found[0]["name"] == name:
                return count
        return len(name)


class Sorter:
    """Plays the Sort screen until nothing waits."""

    def __init__(self, client: ApiClient, slug: str, truth: dict[int, str | None], say: Callable[[str], None]):
        self.client, self.slug, self.truth, self.say = client, slug, truth, say
        self.picker = NamePicker(client, slug)
        self.score = Score()

    def sort_all(self) -> Score:
        idle_since = None
        while True:
            answer = self.client.get(f"projects/{self.slug}/clusters/")
            if answer["results"]:
                idle_since = None
                self._look_at(answer["results"][0], answer["ranked_at"])
                self._tell(answer)
                continue
            idle_since = idle_since or time.monotonic()
            if answer["state"] == "none" or not self._is_waiting() or time.monotonic() - idle_since > PATIENCE_S:
                return self.score
            time.sleep(0.25)

    def _is_waiting(self) -> bool:
        return len(self.score.said) < len(self.truth)

    def _tell(self, answer: dict) -> None:
        self.score.screens += 1
        if self.score.screens % 25 == 0:
            waiting, clusters = answer["waiting_faces"], answer["waiting_clusters"]
            self.say(f"{self.score.total} actions, {waiting:,} faces in {clusters:,} groups wait …")

    def _look_at(self, cluster: dict, ranked_at: str) -> None:
        faces = list(cluster["faces"])
        whom = self._chosen(cluster, faces)
        faces += self._merged(cluster, whom)
        kept, out, keys = self._knock_out(faces, whom)
        self.score.actions["knock out"] += keys
        body = {"faces": kept, "source": "sort", "seen": {str(face["id"]): face["version"] for face in faces}}
        if whom is STRANGER:
            self.score.actions["unknown"] += 1
            self._send("decide", {**body, "as": "unknown"})
        else:
            self._count_name(cluster, whom)
            strangers = out if cluster["kind"] == "person" else []
            self._send("assign", {**body, "identity": {"name": whom}, "strangers": strangers})
        self.score.said |= dict.fromkeys(kept, whom)
        self._await_ranking(ranked_at)

    def _chosen(self, cluster: dict, faces: list[dict]) -> str | None:
        """The person most of these are, or nobody; the proposed one where that is equal."""
        counted = Counter(self.truth[face["id"]] for face in faces)
        proposed = cluster["identity"]["name"] if cluster["identity"] else None
        return max(counted, key=lambda whom: (counted[whom], whom == proposed, whom is not STRANGER))

    def _merged(self, cluster: dict, whom: str | None) -> list[dict]:
        """M, when the group beside it is plainly the same person and would be called by another name."""
        beside = cluster["neighbour"]
        if not beside or whom is STRANGER or beside["size"] > len(beside["faces"]):
            return []
        own_name = beside["identity"] and beside["identity"]["name"] == whom
        if own_name or any(self.truth[face["id"]] != whom for face in beside["faces"]):
            return []
        self.score.actions["merge"] += 1
        return beside["faces"]

    def _knock_out(self, faces: list[dict], whom: str | None) -> tuple[list[int], list[int], int]:
        """Faces kept and knocked out, and the keys for it: one for each, two for a range, or the other way round."""
        wrong = [self.truth[face["id"]] != whom and self._notices(face) for face in faces]
        kept = [face["id"] for face, is_wrong in zip(faces, wrong, strict=True) if not is_wrong]
        out = [face["id"] for face, is_wrong in zip(faces, wrong, strict=True) if is_wrong]
        keys = min(_range_keys(wrong), 1 + _range_keys([not is_wrong for is_wrong in wrong]))
        return kept, out, keys

    def _notices(self, face: dict) -> bool:
        overlooked = OVERLOOKED_MARKED if face["doubtful"] else OVERLOOKED
        sees = random.Random(face["id"]).random() >= overlooked  # noqa: S311 (the same in every run)
        self.score.overlooked += not sees
        return sees

    def _count_name(self, cluster: dict, whom: str) -> None:
        if cluster["identity"] and cluster["identity"]["name"] == whom:
            self.score.actions["accept"] += 1
        elif whom in [other["identity"]["name"] for other in cluster["alternatives"][:DIGITS]]:
            self.score.actions["digit"] += 1
        else:
            self.score.actions["typed"] += self.picker.keys(whom)

    def _send(self, verb: str, body: dict) -> None:
        path = f"projects/{self.slug}/faces/{verb}/"
        try:
            self.client.decide(path, body)
        except ApiError as error:
            if error.code != "twice":
                raise
            self.score.actions["twice"] += 1
            self.client.decide(path, {**body, "allow_twice": True})

    def _await_ranking(self, before: str) -> None:
        """A person looks at the next group meanwhile; here the clock tells how long they could."""
        start = time.monotonic()
        while time.monotonic() - start < PATIENCE_S:
            if self.client.get(f"projects/{self.slug}/clusters/?limit=1")["ranked_at"] != before:
                self.score.reranks.append(time.monotonic() - start)
                return
            time.sleep(0.05)  # oftener, asking would keep a processor from the workers


def _range_keys(marked: list[bool]) -> int:
    """Clicks to mark these: one for a face, two for a range from its first to its last."""
    keys = run = 0
    for is_marked in [*marked, False]:
        if is_marked:
            run += 1
        else:
            keys += min(run, 2)
            run = 0
    return keys


class Labeller:
    """Plays the Label screen, photo by photo, until the queue is empty."""

    def __init__(self, client: ApiClient, slug: str, truth: dict[int, str | None], threshold: float):
        self.client, self.slug, self.truth, self.threshold = client, slug, truth, threshold
        self.picker = NamePicker(client, slug)
        self.score = Score()

    def label_all(self, pause: Callable[[], None], most: int) -> Score:
        while self.score.screens < most:
            leased = self.client.post(f"projects/{self.slug}/queue/next/", {})
            if not leased:
                break
            self._label(leased)
            self.score.screens += 1
            pause()
        return self.score

    def _label(self, leased: dict) -> None:
        faces = [face for face in leased["faces"] if face["who"] == "unassigned" and face["state"] != "rejected"]
        sure = self._accepted(leased["faces"], faces)
        for place, face in enumerate(faces):
            whom = self.truth.get(face["id"])
            self.score.said[face["id"]] = whom
            if whom is not STRANGER and sure.get(face["id"]) == whom:
                continue
            self.score.actions["select"] += place > 0  # the first is selected already
            suggested = [one["identity"]["name"] for one in face["suggestions"][:DIGITS]]
            if whom is STRANGER:
                self.score.actions["unknown"] += 1
            elif whom in suggested:
                self.score.actions["digit"] += 1
            else:
                self.score.actions["typed"] += self.picker.keys(whom)
        self.score.actions["enter"] += 1
        words = [self._word(face) for face in faces]
        image = leased["image"]
        self.client.decide(
            f"images/{image['id']}/submit/", {"lease": leased["lease"], "version": image["version"], "faces": words}
        )

    def _accepted(self, all_faces: list[dict], faces: list[dict]) -> dict[int, str]:
        """Whom Enter names: the surest first, nobody twice in a photo."""
        taken = {face["identity"]["name"] for face in all_faces if face["identity"]}
        sure = [face for face in faces if face["suggestions"]]
        sure = [face for face in sure if (face["suggestions"][0]["probability"] or 0) >= self.threshold]
        names = {}
        for face in sorted(sure, key=lambda face: -face["suggestions"][0]["probability"]):
            name = face["suggestions"][0]["identity"]["name"]
            if name not in taken:
                taken.add(name)
                names[face["id"]] = name
        return names

    def _word(self, face: dict) -> dict:
        whom = self.truth.get(face["id"])
        said = {"who": "unknown"} if whom is STRANGER else {"who": "assigned", "identity": {"name": whom}}
        return {"id": face["id"], "state": "confirmed", **said}
