"""What data sets announce. Layers above listen; datasets never imports them."""

from django.dispatch import Signal

version_ready = Signal()  # version: in the transaction that makes it ready, so that what follows is committed with it
