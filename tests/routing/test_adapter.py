"""Adapters: matching with its exceptions, redirects, building."""

from typing import Any

import pytest

from hipflask.http.datastructures import ImmutableMultiDict, MultiDict
from hipflask.http.exceptions import Gone, MethodNotAllowed, NotFound
from hipflask.routing import BuildError, Map, RequestRedirect, Rule, WebsocketMismatch

RULES = [
    {"string": "/", "endpoint": "root"},
    {"string": "/a/<int:x>/", "endpoint": "a", "methods": ["GET", "POST"]},
    {"string": "/b", "endpoint": "b", "methods": ["PUT"]},
    {"string": "/n/<x>/", "endpoint": "n"},
    {"string": "/p/<path:p>", "endpoint": "p"},
    {"string": "/file/<name>.<ext>", "endpoint": "file"},
    {"string": "/r/<float:x>", "endpoint": "r", "redirect_to": "/a/<x>"},
    {"string": "/f/<x>", "endpoint": "f", "redirect_to": lambda adapter, x: f"made/{x}"},
    {"string": "/o/<x>", "endpoint": "o", "redirect_to": "http://other.test/<x>"},
    {"string": "/log/", "endpoint": "log", "defaults": {"page": 1}},
    {"string": "/log/<int:page>", "endpoint": "log"},
    {"string": "/index", "endpoint": "root", "alias": True},
    {"string": "/hidden", "endpoint": "hidden", "build_only": True},
    {"string": "/ws/<x>", "endpoint": "ws", "websocket": True},
    {"string": "/loose/", "endpoint": "loose", "strict_slashes": False},
    {"string": "/looseleaf", "endpoint": "looseleaf", "strict_slashes": False},
]


def adapter(**options: Any) -> Any:
    url_map = Map([Rule(**rule) for rule in RULES])  # type: ignore[arg-type]
    return url_map.bind("h", **{"script_name": "/s", "query_args": {"q": [1, 2], "n": None}, **options})


def redirect_of(function: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(RequestRedirect) as caught:
        function(*args, **kwargs)
    return caught.value.new_url


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/", None, ("root", {})),
        ("a/1/", "post", ("a", {"x": 1})),
        ("//a/1/", None, ("a", {"x": 1})),
        ("/b", "PUT", ("b", {})),
        ("/p/a//b", None, ("p", {"p": "a//b"})),
        ("/file/a.b.c", None, ("file", {"name": "a.b", "ext": "c"})),
        ("/log/2", None, ("log", {"page": 2})),
        ("/log/", None, ("log", {"page": 1})),
        ("/loose", None, ("loose", {})),
        ("/loose/", None, ("loose", {})),
        ("/looseleaf/", None, ("looseleaf", {})),
    ],
)
def test_match(path: str, method: str | None, expected: Any) -> None:
    assert adapter().match(path, method) == expected


def test_match_uses_what_the_adapter_was_bound_with() -> None:
    bound = adapter(path_info="/a/1/", default_method="POST")
    assert bound.match() == ("a", {"x": 1})
    assert bound.match(return_rule=True)[0].rule == "/a/<int:x>/"
    assert not bound.test("/b")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", "http://h/s/?q=1&q=2"),
        ("/a/1", "http://h/s/a/1/?q=1&q=2"),
        ("/a//1", "http://h/s/a/1/?q=1&q=2"),
        ("/a//1/", "http://h/s/a/1/?q=1&q=2"),
        ("/n/\u00e9", "http://h/s/n/%C3%A9/?q=1&q=2"),
        ("/r/1.50", "http://h/a/1.5"),
        ("/f/1", "http://h/s/made/1"),
        ("/o/\u00e9", "http://other.test/%C3%A9"),
        ("/log/1", "http://h/s/log/?q=1&q=2"),
        ("/index", "http://h/s/?q=1&q=2"),
    ],
)
def test_match_redirects(path: str, url: str) -> None:
    bound = adapter()
    assert redirect_of(bound.match, path) == url
    assert bound.test(path)


def test_redirect_takes_the_query_given() -> None:
    assert redirect_of(adapter().match, "/a/1", query_args="x=\u00e9") == "http://h/s/a/1/?x=\u00e9"
    assert redirect_of(adapter().match, "/a/1", query_args={}) == "http://h/s/a/1/"
    assert redirect_of(adapter(query_args=None).match, "/index") == "http://h/s/"


@pytest.mark.parametrize(
    ("path", "method", "error", "allowed"),
    [
        ("/b", "GET", MethodNotAllowed, ["PUT"]),
        ("/a/1/", "PUT", MethodNotAllowed, ["GET", "HEAD", "POST"]),
        ("/zzz", "GET", NotFound, []),
        ("/hidden", "GET", NotFound, []),
        ("/a/x/", "GET", NotFound, []),
        ("/ws/1", "GET", WebsocketMismatch, []),
        ("/a/" + "1" * 5000 + "/", "GET", NotFound, ["GET", "HEAD", "POST"]),
    ],
)
def test_match_explains(path: str, method: str, error: type[Exception], allowed: list[str]) -> None:
    with pytest.raises(error):
        adapter().match(path, method)
    assert sorted(adapter().allowed_methods(path)) == allowed
    assert not adapter().test(path, method)


def test_allowed_methods_of_a_rule_for_all() -> None:
    assert adapter().allowed_methods("/") == []


def test_websockets() -> None:
    bound = adapter(url_scheme="wss")
    assert bound.match("/ws/1") == ("ws", {"x": "1"})
    assert adapter().match("/ws/1", websocket=True) == ("ws", {"x": "1"})
    with pytest.raises(WebsocketMismatch):
        bound.match("/")
    assert bound.match("/", websocket=False) == ("root", {})


def test_defaults_do_not_redirect_if_switched_off() -> None:
    bound = adapter()
    bound.map.redirect_defaults = False
    assert bound.match("/log/1") == ("log", {"page": 1})
    assert bound.match("/index") == ("root", {})


def test_alias_of_a_placeholder() -> None:
    url_map = Map([Rule("/item/<int:n>", endpoint="i"), Rule("/thing/<int:n>", endpoint="i", alias=True)])
    bound = url_map.bind("h")
    assert redirect_of(bound.match, "/thing/3", query_args="x=1") == "http://h/item/3?x=1"
    assert bound.build("i", {"n": 3}) == "/item/3"


def test_default_redirect_that_cannot_be_built_is_none() -> None:
    class Unbuildable(Rule):
        def build(self, values: Any, append_unknown: bool = True) -> None:
            return None

    rules = [Unbuildable("/", endpoint="e", defaults={"n": 1}), Rule("/<int:n>", endpoint="e")]
    assert Map(rules).bind("h").match("/1") == ("e", {"n": 1})


def test_get_default_redirect() -> None:
    bound = adapter()
    first, second = bound.map.iter_rules("log")
    values = {"page": 1}
    assert bound.get_default_redirect(second, "GET", values, "x=1") == "http://h/s/log/?x=1"
    assert bound.get_default_redirect(first, "GET", values, "x=1") is None
    assert bound.get_default_redirect(second, "GET", {"page": 2}, "x=1") is None
    assert bound.get_default_redirect(Rule("/", endpoint="log"), "GET", {"page": 2}, "") is None


def test_dispatch() -> None:
    bound = adapter()
    assert bound.dispatch(lambda endpoint, args: (endpoint, args), "/a/1/") == ("a", {"x": 1})
    assert isinstance(bound.dispatch(lambda endpoint, args: 1, "/a/1"), RequestRedirect)
    assert isinstance(bound.dispatch(lambda endpoint, args: 1, "/b", catch_http_exceptions=True), MethodNotAllowed)

    def gone(endpoint: str, args: Any) -> Any:
        raise Gone

    assert isinstance(bound.dispatch(gone, "/", catch_http_exceptions=True), Gone)
    with pytest.raises(Gone):
        bound.dispatch(gone, "/")


def test_hosts() -> None:
    by_subdomain = Map().bind("h:80", subdomain="own")
    assert [by_subdomain.get_host(part) for part in (None, "", "x")] == ["own.h:80", "h:80", "x.h:80"]
    by_host = Map(host_matching=True).bind("h:80")
    assert [by_host.get_host(part) for part in (None, "", "x")] == ["h:80", "", "x"]


def test_redirect_urls() -> None:
    bound = Map().bind("h", "/s", url_scheme="", query_args="q=1")
    assert bound.make_redirect_url("//x//y") == "http://h/s/x//y?q=1"
    assert bound.make_redirect_url("x", {"a": [1, "\u00e9"]}, "sub") == "http://sub.h/s/x?a=1&a=%C3%A9"
    assert Map().bind("h").make_redirect_url("") == "http://h/"


def test_encode_query_args() -> None:
    bound = Map().bind("h")
    assert bound.encode_query_args("a=\u00e9") == "a=\u00e9"
    assert (
        bound.encode_query_args({"a b": ["1&2", "\u00e9"], "n": None, "b": b"\xff "}) == "a+b=1%262&a+b=%C3%A9&b=%FF+"
    )
    assert bound.encode_query_args(MultiDict([("a", 1), ("a", 2)])) == "a=1&a=2"


@pytest.mark.parametrize(
    ("endpoint", "values", "options", "expected"),
    [
        ("root", None, {}, "/s/"),
        ("a", {"x": 1, "n": None}, {}, "/s/a/1/"),
        ("a", {"x": 1, "l": [1, None, "\u00e9"], "e": []}, {}, "/s/a/1/?l=1&l=%C3%A9"),
        ("a", {"x": 1, "y": 2}, {"append_unknown": False}, "/s/a/1/"),
        ("b", {}, {}, "/s/b"),
        ("log", {}, {}, "/s/log/"),
        ("log", {"page": 1}, {}, "/s/log/"),
        ("log", {"page": 2}, {}, "/s/log/2"),
        ("hidden", {}, {"force_external": True}, "http://h/s/hidden"),
        ("root", {}, {"force_external": True, "url_scheme": "wss"}, "https://h/s/"),
        ("root", {}, {"force_external": True, "url_scheme": ""}, "//h/s/"),
        ("ws", {"x": 1}, {}, "ws://h/s/ws/1"),
        ("ws", {"x": 1}, {"url_scheme": "https"}, "wss://h/s/ws/1"),
        ("a", MultiDict([("x", 1), ("l", 1), ("l", 2)]), {}, "/s/a/1/?l=1&l=2"),
        ("a", ImmutableMultiDict([("x", 1)]), {}, "/s/a/1/"),
        ("p", {"p": "a b/\u00e9.css"}, {}, "/s/p/a%20b/%C3%A9.css"),
    ],
)
def test_build(endpoint: str, values: Any, options: Any, expected: str) -> None:
    assert adapter().build(endpoint, values, **options) == expected


def test_build_gives_a_none_of_a_multi_dict_to_the_converter() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        Map([Rule("/<int:n>", endpoint="n")]).bind("h").build("n", MultiDict({"n": None}))


def test_build_at_the_root() -> None:
    url_map = Map([Rule("/", endpoint="root"), Rule("/<path:p>", endpoint="p")])
    bound = url_map.bind("h")
    assert bound.build("root") == "/"
    assert bound.build("p", {"p": "/x"}) == "/x"


def test_build_chooses_by_method() -> None:
    url_map = Map(
        [
            Rule("/post/<x>", endpoint="e", methods=["POST"]),
            Rule("/get/<x>", endpoint="e", methods=["GET"]),
        ]
    )
    bound = url_map.bind("h")
    assert [bound.build("e", {"x": 1}, method) for method in (None, "GET", "POST")] == ["/get/1", "/get/1", "/post/1"]
    assert url_map.bind("h", default_method="PUT").build("e", {"x": 1}) == "/post/1"
    with pytest.raises(BuildError, match="to use methods"):
        bound.build("e", {"x": 1}, "PUT")


def test_build_for_other_domains() -> None:
    url_map = Map([Rule("/x", endpoint="x", subdomain="sub"), Rule("/y", endpoint="y", subdomain="<a>.q")])
    assert url_map.bind("h:80", "/r").build("x") == "http://sub.h:80/r/x"
    assert url_map.bind("h:80", "/r", subdomain="sub").build("x") == "/r/x"
    assert url_map.bind("h").build("y", {"a": "\u00fc"}) == "http://%C3%BC.q.h/y"


def test_build_prefers_the_own_host() -> None:
    url_map = Map(
        [
            Rule("/a", endpoint="e", host="a.com"),
            Rule("/b", endpoint="e", host="b.com"),
            Rule("/post", endpoint="p", host="a.com", methods=["POST"]),
            Rule("/post", endpoint="p", host="b.com", methods=["POST"]),
        ],
        host_matching=True,
    )
    assert [url_map.bind(host).build("e") for host in ("a.com", "b.com", "c.com")] == ["/a", "/b", "http://a.com/a"]
    assert url_map.bind("b.com").build("p") == "/post"
    assert url_map.bind("b.com").build("e", method="GET") == "/b"
    with pytest.raises(BuildError, match="'zz'"):
        url_map.bind("b.com").build("zz")


def test_build_sorts_parameters() -> None:
    values = {"b": 1, "a": [3, 2], "c": [None], "d": None}
    by_name = Map([Rule("/x", endpoint="x")], sort_parameters=True)
    assert by_name.bind("h").build("x", values) == "/x?a=2&a=3&b=1"
    by_key = Map([Rule("/x", endpoint="x")], sort_parameters=True, sort_key=lambda pair: -ord(pair[0]))
    assert by_key.bind("h").build("x", values) == "/x?b=1&a=3&a=2"
