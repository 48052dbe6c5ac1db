"""Serves an application by hipflask's server behind nginx; usage: ``behind_nginx.py PORT APP``."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log stderr;
worker_processes 1;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{inner};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


def main() -> None:
    port, app = sys.argv[1:]
    nginx = shutil.which("nginx")
    if nginx is None:
        sys.exit("nginx is not installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        inner = str(probe.getsockname()[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # nginx's worker is another user where this one is root
        file = Path(folder) / "nginx.conf"
        file.write_text(CONFIGURATION.format(folder=folder, port=port, inner=inner))
        served = [sys.executable, "-m", "hipflask", "--app", app, "run", "--port", inner]
        processes = [subprocess.Popen(served), subprocess.Popen([nginx, "-c", str(file)])]
        try:
            os.wait()
        finally:
            end(processes)


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End the processes that were started."""
    for process in processes:
        with suppress(ProcessLookupError):
            process.terminate()
    for process in processes:
        process.wait()


if __name__ == "__main__":
    main()
