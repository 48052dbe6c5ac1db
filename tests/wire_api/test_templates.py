"""Cases TP of the wire table that are calls: templates."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import TemplateNotFound
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

import hipflask

EVIL = "<script>&'\""
ESCAPED = "&lt;script&gt;&amp;&#39;&#34;"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[hipflask.Flask]:
    """An application with a few templates, and a file beside their folder."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "templates"
    folder.mkdir()
    for ending in ("html", "htm", "xml", "xhtml", "svg", "txt", "json"):
        (folder / f"x.{ending}").write_text("{{ x }}")
    (folder / "include.html").write_text("{% include name %}")
    (folder / "macros.html").write_text("{% macro m(x) %}{{ x }}{{ caller() }}{% endmacro %}")
    (folder / "uses.html").write_text(
        "{% import 'macros.html' as o %}{% call o.m(x) %}{{ x }}{% endcall %}"
        "{% block b %}{{ x }}{% endblock %}{% include 'x.html' %}"
    )
    app = hipflask.Flask("templates", root_path=str(tmp_path), static_folder=None)
    app.secret_key = "key"
    with app.test_request_context():
        yield app


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(pytest.param(f"x.{each}", ESCAPED, id=f"TP-001-{each}") for each in ("html", "htm", "xml", "xhtml", "svg")),
        pytest.param("x.txt", EVIL, id="TP-007-txt"),
        pytest.param("x.json", EVIL, id="TP-007-json"),
        pytest.param("uses.html", ESCAPED * 4, id="TP-022"),
    ],
)
def test_the_ending_decides_what_is_escaped(site: hipflask.Flask, name: str, text: str) -> None:
    assert hipflask.render_template(name, x=EVIL) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param("{{ x }}", ESCAPED, id="TP-001-string"),
        # Escaping cannot know that no quote ends the value: quote all attributes.
        pytest.param("<a title={{ 'a onclick=b' }}>", "<a title=a onclick=b>", id="TP-003"),
        # Nor what a browser does with a scheme: check addresses that users give.
        pytest.param("<a href='{{ 'javascript:b()' }}'>", "<a href='javascript:b()'>", id="TP-004"),
        pytest.param("{% for m in get_flashed_messages() %}{{ m }}{% endfor %}", f"&lt;b&gt;{ESCAPED}", id="TP-020"),
    ],
)
def test_templates_given_as_text_are_escaped(site: hipflask.Flask, source: str, text: str) -> None:
    hipflask.flash("<b>" + EVIL)
    assert hipflask.render_template_string(source, x=EVIL) == text


@pytest.mark.parametrize("key", [pytest.param(key, id=f"TP-010-{key}") for key in (" onclick", "a/b", "a>b", "a=b")])
def test_keys_of_attributes_are_checked(site: hipflask.Flask, key: str) -> None:
    with pytest.raises(ValueError, match="attribute name"):
        hipflask.render_template_string("<a {{ x|xmlattr }}>", x={key: "1"})


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("{{ '{0.__class__.__mro__}'.format(1) }}", id="TP-011-format"),
        pytest.param("{{ '{a.__class__.__mro__}'.format_map({'a': 1}) }}", id="TP-011-format_map"),
        pytest.param("{{ ('{0.__class__.__mro__}'|attr('format'))(1) }}", id="TP-011-attr"),
        pytest.param("{% set f = '{0.__class__.__mro__}'.format %}{{ f(1) }}", id="TP-011-stored"),
    ],
)
def test_a_sandbox_may_be_the_applications_environment(site: hipflask.Flask, source: str) -> None:
    class Sandbox(SandboxedEnvironment):
        def __init__(self, app: Any, **options: Any) -> None:
            super().__init__(**options)

    site.jinja_environment = Sandbox  # type: ignore[assignment]  # as good as ours for templates
    with pytest.raises(SecurityError, match="unsafe"):
        hipflask.render_template_string(source)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("{0.__class__}", id="TP-012"),
        pytest.param("../secret", id="TP-016-up"),
        pytest.param("/secret", id="TP-016-absolute"),
        pytest.param("x/../../secret", id="TP-016-through"),
        pytest.param("..\\secret", id="TP-016-backslash"),
    ],
)
def test_templates_are_in_their_folder_only(site: hipflask.Flask, name: str) -> None:
    with pytest.raises(TemplateNotFound) as caught:
        hipflask.render_template(name)
    assert caught.value.name == name


@pytest.mark.parametrize("name", [pytest.param(name, id=f"TP-017-{name}") for name in ("../secret", "/secret")])
def test_includes_are_in_the_folder_only(site: hipflask.Flask, name: str) -> None:
    with pytest.raises(TemplateNotFound):
        hipflask.render_template("include.html", name=name)


@pytest.mark.parametrize(
    ("source", "value", "size"),
    [
        pytest.param("{{ x|urlize }}", "." * 100_000, 100_000, id="TP-013-dots"),
        pytest.param("{{ x|urlize }}", "a.com(" * 20_000, 120_000, id="TP-013-open"),
        pytest.param("{{ x|striptags }}", "<" * 100_000, 0, id="TP-014"),
        pytest.param("{{ x|wordwrap }}", "a " * 500_000, 900_000, id="TP-015-wordwrap"),
        pytest.param("{{ x|truncate }}", "a " * 500_000, 200, id="TP-015-truncate"),
    ],
)
def test_filters_end_on_large_inputs(site: hipflask.Flask, source: str, value: str, size: int) -> None:
    assert len(hipflask.render_template_string(source, x=value)) >= size


def test_tp_018_no_bytecode_is_kept_on_the_disk(site: hipflask.Flask) -> None:
    assert site.jinja_env.bytecode_cache is None


def test_tp_019_markup_escapes_what_it_is_formatted_with() -> None:
    assert Markup("<b>%s</b>") % EVIL == f"<b>{ESCAPED}</b>"


def test_tp_023_an_error_in_a_stream_breaks_it_off(
    app: hipflask.Flask, ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_url_rule("/", "index", lambda: hipflask.stream_template_string("begin{{ x }}{{ 1 // 0 }}end", x="x" * 9))
    with caplog.at_level(logging.ERROR):
        answer = ask(app, "/")
    assert answer.startswith(b"HTTP/1.1 200") and b"begin" in answer
    assert not answer.endswith(b"0\r\n\r\n") and b"end" not in answer.rpartition(b"begin")[2]
    assert "ZeroDivisionError" in caplog.text


def test_tp_025_templates_given_as_text_do_not_pile_up(site: hipflask.Flask) -> None:
    cache: Any = site.jinja_env.cache
    for number in range(500):
        hipflask.render_template_string(f"{number}")
    assert len(cache) <= cache.capacity
