"""Cases RD of the wire table that are calls: redirects.

Whether a ``next`` parameter may be followed is for the extensions that take one: see ``waiting.py``. What the core does
with such a text itself, as a path whose slashes it puts right, must not lead elsewhere either.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hipflask
from hipflask.http.redirects import append_slash_redirect

NEXT = {
    "RD-002": "///evil.example",
    "RD-003": "////evil.example",
    "RD-004": "\\\\evil.example",
    "RD-005": "/\\evil.example",
    "RD-006": "\\/evil.example",
    "RD-007": "\\\\\\evil.example/path",
    "RD-008": "http:evil.example",
    "RD-009": "https:///evil.example",
    "RD-010": "http://evil.example",
    "RD-012": "data:text/html,x",
    "RD-013": "%09//evil.example",
    "RD-015": "\t//evil.example",
    "RD-017": "http://localhost@evil.example",
    "RD-019": "http://localhost.evil.example",
    "RD-020": "//localhost%2eevil.example",
    "RD-023": "/%0d%0aSet-Cookie:%20x=1",
    "RD-024": "https://[::1]/",
    "RD-025": "//[::ffff:7f00:1]",
    "RD-029": "//",
    "RD-030": "/..//evil.example",
}


def browser_host(location: str, base: str = "http://localhost/a/b") -> str | None:
    """Return the host that a browser goes to: it takes backslashes for slashes and drops tabs and line ends."""
    text = location.replace("\\", "/").translate(dict.fromkeys(map(ord, "\t\r\n"))).strip(" ")
    scheme, colon, rest = text.partition(":")
    if colon and scheme.isalpha():
        return urlsplit(f"http://{rest.lstrip('/')}").hostname if scheme in {"http", "https"} else None
    if text.startswith("//"):
        return urlsplit(f"http://{text.lstrip('/')}").hostname
    return urlsplit(base).hostname


@pytest.fixture
def slashes(app: hipflask.Flask) -> hipflask.Flask:
    app.add_url_rule("/<path:x>/", "branch", lambda x: "branch")
    return app


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in NEXT.items()])
@pytest.mark.parametrize("prefix", ["", "/"], ids=["plain", "slash"])
def test_slash_redirects_stay_at_home(slashes: hipflask.Flask, text: str, prefix: str) -> None:
    client = slashes.test_client()
    response = client.get("/", environ_overrides={"PATH_INFO": prefix + text})
    for _ in range(3):  # slashes are merged, then one is appended
        if response.status_code != 308:
            break
        (location,) = response.headers.getlist("Location")
        assert browser_host(location) == "localhost", location
        response = client.get(location)
    assert response.status_code in {200, 404}
    assert "Set-Cookie" not in response.headers


@given(path=st.text(alphabet="/\\:?#.%@\t\r\nab", min_size=1, max_size=12))
def test_an_appended_slash_stays_at_home(path: str) -> None:
    environ = {"PATH_INFO": "/" + path, "REQUEST_METHOD": "GET", "wsgi.url_scheme": "http", "HTTP_HOST": "localhost"}
    location = append_slash_redirect(environ).headers["Location"]
    assert browser_host(location) == "localhost", location


def redirected(app: hipflask.Flask, to: str, **options: Any) -> Any:
    app.add_url_rule("/go", "go", lambda: hipflask.redirect(to, **options), methods=["GET", "POST"])
    return app.test_client()


@pytest.mark.parametrize(
    ("to", "location"),
    [
        pytest.param("../x?y=1", "../x?y=1", id="RD-041"),
        pytest.param("/x", "/x", id="RD-041-path"),
        pytest.param("http://ex\u00e4mple.test/\u00e4", "http://xn--exmple-cua.test/%C3%A4", id="RD-044"),
        pytest.param("/" + "x" * 1_000_000, "/" + "x" * 1_000_000, id="RD-037"),  # as in Flask; linear
    ],
)
def test_location_is_sent_as_it_is_meant(app: hipflask.Flask, to: str, location: str) -> None:
    response = redirected(app, to).get("/go", headers={"Host": "other.test"})
    assert (response.status_code, response.headers.getlist("Location")) == (302, [location])


@pytest.mark.parametrize(
    "to", [pytest.param("/a\r\nSet-Cookie: x=1", id="RD-035"), pytest.param("/a\nb", id="RD-035-lf")]
)
def test_a_line_break_in_a_location_is_refused(app: hipflask.Flask, to: str) -> None:
    with app.app_context(), pytest.raises(ValueError, match="line break"):
        hipflask.redirect(to)
    response = redirected(app, to).get("/go")
    assert response.status_code == 500
    assert "Set-Cookie" not in response.headers


def test_rd_038_a_location_that_cannot_be_parsed_is_one_error(app: hipflask.Flask, ask: Any) -> None:
    app.add_url_rule("/go", "go", lambda: hipflask.redirect("http://["))
    app.add_url_rule("/", "index", lambda: "alive")
    assert re.findall(rb"HTTP/1\.1 ([0-9]{3})", ask(app, "/go", "/")) == [b"500", b"200"]


@pytest.mark.parametrize("method", [pytest.param(each, id=f"RD-040-{each}") for each in ("GET", "POST", "PUT")])
def test_slash_redirect_keeps_query_and_method(app: hipflask.Flask, method: str) -> None:
    app.add_url_rule("/branch/", "branch", lambda: hipflask.request.method, methods=["GET", "POST", "PUT"])
    client = app.test_client()
    response = client.open("/branch?a=1&b=%2F", method=method)
    assert response.status_code == 308
    assert urlsplit(response.headers["Location"]).query == "a=1&b=%2F"
    assert client.open("/branch?a=1", method=method, follow_redirects=True).text == method


@pytest.mark.parametrize(
    ("options", "status"),
    [pytest.param({}, 302, id="RD-042"), pytest.param({"code": 303}, 303, id="RD-042-303")],
)
def test_after_a_post_the_client_gets(app: hipflask.Flask, options: dict[str, Any], status: int) -> None:
    app.add_url_rule("/done", "done", lambda: hipflask.request.method)
    client = redirected(app, "/done", **options)
    assert client.post("/go").status_code == status
    assert client.post("/go", follow_redirects=True).text == "GET"
