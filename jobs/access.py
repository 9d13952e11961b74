"""Who may see a job, and who may cancel, pause and retry it.

Projects and members live in a layer above this one, so the rule is handed in from there at start
(`labelling.apps`). Until then nobody sees anything.
"""

from collections.abc import Callable

from django.db.models import Q

Rule = Callable[[object], Q]


def _nobody(user) -> Q:
    return Q(pk__in=[])


_visible: Rule = _nobody
_cancellable: Rule = _nobody


def set_rules(*, visible: Rule, cancellable: Rule) -> None:
    """Install the rules: each takes a user and returns a filter over Job rows."""
    global _visible, _cancellable
    _visible, _cancellable = visible, cancellable


def visible_to(user) -> Q:
    return _visible(user)


def cancellable_by(user) -> Q:
    return _cancellable(user)
