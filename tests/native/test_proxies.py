"""What trusted proxies say of a request is taken as `ProxyFix` takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

import hipflask
from hipflask.middleware.proxy_fix import ProxyFix
from tests.native.conftest import Serve, Serving

CASES: dict[str, dict[str, list[str]]] = {
    "none": {},
    "one of each": {"For": ["192.0.2.1"], "Proto": ["https"]},
    "two of each": {"For": ["192.0.2.1, 192.0.2.2"], "Proto": ["http, https"]},
    "three": {"For": ["192.0.2.1,192.0.2.2,192.0.2.3"], "Proto": ["https,wss,ws"]},
    "several lines": {"For": ["192.0.2.1", "192.0.2.2"], "Proto": ["https", "http"]},
    "lines with lists": {"For": ["192.0.2.1, 192.0.2.2", "192.0.2.3"]},
    "empty": {"For": [""], "Proto": [""]},
    "empty items": {"For": [",192.0.2.1, ,192.0.2.2,,"], "Proto": [",,"]},
    "upper case": {"Proto": ["HTTPS"]},
    "no scheme": {"Proto": ["javascript"]},
    "no text": {"For": ["caf\xe9"], "Proto": ["http\xe9"]},
    "spaces of Python's": {"For": ["\xa0192.0.2.1\x85"], "Proto": ["\xa0https"]},
    "such spaces in a list": {"For": ["192.0.2.9,\xa0192.0.2.1\x85"]},
    "quotes": {"For": ['"192.0.2.1"'], "Proto": ['"https"']},
    "a comma in quotes": {"For": ['192.0.2.1, "a, b"']},
    "escapes": {"For": [r'192.0.2.1, "a\"b\\c\d"'], "Proto": [r'"ht\tps"']},
    "quotes inside": {"For": ['192.0.2.1, a"b,c"d, "e"f"g"']},
    "an open quote": {"For": ['192.0.2.1, "192.0.2.2']},
    "an escaped end": {"For": [r'192.0.2.1, "192.0.2.2\"']},
    "IPv6": {"For": ['"[2001:db8::1]:4711"']},
}
TRUSTED = ("REMOTE_ADDR", "wsgi.url_scheme", "werkzeug.proxy_fix.orig")


def _echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    environ = dict(environ)
    start_response("200 OK", [])
    return [json.dumps({key: environ.get(key) for key in TRUSTED}, sort_keys=True).encode()]


def _ask(serving: Serving, case: dict[str, list[str]]) -> bytes:
    lines = ["GET / HTTP/1.1", "Host: a.test", "Connection: close"]
    lines += [f"X-Forwarded-{name}: {value}" for name, values in case.items() for value in values]
    received = serving.ask("\r\n".join([*lines, "", ""]).encode("latin-1"))
    return received.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("proxies", [1, 2, 3])
def test_result_is_that_of_proxy_fix(serve: Serve, proxies: int) -> None:
    believing = serve(_echo, trusted_proxies=proxies)
    plain = serve(ProxyFix(_echo, proxies, proxies))
    plain_port, believing_port = (f'"{serving.address[1]}"'.encode() for serving in (plain, believing))
    for name, case in CASES.items():
        expected = _ask(plain, case).replace(plain_port, believing_port)
        assert b"proxy_fix" in expected
        assert _ask(believing, case) == expected, name


def test_nobody_is_believed_unasked(serve: Serve) -> None:
    found = _ask(serve(_echo), CASES["one of each"])
    assert json.loads(found) == {"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "werkzeug.proxy_fix.orig": None}


def test_request_and_access_log_have_the_client(serve: Serve) -> None:
    app = hipflask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: f"{hipflask.request.remote_addr} {hipflask.request.url}")
    serving = serve(app, trusted_proxies=1)
    assert _ask(serving, CASES["one of each"]) == b"192.0.2.1 https://a.test/"
    serving.close()
    (answer,) = [answer for report in serving.reports for answer in report.answers]
    assert answer.client is not None
    assert answer.client[0] == "192.0.2.1"
