"""Long bodies that the application leaves unread: the clients' temporary files are closed."""

import asyncio
import gc
import warnings

import pytest

import hipflask
from hipflask.testing import Client, EnvironBuilder
from hipflask.testing.multipart import SPOOL_BYTES, BodyFile


@pytest.fixture
def inputs():
    """Streams that the application was given."""
    return []


@pytest.fixture
def app(inputs):
    app = hipflask.Flask("case")
    app.testing = True
    app.config["MAX_CONTENT_LENGTH"] = 1000

    @app.before_request
    def keep_input():
        inputs.append(hipflask.request.environ["wsgi.input"])

    @app.post("/refused")
    def refused():
        return hipflask.request.form

    @app.post("/unread")
    def unread():
        return "unread"

    @app.post("/error")
    def error():
        raise KeyError("view")

    @app.post("/again")
    def again():
        return hipflask.redirect("/unread", 307)

    return app


@pytest.fixture
def silently(inputs):
    """Fail the test if what it leaves behind is collected with a warning."""
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        inputs.clear()
        gc.collect()
    assert [str(each.message) for each in caught] == []


def long_form():
    return {"data": {"a": "b" * (SPOOL_BYTES + 1)}, "content_type": "multipart/form-data"}


def post(app, kind, path, **kwargs):
    """Post by the client of a kind."""
    if kind == "plain":
        return Client(app).post(path, **kwargs)
    if kind == "flask":
        return app.test_client().post(path, **kwargs)

    async def main():
        async with app.async_test_client() as client:
            return await client.post(path, **kwargs)

    return asyncio.run(main())


@pytest.mark.parametrize("kind", ["plain", "flask", "async"])
@pytest.mark.parametrize(("path", "status"), [("/refused", 413), ("/unread", 200)])
def test_unread_body_is_dropped_without_warning(silently, app, kind, path, status):
    assert post(app, kind, path, **long_form()).status_code == status


@pytest.mark.parametrize("kind", ["plain", "flask"])
def test_body_is_a_file_that_lives_as_long_as_the_response(silently, app, inputs, kind):
    response = post(app, kind, "/unread", **long_form())
    response.close()
    assert isinstance(inputs[0], BodyFile)
    assert not inputs[0].closed
    assert len(inputs[0].read()) > SPOOL_BYTES


@pytest.mark.parametrize("kind", ["plain", "flask"])
def test_unread_body_can_be_sent_again(silently, app, inputs, kind):
    response = post(app, kind, "/again", follow_redirects=True, **long_form())
    assert (response.text, len(response.history)) == ("unread", 1)
    assert inputs[0] is inputs[1]


@pytest.mark.parametrize("kind", ["plain", "flask"])
def test_body_is_closed_when_the_application_raises(silently, app, inputs, kind):
    with pytest.raises(KeyError, match="view") as raised:
        post(app, kind, "/error", **long_form())
    assert inputs[0].closed
    assert raised.tb is not None  # which still holds the environ


def test_async_client_closes_the_body_when_the_application_raises(silently):
    seen = []

    async def failing(scope, receive, send):
        raise KeyError("door")

    async def main():
        app = hipflask.Flask("case")
        app.asgi_app = failing
        client = app.async_test_client()
        builder = EnvironBuilder("/", method="POST", **long_form())
        environ = builder.get_environ()
        seen.append(environ["wsgi.input"])
        with pytest.raises(KeyError, match="door"):
            await client.open(EnvironBuilder.from_environ(environ))

    asyncio.run(main())
    assert seen[0].closed


@pytest.mark.parametrize("kind", ["plain", "flask"])
def test_stream_of_the_test_stays_open_when_the_application_raises(app, kind, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"body")
    with path.open("rb") as stream, pytest.raises(KeyError, match="view"):
        try:
            post(app, kind, "/error", input_stream=stream)
        finally:
            assert not stream.closed


def test_request_of_a_context_is_dropped_without_warning(silently, app):
    with app.test_request_context("/unread", method="POST", **long_form()):
        assert isinstance(hipflask.request.environ["wsgi.input"], BodyFile)
