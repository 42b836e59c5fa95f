"""A small server that speaks the model hub's protocol, for the hub's real client library to talk to."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
_LARGE = 10_000  # from here on a file is kept as the hub keeps large files: a SHA-256, behind a redirect


@dataclass
class Hub:
    """What is served, and how badly. `repositories` maps a name to {path: content}; paths are served as they are.

    `drop_after`: the connection breaks after so many bytes of a file, once each; `stall_after`: nothing more comes
    after so many bytes, until the entry is gone; `damaged`: files whose bytes arrive changed; `status`: HTTP statuses
    to answer with first; `ranges`: whether part of a file may be asked for.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    drop_after: dict[str, list[int]] = field(default_factory=dict)
    stall_after: dict[str, int] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    status: dict[str, list[int]] = field(default_factory=dict)
    ranges: bool = True
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    sent: int = 0
    tokens: list[str | None] = field(default_factory=list)
    url: str = ""

    def asked(self, path: str) -> list[str | None]:
        """Return the Range headers of the requests for the bytes of a file."""
        return [span for method, asked, span in self.requests if method == "GET" and asked.endswith(f"/{path}")]

    def siblings(self, repository: str) -> list[dict[str, Any]]:
        return [_sibling(path, content) for path, content in self.repositories[repository].items()]


@contextmanager
def serving(**repositories: dict[str, bytes]) -> Iterator[Hub]:
    """Serve on this machine while the block runs."""
    hub = Hub(dict(repositories))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _sibling(path: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    values: dict[str, Any] = {"rfilename": path, "size": len(content), "blobId": digest}
    if len(content) >= _LARGE:
        values["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return values


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        self.hub.tokens.append(self.headers.get("Authorization"))
        if listing := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self._list(listing[1], listing[2] or "main", parse_qs(address.query))
        elif file := re.fullmatch(r"(/large)?/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(file[2], file[3], file[4], redirect=not file[1])
        else:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})

    def _list(self, repository: str, revision: str, query: dict[str, list[str]]) -> None:
        if self._refused(repository):
            return
        if repository not in self.hub.repositories:
            self._send(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif revision not in {"main", REVISION}:
            self._send(404, b'{"error": "Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
        else:
            assert query["blobs"][0].lower() == "true"
            values = {"id": repository, "modelId": repository, "sha": REVISION, "private": False, "tags": []}
            values["siblings"] = self.hub.siblings(repository)
            self._send(200, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def _file(self, repository: str, revision: str, path: str, redirect: bool) -> None:
        if self._refused(path):
            return
        content = self.hub.repositories.get(repository, {}).get(path)
        if content is None or revision not in {"main", REVISION}:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        elif redirect and len(content) >= _LARGE:
            sibling = _sibling(path, content)
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{sibling["lfs"]["sha256"]}"'}
            self._send(302, b"", {"X-Repo-Commit": REVISION, "Location": f"{self.hub.url}/large{self.path}", **linked})
        else:
            self._bytes(path, content)

    def _bytes(self, path: str, content: bytes) -> None:
        """Send a file or the asked part of it, and break the connection where it is to break."""
        if path in self.hub.damaged:
            content = bytes([content[0] ^ 1]) + content[1:]
        span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "") if self.hub.ranges else None
        start = int(span[1]) if span else 0
        if span and start >= len(content):
            self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        headers = {
            "X-Repo-Commit": REVISION,
            "ETag": f'"{_sibling(path, content)["blobId"]}"',
            "Accept-Ranges": "bytes",
        }
        if span:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        drops = self.hub.drop_after.get(path)
        stop = drops.pop(0) if drops else self.hub.stall_after.get(path)
        self._send(206 if span else 200, content[start:], headers, stop)
        while path in self.hub.stall_after:
            time.sleep(0.05)

    def _refused(self, path: str) -> bool:
        if not self.hub.status.get(path):
            return False
        self._send(self.hub.status[path].pop(0), b"", {})
        return True

    def _send(self, status: int, body: bytes, headers: dict[str, str], drop_after: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            part = body if drop_after is None else body[:drop_after]
            self.hub.sent += len(part)
            self.wfile.write(part)
            self.wfile.flush()
        self.close_connection = self.close_connection or drop_after is not None
