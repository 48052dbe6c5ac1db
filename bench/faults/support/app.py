"""The application under test: views that are slow, get stuck, or take the process with them."""

from __future__ import annotations

import ctypes
import os
import threading
import time

from hipflask import Flask

app = Flask("faults")


@app.get("/")
def index() -> str:
    return str(os.getpid())


@app.get("/slow/<int:milliseconds>")
def slow(milliseconds: int) -> str:
    time.sleep(milliseconds / 1000)
    return str(os.getpid())


@app.get("/stick/<int:seconds>")
def stick(seconds: int) -> str:
    ctypes.PyDLL(None).sleep(seconds)  # holds the interpreter's lock and uses no processor time
    return str(os.getpid())


@app.get("/exit")
def leave() -> str:
    os._exit(3)


@app.get("/thread")
def thread() -> str:
    return f"{os.getpid()} {threading.get_native_id()}"


@app.get("/panic")
def panic() -> None:
    from hipflask.server import _native

    _native.panic_here()  # type: ignore[attr-defined]  # support/panicking.py


@app.get("/panic-io")
def panic_in_io() -> str:
    from hipflask.server import _native

    _native.panic_in_io()  # type: ignore[attr-defined]  # as above
    return "not sent"


@app.get("/null")
def null() -> str:
    return str(ctypes.string_at(0))
