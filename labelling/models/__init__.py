from labelling.models.buckets import BucketObject, OriginalElsewhere
from labelling.models.clusters import Cluster, ClusterFace, ClusterKind, ClusterRun, PairQuestion
from labelling.models.constraints import Bond, Constraint
from labelling.models.detectors import DetectorSetup
from labelling.models.erasures import ErasedPhoto, Erasure, ErasureState, PhotoFate
from labelling.models.faces import Face, FaceState, Identity, Origin, Suggestion, Who
from labelling.models.history import Event, Verb
from labelling.models.images import Batch, Image, ImageState, Lease, LeasePurpose, QueueOrder, Skip
from labelling.models.intakes import FileStatus, Intake, IntakeFile, IntakeSource
from labelling.models.ledger import LedgerEntry, Outcome
from labelling.models.projects import ApiToken, Membership, Project, ProjectSettings, Role
from labelling.models.review import Gold, Opinion, Remark, RemarkKind

__all__ = [
    "ApiToken",
    "Batch",
    "Bond",
    "BucketObject",
    "Cluster",
    "ClusterFace",
    "ClusterKind",
    "ClusterRun",
    "Constraint",
    "DetectorSetup",
    "ErasedPhoto",
    "Erasure",
    "ErasureState",
    "Event",
    "Face",
    "FaceState",
    "FileStatus",
    "Gold",
    "Identity",
    "Image",
    "ImageState",
    "Intake",
    "IntakeFile",
    "IntakeSource",
    "Lease",
    "LeasePurpose",
    "LedgerEntry",
    "Membership",
    "Opinion",
    "Origin",
    "OriginalElsewhere",
    "Outcome",
    "PairQuestion",
    "PhotoFate",
    "Project",
    "ProjectSettings",
    "QueueOrder",
    "Remark",
    "RemarkKind",
    "Role",
    "Skip",
    "Suggestion",
    "Verb",
    "Who",
]
