"""What labelling announces, after commit. Layers above listen; labelling never imports them."""

from functools import partial

from django.db import transaction
from django.dispatch import Signal

images_added = Signal()  # project_id
faces_boxed = Signal()  # project_id: boxes are new or moved, so their crops changed
names_changed = Signal()  # project_id: people said who somebody is
clusters_wanted = Signal()  # project_id: somebody looks at a project that was never clustered


def announce(signal: Signal, project_id: int) -> None:
    # Robust: the change is committed, and a listener that fails must not make it look as if it were not.
    transaction.on_commit(partial(signal.send, sender=None, project_id=project_id), robust=True)
