"""Cases JS of the wire table that are calls: JSON in and out."""

from __future__ import annotations

from typing import Any

import pytest
from markupsafe import Markup

import hipflask


def cycle() -> list[Any]:
    values: list[Any] = []
    values.append(values)
    return values


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(cycle, "Circular reference", id="JS-036"),
        # As in Flask: keys are sorted, and these have no order. Set app.json.sort_keys to False to send them.
        pytest.param(lambda: {1: 1, "a": 2, None: 3}, "not supported between", id="JS-037"),
    ],
)
def test_what_is_not_json_is_a_clear_error(
    app: hipflask.Flask, caplog: pytest.LogCaptureFixture, make: Any, message: str
) -> None:
    app.add_url_rule("/", "index", lambda: hipflask.jsonify(make()))
    assert app.test_client().get("/").status_code == 500
    assert message in caplog.text


def test_js_037_unsorted_keys_may_be_mixed(app: hipflask.Flask) -> None:
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider
    app.add_url_rule("/", "index", lambda: hipflask.jsonify({1: 1, "a": 2, None: 3}))
    assert app.test_client().get("/").json == {"1": 1, "a": 2, "null": 3}


def test_js_038_json_in_a_script_ends_nothing(app: hipflask.Flask) -> None:
    with app.app_context():
        text = hipflask.render_template_string("<script>{{ x|tojson }}</script>", x="</script><!--&'")
    assert text == '<script>"\\u003c/script\\u003e\\u003c!--\\u0026\\u0027"</script>'
    assert not isinstance(text, Markup)


@pytest.mark.parametrize("first", [pytest.param(True, id="JS-039-silent"), pytest.param(False, id="JS-039-loud")])
def test_silence_about_a_broken_body_does_not_last(app: hipflask.Flask, first: bool) -> None:
    def look() -> list[Any]:
        found = []
        for silent in (first, not first, first):
            try:
                found.append(hipflask.request.get_json(silent=silent))
            except Exception as error:
                found.append(type(error).__name__)
        return found

    app.add_url_rule("/", "look", look, methods=["POST"])
    answer = app.test_client().post("/", data="{", content_type="application/json").json
    assert answer == [None if silent else "BadRequest" for silent in (first, not first, first)]
