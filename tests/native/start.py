"""Serves ``module:application`` natively on a port: ``python start.py module:application PORT``."""

from __future__ import annotations

import importlib
import signal
import socket
import sys

from hipflask.server import native


def main() -> None:
    name, _, attribute = sys.argv[1].partition(":")
    app = getattr(importlib.import_module(name), attribute or "app")
    with socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=1024) as listener:

        def tell(server: native.NativeServer) -> None:
            signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
            print(f"ready\n{listener.getsockname()[1]}", flush=True)

        native.serve(app, [listener], ready=tell)


if __name__ == "__main__":
    main()
