from __future__ import annotations

import pytest

from hipflask.http.datastructures.csp import ContentSecurityPolicy, csp_property, dump_csp_header


def test_directives_are_attributes() -> None:
    seen: list[str] = []
    policy = ContentSecurityPolicy({"default-src": "'self'"}, on_update=lambda changed: seen.append(str(changed)))
    policy.img_src = "*"
    assert (policy.default_src, policy.img_src, policy.script_src) == ("'self'", "*", None)
    policy.default_src = None
    policy.script_src = None
    del policy.img_src
    assert seen == ["default-src 'self'; img-src *", "img-src *", ""]


def test_policy_as_text() -> None:
    policy = ContentSecurityPolicy([("img-src", "*"), ("default-src", "'none'"), ("sandbox", "")])
    assert policy.to_header() == str(policy) == "img-src *; default-src 'none'; sandbox"
    assert repr(policy) == "<ContentSecurityPolicy default-src=\"'none'\" img-src='*' sandbox=''>"
    assert dump_csp_header({"a": "b"}) == "a b"


def test_policy_tells_whether_it_was_provided() -> None:
    assert [ContentSecurityPolicy(None).provided, ContentSecurityPolicy().provided] == [False, True]


def test_subclass_can_have_directives_of_its_own() -> None:
    class Own(ContentSecurityPolicy):
        trusted_types = csp_property("trusted-types")

    own = Own()
    own.trusted_types = "default"
    assert own == {"trusted-types": "default"}


def test_policy_has_the_directives_of_werkzeug() -> None:
    werkzeug = pytest.importorskip("werkzeug.datastructures")

    def directives(kind: type) -> list[str]:
        return sorted(name for name, member in vars(kind).items() if isinstance(member, property))

    assert directives(ContentSecurityPolicy) == directives(werkzeug.ContentSecurityPolicy)
