"""A local server that speaks as ComfyUI does: its checks, queue, events, files, and its ways to fail.

Run it by hand with `python -m tests.support.comfy_server --port 8001 --folder FOLDER`. What is uploaded and
made stays in the folder; queue and history are lost when it ends, as ComfyUI's are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import BodyPartReader, WSMsgType, web

from dubkit.engines.comfyui import record
from tests.support.comfy_faults import Faults, Job, save
from tests.support.comfy_nodes import NodeFailed, Runner
from tests.support.comfy_rules import validate
from tests.support.paths import ROOT

NODES = ROOT / "tests" / "data" / "comfyui" / "object_info.json"

WEIGHTS = ("SamplerCustomAdvanced",)
STEPS = 3


class ComfyServer:
    """The server, in a thread of its own; a context manager. It can be stopped and started again."""

    def __init__(self, folder: Path, *, port: int = 0, nodes: dict[str, Any] | None = None) -> None:
        self.folder, self.port = folder, port
        self.nodes: dict[str, Any] = nodes or json.loads(NODES.read_text("utf-8"))
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.ran: list[str] = []
        """Jobs that were begun, in order."""
        self.graphs: dict[str, dict[str, Any]] = {}
        """Every graph that was sent, by its job."""
        self.mistakes: list[str] = []
        """What broke in the server itself."""
        self.largest = 104_857_600
        self._ready = threading.Event()
        for name in ("input", "output"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> ComfyServer:
        record._ASKED.clear()  # a port may be that of a server which this process has asked
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; queue and history are empty."""
        self._ready.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the server does not start"

    def stop(self) -> None:
        """End at once, as when it is killed: connections are closed, a job in work is left."""
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(10)

    def restart(self) -> None:
        self.stop()
        self.start()

    async def _serve(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        self.pending: list[Job] = []
        self.running: Job | None = None
        self.history: dict[str, Any] = {}
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.interrupted: set[str] = set()
        self.fetched: set[Path] = set()
        self._wake = asyncio.Event()
        self._number = 0
        app = web.Application(client_max_size=self.largest, middlewares=[self._note])
        app.add_routes(self._routes())
        runner = web.AppRunner(app, shutdown_timeout=0.05)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = runner.addresses[0][1]
        worker = asyncio.create_task(self._work())
        self._ready.set()
        await self._ending.wait()
        worker.cancel()
        await runner.cleanup()

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/object_info", self._object_info),
            web.get("/features", self._features),
            web.post("/upload/image", self._upload),
            web.post("/prompt", self._prompt),
            web.get("/queue", self._queue),
            web.post("/queue", self._change_queue),
            web.post("/interrupt", self._interrupt),
            web.post("/api/jobs/{id}/cancel", self._cancel),
            web.get("/history/{id}", self._history),
            web.get("/view", self._view),
            web.get("/ws", self._socket),
        ]

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls[f"{request.method} {request.path.split('/')[1]}"] += 1
        if self.faults.broken and request.path != "/ws":
            self.faults.broken -= 1
            return web.Response(status=500, text="500 Internal Server Error")
        answer: web.StreamResponse = await handler(request)
        return answer

    # --- requests -------------------------------------------------------------------------------

    async def _object_info(self, _: web.Request) -> web.Response:
        return web.json_response(self.nodes)

    async def _features(self, _: web.Request) -> web.Response:
        return web.json_response({"max_upload_size": self.largest})

    async def _upload(self, request: web.Request) -> web.Response:
        fields: dict[str, str] = {}
        content, name = b"", ""
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.name == "image":
                content, name = bytes(await part.read()), part.filename or ""
            else:
                fields[str(part.name)] = await part.text()
        if not name:
            return web.Response(status=400)
        folder = self.folder / "input" / fields.get("subfolder", "")
        folder.mkdir(parents=True, exist_ok=True)
        stem, dot, suffix = name.rpartition(".")
        path, number = folder / name, 0
        while path.exists() and fields.get("overwrite") not in ("true", "1") and path.read_bytes() != content:
            number += 1
            path = folder / f"{stem} ({number}){dot}{suffix}"
        path.write_bytes(content)
        told = {"name": path.name, "subfolder": fields.get("subfolder", ""), "type": "input"}
        return web.json_response(told)

    async def _prompt(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
        except ValueError:
            return web.Response(status=500, text="500 Internal Server Error")
        self._number += 1
        graph, job = body.get("prompt"), str(body.get("prompt_id") or uuid.uuid4())
        if self.faults.silent_ids:
            job = str(uuid.uuid4())
        elif str(uuid.UUID(job)) != job:
            told = {"error": {"type": "invalid_prompt_id", "message": "", "details": "", "extra_info": {}}}
            return web.json_response({**told, "node_errors": {}}, status=400)
        self.graphs[job] = graph
        inputs = self.folder / "input"
        files = {path.relative_to(inputs).as_posix() for path in inputs.rglob("*") if path.is_file()}
        status, answer, outputs = validate(graph, self.nodes, files)
        if self.faults.spoils_one_result and status == 200:
            spoilt = outputs.pop()
            error = {
                **{"type": "value_bigger_than_max", "message": "Value 500 bigger than max of 120"},
                **{"details": "fps", "extra_info": {"input_name": "fps", "received_value": 500}},
            }
            kind = graph[spoilt]["class_type"]
            answer["node_errors"] = {spoilt: {"errors": [error], "class_type": kind}}
        if status != 200:
            return web.json_response(answer, status=status)
        self.pending.append(Job(self._number, job, graph, str(body.get("client_id") or ""), outputs))
        self._wake.set()
        if self.faults.drops_answer:
            self.faults.drops_answer -= 1
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"prompt_id": job, "number": self._number, **answer})

    async def _queue(self, _: web.Request) -> web.Response:
        running = [self.running.item] if self.running else []
        return web.json_response(
            {"queue_running": running, "queue_pending": [job.item for job in self.pending]}
        )

    async def _change_queue(self, request: web.Request) -> web.Response:
        gone = (await request.json()).get("delete", ())
        self.pending = [job for job in self.pending if job.id not in gone]
        return web.Response()

    async def _interrupt(self, request: web.Request) -> web.Response:
        self.interrupted.add(str((await request.json()).get("prompt_id")))
        return web.Response()

    async def _cancel(self, request: web.Request) -> web.Response:
        job = request.match_info["id"]
        known = any(entry.id == job for entry in (*self.pending, self.running) if entry)
        self.pending = [entry for entry in self.pending if entry.id != job]
        self.interrupted.add(job)
        return web.json_response({"cancelled": known})

    async def _history(self, request: web.Request) -> web.Response:
        job = request.match_info["id"]
        return web.json_response({job: self.history[job]} if job in self.history else {})

    async def _view(self, request: web.Request) -> web.StreamResponse:
        place = self.folder / request.query.get("type", "output") / request.query.get("subfolder", "")
        path = place / request.query["filename"]
        if not path.is_file():
            return web.Response(status=404)
        content = path.read_bytes()
        if self.faults.truncates:
            self.faults.truncates -= 1
            response = web.StreamResponse(headers={"Content-Length": str(len(content))})
            await response.prepare(request)
            await response.write(content[: len(content) // 2])
            assert request.transport is not None
            request.transport.close()
            return response
        if self.faults.forgets_fetched:
            self._forget(path)
        return web.Response(body=content)

    def _forget(self, path: Path) -> None:
        """Note that a file was fetched; after the last one of its job nothing of that is left."""
        self.fetched.add(path)
        job = path.name.partition("_")[0]
        files = set(path.parent.glob(f"{job}_*"))
        if files <= self.fetched and job in self.history:
            del self.history[job]
            for file in files:
                file.unlink()
            self.fetched -= files

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.faults.no_socket:
            return web.Response(status=502)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        client = request.query.get("clientId", "")
        self.sockets[client] = socket
        await self._tell_all("status", {"status": {"exec_info": {"queue_remaining": 1}}, "sid": client})
        async for message in socket:
            if message.type == WSMsgType.ERROR:
                break
        self.sockets.pop(client, None)
        return socket

    # --- events ---------------------------------------------------------------------------------

    async def _tell_all(self, name: str, data: dict[str, Any]) -> None:
        for socket in list(self.sockets.values()):
            await self._send(socket, name, data)

    async def _tell(self, job: Job, name: str, **data: Any) -> None:
        if (socket := self.sockets.get(job.client)) is None or self.faults.silent_socket:
            return
        await self._send(socket, name, {**data, "prompt_id": job.id})
        if name == "progress_state" and self.faults.drops_sockets:
            self.faults.drops_sockets -= 1
            await socket.close()

    async def _send(self, socket: web.WebSocketResponse, name: str, data: dict[str, Any]) -> None:
        try:
            await socket.send_json({"type": name, "data": data})
            await socket.send_bytes(b"\x00\x00\x00\x01\x00\x00\x00\x01preview")
        except (ConnectionError, RuntimeError):
            pass

    # --- working --------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            while not self.pending:
                self._wake.clear()
                await self._wake.wait()
            self.pending.sort(key=lambda job: job.number)
            job = self.running = self.pending.pop(0)
            self.ran.append(job.id)
            try:
                await self._run(job)
            except Exception as error:
                self.mistakes.append(repr(error))
                await self._fail(job, NodeFailed(job.outputs[0], type(error).__name__, str(error)))
            finally:
                self.running = None

    async def _run(self, job: Job) -> None:
        runner, outputs = Runner(job.graph, self.folder / "input"), {}
        stamp = int(time.time() * 1000)
        await self._tell(job, "execution_start", timestamp=stamp)
        await self._tell(job, "execution_cached", nodes=[], timestamp=stamp)
        states: dict[str, dict[str, Any]] = {}
        try:
            for name in runner.order(job.outputs):
                kind = job.graph[name]["class_type"]
                await self._tell(job, "executing", node=name, display_node=name)
                await self._steps(job, name, kind, states)
                if kind in self.faults.fails_at:
                    raise NodeFailed(name, *self.faults.fails_at[kind])
                result = await asyncio.to_thread(runner.run, name)
                if name in job.outputs:
                    outputs[name] = await asyncio.to_thread(
                        save, self.folder, job, name, result[0], self.faults
                    )
                    await self._tell(job, "executed", node=name, output=outputs[name])
        except NodeFailed as error:
            return await self._fail(job, error)
        except InterruptedError:
            return await self._end(job, {}, "execution_interrupted", {"executed": []})
        if self.faults.loses_done:
            self.faults.loses_done -= 1
            return None
        await self._end(job, outputs, "execution_success", {})

    async def _steps(self, job: Job, name: str, kind: str, states: dict[str, dict[str, Any]]) -> None:
        count = STEPS if kind in WEIGHTS else 1
        for step in range(count):
            states[name] = {"value": step + 1, "max": count, "state": "running", "node_id": name}
            await self._tell(job, "progress_state", nodes=states)
            if kind in WEIGHTS:
                await asyncio.sleep(self.faults.step)
                await self._tell(job, "progress", node=name, value=step + 1, max=count)
            if job.id in self.interrupted:
                raise InterruptedError
        states[name]["state"] = "finished"
        if self.faults.loses and kind in WEIGHTS:
            raise NodeFailed(name, "", "lost")

    async def _fail(self, job: Job, error: NodeFailed) -> None:
        if error.words == "lost":
            self.faults.loses -= 1
            return
        told = {
            **{"node_id": error.node, "node_type": job.graph[error.node]["class_type"], "executed": []},
            **{"exception_type": error.kind, "exception_message": error.words, "traceback": []},
        }
        await self._end(job, {}, "execution_error", told)

    async def _end(self, job: Job, outputs: dict[str, Any], event: str, data: dict[str, Any]) -> None:
        # The event of success comes before the history has the job.
        await self._tell(job, event, **data)
        done = event == "execution_success"
        status = {
            "status_str": "success" if done else "error",
            "completed": done,
            "messages": [["execution_start", {"prompt_id": job.id}], [event, {**data, "prompt_id": job.id}]],
        }
        self.history[job.id] = {"prompt": job.item, "outputs": outputs, "status": status, "meta": {}}
        self.running = None
        await self._tell(job, "executing", node=None)


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--step", type=float, default=0.0, help="Seconds of a step of the sampler.")
    parser.add_argument("--forget", action="store_true", help="Forget jobs whose files were fetched.")
    parser.add_argument("--restart", type=float, default=0.0, help="Start anew after about so many seconds.")
    parser.add_argument("--seed", type=int, default=0, help="Of the moments at which it starts anew.")
    chosen = parser.parse_args()
    server = ComfyServer(chosen.folder, port=chosen.port)
    server.faults.step, server.faults.forgets_fetched = chosen.step, chosen.forget
    chance, starts = random.Random(chosen.seed), 1
    with server:
        print(server.address, flush=True)
        while True:
            time.sleep(chance.uniform(0.5, 1.5) * chosen.restart or 60)
            if chosen.restart:
                server.restart()
                starts += 1
                print(f"started {starts} times, {len(server.ran)} jobs begun", flush=True)


if __name__ == "__main__":
    main()
