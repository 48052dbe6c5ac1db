"""The providers of JSON, against json.dumps and Flask's."""

import dataclasses
import datetime
import decimal
import enum
import gc
import io
import json
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from hipflask import Flask, Response
from hipflask.json.provider import DefaultJSONProvider, JSONProvider, to_serializable


@pytest.fixture
def app():
    return Flask("test_app")


@pytest.fixture
def provider(app):
    return app.json


@dataclasses.dataclass
class Point:
    x: int
    when: object


class WithHTML:
    def __html__(self):
        return "<h>"


class Level(enum.IntEnum):
    LOW = 1


class Text(str):
    pass


SERIALIZABLE = {
    "date": (datetime.date(2020, 1, 2), '"Thu, 02 Jan 2020 00:00:00 GMT"'),
    "datetime": (datetime.datetime(2020, 1, 2, 3, 4, 5, 678), '"Thu, 02 Jan 2020 03:04:05 GMT"'),
    "decimal": (decimal.Decimal("1.10"), '"1.10"'),
    "uuid": (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
    "dataclass": (Point(1, [Point(2, None)]), '{"when": [{"when": null, "x": 2}], "x": 1}'),
    "html": (WithHTML(), '"<h>"'),
    "markup": (Markup("<b>"), '"<b>"'),
    "int enum": (Level.LOW, "1"),
    "str subclass": (Text("x"), '"x"'),
    "tuple": ((1, (2,)), "[1, [2]]"),
    "unicode": ("é\u2028", '"\\u00e9\\u2028"'),
    "floats": ([1.0, 1e20, float("inf")], "[1.0, 1e+20, Infinity]"),
    "sorted keys": ({"b": 1, "a": {"d": 1, "c": 2}}, '{"a": {"c": 2, "d": 1}, "b": 1}'),
}


@pytest.mark.parametrize("name", SERIALIZABLE)
def test_dumps(provider, name):
    value, text = SERIALIZABLE[name]
    assert provider.dumps(value) == text


@pytest.mark.parametrize("name", SERIALIZABLE)
def test_dumps_is_flasks(provider, name):
    flask = pytest.importorskip("flask")
    value = SERIALIZABLE[name][0]
    theirs = flask.Flask("test_app").json
    assert provider.dumps(value) == theirs.dumps(value)
    assert provider.dumps(value, separators=(",", ":")) == theirs.dumps(value, separators=(",", ":"))


UNKNOWN = {
    "set": {1},
    "object": object(),
    "bytes": b"x",
    "complex": 1j,
    "time": datetime.time(1),
    "timedelta": datetime.timedelta(1),
    "function": len,
    "class of a dataclass": Point,
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("options", [{}, {"indent": 2}], ids=str)
def test_dumps_unknown_type_is_a_type_error(provider, name, options):
    with pytest.raises(TypeError, match="is not JSON serializable|should be called on dataclass instances"):
        provider.dumps(UNKNOWN[name], **options)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=20,
)


@given(JSON_VALUES, st.booleans(), st.booleans())
def test_dumps_is_the_standard_librarys(value, sort_keys, ensure_ascii):
    app = Flask("test_app")
    app.json.sort_keys, app.json.ensure_ascii = sort_keys, ensure_ascii
    options = {"sort_keys": sort_keys, "ensure_ascii": ensure_ascii, "default": to_serializable}
    assert app.json.dumps(value) == json.dumps(value, **options)
    assert app.json.dumps(value, separators=(",", ":")) == json.dumps(value, separators=(",", ":"), **options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"sort_keys": False}, '{"b": "\\u00e9", "a": [1, 2]}'),
        ({"ensure_ascii": False}, '{"a": [1, 2], "b": "é"}'),
        ({"indent": 1}, '{\n "a": [\n  1,\n  2\n ],\n "b": "\\u00e9"\n}'),
        ({"separators": (";", "=")}, '{"a"=[1;2];"b"="\\u00e9"}'),
        ({"separators": None}, '{"a": [1, 2], "b": "\\u00e9"}'),
        ({"separators": (",", ":"), "sort_keys": False}, '{"b":"\\u00e9","a":[1,2]}'),
        ({"cls": json.JSONEncoder}, '{"a": [1, 2], "b": "\\u00e9"}'),
    ],
    ids=str,
)
def test_dumps_options_win(provider, options, text):
    assert provider.dumps({"b": "é", "a": [1, 2]}, **options) == text


@pytest.mark.parametrize("c_encoder", [True, False])
def test_dumps_without_the_encoder_in_c_is_the_same(provider, monkeypatch, c_encoder):
    monkeypatch.setattr("hipflask.json.provider._HAS_C_ENCODER", c_encoder)
    assert provider.dumps({"b": Markup("é"), "a": 1}) == '{"a": 1, "b": "\\u00e9"}'


@pytest.mark.parametrize("encoder", [None, lambda markers: None], ids=["absent", "other arguments"])
def test_encoder_in_c_that_is_not_the_known_one_is_not_used(monkeypatch, encoder):
    from hipflask.json import provider as module

    assert module._c_encoder_works()
    monkeypatch.setattr(module, "_make_encoder", encoder)
    assert not module._c_encoder_works()


@pytest.mark.parametrize("options", [{}, {"indent": 2}], ids=str)
def test_dumps_finds_circles(provider, options):
    circle = []
    circle.append({"again": circle})
    for _ in range(2):
        with pytest.raises(ValueError, match="Circular reference detected"):
            provider.dumps(circle, **options)
    twice = [1]
    assert json.loads(provider.dumps([twice, twice], **options)) == [[1], [1]]


def test_dumps_mixed_keys(provider):
    with pytest.raises(TypeError, match="'<' not supported"):
        provider.dumps({1: 1, "a": 2})
    provider.sort_keys = False
    assert provider.dumps({1: 1, "a": 2}) == '{"1": 1, "a": 2}'


def test_dumps_unknown_option(provider):
    with pytest.raises(TypeError, match="unexpected keyword argument 'no_option'"):
        provider.dumps(1, no_option=1)


def test_default_can_be_set_on_the_provider(provider):
    provider.default = lambda o: "own"
    assert provider.dumps([object()]) == '["own"]'
    assert provider.dumps([object()], default=lambda o: "option") == '["option"]'
    provider.default = None
    with pytest.raises(TypeError, match="object is not JSON serializable"):
        provider.dumps(object())


def test_default_can_be_a_method_of_a_subclass(app):
    class Own(DefaultJSONProvider):
        sort_keys = False
        ensure_ascii = False

        def default(self, o):
            return type(self).__name__

    assert Own(app).dumps({"b": object(), "a": "é"}) == '{"b": "Own", "a": "é"}'


def test_default_is_a_function_of_the_class():
    assert DefaultJSONProvider.default is to_serializable
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        DefaultJSONProvider.default(object())


def test_loads_and_files(provider):
    assert provider.loads('[1.5, "x"]') == [1.5, "x"]
    assert provider.loads(b'"\xc3\xa9"') == "é"
    assert provider.loads("1.5", parse_float=decimal.Decimal) == decimal.Decimal("1.5")
    with pytest.raises(json.JSONDecodeError, match="Expecting"):
        provider.loads("{")
    file = io.StringIO()
    provider.dump({"b": 1, "a": 2}, file, indent=None)
    assert file.getvalue() == '{"a": 2, "b": 1}'
    assert provider.load(io.BytesIO(b"[1]")) == [1]


# Responses


@pytest.mark.parametrize(
    ("args", "kwargs", "body"),
    [
        pytest.param((), {}, "null", id="nothing"),
        pytest.param((1,), {}, "1", id="one"),
        pytest.param((None,), {}, "null", id="none"),
        pytest.param(([],), {}, "[]", id="empty list"),
        pytest.param((1, [2]), {}, "[1,[2]]", id="several"),
        pytest.param((), {"b": 1, "a": 2}, '{"a":2,"b":1}', id="keywords"),
    ],
)
def test_response_body(provider, args, kwargs, body):
    response = provider.response(*args, **kwargs)
    assert type(response) is Response
    assert response.get_data(as_text=True) == body + "\n"
    assert response.headers.to_wsgi_list() == [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body) + 1)),
    ]


def test_response_of_both_kinds_of_arguments_is_refused(provider):
    with pytest.raises(TypeError, match="got both"):
        provider.response(1, a=2)


@pytest.mark.parametrize(
    ("debug", "compact", "is_indented"),
    [
        (False, None, False),
        (True, None, True),
        (True, True, False),
        (False, False, True),
    ],
)
def test_response_is_indented_in_debug_mode_or_on_demand(app, debug, compact, is_indented):
    app.debug, app.json.compact = debug, compact
    body = app.json.response({"b": [1]}).get_data(as_text=True)
    assert body == ('{\n  "b": [\n    1\n  ]\n}\n' if is_indented else '{"b":[1]}\n')


def test_response_media_type(provider):
    provider.mimetype = "application/vnd.own+json"
    assert provider.response(1).content_type == "application/vnd.own+json"


def test_response_class_of_the_application(app):
    class Own(Response):
        pass

    app.response_class = Own
    assert type(app.json.response(1)) is Own


@pytest.mark.parametrize(("debug", "options"), [(False, {"separators": (",", ":")}), (True, {"indent": 2})])
def test_response_calls_an_overridden_dumps(app, debug, options):
    class Own(DefaultJSONProvider):
        def dumps(self, obj, **kwargs):
            return repr((obj, kwargs))

    app.debug = debug
    assert Own(app).response(1).get_data(as_text=True) == repr((1, options)) + "\n"


def test_response_takes_few_python_calls(provider):
    value = {"a": [1, 2], "b": "x"}
    provider.response(value)
    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append(frame.f_code) if event == "call" else None)
    try:
        provider.response(value)
    finally:
        sys.setprofile(None)
    own = [code.co_name for code in calls if code.co_filename.endswith("provider.py")]
    assert own == ["response", "_response_text", "_encode"]


# Providers of one's own


class Reversing(JSONProvider):
    def dumps(self, obj, **kwargs):
        return repr((obj, kwargs))

    def loads(self, s, **kwargs):
        return s, kwargs


def test_base_provider_builds_on_two_methods(app):
    provider = Reversing(app)
    file = io.StringIO()
    provider.dump(1, file, x=2)
    assert file.getvalue() == "(1, {'x': 2})"
    assert provider.load(io.StringIO("text"), y=3) == ("text", {"y": 3})
    assert provider.response(1).get_data(as_text=True) == "(1, {})"
    response = provider.response(1, 2)
    assert response.get_data(as_text=True) == "((1, 2), {})"
    assert response.content_type == "application/json"


@pytest.mark.parametrize("method", ["dumps", "loads"])
def test_base_provider_is_abstract(app, method):
    with pytest.raises(NotImplementedError, match="^$"):
        getattr(JSONProvider(app), method)("1")


def test_provider_does_not_keep_the_application():
    provider = Flask("test_app").json
    gc.collect()
    assert provider.dumps([1]) == "[1]"
    with pytest.raises(ReferenceError, match="weakly-referenced"):
        provider.response(1)


def test_serializing_imports_nothing_that_the_value_does_not_need(without_coverage):
    code = (
        "import sys\n"
        "from hipflask.json.provider import to_serializable\n"
        "class H:\n"
        "    def __html__(self): return 'h'\n"
        "assert to_serializable(H()) == 'h'\n"
        "assert not {'uuid', 'decimal', 'dataclasses'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=without_coverage, timeout=30)
