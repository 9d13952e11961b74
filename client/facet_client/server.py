"""Asks a Facet server, and tries again where that may help. Nothing is written here."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

TRIES = 6
LONGEST_PAUSE = 20.0
HERE = {"localhost", "127.0.0.1", "::1"}
TRY_AGAIN = {429, 500, 502, 503, 504}


class ServerRefused(Exception):
    """The server says no, and asking again would not help. The message is the server's."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class ServerUnreachable(Exception):
    """No answer, after trying for a while."""


class Server:
    """One Facet server and a token for it. Safe to share between threads.

    The token goes to this server alone: redirects are not followed, and without https it goes to this machine only.
    """

    def __init__(self, url: str, token: str, *, at_once: int = 8):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServerRefused(0, f"“{url}” is no address of a Facet server, such as https://facet.example.")
        if parts.scheme == "http" and parts.hostname not in HERE:
            raise ServerRefused(0, "The token would travel unencrypted; use an https address.")
        if not token:
            raise ServerRefused(0, "No token: set FACET_TOKEN to one made on Facet's page “Tokens”.")
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers={"Authorization": f"Bearer {token}", "User-Agent": "facet-client"},
            timeout=httpx.Timeout(30, read=120),
            limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once),
        )
        self._closing = threading.Event()

    def post(self, path: str, body: dict) -> dict:
        return self._tried("POST", path, json=body).json()

    def get(self, path: str) -> httpx.Response:
        return self._tried("GET", path)

    @contextmanager
    def streamed(self, path: str, start: int = 0) -> Iterator[httpx.Response]:
        """The answer while it comes in, from byte `start` on where the server can."""
        head = {"Range": f"bytes={start}-"} if start else {}
        with self._http.stream("GET", path, headers=head) as answer:
            if answer.status_code >= 400:
                answer.read()
                _refuse(answer)
            yield answer

    def close(self) -> None:
        """Whoever waits to try again gives up."""
        self._closing.set()
        self._http.close()

    def pause(self, attempt: int, asked: str | None = None) -> None:
        """Longer each time, and never all threads at one moment. Raises ServerUnreachable when this was the last."""
        if attempt >= TRIES - 1 or self._closing.is_set():
            raise ServerUnreachable(f"{self.url} does not answer; run the same command again to go on.")
        pause = float(asked) if asked and asked.isdigit() else 0.5 * 2**attempt * random.uniform(0.7, 1.3)  # noqa: S311
        self._closing.wait(min(pause, LONGEST_PAUSE))

    def _tried(self, method: str, path: str, **options) -> httpx.Response:
        attempt = 0
        while True:
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError:
                self.pause(attempt)
            else:
                if answer.status_code not in TRY_AGAIN:
                    return answer if answer.is_success else _refuse(answer)
                self.pause(attempt, answer.headers.get("Retry-After"))
            attempt += 1


def _refuse(answer: httpx.Response):
    """Raises ServerRefused with the server's own sentence."""
    try:
        message = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = f"The server answers {answer.status_code}; is this the address of a Facet server?"
    if answer.status_code == 401:
        message = f"{message} The token is in FACET_TOKEN."
    raise ServerRefused(answer.status_code, message)
