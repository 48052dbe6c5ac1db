"""The application under traffic: bodies in and out, long answers, and a count of the views that run."""

from __future__ import annotations

import asyncio
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app import app

from hipflask import Response, request, send_file

PIECE = bytes(range(256)) * 256

_running: list[str] = []
"""Names of the views that run; both ways of changing it are atomic."""
_folders: list[Any] = []


def counted(view: Callable[..., Any]) -> Callable[..., Any]:
    """Have a view counted while it runs; no hook does it, since those would give async views sync parts."""

    @functools.wraps(view)
    def run(**values: Any) -> Any:
        _running.append(view.__name__)
        try:
            return view(**values)
        finally:
            _running.remove(view.__name__)

    return run


@functools.cache
def make_file(kib: int) -> str:
    """Return the path of a file of some size, which goes when the process ends in order."""
    folder = tempfile.TemporaryDirectory(prefix="faults-file-")
    _folders.append(folder)
    path = Path(folder.name) / "file"
    path.write_bytes(PIECE[:1024] * kib)
    return str(path)


@app.get("/health")
async def health() -> str:
    return "ok"


@app.get("/counts")
async def counts() -> dict[str, int]:
    return {"views": len(_running), "tasks": len(asyncio.all_tasks())}


@app.get("/echo/<int:number>")
def echo(number: int) -> str:
    return str(number)


@app.get("/busy/<int:milliseconds>")
@counted
def busy(milliseconds: int) -> str:
    time.sleep(milliseconds / 1000)
    return "done"


@app.get("/wait/<int:milliseconds>")
async def wait(milliseconds: int) -> str:
    await asyncio.sleep(milliseconds / 1000)
    return "done"


@app.post("/body")
@counted
def body() -> str:
    return str(len(request.get_data()))


@app.post("/upload")
@counted
def upload() -> str:
    return str(sum(len(file.read()) for file in request.files.values()))


@app.get("/file/<int:kib>")
def file(kib: int) -> Response:
    return send_file(make_file(kib), mimetype="application/octet-stream")


@app.get("/large/<int:kib>")
def large(kib: int) -> bytes:
    return PIECE[:1024] * kib


@app.get("/stream/<int:mib>")
def stream(mib: int) -> Response:
    return Response(pieces(mib), mimetype="application/octet-stream")


def pieces(mib: int) -> Iterator[bytes]:
    """Give 64 KiB at a time, each piece with its number."""
    for number in range(mib * 16):
        yield number.to_bytes(8, "big") + PIECE[8:]
