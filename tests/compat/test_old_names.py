from __future__ import annotations

import datetime
import json

import pytest

from hipflask import Flask
from hipflask.compat import old_names


def test_stacks_show_the_current_contexts() -> None:
    app = Flask("old_names")
    assert old_names._app_ctx_stack.top is None
    assert old_names._request_ctx_stack.pop() is None
    with app.test_request_context("/x") as ctx:
        assert old_names._request_ctx_stack.top is ctx
        assert old_names._app_ctx_stack.top.app is app
    inner = app.app_context()
    old_names._app_ctx_stack.push(inner)
    assert old_names._app_ctx_stack.pop() is inner
    assert old_names._app_ctx_stack.top is None


def test_encoder_knows_what_the_provider_knows() -> None:
    text = json.dumps([datetime.date(2024, 2, 29)], cls=old_names.JSONEncoder)
    assert text == '["Thu, 29 Feb 2024 00:00:00 GMT"]'
    with pytest.raises(TypeError, match="object"):
        json.dumps(object(), cls=old_names.JSONEncoder)


@pytest.mark.parametrize(
    ("left", "right", "is_equal"), [("a", "a", True), ("é", "é".encode(), True), ("a", "b", False), (b"", "a", False)]
)
def test_texts_are_compared(left: str, right: str, is_equal: bool) -> None:
    assert old_names.safe_str_cmp(left, right) is is_equal


def test_authorization_is_parsed() -> None:
    found = old_names.parse_authorization_header("Basic dXNlcjpwYXNz")
    assert (found.username, found.password) == ("user", "pass")
