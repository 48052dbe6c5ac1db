"""The views that `server.py` asks for, on the framework that the variable ``BENCH_FRAMEWORK`` names."""

from __future__ import annotations

import importlib
import os
import time
from typing import Any

flask: Any = importlib.import_module(os.environ.get("BENCH_FRAMEWORK", "hipflask"))
app = flask.Flask(__name__, static_folder=os.environ.get("BENCH_STATIC"), static_url_path="/static")


@app.get("/")
def index() -> str:
    return "Hello, World!"


if "BENCH_ASYNC" in os.environ:  # with one such view, the native server looks at every request on a loop first

    @app.get("/async")
    async def async_index() -> str:
        return "Hello, World!"


@app.get("/user/<int:id>")
def user(id: int) -> dict[str, Any]:
    return {"id": id, "name": "user"}


@app.get("/sleep/<int:milliseconds>")
def sleep(milliseconds: int) -> str:
    time.sleep(milliseconds / 1000)
    return ""


@app.get("/burn/<int:microseconds>")
def burn(microseconds: int) -> str:
    end = time.thread_time_ns() + microseconds * 1000
    while time.thread_time_ns() < end:
        pass
    return ""
