"""flask.json's functions: done by the current application's provider, or without one."""

import datetime
import io
import uuid

import pytest

from hipflask import Flask, json
from hipflask.json.provider import JSONProvider


class Recorder(JSONProvider):
    def __init__(self, app):
        super().__init__(app)
        self.calls = []

    def dumps(self, obj, **kwargs):
        self.calls.append(("dumps", obj, kwargs))
        return "dumped"

    def loads(self, s, **kwargs):
        self.calls.append(("loads", s, kwargs))
        return "loaded"


@pytest.fixture
def recorder():
    app = Flask("test_app")
    app.json = Recorder(app)
    with app.app_context():
        yield app.json


def test_functions_use_the_applications_provider(recorder):
    file = io.StringIO()
    assert json.dumps(1, x=1) == "dumped"
    json.dump(2, file, x=2)
    assert file.getvalue() == "dumped"
    assert json.loads("3", x=3) == "loaded"
    assert json.load(io.StringIO("4"), x=4) == "loaded"
    assert json.jsonify(a=5).get_data() == b"dumped"
    assert recorder.calls == [
        ("dumps", 1, {"x": 1}),
        ("dumps", 2, {"x": 2}),
        ("loads", "3", {"x": 3}),
        ("loads", "4", {"x": 4}),
        ("dumps", {"a": 5}, {}),
    ]


def test_functions_without_application_know_the_same_types():
    assert json.dumps({"b": "é", "a": uuid.UUID(int=1)}) == (
        '{"b": "\\u00e9", "a": "00000000-0000-0000-0000-000000000001"}'
    )
    assert json.dumps(datetime.date(2020, 1, 1)) == '"Wed, 01 Jan 2020 00:00:00 GMT"'
    assert json.dumps(object, default=str) == "\"<class 'object'>\""
    file = io.StringIO()
    json.dump([datetime.date(2020, 1, 1)], file)
    assert file.getvalue() == '["Wed, 01 Jan 2020 00:00:00 GMT"]'
    assert json.loads(b"[1]") == [1]
    assert json.load(io.BytesIO(b"[1]")) == [1]


def test_jsonify_without_application_raises():
    with pytest.raises(RuntimeError, match="No application context is active"):
        json.jsonify(1)


def test_jsonify_status_and_headers_from_a_view():
    app = Flask("test_app")
    app.add_url_rule("/", "index", lambda: (json.jsonify(error="x"), 422, {"X-A": "b"}))
    response = app.test_client().get("/")
    assert (response.status_code, response.headers["X-A"], response.get_json()) == (422, "b", {"error": "x"})
