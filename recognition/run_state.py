"""Where a training stands, in the object store: whoever takes the job over goes on from there."""

import hashlib

from jobs.work import Work
from labelling import storage
from recognition.models import Run


class RunCheckpoints:
    """One object an epoch under the run's folder; the row names the last one, and always one that is there."""

    def __init__(self, run: Run, work: Work):
        self.run, self.work = run, work
        self.folder = f"{storage.project_prefix(run.project_id)}runs/{run.pk}/"

    def last(self) -> bytes | None:
        """None where there is none, or where it is not what was stored."""
        known = Run.objects.values_list("checkpoint", flat=True).get(pk=self.run.pk)
        if not known:
            return None
        try:
            data = storage.get(known["key"])
        except storage.ObjectMissing:
            return None
        return data if hashlib.sha256(data).hexdigest() == known["sha256"] else None

    def __call__(self, epoch: int, data: bytes) -> None:
        # Object, then row, then the one before: killed in between, the row still names one that is whole.
        before = self.run.checkpoint
        named = {"epoch": epoch, "key": f"{self.folder}{epoch:05d}.safetensors"}
        storage.put(named["key"], data)
        self.work.check()
        self.run.checkpoint = {**named, "sha256": hashlib.sha256(data).hexdigest()}
        Run.objects.filter(pk=self.run.pk).update(checkpoint=self.run.checkpoint)
        if before and before["key"] != named["key"]:
            storage.delete(before["key"])

    def forget(self) -> None:
        """All of them, those as well that a killed worker left behind."""
        for stored in list(storage.listed(self.folder)):
            storage.delete(stored.key)
