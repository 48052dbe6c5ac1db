"""Cases HO of the wire table that are calls: the host that a request names."""

from __future__ import annotations

from pathlib import Path

import pytest

import hipflask

EVIL = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}


@pytest.fixture
def site(tmp_path: Path) -> hipflask.Flask:
    """An application of one host, with static files, links and a hook that redirects."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static/x.txt").write_text("text")
    app = hipflask.Flask("site", root_path=str(tmp_path))
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    app.add_url_rule("/reset", "reset", lambda: hipflask.url_for("reset", _external=True), methods=["POST"])

    @app.before_request
    def to_login():
        return hipflask.redirect("/login") if hipflask.request.path == "/private" else None

    return app


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/nowhere", 404, id="HO-042-404"),
        pytest.param("/static/x.txt", 200, id="HO-042-static"),
        pytest.param("/private", 302, id="HO-042-before-request"),
    ],
)
def test_other_hosts_are_refused_everywhere(site: hipflask.Flask, path: str, status: int) -> None:
    client = site.test_client()
    with client.get(path, headers={"Host": "good.test"}) as served:
        assert served.status_code == status
    refused = client.get(path, headers=EVIL)
    assert refused.status_code == 400
    assert "evil" not in refused.text


def test_ho_043_links_are_not_made_of_a_foreign_host(site: hipflask.Flask) -> None:
    client = site.test_client()
    assert client.post("/reset", headers=EVIL).status_code == 400
    headers = {"Host": "good.test", "X-Forwarded-Host": "evil.example"}
    assert client.post("/reset", headers=headers).text == "http://good.test/reset"


def test_ho_043_a_server_name_is_what_links_are_made_of(site: hipflask.Flask) -> None:
    site.config.update(SERVER_NAME="base.test", TRUSTED_HOSTS=None)
    assert site.test_client().post("/reset", headers=EVIL).text == "http://base.test/reset"
