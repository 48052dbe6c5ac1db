"""Which view a path leads to, and what happens where none does."""

from __future__ import annotations

from typing import Any

from tests.conformance.exchange import get, post, send
from tests.conformance.frameworks import http
from tests.conformance.table import case


def _echo(flask: Any, *rules: str, **options: Any) -> Any:
    """An application whose views say which rule matched and with what."""
    app = flask.Flask("case")

    def view(**values: Any) -> Any:
        request = flask.request
        return {"rule": request.url_rule.rule, "values": {name: repr(value) for name, value in values.items()}}

    for number, rule in enumerate(rules):
        app.add_url_rule(rule, f"view{number}", view, **options)
    return app


@case(get("/i/42"), get("/i/-1"), get("/i/042"), get("/i/x"), get("/i/"), get("/f/1.5"), get("/f/1"), get("/f/-1.5"))
def numbers(flask: Any) -> Any:
    return _echo(flask, "/i/<int:n>", "/f/<float:n>")


@case(get("/s/-5"), get("/d/0042"), get("/d/42"), get("/m/7"), get("/m/12"), get("/g/-1.5"))
def numbers_with_arguments(flask: Any) -> Any:
    return _echo(
        flask,
        "/s/<int(signed=True):n>",
        "/d/<int(fixed_digits=4):n>",
        "/m/<int(min=5, max=9):n>",
        "/g/<float(signed=True):n>",
    )


@case(
    get("/s/word"),
    get("/s/a/b"),
    get("/p/a/b/c"),
    get("/p//x"),
    get("/l/abc"),
    get("/l/abcd"),
    get("/a/yes"),
    get("/a/no"),
)
def strings(flask: Any) -> Any:
    return _echo(flask, "/s/<name>", "/p/<path:rest>", "/l/<string(length=3):s>", "/a/<any(yes, maybe):word>")


@case(get("/u/12345678-1234-5678-1234-567812345678"), get("/u/not-one"), get("/u/12345678123456781234567812345678"))
def uuids(flask: Any) -> Any:
    return _echo(flask, "/u/<uuid:id>")


@case(get("/c/1,2,3"), get("/c/1,x"), get("/c/"))
def own_converter(flask: Any) -> Any:
    routing = http(flask, "routing")

    class Numbers(routing.BaseConverter):
        def to_python(self, value: str) -> list[int]:
            try:
                return [int(part) for part in value.split(",")]
            except ValueError as error:
                raise routing.ValidationError from error

        def to_url(self, value: list[int]) -> str:
            return ",".join(map(str, value))

    app = flask.Flask("case")
    app.url_map.converters["numbers"] = Numbers
    app.add_url_rule("/c/<numbers:n>", "c", lambda n: {"n": n, "again": flask.url_for("c", n=n[::-1])})
    return app


@case(get("/a/b%20c"), get("/a/%C3%A9"), get("/a/%2F"), get("/a/%FF"), get("/a/x%3Fy"), get("/a/+"), get("/%61/x"))
def encoded_paths(flask: Any) -> Any:
    return _echo(flask, "/a/<name>")


@case(get("/caf%C3%A9"), get("/%E4%B8%96/%E7%95%8C"), get("/cafe"))
def unicode_rules(flask: Any) -> Any:
    return _echo(flask, "/café", "/世/<name>")


@case(get("/nothing"), post("/nothing", "x"), send("HEAD", "/nothing"), send("OPTIONS", "/nothing"), get("//"))
def not_found(flask: Any) -> Any:
    return _echo(flask, "/", "/a")


@case(post("/get"), send("DELETE", "/get"), get("/post"), send("PATCH", "/both"), send("BREW", "/get"))
def method_not_allowed(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/get", "get", lambda: "x")
    app.add_url_rule("/post", "post", lambda: "x", methods=["POST"])
    app.add_url_rule("/both", "both", lambda: "x", methods=["GET", "PUT"])
    app.add_url_rule("/both", "delete", lambda: "x", methods=["DELETE"])
    return app


@case(send("OPTIONS", "/a"), send("OPTIONS", "/b"), send("OPTIONS", "/own"), send("OPTIONS", "/off"))
def options(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/a", "a", lambda: "x", methods=["GET", "POST"])
    app.add_url_rule("/b", "b", lambda: "x", methods=["PUT"])
    app.add_url_rule("/own", "own", lambda: flask.request.method, methods=["OPTIONS", "GET"])
    app.add_url_rule("/off", "off", lambda: "x", provide_automatic_options=False)
    return app


@case(send("HEAD", "/a"), send("HEAD", "/post"), send("HEAD", "/stream"), send("HEAD", "/json"))
def head(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/a", "a", lambda: "four")
    app.add_url_rule("/post", "post", lambda: "x", methods=["POST"])
    app.add_url_rule("/stream", "stream", lambda: iter(["a", "b"]))
    app.add_url_rule("/json", "json", lambda: {"method": flask.request.method})
    return app


@case(
    get("/folder"), get("/folder/"), get("/folder?a=1&b=%20"), get("/file"), get("/file/"), post("/folder"),
    get("/deep/x"), get("/deep/x/"),
)  # fmt: skip
def slashes(flask: Any) -> Any:
    return _echo(flask, "/folder/", "/file", "/deep/<name>/", methods=["GET", "POST"])


@case(get("/folder"), get("/folder/"), get("/file/"))
def slashes_not_strict(flask: Any) -> Any:
    return _echo(flask, "/folder/", "/file", strict_slashes=False)


@case(get("//a//b"), get("/a//b"), get("/a/b"), get("/a//b?x=1"), get("/p/x//y"))
def merged_slashes(flask: Any) -> Any:
    return _echo(flask, "/a/b", "/p/<path:rest>")


@case(get("/pages/"), get("/pages/page/1"), get("/pages/page/2"), get("/old"), get("/older/7"))
def defaults_and_redirects(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/pages/", "pages", lambda page: f"page {page}", defaults={"page": 1})
    app.add_url_rule("/pages/page/<int:page>", "pages", app.view_functions["pages"])
    app.add_url_rule("/old", "old", redirect_to="/pages/")
    app.add_url_rule("/older/<int:page>", "older", redirect_to="/pages/page/<page>")
    return app


@case(get("/user/me"), get("/user/1"), get("/user/anna"), get("/user/a/b"), get("/user/1/edit"), get("/user/x/edit"))
def weights(flask: Any) -> Any:
    return _echo(flask, "/user/<name>", "/user/<int:n>", "/user/me", "/user/<path:rest>", "/user/<int:n>/edit")


@case(get("/a-b.txt"), get("/x-1"), get("/v1.2/q"), get("/v1/q"))
def parts_of_segments(flask: Any) -> Any:
    return _echo(flask, "/<name>.<kind>", "/x-<int:n>", "/v<int:major>.<int:minor>/<rest>")


@case(get("/"), get("/", host="api.example.org"), get("/", host="www.example.org"), get("/", host="other.org"))
def subdomains(flask: Any) -> Any:
    app = flask.Flask("case", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.org"
    app.add_url_rule("/", "api", lambda: "api", subdomain="api")
    app.add_url_rule("/", "any", lambda name: name, subdomain="<name>")
    return app


@case(get("/", host="a.org"), get("/", host="b.org"), get("/", host="c.org"), get("/", host="b.org:80"))
def hosts(flask: Any) -> Any:
    app = flask.Flask("case", host_matching=True, static_folder=None)
    app.add_url_rule("/", "a", lambda: "a", host="a.org")
    app.add_url_rule("/", "b", lambda: "b", host="b.org")
    return app


@case(get("/", host="good.org"), get("/", host="sub.good.org"), get("/", host="evil.org"), get("/", host="any.dot.org"))
def trusted_hosts(flask: Any) -> Any:
    app = flask.Flask("case")
    app.config["TRUSTED_HOSTS"] = ["good.org", ".dot.org"]
    app.add_url_rule("/", "index", lambda: flask.request.host)
    return app
