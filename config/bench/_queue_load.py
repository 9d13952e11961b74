"""Annotators as a load: raw sockets and one thread in a process of its own, because it shares the processors.

Run as a script: reads its orders as JSON from stdin, writes what it saw as JSON to stdout. Uses no Django.
"""

import asyncio
import json
import random
import sys
import time
import uuid
from dataclasses import dataclass, field


class Connection:
    """One kept-alive HTTP connection of one annotator."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        self._reader = self._writer = None

    async def post(self, path: str, body: dict) -> tuple[int, bytes, float]:
        """Status, body and seconds from the first byte sent to the last one read."""
        data = json.dumps(body, separators=(",", ":")).encode()
        head = (
            f"POST {path} HTTP/1.1\r\n{self._head}Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        start = time.perf_counter()
        status, answer = await self._exchange(head.encode() + data)
        return status, answer, time.perf_counter() - start

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        # A server may close a connection that was idle; what it has not read can be sent again on a new one.
        for last_try in (False, True):
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
            try:
                self._writer.write(request)
                return await self._answer()
            except (asyncio.IncompleteReadError, ConnectionError):
                self.close()
                if last_try:
                    raise
        raise AssertionError("unreachable")

    async def _answer(self) -> tuple[int, bytes]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head[9:12])
        length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0].strip()
        body = await self._reader.readexactly(int(length)) if length else b""
        if b"connection: close" in head:
            self.close()
        return status, body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


@dataclass
class Seen:
    """What all annotators saw together."""

    next_s: list[float] = field(default_factory=list)
    submit_s: list[float] = field(default_factory=list)
    acknowledged: list[dict] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    duplicates: int = 0
    loops: int = 0
    holders: dict[int, int] = field(default_factory=dict)


class Annotator:
    def __init__(self, number: int, slug: str, connection: Connection, seen: Seen) -> None:
        self.number, self.connection, self.seen = number, connection, seen
        self._next = f"/api/v1/projects/{slug}/queue/next/"
        self._after = None

    async def work(self, until: float, pause_s: float) -> None:
        """Take a photo, decide, submit, until the clock says `until`; decide no sooner than `pause_s` apart."""
        due = time.perf_counter() + random.random() * pause_s  # noqa: S311 (not all in step)
        while True:
            await asyncio.sleep(max(0, due - time.perf_counter()))
            if time.perf_counter() >= until:
                return
            due = max(due + pause_s, time.perf_counter())
            await self._one(decide_s=pause_s * 0.8)

    async def _one(self, decide_s: float) -> None:
        status, body, took = await self.connection.post(self._next, {"after": self._after} if self._after else {})
        if status != 200:
            self.seen.refused.append(f"next {status}: {body[:200].decode(errors='replace')}")
            return
        self.seen.next_s.append(took)
        leased = json.loads(body)
        image = leased["image"]["id"]
        if self.seen.holders.setdefault(image, self.number) != self.number:
            self.seen.duplicates += 1
        await asyncio.sleep(decide_s)
        faces = [_word(face, place) for place, face in enumerate(leased["faces"])]
        event = str(uuid.uuid4())
        word = {"lease": leased["lease"], "version": leased["image"]["version"], "event_id": event, "faces": faces}
        status, body, took = await self.connection.post(f"/api/v1/images/{image}/submit/", word)
        self._after = image
        if status != 200:
            self.seen.refused.append(f"submit {status}: {body[:200].decode(errors='replace')}")
            return
        self.seen.submit_s.append(took)
        self.seen.loops += 1
        self.seen.acknowledged.append({"event": event, "image": image, "annotator": self.number, "faces": faces})


def _word(face: dict, place: int) -> dict:
    """Mostly the first name suggested; now and then nobody we know, or not a face."""
    said = {"id": face["id"], "box": face["box"]}
    if face["suggestions"] and place % 8 != 7:
        return {**said, "state": "confirmed", "who": "assigned", "identity": face["suggestions"][0]["identity"]["id"]}
    return {**said, "state": "confirmed", "who": "unknown", "identity": None}


async def _phase(orders: dict, connections: list[Connection], seconds: float, pause_s: float) -> dict:
    seen = Seen()
    crew = [Annotator(n, orders["slug"], connection, seen) for n, connection in enumerate(connections)]
    start = time.perf_counter()
    await asyncio.gather(*(one.work(start + seconds, pause_s) for one in crew))
    answer = {name: getattr(seen, name) for name in ("next_s", "submit_s", "acknowledged", "refused", "duplicates")}
    return {**answer, "loops_per_s": seen.loops / (time.perf_counter() - start)}


async def _all(orders: dict) -> dict:
    connections = [Connection(orders["port"], token) for token in orders["tokens"]]
    seen = {name: await _phase(orders, connections, seconds, pause) for name, seconds, pause in orders["phases"]}
    for connection in connections:
        connection.close()
    return seen


if __name__ == "__main__":
    json.dump(asyncio.run(_all(json.load(sys.stdin))), sys.stdout)
