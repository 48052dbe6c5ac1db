"""Sessions: the cookie, what is noticed, and exchange with Flask."""

import datetime
import io
import subprocess
import sys
import uuid

import itsdangerous
import pytest
from markupsafe import Markup

import hipflask
from hipflask import Flask, Response
from hipflask.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
    session_json_serializer,
)

NOW = 1_700_000_000
KEY = "a key for tests"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Stop the clock that signatures use."""

    class Clock:
        now = NOW

    monkeypatch.setattr("time.time", lambda: Clock.now)
    return Clock


def make_app(framework=hipflask, **config):
    app = framework.Flask("test_app")
    app.secret_key = KEY
    app.config.update(config)
    return app


@pytest.fixture
def app():
    return make_app()


@pytest.fixture
def interface(app):
    return app.session_interface


def environ(cookie=None):
    found = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    }
    if cookie is not None:
        found["HTTP_COOKIE"] = cookie
    return found


def opened(app, value=None):
    """The session that a request with this cookie gets."""
    cookie = None if value is None else f"{app.config['SESSION_COOKIE_NAME']}={value}"
    with app.request_context(environ(cookie)) as ctx:
        return app.session_interface.open_session(app, ctx.request)


def saved(app, session):
    """The header fields that saving a session adds to a response."""
    response = Response()
    response.headers.clear()
    with app.request_context(environ()):
        app.session_interface.save_session(app, session, response)
    return response.headers.to_wsgi_list()


def signed(app, value):
    with app.app_context():
        return app.session_interface.get_signing_serializer(app).dumps(value)


# The session object

CHANGES = {
    "set": (lambda s: s.__setitem__("b", 1), True),
    "delete": (lambda s: s.__delitem__("a"), True),
    "pop": (lambda s: s.pop("a"), True),
    "pop missing": (lambda s: s.pop("zz", None), False),
    "popitem": (lambda s: s.popitem(), True),
    "clear": (lambda s: s.clear(), True),
    "update": (lambda s: s.update(b=1), True),
    "setdefault new": (lambda s: s.setdefault("b", 1), True),
    "setdefault old": (lambda s: s.setdefault("a", 1), False),
    "or equals": (lambda s: s.__ior__({"b": 1}), True),
    "permanent": (lambda s: setattr(s, "permanent", True), True),
    "read": (lambda s: (s["a"], s.get("a"), "a" in s, len(s), list(s), s.permanent, s.copy(), s | {}), False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_session_notices_changes(name):
    change, is_modified = CHANGES[name]
    session = SecureCookieSession({"a": 0})
    assert not session.modified
    change(session)
    assert session.modified is is_modified
    assert not session.accessed
    assert not session.new


def test_session_is_a_dict():
    session = SecureCookieSession({"a": 1})
    assert session == {"a": 1}
    assert isinstance(session, dict)
    assert isinstance(session, SessionMixin)
    assert repr(session) == "<SecureCookieSession {'a': 1}>"
    assert SecureCookieSession() == {}
    assert SecureCookieSession([["a", 1]]) == {"a": 1}


def test_session_permanent_is_kept_in_the_session():
    session = SecureCookieSession()
    assert session.permanent is False
    session.permanent = 1
    assert session == {"_permanent": True}
    assert session.permanent is True


def test_mixin_defaults_suit_any_dict():
    class Own(dict, SessionMixin):
        pass

    session = Own()
    assert (session.new, session.modified, session.accessed, session.permanent) == (False, True, False, False)


@pytest.mark.parametrize("name", [n for n, (_, changes) in CHANGES.items() if changes or n == "pop missing"])
def test_null_session_refuses_changes(name):
    session = NullSession()
    with pytest.raises(RuntimeError, match="no secret key"):
        CHANGES[name][0](session)
    assert session == {}


def test_null_session_can_be_read():
    session = NullSession()
    assert session.get("a") is None
    assert not session.permanent
    assert len(session) == 0


# Opening


def test_no_cookie_is_an_empty_session(app):
    session = opened(app)
    assert type(session) is SecureCookieSession
    assert session == {}


@pytest.mark.parametrize("key", [None, "", b""], ids=repr)
def test_no_secret_key_is_no_session(app, interface, key):
    app.secret_key = key
    assert interface.get_signing_serializer(app) is None
    assert opened(app) is None
    assert opened(app, "anything") is None
    assert interface.is_null_session(interface.make_null_session(app))
    assert not interface.is_null_session(SecureCookieSession())


def test_signed_cookie_is_opened(app):
    session = opened(app, signed(app, {"a": (1, b"x")}))
    assert session == {"a": (1, b"x")}
    assert not session.modified


def broken_cookies(app):
    good = signed(app, {"a": 1})
    signer = app.session_interface.get_signing_serializer(app).make_signer(app.session_interface.salt)
    other = itsdangerous.URLSafeTimedSerializer(KEY, salt="other salt").dumps({"a": 1})
    return {
        "empty": "",
        "text": "x",
        "dots": "a.b.c",
        "leading dot": ".a.b.c",
        "cut off": good[:-1],
        "longer": good + "x",
        "first character gone": good[1:],
        "other case": good.swapcase(),
        "no signature": good.rsplit(".", 1)[0],
        "other salt": other,
        "other key": itsdangerous.URLSafeTimedSerializer("other", salt="cookie-session").dumps({"a": 1}),
        "not ascii": "\xe9.\xe9.\xe9",
        "signed, not base64": signer.sign(b"!").decode(),
        "signed, not json": signer.sign(itsdangerous.base64_encode(b"{bad")).decode(),
        "signed, not zlib": signer.sign(b"." + itsdangerous.base64_encode(b"bad")).decode(),
        "signed, not utf-8": signer.sign(itsdangerous.base64_encode(b'"\xff"')).decode(),
    }


@pytest.mark.parametrize("name", list(broken_cookies(make_app())))
def test_broken_cookie_is_an_empty_session(app, name):
    session = opened(app, broken_cookies(app)[name])
    assert type(session) is SecureCookieSession
    assert session == {}
    assert not session.modified


@pytest.mark.parametrize(("age", "is_kept"), [(0, True), (100, True), (101, False)])
def test_cookie_older_than_the_lifetime_is_an_empty_session(clock, age, is_kept):
    app = make_app(PERMANENT_SESSION_LIFETIME=datetime.timedelta(seconds=100))
    value = signed(app, {"a": 1})
    clock.now += age
    assert opened(app, value) == ({"a": 1} if is_kept else {})


# Keys


def test_fallback_keys_are_accepted_and_do_not_sign(app):
    old = signed(app, {"a": 1})
    app.secret_key = "new"
    assert opened(app, old) == {}
    app.config["SECRET_KEY_FALLBACKS"] = [KEY]
    assert opened(app, old) == {"a": 1}
    new = signed(app, {"a": 2})
    app.config["SECRET_KEY_FALLBACKS"] = None
    assert opened(app, new) == {"a": 2}
    assert opened(app, old) == {}


def test_fallbacks_changed_in_place_take_effect(app):
    old = signed(app, {"a": 1})
    app.secret_key = "new"
    fallbacks = app.config["SECRET_KEY_FALLBACKS"] = ["nothing"]
    assert opened(app, old) == {}
    fallbacks.append(KEY)
    assert opened(app, old) == {"a": 1}
    fallbacks.clear()
    assert opened(app, old) == {}


def test_serializer_is_kept_until_something_changes(app, interface):
    first = interface.get_signing_serializer(app)
    assert interface.get_signing_serializer(app) is first
    assert interface.get_signing_serializer(make_app()) is first
    app.secret_key = "new"
    assert interface.get_signing_serializer(app) is not first


def test_settings_of_the_interface_take_effect(app):
    class Other(SecureCookieSessionInterface):
        salt = "other salt"
        key_derivation = "django-concat"
        digest_method = staticmethod(__import__("hashlib").sha256)
        serializer = __import__("json")

    value = signed(app, {"a": 1})
    app.session_interface = Other()
    assert opened(app, value) == {}
    value = signed(app, {"a": 1})
    assert opened(app, value) == {"a": 1}
    reader = itsdangerous.URLSafeTimedSerializer(
        KEY,
        salt="other salt",
        serializer=__import__("json"),
        signer_kwargs={"key_derivation": "django-concat", "digest_method": __import__("hashlib").sha256},
    )
    assert reader.loads(value) == {"a": 1}


def test_interface_that_makes_its_own_serializer_is_always_asked(app):
    class Own(SecureCookieSessionInterface):
        def get_signing_serializer(self, app):
            return itsdangerous.URLSafeTimedSerializer("own key")

    app.session_interface = Own()
    app.secret_key = None
    assert opened(app) == {}
    assert opened(app, signed(app, {"a": 1})) == {"a": 1}


# Saving

COOKIE = "session={}; HttpOnly; Path=/"
DELETED = "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/"
EXPIRES = "Expires=Fri, 15 Dec 2023 22:13:20 GMT; "


@pytest.mark.parametrize(
    ("items", "modified", "accessed", "expected"),
    [
        ({}, False, False, []),
        ({}, False, True, ["Vary"]),
        ({}, True, False, [DELETED, "Vary"]),
        ({}, True, True, ["Vary", DELETED]),
        ({"a": 1}, False, False, []),
        ({"a": 1}, False, True, ["Vary"]),
        ({"a": 1}, True, False, ["Set", "Vary"]),
        ({"a": 1}, True, True, ["Vary", "Set"]),
        ({"_permanent": True}, False, False, ["Set", "Vary"]),
        ({"_permanent": True}, False, True, ["Vary", "Set"]),
    ],
)
def test_save_sets_cookie_and_vary(app, items, modified, accessed, expected):
    session = SecureCookieSession(items)
    session.modified, session.accessed = modified, accessed
    found = []
    for name, value in saved(app, session):
        if name == "Vary":
            assert value == "Cookie"
            found.append(name)
        else:
            assert name == "Set-Cookie"
            found.append(value if value.startswith("session=;") else "Set")
    assert found == expected


def test_save_keeps_other_fields_of_vary(app):
    response = Response(headers={"Vary": "Accept"})
    session = SecureCookieSession()
    session.accessed = True
    app.session_interface.save_session(app, session, response)
    assert response.headers["Vary"] == "Accept, Cookie"


def test_save_without_refresh_sends_a_permanent_session_only_when_changed(interface):
    app = make_app(SESSION_REFRESH_EACH_REQUEST=False)
    session = SecureCookieSession({"_permanent": True})
    assert not interface.should_set_cookie(app, session)
    session["a"] = 1
    assert interface.should_set_cookie(app, session)


def test_permanent_session_has_a_date(app, interface):
    assert interface.get_expiration_time(app, SecureCookieSession()) is None
    before = datetime.datetime.now(datetime.UTC)
    date = interface.get_expiration_time(app, SecureCookieSession({"_permanent": True}))
    assert date - before >= app.permanent_session_lifetime
    assert date.tzinfo is datetime.UTC


@pytest.mark.parametrize(
    ("config", "attributes"),
    [
        ({}, "HttpOnly; Path=/"),
        ({"SESSION_COOKIE_NAME": "own"}, "HttpOnly; Path=/"),
        ({"SESSION_COOKIE_DOMAIN": "example.com"}, "Domain=example.com; HttpOnly; Path=/"),
        ({"SESSION_COOKIE_DOMAIN": False}, "HttpOnly; Path=/"),
        ({"SESSION_COOKIE_PATH": "/p"}, "HttpOnly; Path=/p"),
        ({"APPLICATION_ROOT": "/root"}, "HttpOnly; Path=/root"),
        ({"APPLICATION_ROOT": "/root", "SESSION_COOKIE_PATH": "/p"}, "HttpOnly; Path=/p"),
        ({"SESSION_COOKIE_HTTPONLY": False}, "Path=/"),
        ({"SESSION_COOKIE_SECURE": True}, "Secure; HttpOnly; Path=/"),
        ({"SESSION_COOKIE_SAMESITE": "Lax"}, "HttpOnly; Path=/; SameSite=Lax"),
        (
            {"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_PARTITIONED": True},
            "Secure; HttpOnly; Path=/; Partitioned",
        ),
    ],
    ids=str,
)
def test_cookie_settings(config, attributes):
    app = make_app(**config)
    name = config.get("SESSION_COOKIE_NAME", "session")
    session = SecureCookieSession()
    session["a"] = 1
    value = dict(saved(app, session))["Set-Cookie"]
    assert value == f"{name}={signed(app, {'a': 1})}; {attributes}"
    session.clear()
    value = dict(saved(app, session))["Set-Cookie"]
    assert value.startswith(f"{name}=; ")
    assert "Max-Age=0" in value
    assert set(attributes.split("; ")) < set(value.split("; "))


def test_invalid_samesite_is_an_error():
    app = make_app(SESSION_COOKIE_SAMESITE="bogus")
    session = SecureCookieSession()
    session["a"] = 1
    with pytest.raises(ValueError, match="(?i)samesite"):
        saved(app, session)


def test_secret_key_removed_during_a_request_is_an_error(app):
    session = SecureCookieSession()
    session["a"] = 1
    app.secret_key = None
    with pytest.raises(RuntimeError, match="no secret key any more"):
        saved(app, session)


def test_serializer_that_makes_bytes(app):
    class Bytes(SecureCookieSessionInterface):
        def get_signing_serializer(self, app):
            return itsdangerous.URLSafeTimedSerializer(KEY, serializer=__import__("pickle"))

    app.session_interface = Bytes()
    session = SecureCookieSession()
    session["a"] = 1
    assert dict(saved(app, session))["Set-Cookie"].startswith("session=")


@pytest.mark.parametrize("method", ["open_session", "save_session"])
def test_base_interface_is_abstract(app, method):
    with pytest.raises(NotImplementedError, match="^$"):
        getattr(SessionInterface(), method)(app, *([None] if method == "open_session" else [None, None]))


# Whole requests


def site(framework, **config):
    app = make_app(framework, **config)
    session = framework.session

    @app.route("/set")
    def put():
        session.update(VALUES)
        return "set"

    @app.route("/get")
    def get():
        return repr(sorted(session.items()))

    @app.route("/clear")
    def clear():
        session.clear()
        return ""

    @app.route("/permanent")
    def permanent():
        session.permanent = True
        return ""

    app.add_url_rule("/plain", "plain", lambda: "plain")
    return app


VALUES = {
    "tuple": (1, ("a", 2)),
    "bytes": b"\x00\xff",
    "uuid": uuid.UUID(int=7),
    "moment": datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    "markup": Markup("<b>é</b>"),
    "list": [1, (2,)],
    "dict": {" t": 1},
    "none": None,
}


@pytest.mark.parametrize("writer", ["hipflask", "flask"])
@pytest.mark.parametrize("lifetime", [3600, 31 * 24 * 3600])
def test_session_cookies_are_exchanged_with_flask(writer, lifetime):
    flask = pytest.importorskip("flask")
    apps = {name: site(module, PERMANENT_SESSION_LIFETIME=lifetime) for name, module in
            (("hipflask", hipflask), ("flask", flask))}  # fmt: skip
    reader = "flask" if writer == "hipflask" else "hipflask"
    first, second = apps[writer].test_client(), apps[reader].test_client()
    first.get("/set")
    cookie = first.get_cookie("session").value
    second.set_cookie("session", cookie)
    assert second.get("/get").data == first.get("/get").data == repr(sorted(VALUES.items())).encode()


STEPS = [
    "/plain",
    "/get",
    "/set",
    "/plain",
    "/get",
    "/clear",
    "/plain",
    "/permanent",
    "/plain",
    "/get",
    "/clear",
]


@pytest.mark.parametrize(
    "config",
    [{}, {"SESSION_REFRESH_EACH_REQUEST": False}, {"SESSION_COOKIE_NAME": "own"}],
    ids=str,
)
def test_a_series_of_requests_gets_flasks_headers(config):
    flask = pytest.importorskip("flask")
    answers = []
    for module in (hipflask, flask):
        client = site(module, **config).test_client()
        responses = [client.get(path) for path in STEPS]
        answers.append(
            [
                (
                    r.data,
                    [(k, v.partition("; Expires")[0]) for k, v in r.headers if k in {"Set-Cookie", "Vary"}],
                )
                for r in responses
            ]
        )
    assert answers[0] == answers[1]


def test_session_without_secret_key_raises_in_the_view():
    app = site(hipflask)
    app.secret_key = None
    app.testing = True
    client = app.test_client()
    assert client.get("/plain").data == b"plain"
    assert client.get("/get").data == b"[]"
    with pytest.raises(RuntimeError, match="no secret key"):
        client.get("/set")


def test_session_made_by_an_own_interface():
    store = {}

    class ServerSession(dict, SessionMixin):
        pass

    class Interface(SessionInterface):
        def open_session(self, app, request):
            return ServerSession(store.get(request.cookies.get("sid"), {}))

        def save_session(self, app, session, response):
            store["fixed"] = dict(session)
            response.set_cookie("sid", "fixed")

    app = site(hipflask)
    app.session_interface = Interface()
    client = app.test_client()
    client.get("/set")
    assert client.get("/get").data == repr(sorted(VALUES.items())).encode()
    assert store == {"fixed": VALUES}


def test_session_without_cookie_takes_few_python_calls(app, interface):
    with app.request_context(environ()) as ctx:
        request = ctx.request
        response = Response()
        interface.save_session(app, interface.open_session(app, request), response)
        calls = []
        sys.setprofile(lambda frame, event, arg: calls.append(frame.f_code.co_name) if event == "call" else None)
        try:
            session = interface.open_session(app, request)
            interface.is_null_session(session)
            interface.save_session(app, session, response)
        finally:
            sys.setprofile(None)
    assert len(calls) <= 8, calls


def test_sessions_import_itsdangerous_when_a_cookie_is_signed(without_coverage):
    code = (
        "import sys\n"
        "from hipflask import Flask\n"
        "app = Flask('test_app')\n"
        "app.secret_key = 'k'\n"
        "app.add_url_rule('/', 'index', lambda: 'x')\n"
        "assert not {'itsdangerous', 'hashlib', 'hmac'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=without_coverage, timeout=30)


def test_default_serializer_is_shared():
    assert SecureCookieSessionInterface.serializer is session_json_serializer
    assert isinstance(Flask("test_app").session_interface, SecureCookieSessionInterface)
