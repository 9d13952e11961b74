"""The public API over one kept-alive connection, as a program with a token uses it."""

import http.client
import json
import time
import uuid
from pathlib import Path

TRIES = 5


class ApiError(Exception):
    def __init__(self, status: int, answer: dict):
        super().__init__(f"{status}: {json.dumps(answer)[:300]}")
        self.status, self.answer = status, answer

    @property
    def code(self) -> str:
        return self.answer.get("error", {}).get("code", "")


class ApiClient:
    def __init__(self, port: int, token: str):
        self._address = ("127.0.0.1", port)
        self._head = {"Authorization": f"Bearer {token}"}
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> dict:
        return self._ask("GET", path)

    def post(self, path: str, body: dict) -> dict:
        return self._ask("POST", path, json.dumps(body).encode(), "application/json")

    def decide(self, path: str, body: dict) -> dict:
        """Post something that people said: with an event id, so that sending it again does no harm."""
        return self.post(path, {**body, "event_id": str(uuid.uuid4())})

    def upload(self, path: str, files: list[Path]) -> dict:
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n'
            "Content-Type: image/jpeg\r\n\r\n".encode()
            + file.read_bytes()
            + b"\r\n"
            for file in files
        ]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return self._ask("POST", path, body, f"multipart/form-data; boundary={boundary}")

    def _ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> dict:
        head = {**self._head, **({"Content-Type": content_type} if content_type else {})}
        for attempt in range(TRIES):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(*self._address, timeout=120)
                self._connection.request(method, f"/api/v1/{path}", body, head)
                response = self._connection.getresponse()
                text = response.read()
                break
            except (OSError, http.client.HTTPException):
                self._connection = None
                if attempt == TRIES - 1:
                    raise
                time.sleep(0.2)
        answer = json.loads(text) if text.startswith((b"{", b"[")) else {}
        if response.status >= 400:
            raise ApiError(response.status, answer)
        return answer
