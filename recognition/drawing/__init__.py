"""Synthetic people: photos with known truth for the demo, the tests and load tests, and of nobody real."""

from .folder import FolderInUse, SampleSummary, write_sample
from .names import person_name
from .scene import DrawnFace, DrawnPhoto, draw_portrait, draw_scene

__all__ = [
    "DrawnFace",
    "DrawnPhoto",
    "FolderInUse",
    "SampleSummary",
    "draw_portrait",
    "draw_scene",
    "person_name",
    "write_sample",
]
