"""WSGI applications that wrap another one; each module has one, named as in ``werkzeug.middleware``.

Nothing is imported here: `hipflask.middleware.proxy_fix`, `dispatcher`, `shared_data`, `profiler`, `lint` and
`http_proxy` are asked for by name.
"""

__all__: list[str] = []
