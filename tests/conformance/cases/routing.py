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


@case(get("/a;b"), get("/a@b:c"), get("/~x/!$&'()*+,="), get("/a.b-c_d"), get("/A"), get("/a"))
def punctuation(flask: Any) -> Any:
    return _echo(flask, "/a;b", "/a@b:c", "/~x/<name>", "/a.b-c_d", "/A")


@case(get("/x/1/edit"), get("/x/1/2/edit"), get("/x/edit"), get("/x/1/edit/"), get("/wiki/a/b"), get("/wiki/a/history"))
def paths_with_an_end(flask: Any) -> Any:
    return _echo(flask, "/x/<path:rest>/edit", "/wiki/<path:page>", "/wiki/<path:page>/history")


@case(get("/t/red"), get("/t/1999-12"), get("/t/1999-13"), get("/t/99-1"))
def converter_with_a_pattern(flask: Any) -> Any:
    class Month(http(flask, "routing").BaseConverter):  # type: ignore[misc]
        regex = r"\d{4}-(?:0[1-9]|1[0-2])"
        weight = 50

    app = flask.Flask("case")
    app.url_map.converters["month"] = Month
    app.add_url_rule("/t/<month:when>", "month", lambda when: f"month {when}")
    app.add_url_rule("/t/<name>", "name", lambda name: f"name {name}")
    return app


@case(get("/x"), post("/x"), send("PUT", "/x"), send("DELETE", "/x"), send("OPTIONS", "/x"), send("HEAD", "/x"))
def one_rule_and_a_view_for_each_method(flask: Any) -> Any:
    app = flask.Flask("case")
    app.get("/x")(lambda: "got")
    app.post("/x", endpoint="posted")(lambda: ("posted", 201))
    app.put("/x", endpoint="put")(lambda: "put")
    app.delete("/x", endpoint="deleted")(lambda: ("", 200))
    return app


@case(get("/a"), get("/b"), get("/late"))
def endpoints_without_views(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/a", endpoint="a")
    app.url_map.add(http(flask, "routing").Rule("/b", endpoint="b"))
    app.endpoint("b")(lambda: "b")
    app.endpoint("a")(lambda: "a")
    app.add_url_rule("/late", endpoint="late")
    app.view_functions["late"] = lambda: flask.request.endpoint
    return app


@case(get("/", host="anna.example.org"), get("/x", host="example.org"), get("/", host="a.b.example.org"))
def hosts_with_variables(flask: Any) -> Any:
    app = flask.Flask("case", host_matching=True, static_folder=None)
    app.add_url_rule("/", "user", lambda user: f"user {user}", host="<user>.example.org")
    app.add_url_rule("/x", "x", lambda: flask.url_for("user", user="bo", _external=True), host="example.org")
    return app


@case(get("/only"), get("/link"))
def rules_to_build_only(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/only/<name>", "only", build_only=True)
    app.add_url_rule("/link", "link", lambda: flask.url_for("only", name="x", _external=True))
    return app


@case(get("/users"), get("/users/index.html"), get("/2024/"), get("/2024/1"), get("/2024/12"))
def aliases_and_defaults(flask: Any) -> Any:
    app = flask.Flask("case")
    app.add_url_rule("/users", "users", lambda: "users")
    app.add_url_rule("/users/index.html", "users", alias=True)
    app.add_url_rule("/<int:year>/", "month", lambda year, month: f"{year} {month}", defaults={"month": 1})
    app.add_url_rule("/<int:year>/<int:month>", "month")
    return app
