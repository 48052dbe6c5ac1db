"""The servers that `server.py` compares: ours, a bare epoll loop in C, and other frameworks with theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from support.serving import BENCH, ROOT, Server, free_port, other_python, serving

__all__ = ["NGINX", "RAW_SOURCE", "native", "start_nginx", "start_raw", "start_rivals"]

SUPPORT = str(BENCH / "support")
RAW_SOURCE = Path(os.environ.get("SHARED", ROOT.parent / "shared")) / "bench/raw.c"
NGINX = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
NGINX_SETTINGS = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; location /static/ {{ alias {static}/; }} }}
}}
"""


def native(
    stack: ExitStack, *options: str, static: Path | None = None, cores: str = "0", has_async: bool = False
) -> Server:
    """Start `text_app.py` on the native server, with an async view or without any."""
    port = free_port()
    command = [sys.executable, "-m", "hipflask", "--app", "text_app", "run", "--port", str(port)]
    command += ["--server", "native", "--access-log", "off", "--max-requests", "1000000000", *options]
    environ = environ_of("hipflask", static) | ({"BENCH_ASYNC": "1"} if has_async else {})
    return stack.enter_context(serving(command, port, environ, cores))


def environ_of(framework: str, static: Path | None = None) -> dict[str, str]:
    """Return what a server's environment has more than ours: where the application is, and its framework."""
    environ = {"PYTHONPATH": os.pathsep.join([SUPPORT, str(ROOT / "src")]), "BENCH_FRAMEWORK": framework}
    return environ | ({"BENCH_STATIC": str(static)} if static else {})


def start_raw(stack: ExitStack, folder: Path) -> Server | str:
    """Start the bare server, compiled into *folder*; return why not otherwise.

    It answers the same bytes to whatever comes: nothing that reads a socket with epoll does less.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not RAW_SOURCE.exists() or compiler is None:
        return "there is no C compiler" if RAW_SOURCE.exists() else "its source ../shared/bench/raw.c is not there"
    port = free_port()
    source, program = folder / "raw.c", folder / "raw"
    source.write_text(RAW_SOURCE.read_text().replace("htons(8000)", f"htons({port})"))
    subprocess.run([compiler, "-O2", "-w", "-o", str(program), str(source)], check=True)
    return stack.enter_context(serving([str(program)], port))


def start_nginx(stack: ExitStack, folder: Path, static: Path) -> Server | str:
    """Start nginx with the files in *static*; return why not otherwise."""
    if NGINX is None:
        return "nginx was not found; it is Debian's package nginx"
    port = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(
        "user root;" * (os.geteuid() == 0) + NGINX_SETTINGS.format(folder=folder, port=port, static=static)
    )
    return stack.enter_context(serving([NGINX, "-p", str(folder), "-c", str(settings)], port))


def flask_on_granian(python: str, port: int) -> list[str]:
    return [*granian(python, port), "text_app:app"]


def falcon_on_granian(python: str, port: int) -> list[str]:
    return [*granian(python, port), "text_falcon:app"]


def granian(python: str, port: int) -> list[str]:
    command = [python, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--no-ws", "--log-level", "error"]
    return [*command, "--http", "1", "--workers", "1"]


def flask_on_gunicorn(python: str, port: int) -> list[str]:
    command = [python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8"]
    return [*command, "--log-level", "error", "text_app:app"]


def starlette_on_uvicorn(python: str, port: int) -> list[str]:
    return [
        python,
        "-m",
        "uvicorn",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "error",
        "text_starlette:app",
    ]


RIVALS: dict[str, tuple[Callable[[str, int], list[str]], list[str]]] = {
    "Flask on Granian": (flask_on_granian, ["granian", "flask"]),
    "Flask on gunicorn": (flask_on_gunicorn, ["gunicorn", "flask"]),
    "Starlette on uvicorn": (starlette_on_uvicorn, ["uvicorn", "uvloop", "httptools", "starlette"]),
    "Falcon on Granian": (falcon_on_granian, ["granian", "falcon"]),
}


def start_rivals(stack: ExitStack) -> dict[str, Server | str]:
    """Start other frameworks on their servers; where one is not installed, its value says so."""
    found: dict[str, Server | str] = {}
    for name, (command, modules) in RIVALS.items():
        python, missing = other_python(*modules)
        port = free_port()
        environ = environ_of("flask")
        found[name] = missing or stack.enter_context(serving(command(python, port), port, environ))
    return found
