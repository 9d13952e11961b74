from labelling.models.faces import Face, FaceState, Identity, Origin, Suggestion, Who
from labelling.models.history import Event, Verb
from labelling.models.images import Image, ImageState, Lease
from labelling.models.projects import ApiToken, Membership, Project, ProjectSettings, Role

__all__ = [
    "ApiToken",
    "Event",
    "Face",
    "FaceState",
    "Identity",
    "Image",
    "ImageState",
    "Lease",
    "Membership",
    "Origin",
    "Project",
    "ProjectSettings",
    "Role",
    "Suggestion",
    "Verb",
    "Who",
]
