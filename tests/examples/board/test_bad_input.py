"""Nothing that a client can send is a 500: it is refused with 4xx, or ignored."""

from __future__ import annotations

import pytest

from tests.examples.board.visitor import Visitor

LARGE = "9" * 30
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/?before=", 200, id="before-empty"),
        pytest.param("/?before=x", 200, id="before-word"),
        pytest.param("/?before=-1", 200, id="before-negative"),
        pytest.param(f"/?before={LARGE}", 200, id="before-large"),
        pytest.param("/?before=1&before=2", 200, id="before-twice"),
        pytest.param("/?before=%00", 200, id="before-nul"),
        pytest.param("/?q=%00", 200, id="search-nul"),
        pytest.param("/?q=%ff%fe", 200, id="search-not-utf-8"),
        pytest.param("/?q=%ED%A0%80", 200, id="search-surrogate"),
        pytest.param("/?q=%zz%", 200, id="search-broken-escape"),
        pytest.param("/?q=" + "x" * 5000, 200, id="search-long"),
        pytest.param("/?q=" + "%25" * 5000, 200, id="search-wildcards"),
        pytest.param("/?q=a&q=b", 200, id="search-twice"),
        pytest.param("/?&&=&=;==", 200, id="query-nonsense"),
        pytest.param("/?q[]=1&q[a]=2", 200, id="query-brackets"),
        pytest.param("/messages/1?after=x", 200, id="after-word"),
        pytest.param(f"/messages/1?after={LARGE}", 200, id="after-large"),
        pytest.param("/users/nobody", 404, id="user-unknown"),
        pytest.param("/users/%00", 404, id="user-nul"),
        pytest.param("/users/%ED%A0%80", 404, id="user-surrogate"),
        pytest.param("/users/" + "x" * 5000, 404, id="user-long"),
        pytest.param("/users/ada?before=x", 200, id="user-before-word"),
        pytest.param("/api/users/%00", 404, id="api-user-nul"),
        pytest.param("/pictures/../board.sqlite3", 404, id="picture-above"),
        pytest.param("/pictures/%2e%2e%2fboard.sqlite3", 404, id="picture-above-escaped"),
        pytest.param("/pictures/board.sqlite3", 404, id="picture-other-file"),
        pytest.param("/pictures/.draft-x", 404, id="picture-draft"),
        pytest.param("/pictures/" + "0" * 32 + ".png", 404, id="picture-unknown"),
        pytest.param("/pictures/" + "0" * 32 + ".png%0a", 404, id="picture-line-end"),
        pytest.param("/messages/1/edit", 403, id="edit-of-somebody-else"),
        pytest.param(f"/messages/{LARGE}/edit", 404, id="edit-large"),
        pytest.param(f"/messages/{LARGE}/delete", 404, id="delete-large"),
        pytest.param("/messages/0", 404, id="id-zero"),
        pytest.param("/messages/-1", 404, id="id-negative"),
        pytest.param("/messages/x", 404, id="id-word"),
        pytest.param("/messages/1.5", 404, id="id-fraction"),
        pytest.param("/messages/9223372036854775807", 404, id="id-largest"),
        pytest.param("/messages/9223372036854775808", 404, id="id-too-large"),
        pytest.param(f"/messages/{LARGE}", 404, id="id-large"),
        pytest.param("/messages/" + "9" * 5000, 404, id="id-larger-than-int-parses"),
        pytest.param("/messages/1%00", 404, id="id-nul"),
        pytest.param("/%00", 404, id="path-nul"),
        pytest.param("/%ff", 404, id="path-not-utf-8"),
        pytest.param("/static/../app.py", 404, id="static-above"),
        pytest.param("/static/%2e%2e/app.py", 404, id="static-above-escaped"),
        pytest.param("/static/..%5capp.py", 404, id="static-backslash"),
        pytest.param("/static/%00", 404, id="static-nul"),
        pytest.param("/static/" + "x" * 5000, 404, id="static-long-name"),
        pytest.param("/api/messages?limit=0", 400, id="limit-zero"),
        pytest.param("/api/messages?limit=101", 400, id="limit-large"),
        pytest.param("/api/messages?limit=", 400, id="limit-empty"),
        pytest.param("/api/messages?limit=x", 400, id="limit-word"),
        pytest.param("/api/messages?limit=1e1", 400, id="limit-exponent"),
        pytest.param("/api/messages?limit=%00", 400, id="limit-nul"),
        pytest.param(f"/api/messages?limit={LARGE}", 400, id="limit-huge"),
        pytest.param("/api/messages?before=-5", 400, id="api-before-negative"),
        pytest.param(f"/api/messages?before={LARGE}", 400, id="api-before-large"),
        pytest.param("/api/messages?before=9223372036854775807", 200, id="api-before-largest"),
        pytest.param(f"/api/messages/{LARGE}", 404, id="api-id-large"),
        pytest.param("/log-in?next=%00", 200, id="next-nul"),
        pytest.param("/log-in?next=%ff", 200, id="next-not-utf-8"),
    ],
)
def test_malformed_address_is_refused_or_ignored(maria, path, status):
    response = maria.get(path)
    assert response.status_code == status
    response.close()


@pytest.mark.parametrize(
    "path",
    [
        "/log-in",
        "/sign-up",
        "/log-out",
        "/messages/new",
        "/messages/1/replies",
        "/messages/1/edit",
        "/messages/1/delete",
        "/account/password",
        "/account/token",
        "/appearance",
    ],
)
@pytest.mark.parametrize(
    "token",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("wrong", id="wrong"),
        pytest.param("ü\x00", id="not-ascii"),
    ],
)
def test_form_without_the_sessions_token_is_refused(maria, path, token):
    maria.read_token()
    data = {"name": "maria", "title": "Title", "body": "Text"}
    if token is not None:
        data["csrf_token"] = token
    response = maria.client.post(path, data=data)
    assert response.status_code == 400
    assert "This form is no longer valid." in response.text
    assert "Log out" in maria.get("/").text


def test_token_of_another_session_is_refused(app, maria):
    token = Visitor(app, "pavel").read_token()
    response = maria.client.post("/messages/new", data={"csrf_token": token, "title": "Title", "body": "Text"})
    assert response.status_code == 400


def test_empty_token_without_a_session_is_refused(guest):
    assert guest.client.post("/log-in", data={"csrf_token": ""}).status_code == 400


def test_token_in_the_query_does_not_count(guest):
    assert guest.client.post(f"/log-in?csrf_token={guest.read_token()}").status_code == 400


MULTIPART = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param(FORM, b"%%%=%zz&&&==&\xff\xfe=\x00", id="form-nonsense"),
        pytest.param(FORM, b"csrf_token", id="form-name-only"),
        pytest.param(FORM, b"&" * 60_000, id="form-ampersands"),
        pytest.param(FORM, b"a=b&" * 15_000, id="form-many-fields"),
        pytest.param(FORM + "; charset=nothing", b"a=b", id="form-unknown-charset"),
        pytest.param(MULTIPART, b"", id="multipart-empty"),
        pytest.param(MULTIPART, b"nonsense", id="multipart-nonsense"),
        pytest.param(MULTIPART, b"--x\r\n", id="multipart-cut-off-in-headers"),
        pytest.param(MULTIPART, b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb', id="multipart-cut"),
        pytest.param(MULTIPART, b"--x\r\n\r\nb\r\n--x--\r\n", id="multipart-part-without-a-name"),
        pytest.param(MULTIPART, b"--x\r\nContent-Disposition\r\n\r\nb\r\n--x--\r\n", id="multipart-broken-header"),
        pytest.param(
            MULTIPART,
            b'--x\r\nContent-Disposition: form-data; name="\xff"; filename="\x00"\r\n\r\nb\r\n--x--\r\n',
            id="multipart-odd-names",
        ),
        pytest.param(
            MULTIPART,
            b'--x\r\nContent-Disposition: form-data; name="csrf_token"; filename="t"\r\n\r\nb\r\n--x--\r\n',
            id="multipart-token-as-file",
        ),
        pytest.param(
            MULTIPART,
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * 1100 + b"--x--\r\n",
            id="multipart-many-parts",
        ),
        pytest.param("multipart/form-data", b"--x\r\n", id="multipart-without-boundary"),
        pytest.param("multipart/form-data; boundary=", b"--\r\n", id="multipart-empty-boundary"),
        pytest.param("multipart/form-data; boundary=\xfc", b"--\xfc\r\n", id="multipart-odd-boundary"),
        pytest.param("multipart/form-data; boundary=" + "x" * 5000, b"--x", id="multipart-long-boundary"),
        pytest.param("", b"a=b", id="no-type"),
        pytest.param(";;;===", b"a=b", id="type-nonsense"),
        pytest.param("application/json", b"{}", id="json-instead-of-a-form"),
    ],
)
@pytest.mark.parametrize("path", ["/messages/new", "/log-in"])
def test_malformed_form_is_refused(maria, path, content_type, body):
    maria.read_token()
    response = maria.client.post(path, data=body, content_type=content_type)
    assert response.status_code in {400, 413}
    assert response.mimetype == "text/html"
    assert maria.get("/").text.count("<article") == 4


def test_missing_fields_of_a_form_are_empty_ones(maria):
    for path in ("/messages/new", "/sign-up", "/log-in"):
        response = maria.send(path)
        assert response.status_code == 422
        assert 'aria-invalid="true"' in response.text


def test_file_instead_of_a_field_is_an_empty_field(maria):
    from io import BytesIO

    data = {"csrf_token": maria.read_token(), "title": (BytesIO(b"Title"), "t.txt"), "body": "Text"}
    response = maria.client.post("/messages/new", data=data)
    assert response.status_code == 422
    assert "Please write a title." in response.text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"{'title': 'x'}", id="single-quotes"),
        pytest.param(b"\xff\xfe", id="not-utf-8"),
        pytest.param(b"\xff\xfe[\x00]\x00", id="utf-16"),
        pytest.param(b'{"title": "\x00"}', id="raw-nul"),
        pytest.param(b'{"title": "a", "body": "b"} x', id="more-after-the-end"),
        pytest.param(b"null", id="null"),
        pytest.param(b"NaN", id="nan"),
        pytest.param(b"1" * 5000, id="number-larger-than-int-parses"),
        pytest.param(b"1e999", id="infinite"),
        pytest.param(b"[" * 60_000, id="deep"),
        pytest.param(b'{"a":' * 10_000, id="deep-objects"),
        pytest.param(b"[" * 30_000 + b"]" * 30_000, id="deep-and-closed"),
    ],
)
def test_malformed_json_is_refused(maria, body):
    response = maria.client.post("/api/messages", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    assert response.json["detail"]


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("board_session=", id="empty"),
        pytest.param("board_session=nonsense", id="nonsense"),
        pytest.param("board_session=.", id="dot"),
        pytest.param("board_session=....", id="dots"),
        pytest.param("board_session=eyJ1c2VyX2lkIjoxfQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", id="not-signed-by-us"),
        pytest.param("board_session=" + "x" * 10_000, id="long"),
        pytest.param('board_session="\\000\\777', id="broken-quotes"),
        pytest.param("board_session=\xff\xfe", id="not-ascii"),
        pytest.param(";;;=;==;,", id="no-cookie-at-all"),
        pytest.param("=" * 5000, id="equal-signs"),
        pytest.param("a; b=c; $Version=1", id="others"),
    ],
)
def test_malformed_cookie_is_an_empty_session(app, cookie):
    client = app.test_client(use_cookies=False)
    response = client.get("/", headers={"Cookie": cookie})
    assert response.status_code == 200
    assert "Log in" in response.text
    assert client.get("/messages/new", headers={"Cookie": cookie}).status_code == 303
    assert client.post("/log-out", headers={"Cookie": cookie}).status_code == 400


def test_tampered_session_is_an_empty_one(app, maria):
    cookie = maria.client.get_cookie("board_session").value
    middle = len(cookie) // 2
    changed = cookie[:middle] + ("A" if cookie[middle] != "A" else "B") + cookie[middle + 1 :]
    response = app.test_client(use_cookies=False).get("/", headers={"Cookie": f"board_session={changed}"})
    assert response.status_code == 200
    assert "Log in" in response.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("CONTENT_LENGTH", "x", id="length-word"),
        pytest.param("CONTENT_LENGTH", "-1", id="length-negative"),
        pytest.param("CONTENT_LENGTH", "1_0", id="length-underscore"),
        pytest.param("HTTP_HOST", "", id="host-empty"),
        pytest.param("HTTP_HOST", "a b", id="host-space"),
        pytest.param("HTTP_HOST", "[::1", id="host-bracket"),
        pytest.param("HTTP_HOST", "example.org:99999999", id="host-port"),
        pytest.param("HTTP_ACCEPT", ";q=;;,,", id="accept"),
        pytest.param("HTTP_IF_MODIFIED_SINCE", "Mon, 99 Foo 99999 99:99:99 GMT", id="if-modified-since"),
        pytest.param("HTTP_IF_NONE_MATCH", '"', id="if-none-match"),
        pytest.param("HTTP_RANGE", "bytes=9-1,-,x", id="range"),
        pytest.param("HTTP_AUTHORIZATION", "Basic \xff", id="authorization"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/static/style.css", "/api/messages"])
def test_malformed_header_is_refused_or_ignored(guest, path, name, value):
    response = guest.get(path, environ_overrides={name: value})
    assert response.status_code in {200, 206, 304, 400, 416}
    response.close()
