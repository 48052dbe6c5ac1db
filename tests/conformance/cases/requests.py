"""What a view sees of a request beyond forms: its fields, its length, its body in chunks, its limits."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.conformance.exchange import chunked, deviates, get, multipart, post, send, send_form, send_json
from tests.conformance.table import case


def _probe(flask: Any, look: Any, **config: Any) -> Any:
    """An application that answers what ``look`` sees of the request, as JSON, for every path."""
    app = flask.Flask("case")
    app.config.update(config)
    methods = ["GET", "POST", "PUT", "DELETE"]
    app.add_url_rule("/", "index", lambda: flask.jsonify(look(flask.request)), methods=methods)
    app.add_url_rule("/<path:rest>", "rest", lambda rest: flask.jsonify(look(flask.request)), methods=methods)
    return app


UPLOAD = ('Content-Disposition: form-data; name="f"; filename="x.bin"', bytes(range(256)) * 3)


@case(
    chunked(post("/", "some text", content_type="text/plain")),
    chunked(send_json("/", {"a": [1, 2]})),
    chunked(send_form("/", {"a": "1", "b": "é"})),
    chunked(multipart("/", UPLOAD, ('Content-Disposition: form-data; name="t"', b"v"))),
    chunked(post("/", "", content_type="text/plain")),
    chunked(send("PUT", "/", b"x" * 100_000, content_type="application/octet-stream")),
    breaks_wsgi="what the server ends is read without a size",
)
def chunked_bodies(flask: Any) -> Any:
    def look(request: Any) -> Any:
        files = {name: hashlib.sha256(file.read()).hexdigest() for name, file in request.files.items()}
        data = request.get_data()
        return [request.form.to_dict(), files, len(data), data[:9].decode(), request.get_json(silent=True)]

    return _probe(flask, look)


@case(
    chunked(post("/", "1234567890", content_type="text/plain")),
    deviates(chunked(post("/", "12345678901", content_type="text/plain")), 413),
)
def chunked_body_with_a_maximum(flask: Any) -> Any:
    return _probe(flask, lambda request: request.get_data(as_text=True), MAX_CONTENT_LENGTH=10)


@case(post("/", b"x" * 1_000_000), chunked(post("/", bytes(range(256)) * 5000)), post("/", b""))
def large_bodies(flask: Any) -> Any:
    def look(request: Any) -> Any:
        digest, size = hashlib.sha256(), 0
        while part := request.stream.read(30_000):
            digest.update(part)
            size += len(part)
        return [size, digest.hexdigest()]

    return _probe(flask, look)


@case(post("/a?limit=5", "12345"), post("/a?limit=4", "12345"), post("/a", "12345"), post("/a?limit=0", "1"))
def maximum_of_one_request(flask: Any) -> Any:
    def look(request: Any) -> Any:
        request.max_content_length = request.args.get("limit", type=int)
        return request.get_data(as_text=True)

    return _probe(flask, look, MAX_CONTENT_LENGTH=4)


@case(
    multipart("/", *(('Content-Disposition: form-data; name="t"', b"123"),) * 2),
    multipart("/", *(('Content-Disposition: form-data; name="t"', b"123"),) * 3),
    multipart("/", ('Content-Disposition: form-data; name="t"', b"1" * 50)),
    multipart("/", ('Content-Disposition: form-data; name="t"; filename="f"', b"1" * 5000)),
)
def limits_of_one_form(flask: Any) -> Any:
    def look(request: Any) -> Any:
        request.max_form_parts = 2
        request.max_form_memory_size = 40
        return [request.form.getlist("t"), len(request.files)]

    return _probe(flask, look)


@case(
    *(get("/", accept_language=value) for value in ("de-AT, de;q=0.9, en;q=0.5", "en-GB", "*", "fr", "de_DE;q=0.1,en")),
    get("/", accept_encoding="gzip;q=0.5, br", accept_charset="latin-1, utf-8;q=0.7, *;q=0.1"),
)
def accepted_languages_and_encodings(flask: Any) -> Any:
    return _probe(
        flask,
        lambda request: [
            request.accept_languages.best_match(["en", "de"]),
            list(request.accept_languages.values()),
            request.accept_encodings.best_match(["gzip", "br", "identity"]),
            "gzip" in request.accept_encodings,
            request.accept_charsets.best_match(["utf-8", "iso-8859-1"]),
        ],
    )


@case(
    *(
        get("/", accept=value)
        for value in (
            "text/html",
            "application/json;q=0.9, text/html;q=0.8",
            "*/*",
            "text/*;q=0.5, application/*",
            "text/html;level=1",
            "application/xhtml+xml",
            "nonsense",
            "text/html;q=0, */*",
        )
    ),
)
def accepted_types(flask: Any) -> Any:
    def look(request: Any) -> Any:
        accepted = request.accept_mimetypes
        kinds = ["application/json", "text/html", "text/plain"]
        return [accepted.best_match(kinds), [accepted[kind] for kind in kinds], accepted.accept_html, str(accepted)]

    return _probe(flask, look)


@case(
    get("/", if_none_match='"a", W/"b"', if_match="*"),
    get("/", if_modified_since="Tue, 14 Nov 2023 22:13:20 GMT", if_unmodified_since="Tue, 14 Nov 2023 22:13:20 +0100"),
    get("/", if_range='"tag"', range="bytes=0-4, 10-, -5"),
    get("/", if_range="Tue, 14 Nov 2023 22:13:20 GMT", range="items=1-2"),
    get("/", if_none_match="nonsense", if_modified_since="never", range="bytes=x"),
)
def conditions(flask: Any) -> Any:
    def look(request: Any) -> Any:
        spans = request.range
        return [
            sorted(request.if_none_match.to_header().split(", ")),
            request.if_match.contains("any"),
            str(request.if_modified_since),
            str(request.if_unmodified_since),
            [request.if_range.etag, str(request.if_range.date)],
            None if spans is None else [spans.units, spans.ranges, spans.range_for_length(100)],
        ]

    return _probe(flask, look)


@case(
    get("/", cache_control="no-cache, max-age=5, max-stale, x-own=1", pragma="no-cache"),
    get(
        "/", origin="https://example.org", access_control_request_method="PUT", access_control_request_headers="x-a, B"
    ),
    get("/", referer="/before", date="Tue, 14 Nov 2023 22:13:20 GMT", max_forwards="3", content_md5="abc"),
    get("/", x_requested_with="XMLHttpRequest", user_agent="Own/1.0 (é)"),
    get("/", max_forwards="many", date="today", cache_control="max-age=x"),
)
def other_fields(flask: Any) -> Any:
    def look(request: Any) -> Any:
        cache = request.cache_control
        return [
            [cache.no_cache, cache.max_age, cache.max_stale, cache.no_store, sorted(request.pragma)],
            [request.origin, request.access_control_request_method, str(request.access_control_request_headers)],
            [request.referrer, str(request.date), request.max_forwards, request.content_md5],
            request.user_agent.string if "X-Requested-With" in request.headers else None,
        ]

    return _probe(flask, look)


@case(
    post("/", "x", content_type="text/plain; charset=utf-8; a=b", content_encoding="gzip"),
    post("/", "x", content_type="TEXT/Plain; a=\"b;c\"; d='e'"),
    post("/", "x", content_type="application/vnd.api+json"),
    post("/", "x", content_type=";"),
    post("/", "x", content_type="text"),
    get("/", content_type="application/json"),
)
def content_types(flask: Any) -> Any:
    return _probe(
        flask,
        lambda request: [
            request.mimetype,
            request.mimetype_params,
            request.content_type,
            request.content_encoding,
            request.is_json,
            request.content_length,
        ],
    )


@case(
    get("/a/b%20c/%C3%A9?x=%26&y=a+b"),
    get("/a;b=c/@:~!$&'()*+,=?q=/?:@"),
    get("/%3Cb%3E?%3Cb%3E"),
    get("/a?", host="example.org:8443"),
    get("/100%25?a=100%"),
)
def urls_of_requests(flask: Any) -> Any:
    return _probe(
        flask,
        lambda request: [
            request.path,
            request.full_path,
            request.url,
            request.base_url,
            request.root_url,
            request.host_url,
            request.root_path,
            request.query_string.decode("latin-1"),
        ],
    )


@case(get("/?a=1&a=2"), send_form("/?a=0", {"b": "x"}))
def own_request_class(flask: Any) -> Any:
    class Request(flask.Request):
        parameter_storage_class = dict

        @property
        def doubled(self) -> str:
            return self.args.get("a", "") * 2

    app = flask.Flask("case")
    app.request_class = Request
    app.add_url_rule(
        "/",
        "index",
        lambda: [flask.request.doubled, type(flask.request.args).__name__, dict(flask.request.form)],
        methods=["GET", "POST"],
    )
    return app


@case(get("/?a=1"), send_form("/?a=1", {"a": "2", "b": "3"}), send_form("/?a=1", {"a": "2"}, method="PUT"))
def values_of_both_kinds(flask: Any) -> Any:
    return _probe(
        flask,
        lambda request: [request.values.getlist("a"), request.values.get("b"), sorted(request.values.keys())],
    )


@case(send_form("/", {"a": "1"}), send_json("/", 1), post("/", "x", content_type="text/plain"))
def order_of_reading(flask: Any) -> Any:
    def look(request: Any) -> Any:
        first = request.get_data(cache=True, parse_form_data=True)
        return [first.decode(), request.form.to_dict(), request.get_data().decode(), request.get_json(silent=True)]

    return _probe(flask, look)


@case(get("/"), get("/x", host="[::1]:8080"), get("/", host="localhost:80"), get("/", host="localhost:443"))
def hosts_and_schemes(flask: Any) -> Any:
    return _probe(
        flask, lambda request: [request.host, request.scheme, request.url, request.host_url, request.is_secure]
    )


@case(get("/", x_own="a"), get("/", x_own="tab\tinside"), get("/", x_own="ü"), get("/", x_own=""))
def own_fields(flask: Any) -> Any:
    return _probe(
        flask,
        lambda request: [request.headers.get("X-Own"), "x-OWN" in request.headers, request.headers.get("X-No", 7)],
    )
