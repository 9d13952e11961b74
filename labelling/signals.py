"""What labelling announces. Layers above listen; labelling never imports them."""

from functools import partial

from django.db.transaction import TransactionManagementError, get_connection, on_commit
from django.dispatch import Signal


class News(Signal):
    """makes_work: told in the transaction that makes the change, so that the jobs asked for are committed with it.

    A process that is killed the moment after its commit has then left no photo or face without its job. What follows
    from other news is made anew with the next; they are told after commit, as everybody who labels one project at a
    time would wait for the rows of the same jobs.
    """

    def __init__(self, *, makes_work: bool):
        super().__init__()
        self.makes_work = makes_work


images_added = News(makes_work=True)  # project_id
faces_boxed = News(makes_work=True)  # project_id: boxes are new or moved, so their crops changed
names_changed = News(makes_work=False)  # project_id: people said who somebody is
clusters_wanted = Signal()  # project_id: somebody looks at a project that was never clustered


def announce(news: News, project_id: int) -> None:
    if not get_connection().in_atomic_block:
        raise TransactionManagementError("What changes is announced in the transaction that changes it.")
    if news.makes_work:
        news.send(sender=None, project_id=project_id)
    else:
        # Robust: the change is committed, and a listener that fails must not make it look as if it were not.
        on_commit(partial(news.send, sender=None, project_id=project_id), robust=True)
