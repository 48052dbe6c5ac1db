"""The client over plain WSGI applications, compared with Werkzeug's."""

import io
from urllib.parse import parse_qs, urlencode

import pytest

import hipflask.testing
from hipflask.http.response import Response
from hipflask.testing import Client, ClientRedirectError, TestResponse, create_environ

KEYS = (
    "REQUEST_METHOD",
    "wsgi.url_scheme",
    "HTTP_HOST",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "REQUEST_URI",
)
MORE_KEYS = ("CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_COOKIE", "HTTP_X", "HTTP_TRANSFER_ENCODING", "custom")


def make_app(log):
    """Return an application that redirects as its query string says, and records its requests in *log*."""

    def app(environ, start_response):
        body = environ["wsgi.input"].read()
        log.append([environ.get(key) for key in KEYS + MORE_KEYS] + [body])
        query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
        if "to" in query:
            headers = [("Location", query["to"][0]), ("Content-Type", "text/plain")]
            if "cookie" in query:
                headers.append(("Set-Cookie", "c=1; Path=/"))
            start_response(f"{query.get('code', ['302'])[0]} Go", headers)
            return [b"moved"]
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"end ", environ["REQUEST_METHOD"].encode()]

    return app


def summary(response):
    """Return what is to be compared of a response."""
    return [
        response.status,
        response.data,
        response.request.method,
        response.request.path,
        response.location,
        [(item.status_code, item.request.path, len(item.history)) for item in response.history],
    ]


def target(**query):
    """Return a path with a query string that tells the application where to send the client."""
    return "/s/x?" + urlencode(query)


def ask(path, client_arguments=None, **kwargs):
    """Return steps: one request, its summary, and what the application saw."""

    def steps(names):
        log = []
        client = names.test.Client(make_app(log), **(client_arguments or {}))
        client.set_cookie("pre", "1")
        arguments = {key: value() if callable(value) else value for key, value in kwargs.items()}
        return summary(client.open(path, **arguments)), log

    return steps


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("code", [200, 201, 300, 301, 302, 303, 304, 305, 306, 307, 308, 399])
def test_redirects_change_method_and_body_as_on_werkzeug(assert_same, code, method):
    assert_same(
        ask(
            target(to="/end", code=code),
            method=method,
            data=b"raw",
            content_type="t/p",
            headers={"X": "1", "Transfer-Encoding": "x"},
            environ_overrides={"custom": 1},
            follow_redirects=True,
        )
    )


LOCATIONS = [
    "/end",
    "end",
    "../y",
    "?z=1",
    "#frag",
    "http://localhost/ok",
    "http://localhost:80/ok",
    "https://localhost/ok",
    "http://localhost:81/ok",
    "http://localhost",
    "http://other.test/",
    "http://sub.localhost/",
    "http://user@localhost/",
    "ftp://localhost/",
    "//other/x",
    "mailto:x",
    "/a b?c d",
    "/a?",
    "/a;b",
    "/a#b",
    "  /lead",
    "http://localhost/%2F?a=%26",
    "/a%3Fb",
    "/a%25",
    "/%zz?%zz",
    "/%C3%BC%20%2F",
    "",
]


@pytest.mark.parametrize("location", LOCATIONS)
def test_redirects_lead_where_werkzeug_goes(assert_same, location):
    assert_same(ask(target(to=location), follow_redirects=True))


@pytest.mark.parametrize("location", ["http://sub.localhost/", "http://a.b.localhost/y", "http://xlocalhost/"])
def test_subdomains_are_followed_if_allowed(assert_same, location):
    assert_same(ask(target(to=location), {"allow_subdomain_redirects": True}, follow_redirects=True))


@pytest.mark.parametrize(
    "location",
    [
        "/app/end",
        "end",
        "/other",
        "http://h.test/app",
        "http://h.test/app/",
        "/application/x",
        "/app",
        "/app/?x",
    ],
)
def test_root_of_the_application_is_kept_below_it(assert_same, location):
    assert_same(ask(target(to=location), base_url="http://h.test/app/", follow_redirects=True))


def test_redirect_to_the_same_host_keeps_an_unnamed_scheme():
    response = Client(make_app([])).get(
        target(to="//localhost/ok"), base_url="https://localhost", follow_redirects=True
    )
    assert response.request.url == "https://localhost/ok"


def test_host_names_are_compared_without_case():
    assert Client(make_app([])).get(target(to="http://LOCALHOST/x"), follow_redirects=True).status_code == 200


def test_address_in_brackets_is_one_host():
    client = Client(make_app([]))
    base_url = "http://[::1]:5000"
    response = client.get(target(to="http://[::1]:5000/x"), base_url=base_url, follow_redirects=True)
    assert response.request.url == "http://[::1]:5000/x"
    with pytest.raises(RuntimeError, match="another host"):
        client.get(target(to="http://[::2]:5000/x"), base_url=base_url, follow_redirects=True)


def test_other_hosts_are_refused_with_the_remedy():
    client = Client(make_app([]))
    with pytest.raises(RuntimeError, match=r"response\.location"):
        client.get(target(to="http://other.test/"), follow_redirects=True)
    with pytest.raises(RuntimeError, match="allow_subdomain_redirects=True"):
        client.get(target(to="http://sub.localhost/"), follow_redirects=True)


def test_redirect_with_a_cookie_sends_it_next(assert_same):
    assert_same(ask(target(to="/end", cookie="1"), follow_redirects=True))


def test_circles_are_found_at_the_second_round(assert_same):
    asked = []

    def circle(environ, start_response):
        asked.append(environ["PATH_INFO"])
        start_response("302 F", [("Location", "/a" if environ["PATH_INFO"] == "/b" else "/b")])
        return [b""]

    def steps(names):
        asked.clear()
        try:
            names.test.Client(circle).get("/a", follow_redirects=True)
        except names.test.ClientRedirectError:
            return list(asked)

    assert assert_same(steps) == ["/a", "/b", "/a"]
    with pytest.raises(ClientRedirectError, match="302 to '/b' came twice"):
        Client(circle).get("/a", follow_redirects=True)


def test_long_chains_are_followed_and_recorded():
    def app(environ, start_response):
        number = int(environ["QUERY_STRING"] or 0)
        start_response("302 F" if number < 40 else "200 OK", [("Location", f"/{number}?{number + 1}")])
        return [b""]

    response = Client(app).get("/", follow_redirects=True)
    assert len(response.history) == 40
    assert [len(item.history) for item in response.history] == list(range(40))
    assert isinstance(response.history, tuple)


def test_redirect_without_location_is_an_error(assert_same):
    def app(environ, start_response):
        start_response("302 F", [])
        return [b"x"]

    assert assert_same(lambda names: names.test.Client(app).get("/", follow_redirects=True)) == "TypeError"
    with pytest.raises(TypeError, match="without a Location"):
        Client(app).get("/", follow_redirects=True)


def test_resolve_redirect_goes_one_step(assert_same):
    def steps(names):
        client = names.test.Client(make_app([]))
        response = client.get(target(to=target(to="/end")))
        one = client.resolve_redirect(response)
        return summary(one), summary(client.resolve_redirect(one))

    assert_same(steps)


def test_body_is_dropped_and_closed_where_the_method_changes(assert_same):
    def steps(names):
        result = []
        for code in (302, 307):
            stream = io.BytesIO(b"abc")
            names.test.Client(make_app([])).post(
                target(to="/end", code=code), input_stream=stream, follow_redirects=True
            )
            result.append(stream.closed)
        return result

    assert assert_same(steps) == [True, False]


def test_unread_body_is_sent_again_after_307(assert_same):
    def app(environ, start_response):
        if environ["PATH_INFO"] == "/a":
            start_response("307 F", [("Location", "/b")])
            return [b""]
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(), environ["CONTENT_TYPE"].partition(";")[0].encode()]

    def steps(names):
        client = names.test.Client(app)
        return client.post("/a", data={"f": "1"}, follow_redirects=True).data

    assert assert_same(steps) == b"f=1application/x-www-form-urlencoded"


OPEN = {
    "nothing": lambda names: ((), {}),
    "path": lambda names: (("/x",), {"method": "PUT"}),
    "path and base": lambda names: (("/x", "http://foo.test/r"), {}),
    "path by name": lambda names: ((), {"path": "/kw"}),
    "environ": lambda names: (
        (names.test.create_environ("/e", data=b"abc", environ_base={"custom": 1}),),
        {},
    ),
    "builder": lambda names: (
        (names.test.EnvironBuilder("/b", method="PATCH", environ_base={"custom": 1}),),
        {},
    ),
    "request": lambda names: (
        (names.request.Request(names.test.create_environ("/r", data=b"q", environ_base={"custom": 1})),),
        {},
    ),
    "empty environ": lambda names: (({},), {}),
    "whole URL": lambda names: (("http://h.test/x",), {}),
    "buffered": lambda names: (("/x",), {"buffered": True}),
}


@pytest.mark.parametrize("name", OPEN)
def test_open_takes_all_that_werkzeug_takes(assert_same, name):
    def steps(names):
        log = []
        args, kwargs = OPEN[name](names)
        return summary(names.test.Client(make_app(log)).open(*args, **kwargs)), log

    assert_same(steps)


@pytest.mark.parametrize("source", [{}, None, 5], ids=str)
def test_open_explains_what_it_cannot_take(source):
    with pytest.raises(TypeError, match="must be a str"):
        Client(make_app([])).open(source, method="PUT")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options", "trace"])
def test_methods_are_named_after_http(assert_same, method):
    def steps(names):
        log = []
        response = getattr(names.test.Client(make_app(log)), method)("/x", data="d", method="IGNORED")
        return summary(response), log

    assert_same(steps)


def test_uploads_are_closed_after_the_request_but_not_those_of_a_builder(assert_same):
    def steps(names):
        file, mine = io.BytesIO(b"1"), io.BytesIO(b"2")
        builder = names.test.EnvironBuilder("/", data={"f": (mine, "n")})
        client = names.test.Client(make_app([]))
        client.post("/", data={"f": (file, "n")})
        client.open(builder)
        return file.closed, mine.closed, builder.closed

    assert assert_same(steps) == (True, False, False)


def test_environ_is_not_changed_by_a_request():
    environ = create_environ("/e")
    before = dict(environ)
    Client(make_app([])).open(environ)
    assert environ == before


class Own(Response):
    """A response class of an application."""

    default_mimetype = "x/y"

    def shout(self):
        """Return the status, louder."""
        return self.status.upper()


def test_response_is_also_of_the_class_that_was_asked_for():
    client = Client(make_app([]), Own)
    response = client.get("/")
    assert response.shout() == "200 OK"
    assert isinstance(response, TestResponse)
    assert isinstance(response, Own)
    assert type(response).__name__ == "WrapperTestResponse"
    assert type(response) is client.response_wrapper is type(client.get("/"))


@pytest.mark.parametrize("wrapper", [None, TestResponse])
def test_response_class_is_test_response_by_default(wrapper):
    assert Client(make_app([]), wrapper).response_wrapper is TestResponse


def test_subclass_of_test_response_is_used_as_it_is():
    class Mine(TestResponse):
        pass

    assert type(Client(make_app([]), Mine).get("/")) is Mine


def test_buffered_responses_are_read_and_closed_at_once():
    log = []

    def app(environ, start_response):
        start_response("200 OK", [])
        try:
            yield b"a"
            log.append("more")
            yield b"b"
        finally:
            log.append("closed")

    client = Client(app)
    response = client.get("/", buffered=True)
    assert log == ["more", "closed"]
    assert response.response == [b"a", b"b"]
    log.clear()
    response = client.get("/")
    assert log == []
    assert response.is_streamed
    response.close()
    assert log == ["closed"]


def test_redirect_responses_are_closed_before_the_next_request():
    log = []

    def app(environ, start_response):
        path = environ["PATH_INFO"]
        start_response("302 F" if path == "/a" else "200 OK", [("Location", "/b")])
        log.append(path)
        try:
            yield b"x"
        finally:
            log.append(f"closed {path}")

    response = Client(app).get("/a", follow_redirects=True)
    assert log == ["/a", "closed /a", "/b"]
    assert response.history[0].data == b"x"


BODIES = {
    "text": ([b"\xc3\xbc", b"b"], [("Content-Type", "text/plain; charset=latin1")]),
    "not UTF-8": ([b"\xff"], []),
    "JSON": ([b'{"a":1}'], [("Content-Type", "application/json")]),
    "no type": ([b"x"], []),
    "no body": ([], []),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    "attribute",
    ["text", "data", "json", "is_json", "content_type", "mimetype", "content_length", "status_code"],
)
def test_response_attributes_are_those_of_werkzeug(assert_same, name, attribute):
    chunks, headers = BODIES[name]

    def app(environ, start_response):
        start_response("404", headers)
        return chunks

    assert_same(lambda names: getattr(names.test.Client(app).get("/"), attribute))


def test_text_is_read_once():
    response = TestResponse([b"a"], "200 OK", [], None)
    assert response.text == "a"
    response.data = b"b"
    assert response.text == "a"
    assert response.history == ()
    assert response.content_type is None
    assert not TestResponse.__test__


def test_response_knows_its_request():
    response = Client(make_app([])).get("/x?a=1", json={"k": 1})
    assert response.request.args["a"] == "1"
    assert response.request.is_json


def test_client_is_shown_with_its_application():
    def app(environ, start_response):
        raise NotImplementedError

    assert repr(Client(app)) == f"<Client {app!r}>"


def test_names_are_imported_when_asked_for():
    assert set(hipflask.testing.__all__) <= set(dir(hipflask.testing))
    for name in hipflask.testing.__all__:
        assert getattr(hipflask.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="EnvironBuilder"):
        hipflask.testing.Bogus  # noqa: B018
