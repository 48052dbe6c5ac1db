"""The map: adding, sorting, asking, binding."""

import sys
import threading
from typing import Any

import pytest

from hipflask.http.exceptions import BadHost
from hipflask.routing import BaseConverter, Map, Rule


def environ(host: str = "sub.example.com", scheme: str = "http", **more: Any) -> dict[str, Any]:
    return {
        "wsgi.url_scheme": scheme,
        "REQUEST_METHOD": "PUT",
        "HTTP_HOST": host,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SCRIPT_NAME": "/root",
        "PATH_INFO": "/foo",
        "QUERY_STRING": "a=b",
        **more,
    }


def python_calls(function: Any, *args: Any) -> int:
    """Python functions entered by one call, itself included."""
    count = 0

    def note(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
    return count


def many_rules(count: int) -> list[Rule]:
    rules = []
    for n in range(count):
        rules += [
            Rule(f"/s{n}", endpoint=f"s{n}"),
            Rule(f"/p{n}/<int:a>/t{n}", endpoint=f"p{n}"),
            Rule(f"/u/<name>/k{n}", endpoint=f"u{n}"),
            Rule(f"/z/y/{n}/<int:id>", endpoint=f"z{n}"),
        ]
    return rules


@pytest.mark.parametrize("count", [8, 400])
@pytest.mark.parametrize(("path", "calls"), [("/s7", 2), ("/z/y/7/5", 2), ("/p7/5/t7", 3), ("/u/bob/k7", 3)])
def test_find_takes_few_calls_however_many_rules_there_are(count: int, path: str, calls: int) -> None:
    url_map = Map(many_rules(count))
    assert url_map.find(path, "GET") is not None
    assert python_calls(url_map.find, path, "GET") <= calls


def test_find_takes_few_calls_where_several_placeholders_compete() -> None:
    rules = [
        "/<path:p>",
        "/u/<int:n>",
        "/u/<name>",
        "/u/me",
        "/m/<name>-<x>",
        "/m/<name>",
        "/f/<int:n>",
        "/f/<float:x>",
        "/d/<int:n>",
        "/d/<int(signed=True):n>",
    ]
    url_map = Map([Rule(rule, endpoint=rule) for rule in rules])
    for path, calls in (("/u/5", 3), ("/u/x", 3), ("/u/me", 2)):
        assert url_map.find(path, "GET") is not None
        assert python_calls(url_map.find, path, "GET") <= calls
    for path, name in (
        ("/m/a-b", "/m/<name>-<x>"),
        ("/m/a", "/m/<name>"),
        ("/f/1.5", "/f/<float:x>"),
        ("/d/x", "/<path:p>"),
        ("/u/", "/<path:p>"),
    ):
        found = url_map.find(path, "GET")
        assert found is not None and found[0].rule == name


def test_find_gives_rule_and_new_arguments() -> None:
    rule = Rule("/a/<int:x>", endpoint="e", defaults={"y": 2})
    url_map = Map([rule])
    first, second = url_map.find("/a/1", "GET"), url_map.find("/a/1", "GET")
    assert first == (rule, {"x": 1, "y": 2})
    assert first is not None and second is not None and first[1] is not second[1]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/missing", "GET"),
        ("/posted", "GET"),
        ("/branch", "GET"),
        ("/branch/x", "GET"),
        ("//leaf", "GET"),
        ("//x/leaf", "GET"),
        ("leaf", "GET"),
        ("", "GET"),
        ("/", "GET"),
        ("/old", "GET"),
        ("/alias", "GET"),
        ("/page/1", "GET"),
        ("/ws", "GET"),
        ("/ws/1", "GET"),
        ("/n/" + "1" * 5000, "GET"),
        ("/small/7", "GET"),
        ("/n/x", "GET"),
        ("/n/1", "POST"),
    ],
)
def test_find_leaves_the_rest_to_match(path: str, method: str) -> None:
    url_map = Map(
        [
            Rule("/leaf", endpoint="leaf"),
            Rule("/posted", endpoint="posted", methods=["POST"]),
            Rule("/branch/", endpoint="branch"),
            Rule("/branch/<x>/", endpoint="branch"),
            Rule("/old", endpoint="old", redirect_to="/leaf"),
            Rule("/alias", endpoint="leaf", alias=True),
            Rule("/page", endpoint="page", defaults={"n": 1}),
            Rule("/page/<int:n>", endpoint="page"),
            Rule("/ws", endpoint="ws", websocket=True),
            Rule("/ws/<x>", endpoint="ws", websocket=True),
            Rule("/n/<int:x>", endpoint="n", methods=["GET"]),
            Rule("/small/<int(max=5):x>", endpoint="small"),
        ]
    )
    assert url_map.find(path, method) is None


def test_find_knows_static_domains() -> None:
    url_map = Map(
        [
            Rule("/a", endpoint="a", subdomain="api"),
            Rule("/b", endpoint="b", subdomain="<x>"),
        ]
    )
    assert url_map.find("/a", "GET") is None
    found = url_map.find("/a", "GET", "api")
    assert found is not None and found[0].endpoint == "a"
    assert url_map.find("/b", "GET", "other") is None
    assert url_map.bind("h", subdomain="other").match("/b") == ("b", {"x": "other"})


def test_rules_that_begin_with_two_slashes_are_out_of_reach() -> None:
    url_map = Map(merge_slashes=False)
    for string in ("/", "//x", "//<y>", "//<y>/z"):
        url_map.add(Rule(string, endpoint=string))
    for path in ("//x", "//other", "//other/z"):
        assert url_map.find(path, "GET") is None
        assert not url_map.bind("h").test(path)


def test_rules_may_be_added_after_matching() -> None:
    url_map = Map([Rule("/<name>", endpoint="text")])
    adapter = url_map.bind("h")
    assert adapter.match("/1") == ("text", {"name": "1"})
    url_map.add(Rule("/<int:n>", endpoint="number"))
    url_map.add(Rule("/me", endpoint="me"))
    assert adapter.match("/1") == ("number", {"n": 1})
    assert adapter.match("/me") == ("me", {})
    assert adapter.match("/you") == ("text", {"name": "you"})
    url_map.add(Rule("/", endpoint="text", defaults={"name": "1"}))
    assert adapter.build("text", {"name": "1"}) == "/"
    assert url_map.find("/you", "GET") is None
    assert adapter.match("/you") == ("text", {"name": "you"})


def test_rules_may_be_added_while_others_match() -> None:
    url_map = Map([Rule("/n/<int:n>", endpoint="n"), Rule("/n/<name>", endpoint="name")])
    failures: list[Any] = []
    stop = threading.Event()

    def match() -> None:
        adapter = url_map.bind("h")
        while not stop.is_set():
            found = url_map.find("/n/5", "GET"), adapter.match("/n/x"), adapter.build("n", {"n": 1})
            if found[0] is None or found[1:] != (("name", {"name": "x"}), "/n/1"):
                failures.append(found)

    # Daemons, and stopped whatever happens: without its lock the map raises in one thread or another.
    threads = [threading.Thread(target=match, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(300):
            url_map.add(Rule(f"/n/<int:n>/{number}", endpoint="n" if number % 2 else f"e{number}"))
            url_map.add(Rule(f"/n/x{number}-<a>", endpoint="mixed"))
            url_map.update()
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


def test_representation() -> None:
    assert repr(Map()) == "Map([])"
    assert repr(Map([Rule("/a", endpoint="a")])) == "Map([<Rule '/a' -> a>])"
    assert repr(Map([Rule(f"/{'a' * 60}", endpoint=n) for n in "ab"])).count("\n") == 1


def test_iter_rules_is_in_the_order_of_building() -> None:
    url_map = Map([Rule("/a", endpoint="1"), Rule("/<x>", endpoint="1"), Rule("/b", endpoint="2")])
    assert [str(rule) for rule in url_map.iter_rules()] == ["/<x>", "/a", "/b"]
    assert [str(rule) for rule in url_map.iter_rules("1")] == ["/<x>", "/a"]
    with pytest.raises(KeyError, match="3"):
        url_map.iter_rules("3")


def test_is_endpoint_expecting() -> None:
    url_map = Map([Rule("/<int:x>", endpoint="a", defaults={"y": None}), Rule("/z/<z>", endpoint="a")])
    asked: list[tuple[str, ...]] = [(), ("x",), ("x", "y"), ("z",), ("x", "z"), ("q",)]
    assert [url_map.is_endpoint_expecting("a", *names) for names in asked] == [True] * 4 + [False] * 2
    with pytest.raises(KeyError, match="b"):
        url_map.is_endpoint_expecting("b")


def test_settings_of_a_subclass() -> None:
    class Upper(BaseConverter):
        regex = "[A-Z]+"

    class OwnMap(Map):
        default_converters = {**Map.default_converters, "default": Upper}
        lock_class = threading.RLock  # type: ignore[assignment]

    adapter = OwnMap([Rule("/<x>", endpoint="x")]).bind("h")
    assert adapter.test("/ABC") and not adapter.test("/abc")
    assert set(Map.default_converters) == {"default", "string", "any", "path", "int", "float", "uuid"}


def test_merge_slashes_can_be_switched() -> None:
    url_map = Map([Rule("/a/b", endpoint="e", merge_slashes=True)], merge_slashes=False)
    adapter = url_map.bind("h")
    assert not url_map.merge_slashes and not adapter.test("/a//b")
    url_map.merge_slashes = True
    assert adapter.test("/a//b")


def test_build_path() -> None:
    url_map = Map([Rule("/a/<x>", endpoint="e", methods=["GET"]), Rule("/b", endpoint="e", subdomain="s")])
    assert url_map.build_path("e", {"x": 1, "q": "a b"}) == ("", "/a/1?q=a+b")
    assert url_map.build_path("e", {"x": 1}, "POST") == ("s", "/b?x=1")
    assert url_map.build_path("e", {"x": 1}, "POST", append_unknown=False) == ("s", "/b")
    assert url_map.build_path("f", {}) is None


def test_bind() -> None:
    adapter = Map(default_subdomain="www").bind("EXAMPLE.com", "x", path_info="")
    assert (adapter.server_name, adapter.script_name, adapter.subdomain) == ("example.com", "x/", "www")
    assert (adapter.path_info, adapter.url_scheme, adapter.default_method) == ("", "http", "GET")
    assert Map(host_matching=True).bind("h").subdomain is None
    with pytest.raises(RuntimeError, match="host matching enabled and a subdomain was provided"):
        Map(host_matching=True).bind("h", subdomain="x")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b\u00fccher.de", "xn--bcher-kva.de"),
        ("h.", "h."),
        ("H:80", "h:80"),
        ("", ""),
        (f"{'a' * 60}.de", f"{'a' * 60}.de"),
        (f"{'a' * 63}:80", f"{'a' * 63}:80"),
        ("\u00fc:80", "xn--tda:80"),
    ],
)
def test_bind_makes_server_names_ascii(name: str, expected: str) -> None:
    assert Map().bind(name).server_name == expected


@pytest.mark.parametrize("name", ["a" * 70, "\u00fc" * 70 + ".de", "a..b", ".a"])
def test_bind_refuses_names_that_cannot_be(name: str) -> None:
    with pytest.raises(BadHost, match="400"):
        Map().bind(name)


def test_bind_to_environ() -> None:
    adapter = Map().bind_to_environ(environ(PATH_INFO="/\xc3\xa9\xff", QUERY_STRING="a=\xc3\xa9"))
    assert (adapter.server_name, adapter.subdomain) == ("sub.example.com", "")
    assert (adapter.script_name, adapter.path_info) == ("/root/", "/\u00e9\ufffd")
    assert (adapter.query_args, adapter.default_method, adapter.url_scheme) == ("a=\u00e9", "PUT", "http")


def test_bind_to_environ_takes_a_request() -> None:
    class Request:
        def __init__(self) -> None:
            self.environ = environ()

    adapter = Map().bind_to_environ(Request())  # type: ignore[arg-type]
    assert adapter.server_name == "sub.example.com"


def test_bind_to_environ_does_without_optional_variables() -> None:
    minimal = environ()
    for name in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"):
        del minimal[name]
    adapter = Map().bind_to_environ(minimal)
    assert (adapter.script_name, adapter.path_info, adapter.query_args) == ("/", "/", None)


@pytest.mark.parametrize(
    ("host", "scheme", "server_name", "expected"),
    [
        ("sub.example.com", "http", "example.com", ("example.com", "sub")),
        ("Sub.Example.com", "http", "EXAMPLE.com:80", ("example.com", "sub")),
        ("example.com", "https", "example.com:443", ("example.com", "")),
        ("a.b.example.com", "http", "example.com", ("example.com", "a.b")),
        ("a.example.com:8080", "http", "example.com:8080", ("example.com:8080", "a")),
        ("sub.example.com", "ftp", "com", ("com", "sub.example")),
    ],
)
def test_subdomain_of_a_request(host: str, scheme: str, server_name: str, expected: tuple[str, str]) -> None:
    adapter = Map().bind_to_environ(environ(host, scheme), server_name)
    assert (adapter.server_name, adapter.subdomain) == expected


@pytest.mark.parametrize("server_name", ["other.com", "example.com:8080", "om", ""])
def test_request_for_another_host_warns(server_name: str) -> None:
    with pytest.warns(UserWarning, match="does not match the configured server name"):
        adapter = Map([Rule("/foo", endpoint="e")]).bind_to_environ(environ(), server_name)
    assert adapter.subdomain == "<invalid>"
    assert not adapter.test()


def test_subdomain_given_or_hosts_matched() -> None:
    assert Map().bind_to_environ(environ(), "other.com", "zz").subdomain == "zz"
    assert Map(host_matching=True).bind_to_environ(environ(), "other.com").subdomain is None


@pytest.mark.parametrize(
    ("connection", "upgrade", "scheme", "expected"),
    [
        ("Upgrade", "websocket", "http", "ws"),
        ("keep-alive, UPGRADE", "WebSocket", "https", "wss"),
        ("close", "websocket", "http", "http"),
        ("x-upgrade", "websocket", "http", "http"),
        ("Upgrade", "h2c", "https", "https"),
    ],
)
def test_handshakes_are_recognized(connection: str, upgrade: str, scheme: str, expected: str) -> None:
    adapter = Map().bind_to_environ(environ("h", scheme, HTTP_CONNECTION=connection, HTTP_UPGRADE=upgrade))
    assert (adapter.url_scheme, adapter.websocket) == (expected, expected.startswith("ws"))
