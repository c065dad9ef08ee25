"""A model hub on a local port: the part of the protocol that a download uses, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubServer:
    """Serves one repository. `large` files are stated by SHA-256, all others by git object name."""

    repo: str = "maker/model"
    files: dict[str, bytes] = field(default_factory=dict)
    large: set[str] = field(default_factory=set)
    served: dict[str, bytes] = field(default_factory=dict)
    """Content that is sent instead of the listed one."""
    breaks: list[int] = field(default_factory=list)
    """Bytes after which one answer each breaks off, for the next answers with that many bytes."""
    gated_token: str = ""
    """When set, files are only given to this token."""
    absent: set[str] = field(default_factory=set)
    """Files that are listed and answered with 404."""
    errors: int = 0
    """Number of file answers to give as 503."""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and range of every request."""
    url: str = ""

    def listing(self) -> bytes:
        siblings = []
        for name, content in self.files.items():
            entry: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": git_blob(content)}
            if name in self.large:
                sha = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": sha, "size": len(content), "pointerSize": 134}
            siblings.append(entry)
        return json.dumps({"id": self.repo, "sha": COMMIT, "tags": [], "siblings": siblings}).encode()

    def ranges(self, name: str) -> list[str]:
        """Ranges of the GET requests for a file, `` for a whole one."""
        return [part for method, path, part in self.requests if method == "GET" and path.endswith(f"/{name}")]


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serve(hub: HubServer) -> Iterator[HubServer]:
    """Run the hub in a thread and set its `url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            return None

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            path = self.path.partition("?")[0]
            hub.requests.append((self.command, path, self.headers.get("Range", "")))
            path = path.replace("/revision/main", f"/revision/{COMMIT}").replace(
                "/resolve/main/", f"/resolve/{COMMIT}/"
            )
            if path == f"/api/models/{hub.repo}/revision/{COMMIT}":
                return self.send(200, {"Content-Type": "application/json"}, hub.listing(), body)
            prefix = f"/{hub.repo}/resolve/{COMMIT}/"
            if not path.startswith(prefix):
                return self.refuse(401, "RepoNotFound", "Repository not found")
            name = path.removeprefix(prefix)
            if hub.gated_token and self.headers.get("Authorization") != f"Bearer {hub.gated_token}":
                return self.refuse(401, "GatedRepo", "Access to the model is restricted")
            if name not in hub.files or name in hub.absent:
                return self.refuse(404, "EntryNotFound", "Entry not found")
            if body and hub.errors:
                hub.errors -= 1
                return self.send(503, {}, b"busy", body)
            return self.send_file(name, body)

        def send_file(self, name: str, body: bool) -> None:
            listed, content = hub.files[name], hub.served.get(name, hub.files[name])
            tag = hashlib.sha256(listed).hexdigest() if name in hub.large else git_blob(listed)
            headers = {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            if name in hub.large:
                headers |= {"X-Linked-Etag": f'"{tag}"', "X-Linked-Size": str(len(listed))}
            start = self.headers.get("Range", "")
            if start:
                first = int(start.removeprefix("bytes=").partition("-")[0])
                headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
                return self.send(206, headers, content[first:], body)
            return self.send(200, headers, content, body)

        def refuse(self, status: int, code: str, message: str) -> None:
            headers = {"X-Error-Code": code, "X-Error-Message": message}
            self.send(status, headers, json.dumps({"error": message}).encode(), self.command == "GET")

        def send(self, status: int, headers: dict[str, str], content: bytes, body: bool) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if not body:
                return
            if hub.breaks and status < 300 and len(content) > hub.breaks[0]:
                self.wfile.write(content[: hub.breaks.pop(0)])
                self.close_connection = True
                return
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
