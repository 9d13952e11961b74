"""A worker is killed while it exports photos in several files: another goes on, to the same bytes.

FACET_KILLS says how often it is tried, at moments drawn anew.
"""

import numpy as np
import pytest
from PIL import Image as Picture

from datasets.exports import start_export
from datasets.freeze import start_freeze
from datasets.models import Export, ExportState
from jobs.work import perform
from labelling import storage
from tests.datasets.exported import add_real_photo, encoded
from tests.datasets.test_killed_while_freezing import (
    KILLS,
    ended,
    kill_somewhere_within,
    seconds_it_takes,
    start_worker,  # noqa: F401  (a fixture)
)

pytestmark = pytest.mark.django_db(transaction=True)
PHOTOS = 24
ASKED = {"contents": "images", "part_mb": 1}


@pytest.fixture
def version(project, transactional_db):
    """Photos of noise, which no encoder makes small: several files of a megabyte."""
    import datasets.tasks  # noqa: F401  (registers the handlers)

    for seed in range(PHOTOS):
        noise = np.random.default_rng(seed).integers(0, 255, (400, 500, 3), dtype=np.uint8)
        add_real_photo(project, f"{seed}.jpg", encoded(Picture.fromarray(noise), quality=95), ["Ana"])
    version = start_freeze(project)
    perform(version.job_id)
    version.refresh_from_db()
    return version


def test_an_export_in_several_files_whose_worker_is_killed_is_the_same(start_worker, version):  # noqa: F811
    worker = start_worker()
    first = start_export(version, "webdataset", options=ASKED)
    usual = seconds_it_takes(ended(first.job))
    first.refresh_from_db()
    assert len(first.data_files) > 4
    for _ in range(KILLS):
        export = start_export(version, "webdataset", options=ASKED)
        kill_somewhere_within(worker, export.job, usual)
        worker = start_worker()
        ended(export.job)
        export.refresh_from_db()
        assert export.state == ExportState.DONE
        assert [file["sha256"] for file in export.files] == [file["sha256"] for file in first.files]
        assert all(storage.look_at(file["key"]).size == file["byte_size"] for file in export.files)
    assert Export.objects.filter(version=version, state=ExportState.DONE).count() == KILLS + 1
