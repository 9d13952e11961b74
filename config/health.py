"""Tells a container's health check whether the web server answers: `python -m config.health`."""

import http.client
import os
import sys

PORT = 8000
_TIMEOUT_S = 5


def is_healthy() -> bool:
    """Ask for the login page as a proxy would, through TLS and under an allowed name."""
    host = os.environ.get("FACET_ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/login/", headers={"Host": host, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_healthy() else 1)
