"""What labelling announces, in the transaction that changes it. Layers above listen; labelling never imports them."""

from django.db.transaction import TransactionManagementError, get_connection
from django.dispatch import Signal

images_added = Signal()  # project_id
faces_boxed = Signal()  # project_id: boxes are new or moved, so their crops changed
names_changed = Signal()  # project_id: people said who somebody is
clusters_wanted = Signal()  # project_id: somebody looks at a project that was never clustered


def announce(signal: Signal, project_id: int) -> None:
    """Tell who listens, so that the jobs they ask for are committed with the change or not at all.

    A process that is killed the moment after its commit has then left nobody untold.
    """
    if not get_connection().in_atomic_block:
        raise TransactionManagementError("What changes is announced in the transaction that changes it.")
    signal.send(sender=None, project_id=project_id)
