"""What can go wrong with an embedded service, said in one sentence for people."""


class EmbeddedError(Exception):
    """An embedded service could not start or has ended; the text names it and what to do."""
