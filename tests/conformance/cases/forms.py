"""Query strings, forms, uploads, JSON and cookies, good and malformed."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import deviates, get, multipart, post, send, send_form, send_json
from tests.conformance.table import case

FORM = "application/x-www-form-urlencoded"


def _probe(flask: Any, look: Any, **config: Any) -> Any:
    """An application that answers what ``look`` sees of the request, as JSON."""
    app = flask.Flask("case")
    app.config.update(config)
    app.add_url_rule(
        "/", "index", lambda: flask.jsonify(look(flask.request)), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
    )
    return app


@case(
    *(
        get(f"/?{query}")
        for query in ("a=1&a=2&b", "", "a=%C3%A9+x", "a=%FF", "=v", "a=1;b=2", "&&a", "a==b", "a=%", "a%20b=c")
    ),
)
def query(flask: Any) -> Any:
    return _probe(
        flask,
        lambda request: [request.args.to_dict(flat=False), request.query_string.decode("latin-1"), request.full_path],
    )


@case(get("/?n=3"), get("/?n=x"), get("/"), get("/?n="))
def query_types(flask: Any) -> Any:
    return _probe(flask, lambda request: [request.args.get("n", type=int), request.args.get("n", 7, type=int)])


@case(get("/?a=1"), get("/"), post("/?a=1"))
def missing_key(flask: Any) -> Any:
    return _probe(flask, lambda request: [request.args["a"], request.form.get("b")])


@case(
    send_form("/?q=1", {"a": "1", "q": "2"}),
    send_form("/", [("a", "1"), ("a", "2"), ("é", "ü &=")]),
    send_form("/?q=1", {"a": "1"}, method="PUT"),
    send_form("/?q=1", {"a": "1"}, method="DELETE"),
    *(post("/", body, content_type=FORM) for body in ("", "a", "=", "a=%FF&b=%zz", "a&&b=1", "a=%00")),
    post("/", "a=1", content_type=f"{FORM}; charset=latin-1"),
    post("/", "a=1", content_type=FORM.upper()),
)
def urlencoded(flask: Any) -> Any:
    return _probe(
        flask,
        lambda request: [request.form.to_dict(flat=False), request.values.to_dict(flat=False), request.data.decode()],
    )


@case(
    *(
        post("/", "a=1&b=2", content_type=kind)
        for kind in ("text/plain", "application/json", "garbage", "multipart/form-data")
    ),
    post("/", "a=1"),
)
def forms_of_wrong_type(flask: Any) -> Any:
    return _probe(
        flask,
        lambda request: [request.form.to_dict(), request.data.decode(), request.mimetype, request.mimetype_params],
    )


def _uploads(request: Any) -> Any:
    files = {
        name: [[file.filename, file.content_type, file.read().decode("latin-1")] for file in some]
        for name, some in request.files.lists()
    }
    return [request.form.to_dict(flat=False), files]


@case(
    multipart(
        "/", ('Content-Disposition: form-data; name="a"', b"1"), ('Content-Disposition: form-data; name="a"', b"2")
    ),
    multipart(
        "/",
        (
            'Content-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text/plain',
            b"hello\r\n\r\nthere",
        ),
        ('Content-Disposition: form-data; name="t"', "é".encode()),
    ),
    multipart(
        "/", ('Content-Disposition: form-data; name="f"; filename=""\r\nContent-Type: application/octet-stream', b"")
    ),
    multipart("/", ("Content-Disposition: form-data; name=\"f\"; filename*=UTF-8''%C3%A9.txt", b"x")),
    multipart("/", ('content-disposition: form-data; name="f"; filename="C:\\dir\\x.txt"', b"x")),
    multipart("/"),
)
def uploads(flask: Any) -> Any:
    return _probe(flask, _uploads)


MULTIPART = "multipart/form-data; boundary=b"
CUT_OFF = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\ncut off"


@case(
    post("/", b"no boundary here", content_type=MULTIPART),
    deviates(post("/", CUT_OFF, content_type=MULTIPART), 400),
    deviates(post("/", b"--b\r\nX: 1\r\n\r\nno name\r\n--b--\r\n", content_type=MULTIPART), 400),
    deviates(post("/", b"--b\r\nnonsense\r\n\r\nx\r\n--b--\r\n", content_type=MULTIPART), 400),
    post("/", b"", content_type=MULTIPART),
    post("/", b"x", content_type="multipart/form-data; boundary="),
)
def malformed_uploads(flask: Any) -> Any:
    return _probe(flask, _uploads)


@case(
    send_json("/", {"a": [1, "é", None]}),
    send_json("/", 5),
    *(
        post("/", body, content_type="application/json")
        for body in ("", "{", "{'a': 1}", "[1,]", b"\xff", '"\\ud800"', "NaN", " null ")
    ),
    post("/", "{}", content_type="text/plain"),
    post("/", "{}"),
    post("/", "[1]", content_type="application/vnd.api+json; v=1"),
    post("/", "[1]", content_type="application/json; charset=utf-16"),
)
def json_bodies(flask: Any) -> Any:
    return _probe(flask, lambda request: [request.get_json()])


@case(
    post("/", "{", content_type="application/json"),
    post("/", "{}", content_type="text/plain"),
    send_json("/", {"a": 1}),
)
def json_silent_and_forced(flask: Any) -> Any:
    return _probe(flask, lambda request: [request.get_json(silent=True), request.get_json(force=True, silent=True)])


@case(
    *(
        get("/", cookie=value)
        for value in (
            "a=1; b=2",
            "a=1; a=2",
            'a="q \\"x\\" \\303\\251"',
            "a",
            "=x",
            "a=1;;b=2",
            "a=%C3%A9",
            "a = 1 ; b= 2",
            "",
        )
    ),
)
def cookies(flask: Any) -> Any:
    return _probe(flask, lambda request: request.cookies.to_dict(flat=False))


@case(
    post("/", "12345", content_type="text/plain"),
    post("/", "1234567890", content_type="text/plain"),
    post("/", "12345678901", content_type="text/plain"),
    send_form("/", {"a": "1"}),
    send_form("/", {"a": "1" * 20}),
    get("/"),
)
def longest_body(flask: Any) -> Any:
    return _probe(flask, lambda request: [request.form.to_dict(), request.get_data().decode()], MAX_CONTENT_LENGTH=10)


@case(
    multipart("/", *((f'Content-Disposition: form-data; name="f{number}"', b"x") for number in range(3))),
    multipart("/", *((f'Content-Disposition: form-data; name="f{number}"', b"x") for number in range(4))),
    multipart("/", ('Content-Disposition: form-data; name="f"', b"x" * 100)),
    deviates(send_form("/", {"a": "x" * 100}), 413),
)
def limits_of_forms(flask: Any) -> Any:
    return _probe(flask, _uploads, MAX_FORM_PARTS=3, MAX_FORM_MEMORY_SIZE=60)


@case(post("/read", b"abcdef"), post("/lines", b"a\nb\n\nc"), post("/twice", b"abc"), post("/never", b"x" * 1000))
def reading_the_stream(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule(
        "/read", "read", lambda: flask.request.stream.read(3) + b"|" + flask.request.stream.read(), methods=["POST"]
    )
    app.add_url_rule(
        "/lines", "lines", lambda: {"lines": [line.decode() for line in flask.request.stream]}, methods=["POST"]
    )
    app.add_url_rule("/twice", "twice", lambda: flask.request.get_data() + flask.request.data, methods=["POST"])
    app.add_url_rule("/never", "never", lambda: str(flask.request.content_length), methods=["POST"])
    return app


@case(
    get("/", authorization="Basic YW5uYTpzZWNyZXQ="),
    get("/", authorization="Bearer abc.def"),
    get("/", authorization="Basic ???"),
    get("/"),
)
def authorization(flask: Any) -> Any:
    def look(request: Any) -> Any:
        found = request.authorization
        return None if found is None else [found.type, found.username, found.password, found.token]

    return _probe(flask, look)


@case(send("PATCH", "/", b"abc", content_type="text/plain"), send("DELETE", "/"))
def other_methods(flask: Any) -> Any:
    return _probe(flask, lambda request: [request.method, request.get_data(as_text=True), request.content_length])
