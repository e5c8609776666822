"""A small Hub on loopback that speaks what the real huggingface_hub and datasets clients send.

It holds dataset repositories in memory and keeps to the plain large-file protocol (no Xet, no pull
requests, no multipart uploads). What happens to a publisher at the worst moment can be staged: what somebody
else does (`meanwhile`) just before, and what befalls (`faults`), the next call whose path holds a given part.
"""

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from tests.publishing.hub_repo import MAIN, Blob, Commit, HubRepo

REPO = "/{org}/{name}"
API = f"/api/datasets{REPO}"
MODELS = f"/api/models{REPO}"


@dataclass(frozen=True)
class Fault:
    """What befalls the next call whose path holds `path_part`: an error status, or a lost connection.

    `after` lets the call take effect first, so that the client cannot know whether it did.
    """

    path_part: str
    status: int | Literal["lost"]
    after: bool = False
    says: str = ""
    retry_after: str | None = None


class HubServer:
    """The server, on a port of 127.0.0.1 that is its own from the start, in a thread of its own once started.

    `calls` lists `METHOD path` of every request. With a `token`, calls without it are refused with 401.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.reset()

    def reset(self) -> None:
        """Forget every repository and everything that was staged."""
        self.token: str | None = None
        self.repos: dict[str, HubRepo] = {}
        self.calls: list[str] = []
        self.faults: list[Fault] = []
        self.meanwhile: list[tuple[str, Callable[[HubRepo], object]]] = []

    def start(self) -> None:
        """Start to serve, unless it does already."""
        if not self._ready.is_set():
            self._thread.start()
        assert self._ready.wait(timeout=30)

    def stop(self) -> None:
        if self._ready.is_set():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=30)
        self._socket.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app(), shutdown_timeout=0)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.SockSite(runner, self._socket).start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=2**30, middlewares=[self._watch])
        app.add_routes(
            [
                web.post("/api/repos/create", self._create_repo),
                web.post("/api/validate-yaml", self._validate_yaml),
                web.get(API, self._repo_info),
                web.get(API + "/revision/{revision}", self._repo_info),
                web.get(API + "/refs", self._refs),
                web.put(API + "/settings", self._settings),
                web.get(API + "/tree/{revision}", self._tree),
                web.get(API + "/tree/{revision}/{path:.*}", self._tree),
                web.post(API + "/paths-info/{revision}", self._paths_info),
                web.post(API + "/preupload/{revision}", self._preupload),
                web.post(API + "/commit/{revision}", self._commit),
                web.post(API + "/tag/{revision}", self._tag),
                web.post(f"/datasets{REPO}.git/info/lfs/objects/batch", self._lfs_batch),
                web.put(f"/large{REPO}" + "/{sha256}", self._lfs_upload),
                web.post(f"/large{REPO}" + "/verify", self._lfs_verify),
                web.get(f"/datasets{REPO}" + "/resolve/{revision}/{path:.+}", self._resolve),
                # A model's files are read, and never written.
                web.get(MODELS + "/revision/{revision}", self._repo_info),
                web.get(MODELS + "/tree/{revision}", self._tree),
                web.get(REPO + "/resolve/{revision}/{path:.+}", self._resolve),
            ]
        )
        return app

    @web.middleware
    async def _watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        for path_part, do in self.meanwhile:
            if path_part in request.path:
                self.meanwhile.remove((path_part, do))
                do(self._repo(request))
                break
        fault = next((fault for fault in self.faults if fault.path_part in request.path), None)
        if fault is not None:
            self.faults.remove(fault)
        if fault is not None and not fault.after:
            return self._befallen(request, fault)
        is_signed = request.path.startswith("/large/")  # an upload address is its own key
        if self.token and not is_signed and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "Invalid username or password."}, status=401)
        answer = await handler(request)
        return answer if fault is None else self._befallen(request, fault)

    def _befallen(self, request: web.Request, fault: Fault) -> web.Response:
        if fault.status == "lost":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else None
        return web.json_response(
            {"error": fault.says or f"staged {fault.status}"}, status=fault.status, headers=headers
        )

    def _repo(self, request: web.Request) -> HubRepo:
        name = f"{request.match_info['org']}/{request.match_info['name']}"
        if name not in self.repos:
            raise _error(404, "RepoNotFound", "Repository not found")
        return self.repos[name]

    def _at(self, request: web.Request) -> tuple[HubRepo, Commit]:
        repo = self._repo(request)
        commit = repo.at(request.match_info.get("revision", MAIN))
        if commit is None:
            raise _error(404, "RevisionNotFound", f"Invalid rev id: {request.match_info['revision']}")
        return repo, commit

    async def _create_repo(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = f"{asked['organization']}/{asked['name']}"
        told = {"url": f"{self.endpoint}/datasets/{name}"}
        if name in self.repos:
            return web.json_response(told | {"error": "You already created this dataset repo"}, status=409)
        self.repos[name] = HubRepo(name, is_private=asked.get("visibility") == "private")
        return web.json_response(told)

    async def _validate_yaml(self, request: web.Request) -> web.Response:
        content = (await request.json())["content"]
        if not content.startswith("---\n"):
            return web.json_response({"errors": [{"message": "no front matter"}], "warnings": []}, status=400)
        return web.json_response({"errors": [], "warnings": []})

    async def _repo_info(self, request: web.Request) -> web.Response:
        repo, commit = self._at(request)
        siblings = [{"rfilename": path} for path in sorted(commit.files)]
        told = {
            "id": repo.name,
            "sha": commit.oid,
            "siblings": siblings,
            "private": repo.is_private,
            "gated": repo.gated,
        }
        return web.json_response(told)

    async def _settings(self, request: web.Request) -> web.Response:
        repo, asked = self._repo(request), await request.json()
        repo.is_private = asked.get("visibility", "private" if repo.is_private else "public") == "private"
        repo.gated = asked.get("gated", repo.gated)
        return web.json_response(asked)

    async def _refs(self, request: web.Request) -> web.Response:
        repo = self._repo(request)
        tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": oid} for tag, oid in repo.tags.items()]
        branches = [{"name": MAIN, "ref": f"refs/heads/{MAIN}", "targetCommit": repo.head}]
        return web.json_response({"branches": branches, "tags": tags, "converts": [], "pullRequests": []})

    async def _tree(self, request: web.Request) -> web.Response:
        _, commit = self._at(request)
        folder = PurePosixPath(request.match_info.get("path", ""))
        inside = {path: blob for path, blob in commit.files.items() if PurePosixPath(path).is_relative_to(folder)}
        if not inside:
            raise _error(404, "EntryNotFound", f"{folder} does not exist")
        recursive = request.query.get("recursive", "").lower() in ("true", "1")
        depth = len(folder.parts) + 1
        entries = [
            blob.entry(path) for path, blob in inside.items() if recursive or len(PurePosixPath(path).parts) == depth
        ]
        folders = {str(above) for path in inside for above in PurePosixPath(path).parents} - {
            ".",
            str(folder),
        }
        entries += [
            {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}
            for path in folders
            if recursive or len(PurePosixPath(path).parts) == depth
        ]
        return web.json_response(sorted(entries, key=lambda entry: str(entry["path"])))

    async def _paths_info(self, request: web.Request) -> web.Response:
        _, commit = self._at(request)
        asked = [str(path) for path in (await request.post()).getall("paths", [])]
        return web.json_response([commit.files[path].entry(path) for path in asked if path in commit.files])

    async def _preupload(self, request: web.Request) -> web.Response:
        repo, commit = self._at(request)
        answers = []
        for file in (await request.json())["files"]:
            path = file["path"]
            known = commit.files.get(path)
            answers.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if path.endswith(".parquet") else "regular",
                    "shouldIgnore": repo.ignores(path, MAIN),
                    "oid": known.etag if known else None,
                }
            )
        return web.json_response({"files": answers})

    async def _lfs_batch(self, request: web.Request) -> web.Response:
        repo = self._repo(request)
        base = f"{self.endpoint}/large/{repo.name}"
        objects: list[dict[str, object]] = []
        for wanted in (await request.json())["objects"]:
            answer = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in repo.large_objects:
                upload = {"href": f"{base}/{wanted['oid']}", "header": {}}
                answer["actions"] = {"upload": upload, "verify": {"href": f"{base}/verify"}}
            objects.append(answer)
        return web.json_response({"transfer": "basic", "objects": objects})

    async def _lfs_upload(self, request: web.Request) -> web.Response:
        data = await request.read()
        sha256 = request.match_info["sha256"]
        if Blob(data, is_large=True).sha256 != sha256:
            return web.json_response({"error": "content does not match its sha256"}, status=400)
        self._repo(request).large_objects[sha256] = data
        return web.Response()

    async def _lfs_verify(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        found = self._repo(request).large_objects.get(wanted["oid"])
        return web.Response(status=200 if found is not None and len(found) == wanted["size"] else 404)

    async def _commit(self, request: web.Request) -> web.Response:
        repo = self._repo(request)
        lines = [json.loads(line) for line in (await request.read()).splitlines()]
        header, operations = lines[0]["value"], lines[1:]
        if header.get("parentCommit") not in (None, repo.head):
            return web.json_response({"error": "The branch was updated since"}, status=412)
        added: dict[str, bytes] = {}
        deleted: list[str] = []
        for operation in operations:
            key, value = operation["key"], operation["value"]
            if key == "file":
                added[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                added[value["path"]] = repo.large_objects[value["oid"]]
            elif key == "deletedFile":
                deleted.append(value["path"])
        oid = repo.commit(header["summary"], added, deleted)
        url = f"{self.endpoint}/datasets/{repo.name}/commit/{oid}"
        return web.json_response({"success": True, "commitOid": oid, "commitUrl": url})

    async def _tag(self, request: web.Request) -> web.Response:
        repo, commit = self._at(request)
        tag = (await request.json())["tag"]
        if tag in repo.tags:
            return web.json_response({"error": f"Tag {tag} already exists"}, status=409)
        repo.tags[tag] = commit.oid
        return web.Response()

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        _, commit = self._at(request)
        path = request.match_info["path"]
        blob = commit.files.get(path)
        if blob is None:
            raise _error(404, "EntryNotFound", f"{path} does not exist", {"X-Repo-Commit": commit.oid})
        headers = {"ETag": f'"{blob.etag}"', "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        if blob.is_large:
            headers |= {"X-Linked-ETag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.data))}
        wanted = request.http_range
        if request.headers.get("Range") and request.method == "GET":
            part = blob.data[wanted.start : wanted.stop]
            first = wanted.start if wanted.start >= 0 else len(blob.data) + wanted.start
            headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(blob.data)}"
            return web.Response(body=part, status=206, headers=headers)
        return web.Response(body=blob.data, headers=headers)


def _error(status: int, code: str, message: str, more: dict[str, str] | None = None) -> web.HTTPException:
    error = {404: web.HTTPNotFound}[status](text=json.dumps({"error": message}), content_type="application/json")
    error.headers.update({"X-Error-Code": code, "X-Error-Message": message} | (more or {}))
    return error
