"""EnvironBuilder and create_environ, compared with Werkzeug's and by themselves."""

import copy
import io
import re
import string
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.datastructures import FileMultiDict, Headers, MultiDict
from hipflask.testing import EnvironBuilder, create_environ
from hipflask.testing.flask_client import EnvironBuilder as AppEnvironBuilder

BOUNDARY = re.compile(rb"-{15}\w+FormPart_[\d.]+")


def normalise(environ):
    """Return an environ with its streams read and its random boundary replaced."""
    result = dict(environ)
    result["wsgi.input"] = BOUNDARY.sub(b"BOUNDARY", result["wsgi.input"].read())
    result["wsgi.errors"] = result["wsgi.errors"] is sys.stderr
    if "CONTENT_TYPE" in result:
        result["CONTENT_TYPE"] = BOUNDARY.sub(b"BOUNDARY", result["CONTENT_TYPE"].encode()).decode()
    if "FormPart" in str(environ.get("CONTENT_TYPE")):
        # The two boundaries differ in length.
        del result["CONTENT_LENGTH"]
    return list(result.items())


ARGUMENTS = [
    {},
    {"path": "/a?b=c"},
    {"path": "/a?b=c", "query_string": "x=1"},
    {"path": "/a?", "query_string": "x=1"},
    {"path": "/ü?ü=ü"},
    {"path": "a/b"},
    {"path": ""},
    {"path": "?x=1"},
    {"path": "http://h.test:81/r/p?q=1#f"},
    {"path": "http://h.test:81/r/p?q=1", "base_url": "https://z.test/root"},
    {"path": "//h/x"},
    {"path": "/a%20b%2Fc"},
    {"path": "/a b"},
    {"path": "/a#f"},
    {"path": "/a;p=1"},
    {"path": "/a\tb"},
    {"path": "/ü%zz"},
    {"path": "/%ff"},
    {"path": "/a//b"},
    {"path": "*"},
    {"path": '/{}|\\^`"<>'},
    {"base_url": "http://x.test"},
    {"base_url": "https://x.test:8443/app"},
    {"base_url": "https://x.test:8443/app/"},
    {"base_url": "http://x.test/?q"},
    {"base_url": "http://x.test/#f"},
    {"base_url": "http://ü.test/ü"},
    {"base_url": "foo"},
    {"base_url": "//foo/bar"},
    {"base_url": ""},
    {"base_url": "https://x.test:443/"},
    {"query_string": "a=ü b&c"},
    {"query_string": {"a": [1, 2], "b": None, "c": "ü"}},
    {"query_string": [("a", "b")]},
    {"query_string": ""},
    {"query_string": {}},
    {"query_string": "?a=1"},
    {"query_string": {"k": string.printable}},
    {"query_string": b"a=1"},
    {"method": "POST"},
    {"method": "post"},
    {"data": b"abc"},
    {"data": "abcü"},
    {"data": b""},
    {"data": ""},
    {"data": {}},
    {"data": 5},
    {"data": [("a", "b")]},
    {"data": {"a": "b"}},
    {"data": {"k": string.printable}},
    {"data": {"a": ["x", "y", None], "n": 1, "f": 1.5, "b": True, "s": {1}, "y": b"q"}},
    {"data": {"a": None}},
    {"data": {"ü": "ü&="}},
    {"data": {"a": "b"}, "content_type": "multipart/form-data"},
    {"data": {"a": ["b", 1, b"x"], "ü": "ü"}, "content_type": "multipart/form-data; boundary=zz"},
    {"data": {"a": "b"}, "content_type": "text/plain"},
    {"data": {"a": "b"}, "content_type": "multipart/mixed"},
    {"data": {"a": "b"}, "content_type": "application/x-www-form-urlencoded; charset=x"},
    {"data": {"a": "b"}, "content_length": 7},
    {"data": b"x", "content_type": "text/plain"},
    {"data": b"x", "mimetype": "text/plain"},
    {"data": b"x", "mimetype": "application/xml"},
    {"data": b"x", "mimetype": "image/png"},
    {"data": b"x", "content_type": "text/html", "mimetype": "image/png"},
    {"data": b"x", "content_length": 10},
    {"content_length": 10},
    {"content_length": 0},
    {"content_length": "7"},
    {"headers": {"Content-Length": "5"}},
    {"headers": {"Content-Type": "x/y"}},
    {"headers": {"Content-Type": "x/y"}, "content_type": "a/b"},
    {"headers": {"Content-Type": "text/plain"}, "data": {"a": "b"}},
    {"headers": {"X-A": "1", "x_b": "2"}},
    {"headers": [("X-A", "1"), ("X-A", "2"), ("Cookie", "a=b"), ("Cookie", "c=d")]},
    {"headers": {"A": ["1", "2"], "Host": "other.test"}},
    {"headers": {"X": "ü", "N": 1}},
    {"json": {"a": 1}},
    {"json": [1, "ü"]},
    {"json": 0},
    {"json": {}, "method": "POST"},
    {"json": "x", "data": b"y"},
    {"json": {"a": 1}, "content_type": "application/vnd.x+json"},
    {"json": {"a": 1}, "mimetype": "a/b"},
    {"auth": ("u", "pü")},
    {"auth": ("u", "p"), "headers": {"Authorization": "X y"}},
    {"auth": "Basic x"},
    {"environ_base": {"a": "b", "REQUEST_METHOD": "BASE", "HTTP_X": "1", "CONTENT_TYPE": "q/r"}},
    {"environ_base": {"HTTP_X": "1"}, "headers": {"X": "2"}},
    {"environ_overrides": {"REQUEST_METHOD": "OV", "x": 1, "CONTENT_TYPE": "g/h"}},
    {"multithread": True, "multiprocess": True, "run_once": True},
    {"bogus": 1},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_create_environ_is_that_of_werkzeug(assert_same, arguments):
    assert_same(lambda names: normalise(names.test.create_environ(**copy.deepcopy(arguments))))


STREAMED = {
    "file": lambda names: {"data": {"f": (io.BytesIO(b"file"), "n.txt")}},
    "file with type": lambda names: {"data": {"f": (io.BytesIO(b"file"), "n.txt", "a/b"), "k": "v"}},
    "several files": lambda names: {
        "data": {"f": [(io.BytesIO(b"1"), "n.txt"), (io.BytesIO(b"2"), "m.png")], "k": ["v", "w"]}
    },
    "file without name": lambda names: {"data": {"f": io.BytesIO(b"x")}},
    "file in a tuple alone": lambda names: {"data": {"f": (io.BytesIO(b"x"),)}},
    "four items": lambda names: {"data": {"f": (io.BytesIO(b"x"), "n", "a/b", "c")}},
    "numbers in a tuple": lambda names: {"data": {"f": (1, 2)}},
    "missing path": lambda names: {"data": {"f": ("/no/such/file", "n")}},
    "file storage": lambda names: {
        "data": {"f": names.data.FileStorage(io.BytesIO(b"fs"), filename="ü.gif", name="other")}
    },
    "file storage renamed": lambda names: {
        "data": {"f": (names.data.FileStorage(io.BytesIO(b"fs"), filename="old", content_type="q/w"), "new")}
    },
    "multidict": lambda names: {"data": names.data.MultiDict([("a", "1"), ("a", (io.BytesIO(b"x"), "n")), ("a", "2")])},
    "immutable multidict": lambda names: {"data": names.data.ImmutableMultiDict([("a", "1"), ("a", "2")])},
    "query multidict": lambda names: {"query_string": names.data.MultiDict([("a", 1), ("a", 2)])},
    "open file": lambda names: {"data": io.BytesIO(b"raw")},
    "empty open file": lambda names: {"data": io.BytesIO()},
    "open text": lambda names: {"data": io.StringIO("ü")},
    "file as urlencoded": lambda names: {
        "data": {"f": (io.BytesIO(b"x"), "n")},
        "content_type": "application/x-www-form-urlencoded",
    },
    "input stream": lambda names: {"input_stream": io.BytesIO(b"stream")},
    "input stream with length": lambda names: {"input_stream": io.BytesIO(b"stream"), "content_length": 3},
    "input stream and data": lambda names: {"input_stream": io.BytesIO(b"s"), "data": b"x"},
    "input stream and json": lambda names: {"input_stream": io.BytesIO(b"s"), "json": {}},
    "bearer": lambda names: {"auth": names.data.Authorization("bearer", token="abc")},
    "digest": lambda names: {"auth": names.data.Authorization("digest", {"a": "b"})},
}


@pytest.mark.parametrize("name", STREAMED)
def test_create_environ_with_streams_is_that_of_werkzeug(assert_same, name):
    def steps(names):
        environ = names.test.create_environ(**STREAMED[name](names))
        return normalise(environ)

    assert_same(steps)


def set_and_read(name, *values):
    """Return steps that set an attribute and read all that may change with it."""

    def steps(names):
        builder = names.test.EnvironBuilder("/p?x=1", base_url="https://u.test:8443/r/")
        result = []
        for value in values:
            setattr(builder, name, value)
            result.append(
                [
                    getattr(builder, attribute)
                    for attribute in (
                        "base_url host script_root url_scheme server_name server_port query_string "
                        "content_type content_length mimetype path request_uri"
                    ).split()
                ]
            )
            result.append(list(builder.headers))
        return result

    return steps


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("base_url", [None, "http://x.y:1/z/", "http://a.test"]),
        ("base_url", ["http://x.y/z/?a"]),
        ("script_root", ["q/", "/w"]),
        ("host", ["q.test", "q.test:90", "a:xx", "a:"]),
        ("url_scheme", ["ftp", "http"]),
        ("query_string", ["a=1&ü", None]),
        ("args", [{"k": [1, "ü"]}, None]),
        ("content_type", ["text/html; charset=x", "", None]),
        ("mimetype", ["a/b", "text/b", "application/xml", ""]),
        ("content_length", [3, 0, None]),
    ],
    ids=str,
)
def test_attributes_change_together_as_on_werkzeug(assert_same, name, values):
    assert_same(set_and_read(name, *values))


def test_mimetype_params_change_the_header(assert_same):
    def steps(names):
        builder = names.test.EnvironBuilder(content_type="text/html; charset=x")
        before = dict(builder.mimetype_params)
        builder.mimetype_params["q"] = "a b"
        return before, builder.content_type, dict(names.test.EnvironBuilder().mimetype_params)

    assert assert_same(steps) == ({"charset": "x"}, 'text/html; charset=x; q="a b"', {})


@pytest.mark.parametrize("name", ["form", "files"])
def test_input_stream_excludes_form_and_files(assert_same, name):
    def steps(names):
        builder = names.test.EnvironBuilder(data=b"abc")
        return getattr(builder, name)

    assert assert_same(steps) == "AttributeError"
    with pytest.raises(AttributeError, match="input_stream = None"):
        getattr(EnvironBuilder(data=b"abc"), name)


def test_setting_form_or_files_drops_the_stream():
    builder = EnvironBuilder(data=b"abc")
    builder.form = MultiDict({"a": "b"})
    assert builder.input_stream is None
    assert builder.content_type == "application/x-www-form-urlencoded"
    builder.input_stream = io.BytesIO(b"x")
    builder.files = FileMultiDict()
    assert builder.input_stream is None
    assert dict(builder.form) == {}
    builder.files.add_file("f", io.BytesIO(b"x"), "n.txt")
    assert builder.mimetype == "multipart/form-data"


def test_args_of_a_query_string_are_refused(assert_same):
    assert assert_same(lambda names: names.test.EnvironBuilder("/p?x=1").args) == "AttributeError"
    with pytest.raises(AttributeError, match="query_string = None"):
        EnvironBuilder(query_string="x=1").args  # noqa: B018
    builder = EnvironBuilder()
    builder.args.add("x", "1")
    builder.args.add("x", "2")
    assert builder.query_string == "x=1&x=2"


def test_both_bodies_are_refused_with_the_remedy():
    with pytest.raises(TypeError, match="input_stream"):
        EnvironBuilder(input_stream=io.BytesIO(), data=b"x")
    with pytest.raises(TypeError, match="json and as data"):
        EnvironBuilder(json=1, data=b"x")
    with pytest.raises(TypeError, match="must be a str"):
        EnvironBuilder({"PATH_INFO": "/"})


def test_input_stream_is_measured_from_where_it_stands():
    stream = io.BytesIO(b"abcdef")
    stream.read(2)
    environ = create_environ(input_stream=stream)
    assert environ["CONTENT_LENGTH"] == "4"
    assert environ["wsgi.input"].read() == b"cdef"


def test_headers_object_is_used_as_it_is(assert_same):
    def steps(names):
        headers = names.data.Headers([("a", "b")])
        builder = names.test.EnvironBuilder(headers=headers, auth=("u", "p"))
        return builder.headers is headers, list(headers)

    assert assert_same(steps)[0]


def test_class_attributes_reach_the_environ():
    class Builder(EnvironBuilder):
        server_protocol = "HTTP/2"
        wsgi_version = (1, 1)

    environ = Builder().get_environ()
    assert (environ["SERVER_PROTOCOL"], environ["wsgi.version"]) == ("HTTP/2", (1, 1))


def test_errors_stream_is_passed_on():
    errors = io.StringIO()
    assert create_environ(errors_stream=errors)["wsgi.errors"] is errors


def test_close_closes_uploads_and_survives_errors():
    class Broken(io.BytesIO):
        def close(self):
            raise OSError("disk full")

    good = io.BytesIO(b"x")
    builder = EnvironBuilder(data={"a": (Broken(), "a"), "b": (good, "b")})
    assert not builder.closed
    builder.close()
    builder.close()
    assert builder.closed
    assert good.closed


def test_builder_that_is_dropped_closes_its_uploads():
    file = io.BytesIO(b"x")
    builder = EnvironBuilder(data={"a": (file, "a")})
    del builder
    assert file.closed


def test_dropped_builder_ignores_what_its_files_raise():
    class Broken(io.BytesIO):
        def close(self):
            raise RuntimeError("no")

    builder = EnvironBuilder(data={"a": (Broken(), "a")})
    del builder


def test_get_request_takes_the_class_or_its_own(ours):
    class Own(ours.request.Request):
        pass

    builder = EnvironBuilder("/x")
    assert type(builder.get_request()) is ours.request.Request
    assert type(builder.get_request(Own)) is Own
    builder.request_class = Own
    assert type(builder.get_request()) is Own
    assert builder.get_request().url == "http://localhost/x"


FROM_ENVIRON = [
    {},
    {"path": "/x?q=1"},
    {
        "path": "/ü x?ü=1",
        "base_url": "https://foo.test:8443/röt",
        "data": {"a": "b"},
        "method": "PUT",
        "headers": {"X": "ü"},
    },
    {"path": "/%ff", "multithread": True, "run_once": True},
    {"path": "/a;b:c"},
    {"path": "", "base_url": "http://x.test/r"},
    {"environ_base": {"custom": 1}, "auth": ("a", "b")},
]


@pytest.mark.parametrize("arguments", FROM_ENVIRON, ids=str)
def test_from_environ_is_that_of_werkzeug(assert_same, arguments):
    def steps(names):
        environ = names.test.create_environ(**copy.deepcopy(arguments))
        return normalise(names.test.EnvironBuilder.from_environ(environ).get_environ())

    assert_same(steps)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"path": "/y?z=1", "query_string": None},
        {"path": "/y?z=1"},
        {"path": "/y", "query_string": "", "headers": {"a": "1"}},
        {"method": "PUT", "environ_base": {"k": 1}},
        {"foo": 1},
    ],
    ids=str,
)
def test_from_environ_arguments_win_as_on_werkzeug(assert_same, kwargs):
    def steps(names):
        environ = names.test.create_environ("/x?a=b")
        return normalise(names.test.EnvironBuilder.from_environ(environ, **kwargs).get_environ())

    assert_same(steps)


@pytest.mark.parametrize(
    "missing",
    [
        "PATH_INFO",
        "SCRIPT_NAME",
        "QUERY_STRING",
        "REQUEST_METHOD",
        "wsgi.input",
        "wsgi.errors",
        "wsgi.url_scheme",
    ],
)
def test_from_environ_needs_a_whole_environ(assert_same, missing):
    def steps(names):
        environ = names.test.create_environ("/x")
        del environ[missing]
        return names.test.EnvironBuilder.from_environ(environ)

    assert assert_same(steps) == "KeyError"


def test_from_environ_takes_the_server_name_for_a_missing_host():
    environ = create_environ("/x", base_url="http://h.test")
    del environ["HTTP_HOST"]
    assert EnvironBuilder.from_environ(environ).host == "h.test"


@pytest.mark.parametrize("path", ["/a?b", "/a%b", "/a%41", "/a#b", "//h/x", "/a\tb"])
def test_from_environ_keeps_every_decoded_path(path):
    environ = create_environ()
    environ["PATH_INFO"] = path
    assert EnvironBuilder.from_environ(environ).get_environ()["PATH_INFO"] == path


@given(st.text(), st.text(), st.dictionaries(st.text(), st.lists(st.text())))
def test_from_environ_returns_what_an_environ_said(path, root, query):
    environ = create_environ(query_string=query)
    environ["PATH_INFO"] = "/" + path.encode(errors="replace").decode("latin-1")
    environ["SCRIPT_NAME"] = "/" + root.encode(errors="replace").decode("latin-1").strip("/")
    again = EnvironBuilder.from_environ(environ).get_environ()
    assert again["PATH_INFO"] == environ["PATH_INFO"]
    assert again["SCRIPT_NAME"].rstrip("/") == environ["SCRIPT_NAME"].rstrip("/")
    assert again["QUERY_STRING"] == environ["QUERY_STRING"]


@pytest.mark.parametrize(
    ("base_url", "name", "port"),
    [
        ("http://[::1]:8080", "[::1]", "8080"),
        ("https://[::1]", "[::1]", "443"),
        ("http://h.test:8080", "h.test", "8080"),
    ],
)
def test_server_name_and_port_are_split_at_the_port(base_url, name, port):
    environ = create_environ(base_url=base_url)
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == (name, port)


def test_json_dumps_may_be_replaced():
    class Builder(EnvironBuilder):
        @staticmethod
        def json_dumps(obj):
            return "own"

    assert Builder(json=1).get_environ()["wsgi.input"].read() == b"own"


class FakeJson:
    """The part of an application's JSON provider that builders use."""

    def dumps(self, obj, **kwargs):
        """Return a text that shows what was asked for."""
        return f"{obj!r} {kwargs!r}"


class FakeApp:
    """The part of an application that builders use."""

    json = FakeJson()

    def __init__(self, **config):
        self.config = {
            "SERVER_NAME": None,
            "APPLICATION_ROOT": "/",
            "PREFERRED_URL_SCHEME": "http",
            **config,
        }


CONFIGS = [
    {},
    {"SERVER_NAME": "s.t:1"},
    {"APPLICATION_ROOT": "/r"},
    {"APPLICATION_ROOT": "r/"},
    {"PREFERRED_URL_SCHEME": "https"},
    {"SERVER_NAME": "s.t:1", "APPLICATION_ROOT": "/r/s/", "PREFERRED_URL_SCHEME": "https"},
]

APP_ARGUMENTS = [
    {},
    {"path": "/x?y=1"},
    {"path": "x"},
    {"subdomain": "sub"},
    {"subdomain": ""},
    {"url_scheme": "ftp"},
    {"base_url": "http://b.test/z"},
    {"base_url": ""},
    {"base_url": "http://a", "subdomain": "b"},
    {"base_url": "http://a", "url_scheme": "b"},
    {"path": "http://h.i:9/j?k=1"},
    {"path": "//h.i/j"},
    {"path": "http://h.i/j", "subdomain": "q"},
    {"path": "https:/x"},
    {"path": "/a b#f"},
    {"path": "/é?é"},
    {"path": "?a=1"},
    {"path": "http://h.i"},
    {"path": "/x?a=1", "query_string": "b=1"},
    {"path": "/x?", "query_string": "b=1"},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("arguments", APP_ARGUMENTS, ids=str)
def test_app_builder_is_that_of_flask(config, arguments):
    flask = pytest.importorskip("flask")
    theirs = pytest.importorskip("flask.testing").EnvironBuilder
    app = flask.Flask("case")
    app.config.update(config)

    def outcome(builder, application):
        try:
            return normalise(builder(application, **arguments).get_environ())
        except Exception as error:
            return type(error).__name__

    assert outcome(AppEnvironBuilder, FakeApp(**config)) == outcome(theirs, app)


def test_app_builder_takes_positions_and_the_json_provider():
    app = FakeApp()
    builder = AppEnvironBuilder(app, "/x", None, None, None, "q=1", "POST", json={"a": 1})
    assert builder.app is app
    assert (builder.query_string, builder.method) == ("q=1", "POST")
    assert builder.get_environ()["wsgi.input"].read() == b"{'a': 1} {}"
    assert builder.json_dumps([], indent=2) == "[] {'indent': 2}"


def test_app_builder_says_what_excludes_what():
    with pytest.raises(AssertionError, match="Leave out subdomain"):
        AppEnvironBuilder(FakeApp(), "/x", "http://a", "b")


def test_headers_may_be_an_iterable():
    assert list(EnvironBuilder(headers=[("A", "b")]).headers) == list(Headers([("A", "b")]))
