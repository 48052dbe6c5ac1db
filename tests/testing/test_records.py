"""What was rendered and flashed."""

import pytest

import hipflask
from hipflask.testing import (
    LiveServer,
    assert_flashed,
    assert_template_used,
    captured_flashes,
    captured_templates,
)


@pytest.fixture
def app(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "base.html").write_text("{% block b %}{% endblock %}")
    (tmp_path / "templates" / "page.html").write_text("{% extends 'base.html' %}{% block b %}{{ n }}{% endblock %}")
    app = hipflask.Flask("records", root_path=str(tmp_path))
    app.secret_key = "key"

    @app.get("/page/<int:n>")
    def page(n):
        return hipflask.render_template("page.html", n=n)

    @app.get("/text")
    def text():
        return hipflask.render_template_string("text")

    @app.get("/flash/<category>/<message>")
    def flash(category, message):
        hipflask.flash(message, category)
        return ""

    return app


def test_templates_are_recorded_with_their_contexts(app):
    client = app.test_client()
    with captured_templates(app) as templates:
        client.get("/page/1")
        client.get("/text")
    client.get("/page/2")
    assert [each.name for each in templates] == ["page.html", None]
    template, context = templates[0]
    assert template.name == "page.html"
    assert context["n"] == 1


def test_flashes_are_recorded_as_pairs(app):
    client = app.test_client()
    with captured_flashes(app) as flashes:
        client.get("/flash/error/no")
        client.get("/flash/message/yes")
    client.get("/flash/error/later")
    assert flashes == [("error", "no"), ("message", "yes")]
    assert flashes[0].category == "error"
    assert flashes[0].message == "no"


def test_records_are_of_one_application(app):
    other = hipflask.Flask("other")
    with captured_flashes(other) as flashes, captured_templates(other) as templates:
        app.test_client().get("/flash/error/no")
        app.test_client().get("/text")
    assert flashes == templates == []


def test_record_sees_the_live_server(app):
    from urllib.request import urlopen

    with LiveServer(app) as server, captured_templates(app) as templates:
        urlopen(server.url_for("page", n=3)).close()
    assert templates[0].context["n"] == 3


def test_template_that_was_used_is_accepted(app):
    with assert_template_used(app, "page.html") as templates:
        app.test_client().get("/page/1")
    assert len(templates) == 1


@pytest.mark.parametrize(
    ("paths", "seen"),
    [
        pytest.param([], r"Rendered templates: none\.$", id="none"),
        pytest.param(["/page/1", "/text"], r"Rendered templates: 'page\.html', a string\.$", id="others"),
    ],
)
def test_template_that_was_not_used_fails_with_those_that_were(app, paths, seen):
    with pytest.raises(AssertionError, match=r"^The template 'base\.html' was not rendered\. " + seen):
        with assert_template_used(app, "base.html"):
            for path in paths:
                app.test_client().get(path)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({}, id="any"),
        pytest.param({"message": "no"}, id="message"),
        pytest.param({"category": "error"}, id="category"),
        pytest.param({"message": "no", "category": "error"}, id="both"),
    ],
)
def test_message_that_was_flashed_is_accepted(app, wanted):
    with assert_flashed(app, **wanted):
        app.test_client().get("/flash/message/yes")
        app.test_client().get("/flash/error/no")


@pytest.mark.parametrize(
    ("wanted", "paths", "text"),
    [
        pytest.param({}, [], r"did not flash a message\. Flashed messages: none\.$", id="none"),
        pytest.param({"message": "n"}, ["/flash/a/no"], r"flash 'n'\. Flashed messages: 'no' \(a\)\.$", id="whole"),
        pytest.param(
            {"message": "no", "category": "b"},
            ["/flash/a/no", "/flash/b/yes"],
            r"flash 'no' of the category 'b'\. Flashed messages: 'no' \(a\), 'yes' \(b\)\.$",
            id="together",
        ),
    ],
)
def test_message_that_was_not_flashed_fails_with_those_that_were(app, wanted, paths, text):
    with pytest.raises(AssertionError, match=text):
        with assert_flashed(app, **wanted):
            for path in paths:
                app.test_client().get(path)


def test_error_in_the_block_is_not_hidden(app):
    with pytest.raises(KeyError, match="block"):
        with assert_flashed(app), assert_template_used(app, "x"):
            raise KeyError("block")
