"""Following a redirect after having looked at it."""

import pytest

import hipflask
from hipflask.testing import Client, ClientRedirectError


@pytest.fixture
def app():
    app = hipflask.Flask("redirects")

    @app.route("/<int:left>", methods=["GET", "POST"])
    def go(left):
        if left:
            return hipflask.redirect(hipflask.url_for("go", left=left - 1), 307 if left == 3 else 302)
        return hipflask.request.method

    @app.route("/circle")
    def circle():
        return hipflask.redirect("/circle")

    return app


def test_follow_goes_to_the_end_and_tells_the_way(app):
    client = app.test_client()
    response = client.post("/3", data="body")
    assert response.status_code == 307
    page = client.follow(response)
    assert page.text == "GET"
    assert [(each.request.method, each.status_code) for each in page.history] == [
        ("POST", 307),
        ("POST", 302),
        ("GET", 302),
    ]


def test_follow_of_a_plain_client_is_the_same(app):
    client = Client(app)
    assert client.follow(client.get("/1"), buffered=True).data == b"GET"


def test_what_is_no_redirect_cannot_be_followed(app):
    client = app.test_client()
    with pytest.raises(AssertionError, match=r"^POST /0 was answered by 200 OK, which is no redirect to follow\.$"):
        client.follow(client.post("/0"))


def test_circle_is_found(app):
    client = app.test_client()
    with pytest.raises(ClientRedirectError, match="circle: status 302 to '/circle' came twice"):
        client.follow(client.get("/circle"))
