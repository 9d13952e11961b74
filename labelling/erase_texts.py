"""Where this layer keeps texts that may hold a person's name."""

from jobs.models import Job
from labelling.erase_words import Texts, register
from labelling.models import Batch, Event, Gold, Image, Intake, IntakeFile, Opinion, Project, Remark

REGISTERED = (
    Texts(Image, "project_id", ("name", "session", "note")),
    Texts(Intake, "project_id", ("name", "session", "note"), ("options",)),
    Texts(IntakeFile, "intake__project_id", ("path", "reason")),
    Texts(Remark, "project_id", ("text",)),
    Texts(Batch, "project_id", ("name",)),
    Texts(Event, "project_id", (), ("before", "after")),
    Texts(Opinion, "project_id", (), ("faces",)),
    Texts(Gold, "project_id", (), ("truth",)),
    Texts(Project, "pk", ("guidelines",)),
    Texts(Job, "project_id", ("title", "message", "log"), ("result",)),
)


def listen() -> None:
    register(*REGISTERED)
