"""Explanations of usual mistakes."""

import logging

import pytest

from hipflask import Blueprint, Flask, request
from hipflask.debughelpers import (
    DebugFilesKeyError,
    FormDataRoutingRedirect,
    UnexpectedUnicodeError,
    attach_enctype_error_multidict,
    explain_template_loading_attempts,
)
from hipflask.http.exceptions import BadRequestKeyError
from hipflask.routing import RequestRedirect


@pytest.fixture
def app():
    app = Flask("test_app")
    app.testing = True
    return app


def test_classes_are_those_of_flask():
    assert UnexpectedUnicodeError.__mro__[1:3] == (AssertionError, UnicodeError)
    assert issubclass(DebugFilesKeyError, KeyError)
    assert issubclass(DebugFilesKeyError, AssertionError)
    assert issubclass(FormDataRoutingRedirect, AssertionError)


def test_files_error_tells_type_and_sent_names(app):
    with app.test_request_context(method="POST", data={"file": "name.txt"}):
        error = DebugFilesKeyError(request, "file")
        assert "'application/x-www-form-urlencoded'" in str(error)
        assert "This was submitted: 'name.txt'" in str(error)
        assert 'enctype="multipart/form-data"' in str(error)
        assert "submitted" not in str(DebugFilesKeyError(request, "other"))


def test_attached_files_explain_fields_that_came_as_text(app):
    with app.test_request_context(method="POST", data={"file": "name.txt"}):
        name = type(request.files).__name__
        attach_enctype_error_multidict(request)
        with pytest.raises(DebugFilesKeyError, match="There is no file 'file'"):
            request.files["file"]
        with pytest.raises(BadRequestKeyError):
            request.files["other"]
        assert request.files.get("other") is None
        assert type(request.files).__name__ == name


def test_debug_mode_attaches_the_explanation(app):
    app.debug = True
    with app.test_request_context(method="POST", data={"file": "name.txt"}):
        with pytest.raises(DebugFilesKeyError, match="There is no file 'file'"):
            request.files["file"]


@pytest.mark.parametrize(
    ("path", "target", "has_slash_hint"),
    [
        ("/u", "http://localhost/u/", True),
        ("/u?x=1", "http://localhost/u/?x=1", True),
        ("/a", "http://localhost/b", False),
    ],
)
def test_routing_redirect_tells_both_urls(app, path, target, has_slash_hint):
    with app.test_request_context(path, method="POST"):
        request.routing_exception = RequestRedirect(target)
        text = str(FormDataRoutingRedirect(request))
    assert f"'http://localhost{path}'" in text
    assert repr(target) in text
    assert ("ends with a slash" in text) is has_slash_hint


class Loader:
    """Looks like a template loader."""

    def __init__(self):
        self.searchpath = ["/a", "/b"]
        self.encoding = "utf-8"
        self.followlinks = False
        self.function = len
        self.mixed = [1, "x"]
        self._private = "hidden"


FOUND = ("source", "/a/t.html", None)


@pytest.mark.parametrize(
    ("results", "conclusion"),
    [
        ([None, None, None], "Error: no loader has this template."),
        ([None, FOUND, None], None),
        ([FOUND, FOUND, None], "2 loaders have this template; the first one is used."),
    ],
    ids=["nowhere", "once", "twice"],
)
def test_template_loading_is_explained(app, caplog, results, conclusion):
    caplog.set_level(logging.INFO)
    owners = [app, Blueprint("pages", "pages_module"), "somebody else"]
    explain_template_loading_attempts(app, "t.html", list(zip([Loader()] * 3, owners, results, strict=True)))
    [record] = caplog.records
    lines = record.getMessage().splitlines()
    assert lines[0] == "Looking for the template 't.html':"
    assert [line.strip() for line in lines if "the loader of" in line] == [
        "1: the loader of the application 'test_app'",
        "2: the loader of the blueprint 'pages' (pages_module)",
        "3: the loader of the object 'somebody else'",
    ]
    facts = [line.strip() for line in lines[2:8]]
    assert facts == [
        f"class: {__name__}.Loader",
        "encoding: 'utf-8'",
        "followlinks: False",
        "searchpath:",
        "- /a",
        "- /b",
    ]
    assert record.getMessage().count("found in '/a/t.html'") == sum(r is not None for r in results)
    assert (lines[-1] == conclusion) if conclusion else ("loaders have" not in lines[-1])


def test_template_loading_names_the_running_blueprint(app, caplog):
    caplog.set_level(logging.INFO)
    blueprint = Blueprint("pages", "pages_module")

    @blueprint.route("/")
    def index():
        explain_template_loading_attempts(app, "t.html", [(Loader(), blueprint, ("source", None, None))] * 2)
        return ""

    app.register_blueprint(blueprint)
    app.test_client().get("/")
    text = caplog.records[0].getMessage()
    assert "The view is one of the blueprint 'pages'." in text
    assert "found in '<string>'" in text
