"""What is wrong with a request gets the same answer through each door, and is never a 500."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import deviates, get, multipart, post, send, send_form
from tests.conformance.table import case

FORM = "application/x-www-form-urlencoded"


def _probe(flask: Any, look: Any, **config: Any) -> Any:
    app = flask.Flask("case")
    app.secret_key = "k"
    app.config.update(config)
    methods = ["GET", "POST", "PUT"]
    app.add_url_rule("/", "index", lambda: flask.jsonify(look(flask.request)), methods=methods)
    app.add_url_rule("/<path:rest>", "rest", flask.jsonify, methods=methods)
    return app


@case(
    *(
        deviates(get("/", host=host), 400)
        for host in ("exa mple.org", "a/b", "user@example.org", "[::1", "a:b:c", "a:x", "a?b", "<a>", "a\\b")
    ),
    get("/", host="example.org"),
)
def hosts(flask: Any) -> Any:
    return _probe(flask, lambda request: request.host)


@case(get("/%00"), get("/a%00b?%00=%00"), get("/%C0%AF"), get("/%ED%A0%80"), get("/%F4%90%80%80"), get("/%zz%"))
def paths(flask: Any) -> Any:
    return _probe(flask, lambda request: request.path)


@case(
    *(get(f"/?{query}") for query in ("%00", "a=%C0%AF", "a=%ED%A0%80", "&".join(f"a{n}=1" for n in range(300)))),
    get(f"/?a={'x' * 4000}"),
    get("/?" + "&" * 3000),
)
def queries(flask: Any) -> Any:
    return _probe(flask, lambda request: [len(request.args), sorted(request.args.items(multi=True))[:3]])


@case(
    *(
        post("/", "a=1", content_type=kind)
        for kind in (
            "application/x-www-form-urlencoded;charset=nonsense",
            "application/x-www-form-urlencoded; ;;",
            'multipart/form-data; boundary="',
            "multipart/form-data; boundary=" + "x" * 300,
            "multipart/mixed; boundary=x",
            "/",
            "application/json/x; charset",
        )
    ),
    deviates(post("/", "a=1", content_type='multipart/form-data; boundary="a\\"b"'), 400),
)
def content_types(flask: Any) -> Any:
    return _probe(flask, lambda request: [request.form.to_dict(), request.mimetype])


@case(
    *(
        post("/", body, content_type="application/json; charset=nonsense")
        for body in (
            "",
            "[",
            '{"a":}',
            "\x00",
            '"\\u12"',
            "[1]x",
            "tru",
            '{"a":1 "b":2}',
            "'a'",
            b"\xff\xfe[\x001\x00]\x00",
        )
    ),
    deviates(post("/", "[" * 100_000, content_type="application/json"), 400),
    deviates(post("/", '{"a":' * 50_000, content_type="application/json"), 400),
)
def json_bodies(flask: Any) -> Any:
    return _probe(flask, lambda request: request.get_json())


@case(
    *(
        get("/", cookie=value)
        for value in ("=", ";;;", 'a="b', 'a="\\', "a=1,b=2", "session=a.b.c.d", "x" * 3000, 'a="\\400\\09"')
    ),
)
def cookies(flask: Any) -> Any:
    return _probe(flask, lambda request: request.cookies.to_dict())


@case(
    *(
        get("/", authorization=value)
        for value in (
            "",
            "Basic",
            "Basic ",
            "Basic =",
            "Basic YQ==",
            "Digest a",
            "Digest a=1, b",
            "Bearer",
            ",",
            "x y z",
        )
    ),
)
def credentials(flask: Any) -> Any:
    def look(request: Any) -> Any:
        found = request.authorization
        return None if found is None else [found.type, found.username, found.password, found.token]

    return _probe(flask, look)


@case(
    *(
        get("/", if_none_match=tag, if_modified_since=date)
        for tag, date in (('"', "x"), ("W/", "0"), ('"a" "b"', "Tue"), (",,,", "Tue, 99 Nov 2023 22:13:20 GMT"))
    ),
    *(get("/", range=value) for value in ("bytes", "bytes=", "=0-1", "bytes=0-1-2", "bytes=--1", "bytes=1-0", "x=y=z")),
    get("/", if_range="x", range="bytes=99999999999999999999-"),
)
def conditions_and_ranges(flask: Any) -> Any:
    app = flask.Flask("case")

    @app.route("/")
    def index() -> Any:
        response = flask.Response("0123456789")
        response.set_etag("tag")
        return response.make_conditional(flask.request, accept_ranges=True, complete_length=10)

    return app


@case(
    *(
        get("/", accept=value, accept_language=value, accept_encoding=value)
        for value in ("", ",", ";q=1", "a;q=x", "a;q=9", "*;q=-1", "a/b;q=0.1;q=0.9", "/", ";;;", "a" * 2000, "é")
    ),
)
def accepted(flask: Any) -> Any:
    def look(request: Any) -> Any:
        lists = (request.accept_mimetypes, request.accept_languages, request.accept_encodings)
        return [found.best_match(["a/b", "a", "de"]) for found in lists]

    return _probe(flask, look)


PART = 'Content-Disposition: form-data; name="a"'


@case(
    *(
        multipart("/", (head, b"x"))
        for head in (
            f"{PART}\r\nContent-Type: ;;",
            f"{PART}; filename",
            f'{PART}; filename="../../etc/passwd"',
            f'{PART}; filename="a\\"b"',
            f"{PART}\r\nContent-Transfer-Encoding: base64",
            f"{PART}\r\nContent-Length: 99",
            f"{PART}\r\nContent-Type: text/plain; charset=nonsense",
        )
    ),
    multipart("/", *((PART, b"x"),) * 1000),
    multipart("/", *((PART, b"x"),) * 1001),
)
def parts_of_forms(flask: Any) -> Any:
    def look(request: Any) -> Any:
        files = [[file.filename, file.mimetype, file.read().decode()] for file in request.files.getlist("a")]
        return [len(request.form.getlist("a")), request.form.get("a"), files]

    return _probe(flask, look)


@case(
    send_form("/", {"n": "x"}),
    send_form("/", {}),
    get("/?n=1e5"),
    get("/?n=%D9%A3"),
    get("/?n=" + "9" * 5000),
    get("/?n=+1"),
    get("/?n=1_0"),
)
def values_that_are_no_numbers(flask: Any) -> Any:
    return _probe(flask, lambda request: [str(request.values.get("n", default=-1, type=int))[:9]])


@case(send("PUT", "/only-get"), send("LOCK", "/only-get"), send("get", "/only-get"), send("X-OWN", "/only-get"))
def methods(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/only-get", "get", lambda: "x")
    return app


@case(
    post("/", "x" * 11),
    send_form("/", {"a": "x" * 11}),
    multipart("/", (PART, b"x")),
    post("/missing", "x" * 11),
    post("/", "x" * 10),
)
def bodies_over_the_maximum(flask: Any) -> Any:
    app = flask.Flask("case")
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.add_url_rule("/", "index", lambda: str(flask.request.form.to_dict()) or "", methods=["POST"])
    app.register_error_handler(413, lambda error: ({"too": "large"}, 413))
    return app
