from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from hipflask import Blueprint, Flask, abort, g, render_template_string, request, url_for
from hipflask.blueprints import BlueprintSetupState


def view() -> str:
    return f"{request.endpoint} {request.blueprint}"


def make(name: str = "part", **options: Any) -> Blueprint:
    part = Blueprint(name, "module_of_part", **options)
    part.add_url_rule("/", "index", view)
    return part


def get(app: Flask, path: str, **options: Any) -> str:
    return app.test_client().get(path, **options).get_data(as_text=True)


def register(*parts: Blueprint, **options: Any) -> Flask:
    app = Flask("x", static_folder=None)
    for part in parts:
        app.register_blueprint(part, **options)
    return app


@pytest.mark.parametrize(
    ("prefix", "rule", "path"),
    [
        (None, "/a", "/a"),
        ("/p", "/a", "/p/a"),
        ("/p/", "/a", "/p/a"),
        ("/p", "a", "/p/a"),
        ("/p", "", "/p"),
        ("/p", "/", "/p/"),
        ("", "/a", "/a"),
        ("/", "/a", "/a"),
        ("/<lang>", "/a", "/<lang>/a"),
    ],
)
def test_prefix_is_joined_with_one_slash(prefix: str | None, rule: str, path: str) -> None:
    part = Blueprint("part", "x", url_prefix=prefix)
    part.add_url_rule(rule, "index", lambda **values: "x")
    assert [rule.rule for rule in register(part).url_map.iter_rules()] == [path]


@pytest.mark.parametrize(("name", "message"), [("", "not empty|name"), ("a.b", "dot")], ids=["empty", "dot"])
def test_wrong_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Blueprint(name, "x")


def test_wrong_endpoints_are_refused() -> None:
    part = Blueprint("part", "x")
    with pytest.raises(ValueError, match="dot"):
        part.add_url_rule("/", "a.b", view)

    def named() -> None: ...

    named.__name__ = "a.b"
    with pytest.raises(ValueError, match="dot"):
        part.add_url_rule("/", view_func=named)


def test_options_of_the_registration_win() -> None:
    part = make(url_prefix="/own", subdomain="own", url_defaults={"a": 1, "b": 1})
    app = register(part, url_prefix="/given", subdomain="given", url_defaults={"b": 2}, name="other")
    rule = next(app.url_map.iter_rules())
    assert (rule.rule, rule.subdomain, rule.endpoint) == ("/given/", "given", "other.index")
    assert dict(rule.defaults or {}) == {"a": 1, "b": 2}


def test_defaults_of_the_rule_win() -> None:
    part = Blueprint("part", "x", url_defaults={"a": 1, "b": 1})
    part.add_url_rule("/", "index", lambda a, b: f"{a} {b}", defaults={"b": 3})
    assert get(register(part), "/") == "1 3"


def test_name_is_taken_once() -> None:
    part = make()
    app = register(part)
    with pytest.raises(ValueError, match=r"'part'.*(\n|.)*name="):
        app.register_blueprint(part)
    with pytest.raises(ValueError, match="'part'"):
        app.register_blueprint(make())
    app.register_blueprint(part, name="again", url_prefix="/again")
    assert get(app, "/again/") == "again.index again"


def test_change_after_registration_is_refused() -> None:
    part = make()
    register(part)
    with pytest.raises(AssertionError, match="part"):
        part.add_url_rule("/late", "late", view)
    with pytest.raises(AssertionError, match="part"):
        part.before_request(view)


def test_nesting_joins_names_prefixes_and_hooks() -> None:
    outer, inner = make("outer", url_prefix="/outer"), make("inner", url_prefix="/inner")
    order: list[str] = []
    outer.before_request(lambda: order.append("outer"))
    inner.before_request(lambda: order.append("inner"))
    inner.after_request(lambda response: order.append("after inner") or response)
    outer.after_request(lambda response: order.append("after outer") or response)
    outer.register_blueprint(inner)
    app = register(outer)
    assert get(app, "/outer/inner/") == "outer.inner.index outer.inner"
    assert order == ["outer", "inner", "after inner", "after outer"]
    assert list(app.blueprints) == ["outer", "outer.inner"]


@pytest.mark.parametrize(
    ("outer", "inner", "given", "expected"),
    [
        pytest.param({}, {}, {}, ("/", ""), id="nothing"),
        pytest.param({"url_prefix": "/o"}, {}, {}, ("/o/", ""), id="outer-prefix"),
        pytest.param({}, {"url_prefix": "/i"}, {}, ("/i/", ""), id="inner-prefix"),
        pytest.param(
            {"url_prefix": "/o/"}, {"url_prefix": "/i"}, {"url_prefix": "/g"}, ("/o/g/", ""), id="given-prefix"
        ),
        pytest.param({"subdomain": "o"}, {}, {}, ("/", "o"), id="outer-subdomain"),
        pytest.param({}, {"subdomain": "i"}, {}, ("/", "i"), id="inner-subdomain"),
        pytest.param({"subdomain": "o"}, {"subdomain": "i"}, {}, ("/", "i.o"), id="both-subdomains"),
        pytest.param({"subdomain": "o"}, {"subdomain": "i"}, {"subdomain": "g"}, ("/", "g.o"), id="given-subdomain"),
    ],
)
def test_nested_options_are_joined(
    outer: dict[str, Any], inner: dict[str, Any], given: dict[str, Any], expected: tuple[str, str]
) -> None:
    outer_part, inner_part = Blueprint("outer", "x", **outer), make("inner", **inner)
    outer_part.register_blueprint(inner_part, **given)
    rule = next(register(outer_part).url_map.iter_rules())
    assert (rule.rule, rule.subdomain or "") == expected


def test_blueprint_is_not_nested_in_itself() -> None:
    part = make()
    with pytest.raises(ValueError, match="itself"):
        part.register_blueprint(part)


def test_record_once_is_called_once() -> None:
    part = make()
    calls: list[str] = []

    def record(state: BlueprintSetupState) -> None:
        calls.append(f"always {state.name}")

    def once(state: BlueprintSetupState) -> None:
        """Told once."""
        calls.append(f"once {state.first_registration}")

    part.record(record)
    part.record_once(once)
    app = register(part)
    app.register_blueprint(part, name="again")
    assert calls == ["always part", "once True", "always again"]
    assert part.deferred_functions[-1].__doc__ == "Told once."


def test_own_setup_state_is_used() -> None:
    class OwnState(BlueprintSetupState):
        def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
            super().add_url_rule(f"/own{rule}", *args, **options)

    class Own(Blueprint):
        def make_setup_state(self, app: Any, options: dict[str, Any], first_registration: bool = False) -> OwnState:
            return OwnState(self, app, options, first_registration)

    part = Own("part", "x")
    part.add_url_rule("/a", view_func=view)
    assert get(register(part), "/own/a") == "part.view part"


def test_state_needs_a_name_for_a_rule_without_view() -> None:
    part = Blueprint("part", "x")
    with pytest.raises(AssertionError, match="endpoint"):
        part.add_url_rule("/")
        register(part)


def test_static_files_and_templates_of_a_blueprint(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.txt").write_text("content")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/a.html").write_text("{{ 1 + 1 }}")
    part = Blueprint(
        "part", "x", root_path=str(tmp_path), static_folder="files", template_folder="pages", url_prefix="/p"
    )
    app = register(part)
    with app.test_client().get("/p/files/a.txt") as response:
        assert response.data == b"content"
    with app.test_request_context():
        assert url_for("part.static", filename="a.txt") == "/p/files/a.txt"
        assert app.jinja_env.get_template("a.html").render() == "2"


def test_views_and_handlers_of_a_blueprint_are_merged() -> None:
    part = Blueprint("part", "x")
    part.endpoint("own")(lambda: "own")
    part.errorhandler(404)(lambda error: ("404 of part", 404))
    part.add_url_rule("/fail", "fail", lambda: abort(404))
    app = register(part)
    app.add_url_rule("/own", endpoint="own")
    assert get(app, "/own") == "own"
    assert get(app, "/fail") == "404 of part"
    assert "404 of part" not in get(app, "/missing")


def test_hooks_for_the_whole_application() -> None:
    part = make(url_prefix="/p")
    log: list[str] = []
    part.before_app_request(lambda: log.append("before"))
    part.after_app_request(lambda response: log.append("after") or response)
    part.teardown_app_request(lambda error: log.append("teardown"))
    part.app_context_processor(lambda: {"extra": "more"})
    part.app_url_value_preprocessor(lambda endpoint, values: setattr(g, "endpoint", endpoint))
    part.app_url_defaults(lambda endpoint, values: values.setdefault("added", 1))
    part.app_errorhandler(404)(lambda error: ("everywhere", 404))
    part.app_template_filter()(_shout)
    part.app_template_filter("own_filter")(_shout)
    part.app_template_test("own_test")(lambda value: value == 1)
    part.app_template_global("own_global")(lambda: "global")
    app = register(part)
    template = "{{ extra }} {{ 'a'|_shout }} {{ 'b'|own_filter }} {{ 1 is own_test }} {{ own_global() }}"
    app.add_url_rule("/", "index", lambda: f"{render_template_string(template)} {g.endpoint} {url_for('index')}")
    app.add_url_rule("/again", "again", lambda: "x")
    assert get(app, "/") == "more A! B! True global index /?added=1"
    assert log == ["before", "after", "teardown"]
    assert get(app, "/missing") == "everywhere"


def _shout(text: str) -> str:
    return f"{text.upper()}!"


@pytest.mark.parametrize(
    ("options", "given", "arguments"),
    [
        pytest.param({}, {}, ["part", "hello"], id="default"),
        pytest.param({"cli_group": "own"}, {}, ["own", "hello"], id="own-group"),
        pytest.param({"cli_group": None}, {}, ["hello"], id="no-group"),
        pytest.param({}, {"cli_group": "given"}, ["given", "hello"], id="given-group"),
        pytest.param({}, {"name": "renamed"}, ["renamed", "hello"], id="other-name"),
    ],
)
def test_commands_of_a_blueprint(options: dict[str, Any], given: dict[str, Any], arguments: list[str]) -> None:
    part = Blueprint("part", "x", **options)

    @part.cli.command("hello")
    def hello() -> None:
        click.echo("Hello from the part")

    app = register(part, **given)
    assert "Hello from the part" in app.test_cli_runner().invoke(args=arguments).output


def test_group_without_commands_is_not_added() -> None:
    part = Blueprint("part", "x")
    _ = part.cli
    app = register(part)
    assert "part" not in app.cli.commands
