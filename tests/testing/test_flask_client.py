"""The application's test client. Each test runs on Flask too, where that is installed."""

import importlib
import io

import pytest


@pytest.fixture(params=["hipflask", "flask"])
def flask(request):
    """The framework under test; what holds on one has to hold on the other."""
    return pytest.importorskip(request.param)


@pytest.fixture
def tools(flask):
    """The builder, request and functions that belong to the framework."""
    test, builder, wrappers = (
        ("werkzeug.test", "flask.testing", "werkzeug.wrappers")
        if flask.__name__ == "flask"
        else ("hipflask.testing", "hipflask.testing.flask_client", "hipflask.http.request")
    )

    class Tools:
        Builder = importlib.import_module(test).EnvironBuilder
        AppBuilder = importlib.import_module(builder).EnvironBuilder
        Request = importlib.import_module(wrappers).Request
        create_environ = staticmethod(importlib.import_module(test).create_environ)

    return Tools


@pytest.fixture
def app(flask):
    """An application that records requests and teardowns in ``app.seen``."""
    app = flask.Flask("case")
    app.secret_key = "key"
    app.seen = []

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT"])
    def index(path):
        environ = flask.request.environ
        app.seen.append(f"{flask.request.method} {flask.request.url}")
        flask.g.path = path
        if path == "error":
            raise KeyError("view")
        if path.startswith("to/"):
            return flask.redirect(path[2:])
        keys = ("REMOTE_ADDR", "HTTP_USER_AGENT", "custom")
        return {
            "path": path,
            **{key: environ.get(key) for key in keys},
            "body": flask.request.get_data(as_text=True),
        }

    @app.route("/stream")
    def stream():
        def generate():
            yield "1"
            yield flask.request.path

        return flask.stream_with_context(generate())

    @app.route("/session")
    def session():
        return dict(flask.session)

    @app.teardown_request
    def teardown(error):
        app.seen.append(f"teardown {flask.request.path}")

    return app


def test_context_is_kept_until_the_next_request_or_the_end(flask, app):
    with app.test_client() as client:
        client.get("/a")
        assert flask.g.path == "a"
        assert app.seen == ["GET http://localhost/a", "teardown /a"]
        client.get("/b")
        assert flask.request.path == "/b"
        assert app.seen[2:] == ["teardown /a", "GET http://localhost/b", "teardown /b"]
        assert client.preserve_context
    assert app.seen[5:] == ["teardown /b"]
    assert not flask.has_request_context()
    assert not client.preserve_context


def test_context_is_not_kept_outside_the_block(flask, app):
    app.test_client().get("/a")
    assert not flask.has_request_context()


def test_contexts_of_a_redirect_end_in_reverse(flask, app):
    with app.test_client() as client:
        response = client.get("/to/b", follow_redirects=True)
        assert flask.request.path == "/b"
        assert [item.request.path for item in response.history] == ["/to/b"]
        app.seen.clear()
    assert app.seen == ["teardown /b", "teardown /to/b"]


def test_client_may_be_used_again_but_not_nested(flask, app):
    client = app.test_client()
    with client:
        client.get("/a")
    with client as same:
        assert same is client
        client.get("/b")
        assert flask.request.path == "/b"
        with pytest.raises(RuntimeError, match=r"with block|nest"):
            client.__enter__()


def test_two_clients_nest(flask, app):
    with app.test_client() as outer:
        outer.get("/1")
        with app.test_client() as inner:
            inner.get("/2")
            assert flask.request.path == "/2"
        assert flask.request.path == "/1"
    assert not flask.has_request_context()


def test_error_in_the_block_ends_the_context(flask, app):
    with pytest.raises(ZeroDivisionError, match="zero"), app.test_client() as client:
        client.get("/a")
        raise ZeroDivisionError("zero")
    assert not flask.has_request_context()


def test_context_of_a_failed_request_is_not_given_to_the_next(flask, app):
    app.testing = True
    with app.test_client() as client:
        with pytest.raises(KeyError, match="view"):
            client.get("/error")
        assert not flask.has_request_context()
        client.get("/b")
        assert flask.request.path == "/b"
    assert not flask.has_request_context()


def test_context_of_an_error_page_is_kept(flask, app):
    with app.test_client() as client:
        assert client.get("/error").status_code == 500
        assert flask.request.path == "/error"


def test_streamed_bodies_read_in_the_block(flask, app):
    with app.test_client() as client:
        response = client.get("/stream")
        assert response.text == "1/stream"
        assert flask.request.path == "/stream"
    assert not flask.has_request_context()


def test_environ_base_is_under_every_request(app, tools):
    client = app.test_client()
    assert client.get("/").json["REMOTE_ADDR"] == "127.0.0.1"
    assert client.get("/").json["HTTP_USER_AGENT"].startswith("Werkzeug/3.")
    client.environ_base["REMOTE_ADDR"] = "9.9.9.9"
    client.environ_base["custom"] = "1"
    sources = [
        tools.Builder("/x"),
        tools.AppBuilder(app, "/x"),
        tools.create_environ("/x"),
        tools.Request(tools.create_environ("/x")),
        "/x",
        "/to/x",
    ]
    for source in sources:
        answer = client.open(source, follow_redirects=True).json
        assert (answer["path"], answer["REMOTE_ADDR"], answer["custom"]) == ("x", "9.9.9.9", "1")


def test_what_is_given_wins_over_environ_base(app, tools):
    client = app.test_client()
    client.environ_base["custom"] = "base"
    assert client.get("/", environ_base={"custom": "7"}).json["custom"] == "7"
    assert client.get("/", environ_overrides={"custom": "6"}).json["custom"] == "6"
    builder = tools.Builder("/", environ_base={"custom": "5"})
    assert client.open(builder).json["custom"] == "5"
    assert builder.environ_base == {"custom": "5"}
    request = tools.Request(tools.create_environ("/", environ_base={"custom": "4"}))
    assert client.open(request).json["custom"] == "4"


def test_further_arguments_beside_a_builder_are_ignored(app, tools):
    client = app.test_client()
    client.open(tools.AppBuilder(app, "/x"), method="PUT")
    client.open(tools.create_environ("/y"), method="PUT")
    client.open(tools.Request(tools.create_environ("/z", data=b"q")), method="PUT")
    assert app.seen[::2] == [f"GET http://localhost/{name}" for name in "xyz"]


@pytest.mark.parametrize(
    ("args", "kwargs", "url"),
    [
        ((), {}, "http://localhost/"),
        ((), {"path": "/a"}, "http://localhost/a"),
        (("/a", "http://b.test/"), {}, "http://b.test/a"),
        (("/a",), {"subdomain": "x"}, "http://x.localhost/a"),
        (("/a",), {"url_scheme": "https"}, "https://localhost/a"),
        (("/a",), {"base_url": "http://q.test"}, "http://q.test/a"),
        (("http://a.test/c?d=1",), {}, "http://a.test/c?d=1"),
        (("/a",), {"query_string": {"k": "v"}}, "http://localhost/a?k=v"),
    ],
    ids=str,
)
def test_url_is_made_of_the_arguments(app, args, kwargs, url):
    app.test_client().get(*args, **kwargs)
    assert app.seen[0] == f"GET {url}"


def test_body_reaches_the_view(app):
    client = app.test_client()
    assert client.post("/", data="text").json["body"] == "text"
    assert client.post("/", json={"a": 1}).json["body"] == '{"a": 1}'


def test_uploads_are_closed_after_the_request(app):
    file = io.BytesIO(b"x")
    app.test_client().post("/", data={"f": (file, "n")})
    assert file.closed


def test_response_reads_json_by_the_provider(flask, app):
    provider = importlib.import_module(f"{flask.__name__}.json.provider").DefaultJSONProvider

    class Own(provider):
        def loads(self, s, **kwargs):
            return ["own", super().loads(s, **kwargs)]

    app.json = Own(app)
    assert app.test_client().get("/session").json == ["own", {}]


def test_response_is_of_the_response_class(flask, app):
    class Own(flask.Response):
        pass

    app.response_class = Own
    assert isinstance(app.test_client().get("/"), Own)


def test_client_class_and_its_arguments_are_the_applications(flask, app):
    base = importlib.import_module(f"{flask.__name__}.testing").FlaskClient

    class Own(base):
        def __init__(self, *args, extra=None, **kwargs):
            super().__init__(*args, **kwargs)
            self.extra = extra

    app.test_client_class = Own
    client = app.test_client(extra=3)
    assert (type(client), client.extra, client.application) == (Own, 3, app)
    with pytest.raises(TypeError, match="bogus"):
        app.test_client(bogus=1)
    assert repr(client) == f"<Own {app!r}>"


def test_session_transaction_prepares_and_reads_the_session(flask, app):
    client = app.test_client()
    with client.session_transaction() as session:
        session["a"] = [1]
    assert client.get("/session").json == {"a": [1]}
    with client.session_transaction() as session:
        assert dict(session) == {"a": [1]}
        session["b"] = 2
    with client.session_transaction("/x", base_url="http://other.test/") as session:
        assert dict(session) == {}
    assert client.get("/session").json == {"a": [1], "b": 2}
    assert client.get_cookie("session").http_only
    assert not flask.has_request_context()


def test_session_transaction_that_empties_the_session_drops_the_cookie(app):
    client = app.test_client()
    with client.session_transaction() as session:
        session["a"] = 1
    with client.session_transaction() as session:
        session.clear()
    assert client.get_cookie("session") is None


def test_session_transaction_keeps_the_outer_context(flask, app):
    client = app.test_client()
    with app.test_request_context("/outer"):
        with client.session_transaction() as session:
            assert flask.request.path == "/outer"
            session["q"] = 1
        assert flask.request.path == "/outer"
        assert not flask.session
    with client:
        client.get("/kept")
        with client.session_transaction() as session:
            session["z"] = 1
        assert flask.request.path == "/kept"
    assert client.get("/session").json == {"q": 1, "z": 1}


def test_session_transaction_obeys_the_cookie_settings(app):
    app.config.update(SESSION_COOKIE_DOMAIN="d.test", SESSION_COOKIE_PATH="/p", SESSION_COOKIE_SECURE=True)
    client = app.test_client()
    with client.session_transaction(base_url="http://x.d.test/") as session:
        session["a"] = 1
    cookie = client.get_cookie("session", "d.test", "/p")
    assert cookie is not None
    assert (cookie.secure, cookie.origin_only) == (True, False)


def test_session_transaction_needs_cookies_a_key_and_a_session(flask, app):
    with pytest.raises(TypeError, match="Cookies are disabled"):
        app.test_client(use_cookies=False).session_transaction().__enter__()
    app.secret_key = None
    with pytest.raises(RuntimeError, match="did not open a session"):
        app.test_client().session_transaction().__enter__()


def test_session_transaction_is_not_saved_after_an_error_or_if_null(flask, app):
    client = app.test_client()
    with pytest.raises(ValueError, match="inside"), client.session_transaction() as session:
        session["a"] = 1
        raise ValueError("inside")
    assert client.get_cookie("session") is None

    interface = importlib.import_module(f"{flask.__name__}.sessions").SecureCookieSessionInterface

    class Null(interface):
        def is_null_session(self, obj):
            return True

    app.session_interface = Null()
    with client.session_transaction() as session:
        session["a"] = 1
    assert client.get_cookie("session") is None
