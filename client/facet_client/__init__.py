"""Takes versions of face data sets away from Facet.

data = facet_client.pull("https://facet.example", "lobby@golden", "lobby")
faces = data.faces()
"""

from facet_client.folder import NotPulled, VersionFolder
from facet_client.pulling import pull
from facet_client.server import ServerRefused, ServerUnreachable

__version__ = "0.1.0"
__all__ = ["NotPulled", "ServerRefused", "ServerUnreachable", "VersionFolder", "open", "pull"]


def open(folder) -> VersionFolder:
    """A version that was pulled before. Raises NotPulled where there is none."""
    return VersionFolder(folder)
