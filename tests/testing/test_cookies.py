"""The cookies of a client: kept, matched, sent, deleted."""

import pytest

from hipflask.testing import Client, Cookie

FIELDS = (
    "key value decoded_key decoded_value expires max_age domain origin_only path secure http_only same_site"
).split()


def make_app(headers, sent):
    """Return an application that sets *headers* once and records the cookies it is sent."""

    def app(environ, start_response):
        sent.append(environ.get("HTTP_COOKIE"))
        start_response("200 OK", [("Set-Cookie", header) for header in headers])
        headers.clear()
        return [b"x"]

    return app


def stored(client, *places):
    """Return the fields of a client's cookies ``k`` at these places."""
    cookies = [client.get_cookie("k", domain, path) for domain, path in places]
    return [cookie and [getattr(cookie, field) for field in FIELDS] for cookie in cookies]


def exchange(headers, origin, targets):
    """Return steps: set cookies at *origin*, ask for *targets*, see what was sent."""

    def steps(names):
        sent = []
        client = names.test.Client(make_app(list(headers), sent))
        client.get(origin[1], base_url=origin[0])
        for target in targets:
            client.get(target[1], base_url=target[0])
        return sent[1:], stored(client, ("localhost", "/a"), ("localhost", "/"), ("x.test", "/root/a"))

    return steps


PATHS = [("http://localhost/", path) for path in ("/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/a%20b/c")]

HEADERS = [
    ["k=v"],
    ["k=v; Path=/"],
    ["k=v; Path=/a"],
    ["k=v; Path=/a/"],
    ["k=v; Path=a"],
    ["k=v; Path="],
    ["k=v; Path"],
    ["k=v; Path=/a%20b"],
    ["k=v; Domain=other.test"],
    ["k=v; Domain="],
    ["k=v; Domain"],
    ["k=v; Secure; HttpOnly; SameSite=Lax; Partitioned"],
    ["k=v; Secure=0; HttpOnly=x"],
    ["k=v; SameSite"],
    ["k=v; samesite=strict; SameSite=none"],
    ["k=v; Max-Age=10"],
    ["k=v; max-age= 5 "],
    ["k=v; Max-Age=0"],
    ["k=v; Max-Age="],
    ["k=v; Max-Age"],
    ["k=v; Max-Age=-1"],
    ["k=v; Max-Age=x"],
    ["k=v; Max-Age=99999999999"],
    ["k=v; Expires=Wed, 21 Oct 2035 07:28:00 GMT"],
    ["k=v; Expires=Wed, 21 Oct 2015 07:28:00 GMT"],
    ["k=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    ["k=v; Expires=Wed, 21 Oct 2035 07:28:00 GMT; Max-Age=0"],
    ["k=v; Expires=bad"],
    ["k=v; Expires"],
    ['k="a\\"b\\054"'],
    ['k="a b"'],
    ["k==v="],
    ["k"],
    ["k=a,b"],
    ["k=a;;b"],
    ['k= "x" '],
    ["k=%20"],
    ["k=\xc3\xbc"],
    ['k="\\303\\274"'],
    [" k = v ; path = /a ; FOO=bar"],
    ['k=v; path="/a"'],
    ["k=v", "k=w; Path=/a", "k=z; Path=/", "j=1; Path=/"],
    ["a=1; Path=/", "b=2; Path=/a", "c=3; Path=/a/b"],
    ["k=v", "k=; Max-Age=0"],
    ["k=v; Path=/", "k=; Max-Age=0"],
]


@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_cookies_of_responses_are_kept_as_on_werkzeug(assert_same, headers):
    assert_same(exchange(headers, ("http://localhost/", "/a/b"), PATHS))


HOSTS = [
    (f"{base}/", "/")
    for base in (
        "http://example.test",
        "http://sub.example.test",
        "http://xexample.test",
        "https://example.test:81",
        "http://EXAMPLE.test",
        "http://localhost",
        "http://test",
        "http://[::1]",
        "http://1.2.3.4",
    )
]


@pytest.mark.parametrize("origin", ["http://example.test", "http://[::1]:80", "http://1.2.3.4:99"])
@pytest.mark.parametrize(
    "domain",
    ["", "example.test", ".example.test", "EXAMPLE.test", "test", "sub.example.test", "xexample.test", "4"],
)
def test_domains_are_matched_as_on_werkzeug(assert_same, origin, domain):
    header = f"k=v; Path=/; Domain={domain}" if domain else "k=v; Path=/"
    assert_same(exchange([header], (origin, "/"), HOSTS))


@pytest.mark.parametrize("path", ["", "/", "/root", "/root/", "/root/a"])
def test_paths_count_from_the_root_of_the_host(assert_same, path):
    header = f"k=v; Path={path}" if path else "k=v"
    targets = [("http://x.test/root", target) for target in ("", "/", "/a", "/a/b", "/ab")]
    targets += [("http://x.test/", target) for target in ("/", "/root", "/root/", "/root/a")]
    assert_same(exchange([header], ("http://x.test/root", "/a/b"), targets))


def test_paths_that_are_not_ascii_match_as_in_browsers():
    sent = []
    client = Client(make_app(["k=v; Path=/%C3%BC"], sent))
    for path in ("/", "/ü", "/ü/x", "/%C3%BC/y", "/u"):
        client.get(path)
    assert sent == [None, "k=v", "k=v", "k=v", None]


@pytest.mark.parametrize("header", ["", "=v", "; a=b", "k=a b", 'k="a', 'k=a"b"'])
def test_cookie_that_cannot_be_sent_back_is_an_error(header):
    with pytest.raises(ValueError, match="no browser can send back"):
        Client(make_app([header], [])).get("/")


SET = [
    (("k", "v"), {}),
    (("k",), {}),
    (("k", 'ü "x;,'), {}),
    (("k", "v"), {"domain": "sub.localhost"}),
    (("k", "v"), {"origin_only": False}),
    (("k", "v"), {"path": "/p"}),
    (("k", "v"), {"path": "p"}),
    (("k", "v"), {"path": None}),
    (("k", "v"), {"domain": ""}),
    (("k", "v"), {"domain": "x.test:80", "origin_only": False}),
    (("k", "v"), {"max_age": 0}),
    (("k", "v"), {"expires": 0}),
    (("k", "v"), {"expires": 1e10}),
    (("k", "v"), {"secure": True, "httponly": True, "samesite": "lax", "partitioned": True}),
    (("k", "v"), {"bogus": 1}),
    (("localhost", "k", "v"), {}),
    (("k", 5), {}),
]


@pytest.mark.parametrize(("args", "kwargs"), SET, ids=str)
def test_set_cookie_is_that_of_werkzeug(assert_same, args, kwargs):
    def steps(names):
        sent = []
        client = names.test.Client(make_app([], sent))
        returned = client.set_cookie(*args, **kwargs)
        for target in (
            "http://localhost/",
            "http://localhost/p",
            "http://sub.localhost/p",
            "http://a.x.test/",
        ):
            client.get("/p", base_url=target)
        places = [
            ("localhost", "/"),
            ("sub.localhost", "/"),
            ("localhost", "/p"),
            ("localhost", "p"),
            ("", "/"),
        ]
        return returned, sent, stored(client, *places)

    assert_same(steps)


def test_get_and_delete_name_domain_and_path(assert_same):
    def steps(names):
        client = names.test.Client(make_app([], []))
        client.set_cookie("a", "1")
        client.set_cookie("b", "2", path="/p")
        found = [
            client.get_cookie("a") is not None,
            client.get_cookie("b"),
            client.get_cookie("b", path="/p").value,
            client.get_cookie("a", "localhost", "/").value,
            client.get_cookie("a", "other"),
        ]
        client.delete_cookie("a")
        client.delete_cookie("a")
        client.delete_cookie("b", path="/p")
        return found, client.get_cookie("a"), client.get_cookie("b", path="/p")

    assert_same(steps)


@pytest.mark.parametrize("name", ["get_cookie", "set_cookie", "delete_cookie"])
def test_client_without_cookies_has_no_cookie_api(name):
    client = Client(make_app([], []), use_cookies=False)
    with pytest.raises(TypeError, match="use_cookies=True"):
        getattr(client, name)("a")


def test_client_without_cookies_sends_the_header_it_is_given(assert_same):
    def steps(names):
        sent = []
        client = names.test.Client(make_app(["k=v"], sent), use_cookies=False)
        client.get("/")
        client.get("/", headers={"Cookie": "x=y"})
        client = names.test.Client(make_app([], sent))
        client.get("/", headers={"Cookie": "x=y"})
        client.set_cookie("a", "1")
        client.get("/", headers={"Cookie": "x=y"})
        return sent

    assert assert_same(steps) == [None, "x=y", None, "a=1"]


def test_host_that_cannot_be_split_counts_as_localhost():
    sent = []
    client = Client(make_app([], sent))
    client.set_cookie("a", "1")
    client.get("/", headers={"Host": "[::1"})
    client.get("/", headers={"Host": ""}, environ_overrides={"SERVER_NAME": ""})
    assert sent == ["a=1", "a=1"]


def test_cookie_is_a_plain_value(assert_same):
    def steps(names):
        values = ("a", "b", "c", "d", None, None, "localhost", True, "/", None, None, None)
        one, two = names.test.Cookie(*values), names.test.Cookie(*values)
        two.value = "other"
        return repr(one), one == names.test.Cookie(*values), one == two, names.test.Cookie.__match_args__

    assert_same(steps)
    with pytest.raises(TypeError, match="same_site"):
        Cookie("a")


def test_cookies_are_in_a_dict_as_tests_of_extensions_expect():
    client = Client(lambda environ, start_response: [])
    assert len(client._cookies) == 0
    client.set_cookie("a", "b")
    assert [(*key, cookie.value) for key, cookie in client._cookies.items()] == [("localhost", "/", "a", "b")]
