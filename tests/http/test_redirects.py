"""Redirects: location, page, status."""

import pytest

from hipflask.http.redirects import append_slash_redirect, redirect
from hipflask.http.response import Response


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308, 200])
def test_redirect_has_the_status_and_location(code):
    response = redirect("/x", code)
    assert response.status_code == code
    assert response.headers["Location"] == "/x"
    assert response.content_type == "text/html; charset=utf-8"


def test_page_has_the_address_escaped():
    page = redirect('/"><script>&é').get_data(as_text=True)
    assert '<a href="/&#34;&gt;&lt;script&gt;&amp;é">/&#34;&gt;&lt;script&gt;&amp;é</a>' in page
    assert page.startswith(
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n<p>"
    )


def test_redirect_uses_the_class_given():
    class Custom(Response):
        pass

    assert type(redirect("/x", Response=Custom)) is Custom
    assert type(redirect("/x")) is Response


def test_line_ends_in_the_address_are_refused():
    with pytest.raises(ValueError, match="newline|line"):
        redirect("/a\r\nX: y")


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/foo", "", "foo/"),
        ("/foo", "a=1&b=\xc3\xa9", "foo/?a=1&b=%C3%A9"),
        ("/a/b", "", "b/"),
        ("/", "", "./"),
        ("", "", "./"),
        ("/foo/", "", "./"),
        ("//evil", "", "evil/"),
        ("/a:b", "", "./a:b/"),
        ("/a?b#c", "", "a%3Fb%23c/"),
        ("/\xc3\xa9 f", "", "%C3%A9%20f/"),
    ],
)
def test_append_slash_is_relative(path, query, location):
    response = append_slash_redirect({"PATH_INFO": path, "QUERY_STRING": query})
    assert response.status_code == 308
    assert response.headers["Location"] == location


def test_append_slash_takes_a_status_and_needs_no_query():
    assert append_slash_redirect({"PATH_INFO": "/a"}, 301).status_code == 301
