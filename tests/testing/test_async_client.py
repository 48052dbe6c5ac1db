"""The async client, through the application's ASGI door."""

import asyncio
import io
import threading

import pytest

import hipflask
from hipflask.testing import AsyncFlaskClient, ClientRedirectError, EnvironBuilder, FlaskClient, TestResponse
from hipflask.testing import create_environ as make_environ


def run(main):
    """Run a coroutine function with a deadline that only a hang reaches."""

    async def limited():
        async with asyncio.timeout(20):
            return await main()

    return asyncio.run(limited())


@pytest.fixture
def app():
    app = hipflask.Flask("case")
    app.secret_key = "key"
    app.testing = True

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
    @app.route("/<path:path>", methods=["GET", "POST"])
    def index(path):
        request = hipflask.request
        if path == "error":
            raise KeyError("view")
        if path.startswith("to/"):
            return hipflask.redirect(path[2:], 307 if request.method == "POST" else 302)
        files = {name: file.read().decode() for name, file in request.files.items()}
        return {
            "method": request.method,
            "url": request.url,
            "address": request.remote_addr,
            "agent": request.user_agent.string,
            "header": request.headers.get("X-Name"),
            "form": request.form,
            "files": files,
            "body": "" if request.form or files else request.get_data(as_text=True),
        }

    @app.route("/async", methods=["GET", "POST"])
    async def async_view():
        await asyncio.sleep(0)
        return {"loop": id(asyncio.get_running_loop()), "body": hipflask.request.get_data(as_text=True)}

    @app.get("/session")
    def session():
        hipflask.session["visits"] = hipflask.session.get("visits", 0) + 1
        return dict(hipflask.session)

    @app.get("/circle")
    def circle():
        return hipflask.redirect("/circle")

    return app


def test_application_makes_its_class(app):
    class Own(AsyncFlaskClient):
        pass

    assert type(app.async_test_client()) is AsyncFlaskClient
    app.async_test_client_class = Own
    client = app.async_test_client(use_cookies=False)
    assert type(client) is Own
    with pytest.raises(TypeError, match="cookies"):
        client.get_cookie("a")


def both(app, path, **kwargs):
    """Return what the two clients are answered."""

    async def main():
        async with AsyncFlaskClient(app) as client:
            return await client.open(path, **kwargs)

    return app.test_client().open(path, **kwargs), run(main)


@pytest.mark.parametrize(
    ("path", "kwargs"),
    [
        pytest.param("/a/ü?q=1", {}, id="path"),
        pytest.param("/a", {"query_string": {"q": "é"}, "base_url": "https://example.com/root"}, id="root"),
        pytest.param("/", {"method": "POST", "data": {"name": "väl"}}, id="form"),
        pytest.param("/", {"method": "PUT", "json": {"a": [1]}}, id="json"),
        pytest.param("/", {"method": "POST", "data": "x" * 200_000}, id="long"),
        pytest.param("/", {"headers": {"X-Name": "a"}, "environ_base": {"REMOTE_ADDR": "10.0.0.9"}}, id="headers"),
        pytest.param("/absent/../x", {}, id="dots"),
        pytest.param("/to/a", {"follow_redirects": True}, id="redirect"),
    ],
)
def test_application_sees_what_it_sees_of_the_other_client(app, path, kwargs):
    expected, response = both(app, path, **kwargs)
    assert response.json == expected.json
    assert response.status == expected.status
    assert sorted(name.lower() for name, _ in response.headers) == sorted(name.lower() for name, _ in expected.headers)


def test_upload_arrives(app):
    async def main():
        file = (io.BytesIO(b"content"), "name.txt")
        return await AsyncFlaskClient(app).post("/", data={"file": file, "field": "1"})

    assert run(main).json["files"] == {"file": "content"}


def test_response_is_of_the_same_classes(app):
    class Custom(hipflask.Response):
        pass

    app.response_class = Custom
    _, response = both(app, "/")
    assert isinstance(response, Custom)
    assert isinstance(response, TestResponse)
    assert response.request.path == "/"
    assert response.history == ()


def test_unknown_status_is_kept(app):
    app.add_url_rule("/odd", view_func=lambda: ("", 299))
    assert both(app, "/odd")[1].status_code == 299


@pytest.mark.parametrize("name", ["get", "post", "put", "patch", "delete", "options", "trace"])
def test_methods(app, name):
    async def main():
        client = AsyncFlaskClient(app)
        assert (await client.head("/")).data == b""
        return await getattr(client, name)("/")

    assert run(main).json["method"] == name.upper()


@pytest.mark.parametrize("kind", ["builder", "environ", "request"])
def test_other_sources_of_a_request(app, kind):
    source = {
        "builder": lambda: EnvironBuilder("/a?b=1", headers={"X-Name": "x"}),
        "environ": lambda: make_environ("/a?b=1", headers={"X-Name": "x"}),
        "request": lambda: hipflask.Request(make_environ("/a?b=1", headers={"X-Name": "x"})),
    }[kind]()

    async def main():
        return await AsyncFlaskClient(app).open(source)

    response = run(main)
    assert response.json["header"] == "x"
    assert response.json["url"] == "http://localhost/a?b=1"


def test_async_view_runs_on_the_loop_of_the_test(app):
    async def main():
        assert (await AsyncFlaskClient(app).get("/async")).json["body"] == ""
        response = await AsyncFlaskClient(app).post("/async", data="body")
        assert response.json == {"loop": id(asyncio.get_running_loop()), "body": "body"}

    run(main)


def test_client_is_used_on_several_loops_one_after_the_other(app):
    client = AsyncFlaskClient(app)
    for _ in range(3):
        assert run(lambda: client.get("/async")).status_code == 200
        assert run(lambda: client.get("/")).status_code == 200


def test_requests_run_at_the_same_time(app):
    events = {}

    @app.get("/wait")
    async def wait():
        await events["go"].wait()
        return "waited"

    @app.get("/go")
    async def go():
        events["go"].set()
        return "went"

    async def main():
        events["go"] = asyncio.Event()
        client = AsyncFlaskClient(app)
        answers = await asyncio.gather(client.get("/wait"), client.get("/go"))
        assert [each.text for each in answers] == ["waited", "went"]

    run(main)


def test_cookies_and_sessions_are_kept(app):
    async def main():
        client = AsyncFlaskClient(app)
        await client.get("/session")
        assert (await client.get("/session")).json == {"visits": 2}
        async with client.session_transaction() as session:
            assert session["visits"] == 2
            session["visits"] = 10
        assert (await client.get("/session")).json == {"visits": 11}
        assert client.get_cookie("session") is not None
        client.delete_cookie("session")
        assert (await client.get("/session")).json == {"visits": 1}

    run(main)


def test_client_without_cookies_has_none(app):
    async def main():
        client = AsyncFlaskClient(app, use_cookies=False)
        await client.get("/session")
        assert (await client.get("/session")).json == {"visits": 1}
        with pytest.raises(TypeError, match="Cookies are disabled"):
            await client.log_in(1)

    run(main)


def test_teardown_functions_may_be_async_in_a_session_transaction(app):
    seen = []

    @app.teardown_request
    async def teardown(error):
        seen.append(id(asyncio.get_running_loop()))

    async def main():
        async with AsyncFlaskClient(app).session_transaction() as session:
            session["a"] = 1
        assert set(seen) == {id(asyncio.get_running_loop())}

    run(main)


def test_redirects_are_followed_at_once_or_later(app):
    async def main():
        client = AsyncFlaskClient(app)
        page = await client.post("/to/to/x", data="body", follow_redirects=True)
        assert page.json["body"] == "body"
        assert page.json["url"] == "http://localhost/x"
        assert [each.status_code for each in page.history] == [307, 307]
        response = await client.get("/to/y")
        assert response.location == "/y"
        assert (await client.follow(response)).json["url"] == "http://localhost/y"
        with pytest.raises(AssertionError, match="GET /y was answered by 200 OK"):
            await client.follow(await client.get("/y"))
        with pytest.raises(ClientRedirectError, match="came twice"):
            await client.get("/circle", follow_redirects=True)
        with pytest.raises(RuntimeError, match="another host"):
            await client.get("/to//example.com/", follow_redirects=True)

    run(main)


def test_errors_of_views_reach_the_test_or_are_pages(app):
    async def main():
        client = AsyncFlaskClient(app)
        with pytest.raises(KeyError, match="view"):
            await client.get("/error")
        app.testing = False
        assert (await client.get("/error")).status_code == 500
        assert (await client.get("/a", method="PURGE")).status_code in {200, 405}

    run(main)


def test_what_cannot_be_passed_on_is_an_error(app):
    async def main():
        with pytest.raises(ValueError, match="'REMOTE_USER'"):
            await AsyncFlaskClient(app).get("/", environ_base={"REMOTE_USER": "ada"})

    run(main)


def test_without_a_loop_the_error_says_what_is_needed(app):
    coroutine = AsyncFlaskClient(app).get("/")
    with pytest.raises(RuntimeError, match="needs a running asyncio loop"):
        coroutine.send(None)


# Beginning and end


@pytest.fixture
def calls(app):
    """What the start-up and shut-down functions have done."""
    calls = []

    @app.on_startup
    async def start():
        calls.append(("start", id(asyncio.get_running_loop())))

    @app.on_shutdown
    def stop():
        calls.append(("stop", None))

    return calls


def test_block_starts_and_ends_the_application(app, calls):
    async def main():
        async with AsyncFlaskClient(app) as client:
            assert calls == [("start", id(asyncio.get_running_loop()))]
            with pytest.raises(RuntimeError, match="in use by a block already"):
                await client.__aenter__()
            await client.get("/")
        assert calls[1:] == [("stop", None)]
        async with client:
            pass

    run(main)
    assert [name for name, _ in calls] == ["start", "stop"] * 2


def test_first_request_starts_the_application(app, calls):
    async def main():
        client = AsyncFlaskClient(app)
        await client.get("/")
        await client.get("/async")

    run(main)
    assert [name for name, _ in calls] == ["start"]


def test_application_that_runs_already_is_left_alone(app, calls):
    async def main():
        async with AsyncFlaskClient(app):
            pass

    with app.test_client() as client:
        run(main)
        assert client.get("/").status_code == 200
        assert [name for name, _ in calls] == ["start"]


@pytest.mark.parametrize("in_block", [True, False], ids=["block", "request"])
def test_failing_startup_is_told(app, in_block, caplog):
    @app.on_startup
    def fail():
        raise KeyError("startup")

    async def main():
        client = AsyncFlaskClient(app)
        with pytest.raises(RuntimeError, match="could not be started: KeyError: 'startup'"):
            if in_block:
                await client.__aenter__()
            else:
                await client.get("/")

    run(main)
    assert "on_startup function failed" in caplog.text


def test_failing_shutdown_is_told(app, caplog):
    @app.on_shutdown
    def fail():
        raise KeyError("shutdown")

    async def main():
        with pytest.raises(RuntimeError, match="could not be shut down: KeyError: 'shutdown'"):
            async with AsyncFlaskClient(app):
                pass

    run(main)
    assert "on_shutdown function failed" in caplog.text


@pytest.mark.parametrize("answer", ["raises", "returns"])
def test_middleware_without_lifespan_is_no_obstacle(app, calls, answer):
    inner = app.asgi_app

    async def middleware(scope, receive, send):
        if scope["type"] == "http":
            await inner(scope, receive, send)
        elif answer == "raises":
            raise AssertionError("http only")

    app.asgi_app = middleware

    async def main():
        async with AsyncFlaskClient(app) as client:
            assert (await client.get("/async")).status_code == 200

    run(main)
    assert [name for name, _ in calls] == ["start"]
    app._lifespan.stop()


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        pytest.param([], "did not begin a response; it sent None", id="nothing"),
        pytest.param([{"type": "http.response.body"}], "did not begin a response", id="body-first"),
        pytest.param([{"type": "http.response.start", "status": 200}], "ended before its response was whole", id="cut"),
    ],
)
def test_broken_middleware_is_told(app, messages, error):
    async def middleware(scope, receive, send):
        if scope["type"] == "http":
            for message in messages:
                await send(message)

    app.asgi_app = middleware
    with pytest.raises(RuntimeError, match=error):
        run(lambda: AsyncFlaskClient(app).get("/"))


def test_application_is_told_that_the_client_has_gone_when_all_is_sent(app):
    seen = []

    async def middleware(scope, receive, send):
        if scope["type"] == "http":
            await receive()
            await send({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})
            seen.extend([await receive(), await receive()])

    app.asgi_app = middleware
    assert run(lambda: AsyncFlaskClient(app).get("/")).status_code == 204
    assert seen == [{"type": "http.disconnect"}] * 2


def test_cancelled_request_ends_the_view(app):
    seen = []

    @app.get("/hang")
    async def hang():
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await AsyncFlaskClient(app).get("/hang")
        assert seen == ["ended"]

    run(main)


# Streams


@pytest.fixture
def stream(app):
    """An endless stream, and what it has done."""
    stream = {"sent": 0, "closed": threading.Event()}

    @app.get("/endless")
    def endless():
        def generate():
            try:
                while True:
                    stream["sent"] += 1
                    yield f"{stream['sent']}\n"
            finally:
                stream["closed"].set()

        response = hipflask.Response(generate(), mimetype="text/plain", status=202)
        response.set_cookie("seen", "1")
        return response

    @app.get("/finite")
    def finite():
        return hipflask.Response((part for part in ("1", "2", "3")), mimetype="application/json")

    return stream


def test_stream_begins_before_it_ends_and_is_held_back(app, stream):
    async def main():
        client = AsyncFlaskClient(app)
        async with client.stream("/endless") as response:
            assert response.status_code == 202
            assert client.get_cookie("seen").value == "1"
            assert response.request.path == "/endless"
            chunks = []
            async for chunk in response.iter_chunks():
                chunks.append(chunk)
                if len(chunks) == 3:
                    break
            assert chunks == [b"1\n", b"2\n", b"3\n"]
            assert stream["sent"] <= 5
        assert stream["closed"].wait(20)

    run(main)


def test_rest_of_a_stream_is_read_on_demand(app, stream):
    async def main():
        async with AsyncFlaskClient(app).stream("/finite", query_string={"a": 1}) as response:
            with pytest.raises(RuntimeError, match=r"Await response\.read\(\) first"):
                response.data  # noqa: B018  # the access is what is tested
            async for chunk in response.iter_chunks():
                assert chunk == b"1"
                break
            assert await response.read() == b"23"
            assert await response.read() == b"23"
            assert response.json == 23
        assert response.text == "23"

    run(main)


def test_stream_ends_with_the_body(app, stream):
    async def main():
        async with AsyncFlaskClient(app).stream("/finite") as response:
            assert [chunk async for chunk in response.iter_chunks()] == [b"1", b"2", b"3"]
            assert await response.read() == b""

    run(main)


def test_stream_takes_other_methods_and_errors(app, stream):
    async def main():
        client = AsyncFlaskClient(app)
        async with client.stream("/", method="POST", data="body") as response:
            await response.read()
            assert response.json["body"] == "body"
        with pytest.raises(KeyError, match="view"):
            async with client.stream("/error"):
                pass
        with pytest.raises(ZeroDivisionError):
            async with client.stream("/endless"):
                1 / 0  # noqa: B018
        assert stream["closed"].wait(20)

    run(main)


def test_stream_that_breaks_raises_where_it_is_read(app):
    @app.get("/broken")
    def broken():
        def generate():
            yield "1"
            raise KeyError("generator")

        return hipflask.Response(generate())

    async def main():
        async with AsyncFlaskClient(app).stream("/broken") as response:
            with pytest.raises(KeyError, match="generator"):
                await response.read()

    run(main)


def test_public_methods_are_those_of_the_other_client():
    def public(cls):
        return {name for name in dir(cls) if not name.startswith("_")}

    # Contexts and WSGI are the other client's; `follow` is one step of following there.
    assert public(FlaskClient) - public(AsyncFlaskClient) == {"resolve_redirect", "run_wsgi_app"}
    assert public(AsyncFlaskClient) - public(FlaskClient) == {"stream"}
