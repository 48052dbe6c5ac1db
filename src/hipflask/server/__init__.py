"""The servers that come with hipflask.

`hipflask.server.runner` has `run_simple` and `make_server`; `hipflask.server.pure` the threaded server in
pure Python that they start. The request's way through it: `loop` accepts and waits, `parser` reads the head,
`handler` calls the application, `body` is its input, `writer` sends the answer.
"""

__all__: list[str] = []
