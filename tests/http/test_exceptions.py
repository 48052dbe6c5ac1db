"""The HTTP exceptions, one by one and beside Werkzeug's."""

import copy
import datetime
import pickle
import re

import pytest

from hipflask.http import exceptions
from hipflask.http.datastructures import WWWAuthenticate
from hipflask.http.exceptions import (
    Aborter,
    BadRequest,
    BadRequestKeyError,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RequestedRangeNotSatisfiable,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    abort,
    default_exceptions,
)
from hipflask.http.response import Response

HTML = ("Content-Type", "text/html; charset=utf-8")


def error_classes():
    return [getattr(exceptions, name) for name in exceptions.__all__ if name[0].isupper() and name != "Aborter"]


def test_each_class_has_the_code_and_bases_of_werkzeug():
    theirs = pytest.importorskip("werkzeug.exceptions")
    for cls in error_classes():
        their_class = getattr(theirs, cls.__name__)
        assert cls.code == their_class.code
        names = [base.__name__ for base in their_class.__mro__]
        assert [base.__name__ for base in cls.__mro__] == names
    assert {code: cls.__name__ for code, cls in default_exceptions.items()} == {
        code: cls.__name__ for code, cls in theirs.default_exceptions.items()
    }


@pytest.mark.parametrize("cls", error_classes(), ids=lambda cls: cls.__name__)
def test_each_class_has_a_description_and_a_response(cls):
    error = cls()
    assert error.args == ()
    if cls is not HTTPException:
        assert error.description.endswith(".")
        assert error.get_response().status_code == cls.code


def test_page_shows_status_name_and_escaped_description():
    page = NotFound('a <b>\n"line 2"').get_body()
    assert page == (
        "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
        "<p>a &lt;b&gt;<br>&#34;line 2&#34;</p>\n"
    )


def test_exception_without_code_is_named_unknown():
    error = HTTPException()
    assert (error.name, str(error), repr(error)) == (
        "Unknown Error",
        "??? Unknown Error: None",
        "<HTTPException '???: Unknown Error'>",
    )
    assert "<p></p>" in error.get_body()
    assert str(NotFound("x")) == "404 Not Found: x"
    assert repr(NotFound("x")) == "<NotFound '404: Not Found'>"


def test_empty_description_is_kept():
    assert "<p></p>" in NotFound("").get_body()


def test_get_response_returns_given_response():
    response = Response("mine")
    assert NotFound(response=response).get_response({}) is response


def test_get_response_hands_the_environ_of_a_request_to_the_hooks():
    class Shouting(NotFound):
        def get_description(self, environ=None, scope=None):
            return f"<p>{environ['name']} {scope}</p>"

    class Request:
        environ = {"name": "value"}

    assert b"<p>value None</p>" in Shouting().get_response(Request()).data
    assert b"<p>direct {}</p>" in Shouting().get_response({"name": "direct"}, {}).data


def test_exception_is_a_wsgi_application():
    seen = []
    environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http", "HTTP_HOST": "h"}
    body = b"".join(NotFound("gone")(environ, lambda status, headers: seen.append((status, headers))))
    assert b"<p>gone</p>" in body
    assert seen[0][0] == "404 NOT FOUND"


@pytest.mark.parametrize(
    ("error", "extra"),
    [
        pytest.param(MethodNotAllowed(["GET", "POST"]), [("Allow", "GET, POST")], id="allow"),
        pytest.param(MethodNotAllowed(), [], id="no-methods"),
        pytest.param(RequestedRangeNotSatisfiable(0), [("Content-Range", "bytes */0")], id="range"),
        pytest.param(RequestedRangeNotSatisfiable(5, "items"), [("Content-Range", "items */5")], id="units"),
        pytest.param(RequestedRangeNotSatisfiable(), [], id="no-length"),
        pytest.param(TooManyRequests(retry_after=5), [("Retry-After", "5")], id="seconds"),
        pytest.param(TooManyRequests(retry_after=0), [], id="zero"),
        pytest.param(
            ServiceUnavailable(retry_after=datetime.datetime(2020, 1, 1)),
            [("Retry-After", "Wed, 01 Jan 2020 00:00:00 GMT")],
            id="date",
        ),
        pytest.param(Unauthorized(), [], id="no-challenge"),
    ],
)
def test_headers_that_belong_to_the_status(error, extra):
    assert error.get_headers() == [HTML, *extra]


def test_unauthorized_sends_each_challenge():
    basic = WWWAuthenticate("basic", {"realm": "x"})
    digest = WWWAuthenticate("digest", {"realm": "y"})
    one = Unauthorized(www_authenticate=basic)
    assert one.www_authenticate == (basic,)
    assert [name for name, _ in one.get_headers()] == ["Content-Type", "WWW-Authenticate"]
    two = Unauthorized(www_authenticate=[basic, digest])
    assert two.get_headers()[1:] == [("WWW-Authenticate", str(basic)), ("WWW-Authenticate", str(digest))]


def test_internal_server_error_keeps_the_original_exception():
    cause = ValueError("x")
    assert InternalServerError(original_exception=cause).original_exception is cause


def test_key_error_shows_its_key_only_on_demand():
    error = BadRequestKeyError("name")
    assert isinstance(error, KeyError)
    assert error.args == ("name",)
    assert error.description == BadRequest.description
    error.show_exception = True
    assert error.description == f"{BadRequest.description}\nKeyError: 'name'"
    assert "KeyError: &#39;name&#39;" in error.get_body()


def test_key_error_takes_a_description_of_its_own():
    error = BadRequestKeyError("name", "Fill in a name.")
    assert error.description == "Fill in a name."
    error.description = "Other."
    error.show_exception = True
    assert error.description == "Other.\nKeyError: 'name'"
    assert BadRequestKeyError().args == ()


@pytest.mark.parametrize(
    "error",
    [NotFound("d"), BadRequestKeyError("k"), MethodNotAllowed(["GET"])],
    ids=["plain", "key", "methods"],
)
def test_exceptions_can_be_copied_and_pickled(error):
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert vars(other) == vars(error)
        assert other.args == error.args


def test_abort_raises_the_class_of_the_status():
    with pytest.raises(NotFound, match="^404 Not Found: nothing here$"):
        abort(404, "nothing here")
    with pytest.raises(MethodNotAllowed) as caught:
        abort(405, valid_methods=["GET"])
    assert caught.value.valid_methods == ["GET"]


def test_abort_with_a_response_sends_it():
    response = Response("x", 402)
    with pytest.raises(HTTPException, match=re.escape("??? Unknown Error: None")) as caught:
        abort(response)
    assert caught.value.get_response() is response


@pytest.mark.parametrize("status", [999, 200, "404", None], ids=repr)
def test_abort_with_unknown_status_is_a_lookup_error(status):
    with pytest.raises(LookupError, match="no exception for status"):
        abort(status)


def test_aborter_takes_a_mapping_and_more():
    class Custom(HTTPException):
        code = 450

    assert Aborter({450: Custom}).mapping == {450: Custom}
    assert Aborter(extra={450: Custom}).mapping == {**default_exceptions, 450: Custom}
    with pytest.raises(Custom, match="^450 Unknown Error: why$"):
        Aborter(extra={450: Custom})(450, "why")


def test_import_is_light():
    import subprocess
    import sys

    heavy = "dataclasses inspect asyncio email tempfile hashlib secrets jinja2 http.client"
    code = (
        "import sys; before = set(sys.modules);"
        "import hipflask.http.exceptions, hipflask.http.wsgi, hipflask.http.host;"
        "import hipflask.http.security, hipflask.http.redirects, hipflask.http.files;"
        "import hipflask.http.forms, hipflask.http.multipart;"
        f"print([name for name in {heavy.split()!r} if name in set(sys.modules) - before])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
