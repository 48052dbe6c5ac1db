"""The board as JSON: what each address answers, and with which status."""

from __future__ import annotations

import pytest

from examples.board.api import messages as api_messages
from tests.examples.board.picture_files import make_jpeg, make_png
from tests.examples.board.visitor import Visitor


def test_list_of_messages_is_newest_first(guest):
    response = guest.get("/api/messages")
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert [message["id"] for message in response.json["messages"]] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert response.json["next"] is None


def test_limit_and_next_lead_through_all(guest):
    ids, address = [], "/api/messages?limit=3"
    while address:
        page = guest.get(address).json
        ids.append([message["id"] for message in page["messages"]])
        address = page["next"]
    assert ids == [[8, 7, 6], [5, 4, 3], [2, 1]]


def test_before_leaves_out_the_newer_ones(guest):
    assert [message["id"] for message in guest.get("/api/messages?before=3").json["messages"]] == [2, 1]
    assert guest.get("/api/messages?before=1").json == {"messages": [], "next": None}


def test_search_goes_from_page_to_page(guest):
    page = guest.get("/api/messages?q=TABLE&limit=1").json
    assert [message["id"] for message in page["messages"]] == [7]
    assert [message["id"] for message in guest.get(page["next"]).json["messages"]] == [6]


def test_replies_are_oldest_first_and_go_from_page_to_page(guest):
    page = guest.get("/api/messages/3/replies?limit=2").json
    assert [message["id"] for message in page["messages"]] == [5, 6]
    assert {message["thread"] for message in page["messages"]} == {3}
    assert [message["id"] for message in guest.get(page["next"]).json["messages"]] == [7]


def test_one_message_has_all_its_parts(guest):
    message = guest.get("/api/messages/3").json
    picture = message.pop("picture")
    message.pop("created_at")
    assert message.pop("body").startswith("Bring what")
    assert message == {
        "id": 3,
        "thread": None,
        "title": "Saturday: seed swap in the community garden",
        "author": "ada",
        "edited_at": None,
        "url": "/messages/3",
    }
    assert (picture["width"], picture["height"]) == (960, 540)
    with guest.get(picture["url"]) as response:
        assert response.mimetype == "image/png"


def test_etag_answers_a_second_question_with_304(guest):
    response = guest.get("/api/messages/2")
    assert response.headers["ETag"] == '"2-1"'
    again = guest.get("/api/messages/2", headers={"If-None-Match": '"2-1"'})
    assert (again.status_code, again.data) == (304, b"")


def test_user_posts_a_message(maria):
    sent = {"title": "  From  a program ", "body": "Line\r\nline 𝄞 <b>"}
    response = maria.client.post("/api/messages", json=sent)
    assert response.status_code == 201
    assert response.location == "/api/messages/9"
    assert response.headers["ETag"] == '"9-1"'
    assert (response.json["title"], response.json["body"]) == ("From a program", "Line\nline 𝄞 <b>")
    assert response.json["author"] == "maria"
    assert maria.get(response.location).json == response.json


def test_user_replies(maria):
    response = maria.client.post("/api/messages/1/replies", json={"body": "Thank you!"})
    assert (response.status_code, response.location) == (201, "/api/messages/9")
    assert (response.json["thread"], response.json["title"]) == (1, "Welcome to the board")


def test_patch_changes_what_it_has_and_leaves_the_rest(maria, post):
    message_id = post("Title", "Text")
    address = f"/api/messages/{message_id}"
    response = maria.client.patch(address, json={"title": "Another"}, headers={"If-Match": f'"{message_id}-1"'})
    assert response.status_code == 200
    assert (response.json["title"], response.json["body"]) == ("Another", "Text")
    assert response.json["edited_at"]
    assert response.headers["ETag"] == f'"{message_id}-2"'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"title": "Title", "body": " Text "}, id="what-it-has-already"),
    ],
)
def test_patch_that_changes_nothing_is_no_edit(maria, post, data):
    address = f"/api/messages/{post('Title', 'Text')}"
    before = maria.get(address)
    response = maria.client.patch(address, json=data, headers={"If-Match": before.headers["ETag"]})
    assert response.status_code == 200
    assert response.headers["ETag"] == before.headers["ETag"]
    assert response.json == before.json
    assert response.json["edited_at"] is None


def test_delete_of_no_picture_is_no_edit(maria, post):
    address = f"/api/messages/{post('Title')}"
    response = maria.client.delete(f"{address}/picture", headers=ANY)
    assert (response.status_code, response.headers["ETag"]) == (200, maria.get(address).headers["ETag"])


def test_patch_takes_the_words_of_a_picture_away(maria, post):
    address = f"/api/messages/{post('Title', 'Text')}"
    maria.client.put(f"{address}/picture", **PNG, headers=ANY)
    assert maria.client.patch(address, json={"picture_alt": "Grey"}, headers=ANY).json["picture"]["alt"] == "Grey"
    again = maria.client.put(f"{address}/picture", **PNG, headers=ANY)  # another picture keeps them
    assert again.json["picture"]["alt"] == "Grey"
    response = maria.client.patch(address, json={"picture_alt": ""}, headers=ANY)
    assert (response.status_code, response.json["picture"]["alt"]) == (200, "")
    assert (response.json["title"], response.json["body"]) == ("Title", "Text")


UNKNOWN = "There is no such field."


@pytest.mark.parametrize(
    ("method", "path", "data", "field", "told"),
    [
        pytest.param("PATCH", "/9", {"bdoy": "x"}, "bdoy", UNKNOWN, id="patch-unknown"),
        pytest.param("PATCH", "/9", {"body": "x", "id": 1}, "id", UNKNOWN, id="patch-id"),
        pytest.param("PATCH", "/9", {"": "x"}, "", UNKNOWN, id="patch-empty-name"),
        pytest.param("PATCH", "/9", {"\ud800": "x"}, "\ud800", UNKNOWN, id="patch-lone-surrogate"),
        pytest.param("PATCH", "/9", {"picture_alt": "x"}, "picture_alt", "no picture", id="patch-alt-of-nothing"),
        pytest.param("PATCH", "/10", {"title": "x"}, "title", "its thread", id="patch-title-of-reply"),
        pytest.param("POST", "", {"title": "a", "body": "b", "tag": "c"}, "tag", UNKNOWN, id="post-unknown"),
        pytest.param(
            "POST", "", {"title": "a", "body": "b", "picture_alt": "c"}, "picture_alt", "no picture", id="post-alt"
        ),
        pytest.param("POST", "/9/replies", {"body": "b", "title": "a"}, "title", "its thread", id="reply-title"),
        pytest.param(
            "POST", "/9/replies", {"body": "b", "picture_alt": "c"}, "picture_alt", "no picture", id="reply-alt"
        ),
        pytest.param("POST", "/9/replies", {"body": "b", "title": 1}, "title", "its thread", id="reply-title-number"),
    ],
)
def test_field_of_no_use_is_422_and_named(maria, post, method, path, data, field, told):
    thread = post("Title", "Text")
    assert (thread, post("", "Text", thread=thread)) == (9, 10)
    response = maria.client.open(f"/api/messages{path}", method=method, json=data, headers=ANY)
    assert response.status_code == 422
    assert list(response.json["errors"]) == [field]
    assert told in response.json["errors"][field]
    assert maria.get("/api/messages/9").headers["ETag"] == '"9-1"'
    assert maria.get("/api/messages?limit=1").json["messages"][0]["id"] == 10


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"", "The body is empty.", id="empty"),
        pytest.param(b'{"title":\n  x}', ", at line 2, column 3.", id="word"),
        pytest.param(b"{} {}", ", at line 1, column 4.", id="more"),
        pytest.param(b'{"title": "\xff"}', "it is not UTF-8, at byte 12.", id="not-utf-8"),
        pytest.param(b"\xff\xfe{\x00}\x00", "it is not UTF-8, at byte 1.", id="utf-16"),
        pytest.param(b"[" * 60_000, "it is nested too deeply.", id="deep"),
        pytest.param(b'{"title": ' + b"1" * 5000 + b"}", "it has a number with too many digits.", id="long-number"),
    ],
)
def test_what_cannot_be_read_as_json_is_400_and_says_why(maria, body, told):
    response = maria.client.post("/api/messages", data=body, content_type="application/json")
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")
    assert response.json["detail"].endswith(told) or response.json["detail"].startswith(told)
    assert ("The body is not valid JSON: " in response.json["detail"]) == bool(body)


def test_byte_order_mark_before_json_is_passed_over(maria):
    data = b'\xef\xbb\xbf{"title": "Title", "body": "Text"}'
    assert maria.client.post("/api/messages", data=data, content_type="application/json").status_code == 201


def test_patch_of_a_reply_leaves_its_thread_alone(maria, post):
    reply_id = post("", "Text", thread=1)
    response = maria.client.patch(f"/api/messages/{reply_id}", json={"body": "Other"}, headers={"If-Match": "*"})
    assert (response.status_code, response.json["body"]) == (200, "Other")
    assert maria.get("/api/messages/1").json["title"] == "Welcome to the board"


def test_picture_is_put_shown_and_deleted(maria, post, new_pictures):
    address = f"/api/messages/{post('Title')}"
    send = {"data": make_png(5, 4), "content_type": "image/png", "headers": {"If-Match": "*"}}
    response = maria.client.put(f"{address}/picture", **send)
    assert response.status_code == 200
    assert (response.json["picture"]["width"], response.json["picture"]["height"]) == (5, 4)
    assert len(new_pictures()) == 1
    # The content decides, not what the client calls it.
    response = maria.client.put(f"{address}/picture", **send | {"data": make_jpeg()})
    assert response.json["picture"]["url"].endswith(".jpg")
    assert len(new_pictures()) == 1
    patched = maria.client.patch(address, json={"picture_alt": "Grey"}, headers={"If-Match": "*"})
    assert patched.json["picture"] == response.json["picture"] | {"alt": "Grey"}
    response = maria.client.delete(f"{address}/picture", headers={"If-Match": patched.headers["ETag"]})
    assert (response.status_code, response.json["picture"]) == (200, None)
    assert new_pictures() == set()


def test_delete_takes_replies_and_pictures_along(maria, pavel, post, new_pictures):
    message_id = post("Title")
    reply_id = post("", "Text", "pavel", message_id)
    for visitor, number in ((maria, message_id), (pavel, reply_id)):
        address = f"/api/messages/{number}/picture"
        visitor.client.put(address, data=make_png(), content_type="image/png", headers={"If-Match": "*"})
    assert len(new_pictures()) == 2
    response = maria.client.delete(f"/api/messages/{message_id}", headers={"If-Match": "*"})
    assert (response.status_code, response.data) == (204, b"")
    assert maria.get(f"/api/messages/{reply_id}").status_code == 404
    assert new_pictures() == set()


PNG = {"data": make_png(), "content_type": "image/png"}
ANY = {"If-Match": "*"}


@pytest.mark.parametrize(
    ("who", "method", "path", "options", "status"),
    [
        pytest.param("guest", "POST", "/messages", {"json": {}}, 401, id="post-guest"),
        pytest.param("guest", "POST", "/messages/1/replies", {"json": {}}, 401, id="reply-guest"),
        pytest.param("guest", "PATCH", "/messages/9", {"json": {}, "headers": ANY}, 401, id="patch-guest"),
        pytest.param("guest", "DELETE", "/messages/9", {"headers": ANY}, 401, id="delete-guest"),
        pytest.param("guest", "PUT", "/messages/9/picture", PNG | {"headers": ANY}, 401, id="picture-guest"),
        pytest.param("guest", "DELETE", "/messages/9/picture", {"headers": ANY}, 401, id="no-picture-guest"),
        pytest.param("guest", "GET", "/user", {}, 401, id="self-guest"),
        pytest.param("guest", "GET", "/user", {"headers": {"Authorization": "Bearer x"}}, 401, id="wrong-token"),
        pytest.param("pavel", "PATCH", "/messages/9", {"json": {}, "headers": ANY}, 403, id="patch-other"),
        pytest.param("pavel", "DELETE", "/messages/9", {"headers": ANY}, 403, id="delete-other"),
        pytest.param("pavel", "PUT", "/messages/9/picture", PNG | {"headers": ANY}, 403, id="picture-other"),
        pytest.param("pavel", "DELETE", "/messages/9/picture", {"headers": ANY}, 403, id="no-picture-other"),
        pytest.param("root", "PATCH", "/messages/9", {"json": {}, "headers": ANY}, 200, id="patch-admin"),
        pytest.param("root", "DELETE", "/messages/9", {"headers": ANY}, 204, id="delete-admin"),
        pytest.param("maria", "POST", "/messages/99/replies", {"json": {"body": "x"}}, 404, id="reply-nowhere"),
        pytest.param("maria", "PATCH", "/messages/99", {"json": {}, "headers": ANY}, 404, id="patch-nothing"),
        pytest.param("maria", "DELETE", "/messages/99", {"headers": ANY}, 404, id="delete-nothing"),
        pytest.param("maria", "GET", "/users/nobody", {}, 404, id="unknown-user"),
        pytest.param("maria", "PUT", "/messages/9", {"json": {}}, 405, id="put"),
        pytest.param("maria", "POST", "/messages/5/replies", {"json": {"body": "x"}}, 409, id="reply-to-reply"),
        pytest.param(
            "maria", "PATCH", "/messages/9", {"json": {}, "headers": {"If-Match": '"9-7"'}}, 412, id="patch-old"
        ),
        pytest.param(
            "maria", "PATCH", "/messages/9", {"json": {}, "headers": {"If-Match": 'W/"9-1"'}}, 412, id="patch-weak"
        ),
        pytest.param("maria", "DELETE", "/messages/9", {"headers": {"If-Match": '"x"'}}, 412, id="delete-old"),
        pytest.param("maria", "PATCH", "/messages/9", {"json": {}}, 428, id="patch-without-version"),
        pytest.param("maria", "DELETE", "/messages/9", {}, 428, id="delete-without-version"),
        pytest.param("maria", "PUT", "/messages/9/picture", PNG, 428, id="picture-without-version"),
        pytest.param("maria", "POST", "/messages", {"json": {"title": "x" * 70_000}}, 413, id="large"),
        pytest.param(
            "maria",
            "PUT",
            "/messages/9/picture",
            {"data": make_png() + b"x" * (3 * 1024 * 1024), "content_type": "image/png", "headers": ANY},
            413,
            id="picture-large",
        ),
        pytest.param(
            "maria", "PUT", "/messages/9/picture", PNG | {"content_type": "text/html", "headers": ANY}, 415, id="type"
        ),
        pytest.param("maria", "PATCH", "/messages/9", {"data": b"{}", "headers": ANY}, 415, id="patch-no-type"),
        pytest.param(
            "maria", "PUT", "/messages/9/picture", PNG | {"data": b"no", "headers": ANY}, 422, id="no-picture"
        ),
        pytest.param(
            "maria", "PATCH", "/messages/9", {"json": {"title": ""}, "headers": ANY}, 422, id="patch-empty-title"
        ),
    ],
)
def test_status_of_each_wrong_way(request, post, new_pictures, who, method, path, options, status):
    assert post("Title", "Text") == 9
    visitor = request.getfixturevalue(who)
    response = visitor.client.open("/api" + path, method=method, **options)
    assert response.status_code == status
    if status >= 400:
        assert response.mimetype == "application/problem+json"
        assert response.json["status"] == status
        assert response.json["title"]
        assert response.json["detail"]
        assert new_pictures() == set()
        assert visitor.get("/api/messages/9").headers["ETag"] == '"9-1"'


def test_401_tells_how_to_log_in(guest):
    response = guest.get("/api/user")
    assert response.headers["WWW-Authenticate"] == "Bearer realm=board"
    response = guest.get("/api/user", headers={"Authorization": "Bearer wrong"})
    assert response.headers["WWW-Authenticate"] == "Bearer realm=board, error=invalid_token"


def test_token_speaks_for_its_user(app, maria, guest):
    import re

    page = maria.send("/account/token")
    token = re.search(r'class="token">([^<]+)<', page.text)[1]
    assert page.headers["Cache-Control"] == "no-store"
    assert token not in maria.get("/account").text
    headers = {"Authorization": f"Bearer {token}"}
    assert guest.get("/api/user", headers=headers).json["name"] == "maria"
    response = guest.client.post("/api/messages", json={"title": "Title", "body": "Text"}, headers=headers)
    assert (response.status_code, response.json["author"]) == (201, "maria")
    assert "Log in" in guest.get("/", headers=headers).text  # it is for the API only
    maria.send("/account/token")
    assert guest.get("/api/user", headers=headers).status_code == 401


@pytest.mark.parametrize("authorization", ["Basic bWFyaWE6eA==", "Bearer", "Bearer ", "x", "Bearer \xff", "Digest a=b"])
def test_other_authorization_is_nobodys(guest, authorization):
    assert guest.get("/api/user", headers={"Authorization": authorization}).status_code == 401


def test_user_is_told_without_secrets(guest):
    user = guest.get("/api/users/ADA").json
    assert sorted(user) == ["created_at", "messages", "name", "url"]
    assert (user["name"], user["messages"]) == ("ada", 2)
    assert guest.get(user["url"]).status_code == 200


def test_full_thread_is_409(make_app):
    maria = Visitor(make_app(REPLIES_PER_THREAD=3), "maria")
    response = maria.client.post("/api/messages/3/replies", json={"body": "One more"})
    assert response.status_code == 409
    assert response.json["detail"] == "This thread is full. Please begin a new one."


def test_form_is_not_taken_for_json(maria):
    # A form on another site can send these three types, and the browser adds the cookie.
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        body = '{"title": "Title", "body": "Text"}'
        response = maria.client.post("/api/messages", data=body, content_type=content_type)
        assert response.status_code == 415
        assert response.json["title"] == "Unsupported Media Type"
    assert maria.get("/").text.count("<article") == 4


@pytest.mark.parametrize(
    ("data", "field", "told"),
    [
        pytest.param({}, "title", "Please write a title.", id="empty"),
        pytest.param({"title": "Title"}, "body", "Please write a message.", id="no-body"),
        pytest.param({"title": 1, "body": "Text"}, "title", "This has to be a string.", id="number"),
        pytest.param({"title": ["Title"], "body": "Text"}, "title", "This has to be a string.", id="list"),
        pytest.param({"title": "Title", "body": None}, "body", "This has to be a string.", id="none"),
        pytest.param({"title": "", "body": "Text"}, "title", "Please write a title.", id="empty-title"),
        pytest.param({"title": "t" * 121, "body": "Text"}, "title", "At most 120 characters", id="long-title"),
        pytest.param({"title": "Title", "body": "t" * 4001}, "body", "At most 4000 characters", id="long-body"),
        pytest.param({"title": "\x00", "body": "Text"}, "title", "cannot be shown", id="nul"),
        pytest.param({"title": "Title", "body": "\ud800"}, "body", "cannot be shown", id="lone-surrogate"),
    ],
)
def test_post_of_something_else_is_422_and_told_by_field(maria, data, field, told):
    response = maria.client.post("/api/messages", json=data)
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert told in response.json["errors"][field]
    assert maria.get("/").text.count("<article") == 4


@pytest.mark.parametrize("data", [[], "text", 1], ids=["array", "string", "number"])
def test_post_of_no_object_is_400(maria, data):
    response = maria.client.post("/api/messages", json=data)
    assert (response.status_code, response.json["detail"]) == (400, "Send a JSON object.")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/api", 404, id="no-slash"),
        pytest.param("GET", "/api/", 404, id="slash"),
        pytest.param("GET", "/api/nothing", 404, id="unknown-address"),
        pytest.param("POST", "/api/nothing", 404, id="post-to-unknown-address"),
        pytest.param("GET", "/api/messages/99", 404, id="unknown-message"),
        pytest.param("GET", "/api/messages/0", 404, id="zero"),
        pytest.param("PUT", "/api/messages/1", 405, id="method"),
        pytest.param("PUT", "/api/messages", 405, id="method-of-list"),
    ],
)
def test_errors_are_json(maria, method, path, status):
    response = maria.client.open(path, method=method)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.json["status"] == status
    assert response.json["title"]
    assert response.json["detail"]


def test_405_names_the_methods_that_work(guest):
    allowed = guest.client.delete("/api/messages").headers["Allow"]
    assert set(allowed.split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_500_is_json_too_and_tells_nothing_of_the_inside(app, guest, monkeypatch):
    app.testing = False
    monkeypatch.setitem(app.view_functions, "api.list_messages", lambda: 1 / 0)
    response = guest.get("/api/messages")
    assert response.status_code == 500
    assert response.json["title"] == "Internal Server Error"
    assert "division" not in response.text


@pytest.mark.parametrize(
    ("interfere", "status"),
    [
        pytest.param({"method": "PATCH", "json": {"body": "What root wrote"}}, 412, id="changed"),
        pytest.param({"method": "DELETE"}, 404, id="deleted"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        pytest.param("PATCH", "", {"json": {"body": "New"}}, id="patch"),
        pytest.param("PUT", "/picture", PNG, id="picture"),
        pytest.param("DELETE", "", {}, id="delete"),
    ],
)
def test_change_between_check_and_writing_is_noticed(
    maria, root, post, new_pictures, monkeypatch, interfere, status, method, path, options
):
    address = f"/api/messages/{post('Title')}"
    check = api_messages.find_changeable

    def check_slowly(message_id):
        found = check(message_id)
        monkeypatch.setattr(api_messages, "find_changeable", check)
        assert root.client.open(address, headers={"If-Match": "*"}, **interfere).status_code in {200, 204}
        return found

    monkeypatch.setattr(api_messages, "find_changeable", check_slowly)
    response = maria.client.open(address + path, method=method, headers={"If-Match": "*"}, **options)
    assert response.status_code == status
    assert new_pictures() == set()


def test_reply_to_a_thread_that_goes_meanwhile_is_404(maria, root, post, monkeypatch):
    address = f"/api/messages/{post('Title')}"
    read = api_messages.read_reply

    def read_slowly():
        root.client.delete(address, headers={"If-Match": "*"})
        return read()

    monkeypatch.setattr(api_messages, "read_reply", read_slowly)
    assert maria.client.post(f"{address}/replies", json={"body": "Text"}).status_code == 404
