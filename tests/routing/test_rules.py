"""Rules: construction, binding, building."""

from typing import Any

import pytest

from hipflask.routing import BaseConverter, Map, Rule, RuleFactory, ValidationError


def bound(*args: Any, **kwargs: Any) -> Rule:
    rule = Rule(*args, **kwargs)
    Map([rule])
    return rule


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"string": "x"}, ValueError, "must start with a slash"),
        ({"string": "/x", "methods": "GET"}, TypeError, "should be a list of strings"),
        ({"string": "/x", "methods": ["POST"], "websocket": True}, ValueError, "WebSocket rules can only"),
    ],
)
def test_wrong_arguments_raise(kwargs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Rule(**kwargs)


def test_methods_are_upper_case_and_head_follows_get() -> None:
    assert Rule("/", methods=["get", "Post"]).methods == {"GET", "HEAD", "POST"}
    assert Rule("/", methods=["post"]).methods == {"POST"}
    assert Rule("/").methods is None
    assert Rule("/", methods=["GET", "OPTIONS"], websocket=True).methods == {"GET", "HEAD", "OPTIONS"}


def test_leaf_and_branch() -> None:
    assert [(rule.is_leaf, rule.is_branch) for rule in (Rule("/a"), Rule("/a/"))] == [(True, False), (False, True)]


def test_representation() -> None:
    assert str(Rule("/a/<int:x>")) == "/a/<int:x>"
    assert repr(Rule("/a")) == "<Rule (unbound)>"
    assert repr(bound("/a/<int:x>", endpoint="e", methods=["POST"])) == "<Rule '/a/<x>' (POST) -> e>"
    assert repr(bound("/a", endpoint="e", subdomain="<s>")) == "<Rule '<s>|/a' -> e>"


def test_equality_is_about_the_url() -> None:
    assert bound("/a/<int:x>", endpoint="e") == bound("/a/<x>", endpoint="f")
    assert bound("/a", endpoint="e") != bound("/b", endpoint="e")
    assert bound("/a") != "/a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Rule("/a"))


def test_binding_twice_raises() -> None:
    rule = bound("/a", endpoint="e")
    with pytest.raises(RuntimeError, match="belongs to a map, .* Add a copy"):
        Map([rule])
    other = Map()
    rule.bind(other, rebind=True)
    assert rule.map is other


def test_bind_takes_settings_from_the_map() -> None:
    rule = Rule("/a", endpoint="e")
    Map([rule], strict_slashes=False, merge_slashes=False, default_subdomain="www")
    assert (rule.strict_slashes, rule.merge_slashes, rule.subdomain) == (False, False, "www")


def test_refresh_compiles_again() -> None:
    rule = Rule("/a/<x>", endpoint="e")
    adapter = Map([rule]).bind("h")
    rule.rule = "/b/<x>"
    rule.refresh()
    assert adapter.build("e", {"x": 1}) == "/b/1"


def test_empty_copies_what_is_not_of_the_map() -> None:
    rule = bound("/a", {"x": 1}, "s", ["GET"], True, "e", False, False, "/b", True, "h")
    copy = rule.empty()
    assert copy.map is None
    assert copy.defaults == {"x": 1} and copy.defaults is not rule.defaults
    names = ("rule", "subdomain", "methods", "build_only", "endpoint", "strict_slashes", "redirect_to", "alias", "host")
    assert [getattr(copy, name) for name in names] == [getattr(rule, name) for name in names]


def test_subclass_with_arguments_of_its_own() -> None:
    class Noted(Rule):
        def __init__(self, string: str, note: str = "", **kwargs: Any) -> None:
            super().__init__(string, **kwargs)
            self.note = note

        def get_empty_kwargs(self) -> Any:
            return {**super().get_empty_kwargs(), "note": self.note}

    copy = Noted("/a", note="n", endpoint="e").empty()
    assert type(copy) is Noted and copy.note == "n"
    assert repr(copy) == "<Noted (unbound)>"


def test_unknown_converter_raises() -> None:
    with pytest.raises(LookupError, match="The converter 'nope' of the URL rule '/<nope:a>' does not exist"):
        Map([Rule("/<nope:a>")])


def test_name_in_domain_and_path_raises() -> None:
    with pytest.raises(SyntaxError, match="placeholders of its domain again"):
        Map([Rule("/<a>", subdomain="<a>")])


def test_build() -> None:
    rule = bound("/a/<int:x>/<y>", endpoint="e", subdomain="s<z>", defaults={"w": 1})
    values = {"x": 1, "y": "a b", "z": 3}
    assert rule.build(values) == ("s3", "/a/1/a%20b")
    assert rule.build({**values, "k": [1, None], "n": None, "w": 1}) == ("s3", "/a/1/a%20b?k=1")
    assert rule.build({**values, "k": 1}, append_unknown=False) == ("s3", "/a/1/a%20b")
    assert rule.build({**values, "n": None}) == ("s3", "/a/1/a%20b")
    with pytest.raises(TypeError, match=r"needs values for \['y', 'z'\]"):
        rule.build({"x": 1})


def test_build_puts_defaults_of_placeholders_into_the_template() -> None:
    assert bound("/e/<int:p>", defaults={"p": 3}).build({}) == ("", "/e/3")


class Picky(BaseConverter):
    def to_url(self, value: Any) -> str:
        if value == "bad":
            raise ValidationError
        return {"good": "fine"}[value]


def test_build_gives_none_for_values_a_converter_refuses() -> None:
    rule = Rule("/<picky:x>", endpoint="e")
    other = Rule("/o/<x>", endpoint="e")
    url_map = Map([rule, other], converters={"picky": Picky})
    assert rule.build({"x": "bad"}) is None
    assert url_map.build_path("e", {"x": "bad"}) == ("", "/o/bad")
    assert url_map.build_path("e", {"x": "good"}) == ("", "/fine")


def test_key_error_of_a_converter_is_not_hidden() -> None:
    rule = Rule("/<picky:x>", endpoint="e")
    Map([rule], converters={"picky": Picky})
    with pytest.raises(KeyError, match="ugly"):
        rule.build({"x": "ugly"})


@pytest.mark.parametrize(
    ("values", "method", "expected"),
    [
        ({"x": 1}, None, True),
        ({}, None, False),
        ({"x": 1, "w": 1}, "GET", True),
        ({"x": 1, "w": 2}, None, False),
        ({"x": 1}, "POST", False),
    ],
)
def test_suitable_for(values: Any, method: str | None, expected: bool) -> None:
    rule = bound("/<x>", defaults={"w": 1}, methods=["GET"])
    assert rule.suitable_for(values, method) is expected


def test_suitable_for_without_defaults() -> None:
    assert bound("/<x>").suitable_for({"x": 1})
    assert not bound("/<x>").suitable_for({"y": 1})


def test_overridden_suitable_for_and_build_are_called() -> None:
    class Own(Rule):
        def suitable_for(self, values: Any, method: str | None = None) -> bool:
            return values.get("x") == "yes"

    class Upper(Rule):
        def build(self, values: Any, append_unknown: bool = True) -> tuple[str, str] | None:
            return "", "/UP"

    adapter = Map([Own("/own/<x>", endpoint="e"), Upper("/<x>", endpoint="e")]).bind("h")
    assert adapter.build("e", {"x": "yes"}) == "/own/yes"
    assert adapter.build("e", {"x": "no"}) == "/UP"


def test_provides_defaults_for() -> None:
    first, second = Rule("/d", endpoint="d", defaults={"x": 1}), Rule("/d/<x>", endpoint="d")
    hidden = Rule("/h", endpoint="d", defaults={"x": 1}, build_only=True)
    Map([first, second, hidden])
    assert first.provides_defaults_for(second)
    assert not second.provides_defaults_for(first)
    assert not first.provides_defaults_for(first)
    assert not hidden.provides_defaults_for(second)


def test_build_compare_key() -> None:
    keys = [rule.build_compare_key() for rule in (bound("/<a>", {"q": 1}), bound("/", alias=True), bound("/"))]
    assert keys == [(0, -2, -1), (1, 0, 0), (0, 0, 0)]


def test_factory_is_abstract() -> None:
    with pytest.raises(NotImplementedError, match="to be defined"):
        RuleFactory().get_rules(Map())
