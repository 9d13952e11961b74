"""How a job can end other than by finishing."""


class JobFailed(Exception):
    """The work cannot be done as asked. The message is a sentence for people; trying again won't help."""


class TryLater(Exception):
    """Something outside is away for now (object store, network). The job is queued again, with a delay."""


class Cancelled(Exception):
    """Someone asked for this job to stop."""


class Paused(Exception):
    """Someone asked for this job to rest until it is resumed."""


class LostLease(Exception):
    """Another worker took this job over: whatever is not committed must not be written any more."""
