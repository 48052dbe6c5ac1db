"""Cases SE of the wire table that are calls: the session cookie."""

from __future__ import annotations

import pickle
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from markupsafe import Markup

import hipflask
from hipflask.sessions import SecureCookieSessionInterface, session_json_serializer

NOW = 1_700_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that signatures are made and checked at; change its only item."""
    time = [float(NOW)]
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: int(time[0]))
    return time


def signing(app: hipflask.Flask) -> Any:
    return app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]


def opened(app: hipflask.Flask, cookie: str) -> dict[str, Any]:
    """Return the session that the application makes of a cookie."""
    found: list[dict[str, Any]] = []
    with app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        found.append(dict(hipflask.session))
    return found[0]


def signed(app: hipflask.Flask, payload: bytes, timestamp: bytes | None = None) -> str:
    """Return a payload with a good signature."""
    signer = TimestampSigner(str(app.secret_key), salt="cookie-session", key_derivation="hmac", digest_method=_sha1())
    if timestamp is None:
        return signer.sign(payload).decode()
    value = payload + b"." + timestamp
    return (value + b"." + signer.get_signature(value)).decode()


def _sha1() -> Callable[..., Any]:
    return SecureCookieSessionInterface.digest_method


def encoded(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def test_se_001_each_flipped_bit_empties_the_session(app: hipflask.Flask) -> None:
    cookie = signing(app).dumps({"user": 1})
    assert opened(app, cookie) == {"user": 1}
    head, _, signature = cookie.rpartition(".")
    # The last character of 20 bytes in Base64 carries two bits that do not count; itsdangerous ignores them.
    for index in range(len(signature) - 1):
        changed = signature[:index] + ("A" if signature[index] != "A" else "B") + signature[index + 1 :]
        assert opened(app, f"{head}.{changed}") == {}


def test_se_002_each_shortened_cookie_is_an_empty_session(app: hipflask.Flask) -> None:
    cookie = signing(app).dumps({"user": 1})
    assert all(opened(app, cookie[:length]) == {} for length in range(len(cookie)))


def other_signature(app: hipflask.Flask) -> str:
    mine, other = (signing(app).dumps({"user": number}) for number in (1, 2))
    return f"{mine.rpartition('.')[0]}.{other.rpartition('.')[2]}"


def downgraded(app: hipflask.Flask) -> str:
    """Sign with SHA-1, then have the application ask for SHA-256."""
    cookie = signing(app).dumps({"user": 1})
    app.session_interface = type("Sha256", (SecureCookieSessionInterface,), {"digest_method": staticmethod(sha256)})()
    assert opened(app, signing(app).dumps({"user": 1})) == {"user": 1}
    return str(cookie)


def rotated_out(app: hipflask.Flask) -> str:
    cookie = signing(app).dumps({"user": 1})
    old, app.secret_key = app.secret_key, "new"
    app.config["SECRET_KEY_FALLBACKS"] = [old]
    assert opened(app, cookie) == {"user": 1}
    app.config["SECRET_KEY_FALLBACKS"] = []
    return str(cookie)


def with_other_salt(app: hipflask.Flask) -> str:
    serializer = URLSafeTimedSerializer(
        str(app.secret_key),
        salt="cookie" + "session",
        serializer=session_json_serializer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": _sha1()},
    )
    return str(serializer.dumps({"user": 1}))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda app: signing(app).dumps({"user": 1}).partition(".")[0], id="SE-003"),
        pytest.param(other_signature, id="SE-004"),
        pytest.param(with_other_salt, id="SE-006"),
        pytest.param(lambda app: signed(app, encoded(b"{}"), encoded(b"\x7f" + b"\xff" * 7)), id="SE-009-overflow"),
        pytest.param(lambda app: signed(app, encoded(b"{}"), encoded(b"\xff" * 40)), id="SE-009-long"),
        pytest.param(lambda app: signed(app, encoded(b'{"a":1}'), b"!!"), id="SE-009-base64"),
        pytest.param(lambda app: signed(app, encoded(pickle.dumps({"user": 1}))), id="SE-011"),
        pytest.param(rotated_out, id="SE-014"),
        pytest.param(downgraded, id="SE-017"),
        pytest.param(lambda app: "A" * 100_000, id="SE-019"),
        pytest.param(lambda app: signed(app, encoded(b"[" * 10_000 + b"]" * 10_000)), id="SE-020-lists"),
        pytest.param(lambda app: signed(app, encoded(b'{"a":' * 10_000 + b"1" + b"}" * 10_000)), id="SE-020-objects"),
        pytest.param(lambda app: signed(app, encoded(b"[1, 2]")), id="SE-020-no-object"),
        pytest.param(lambda app: signed(app, encoded(b'{" d": "no date"}')), id="SE-020-tag"),
    ],
)
def test_a_cookie_that_is_not_ours_is_an_empty_session(app: hipflask.Flask, make: Any) -> None:
    assert opened(app, make(app)) == {}


@pytest.mark.parametrize(
    ("age", "items"),
    [
        pytest.param(0, {"user": 1}, id="SE-007-now"),
        pytest.param(31 * 86400, {"user": 1}, id="SE-007-last-second"),
        pytest.param(31 * 86400 + 1, {}, id="SE-007-expired"),
        pytest.param(-86400, {}, id="SE-008-tomorrow"),
        pytest.param(-100 * 365 * 86400, {}, id="SE-008-next-century"),
    ],
)
def test_a_session_is_as_old_as_it_may_be(
    app: hipflask.Flask, clock: list[float], age: int, items: dict[str, Any]
) -> None:
    clock[0] = NOW - age
    cookie = signing(app).dumps({"user": 1})
    clock[0] = NOW
    assert opened(app, cookie) == items


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({" t": [1]}, id="SE-012-tuple"),
        pytest.param({" m": "<b>"}, id="SE-012-markup"),
        pytest.param({" u": "x"}, id="SE-012-uuid"),
        pytest.param({" di": {" m": "x"}}, id="SE-012-nested"),
        pytest.param("<b>", id="SE-012-text"),
    ],
)
def test_what_looks_like_a_tag_stays_data(app: hipflask.Flask, value: Any) -> None:
    found = opened(app, signing(app).dumps({"value": value}))["value"]
    assert (found, type(found)) == (value, type(value))
    assert not isinstance(found, Markup)


def test_se_015_without_a_key_nothing_is_signed() -> None:
    app = hipflask.Flask("no_key", static_folder=None)
    for key in (None, "", b""):
        app.secret_key = key
        with (
            app.test_request_context(),
            pytest.raises(RuntimeError, match="secret key"),
        ):
            hipflask.session["user"] = 1


def test_se_022_a_large_session_warns_and_is_sent(app: hipflask.Flask) -> None:
    app.add_url_rule("/", "index", lambda: hipflask.session.update(text="".join(map(str, range(3000)))) or "done")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        response = app.test_client().get("/")
    assert any("too large" in str(each.message) for each in caught)
    assert len(response.headers["Set-Cookie"]) > 4093


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(lambda session: "x" in session, id="SE-023-in"),
        pytest.param(len, id="SE-023-len"),
        pytest.param(list, id="SE-023-iter"),
        pytest.param(lambda session: session.get("x"), id="SE-023-get"),
        pytest.param(bool, id="SE-023-bool"),
    ],
)
def test_a_look_at_the_session_is_in_vary(app: hipflask.Flask, look: Callable[[Any], Any]) -> None:
    app.add_url_rule("/", "index", lambda: str(look(hipflask.session)))
    assert app.test_client().get("/").headers["Vary"] == "Cookie"


def test_se_031_of_parallel_requests_the_last_answer_counts(app: hipflask.Flask) -> None:
    """The cookie holds the whole session, so of two answers to the same cookie a browser keeps the later one."""
    app.add_url_rule("/<key>", "write", lambda key: hipflask.session.update({key: 1}) or "done")
    first, second = (app.test_client().get(path).headers["Set-Cookie"] for path in ("/a", "/b"))
    assert [opened(app, each.split("=", 1)[1].split(";")[0]) for each in (first, second)] == [{"a": 1}, {"b": 1}]


@pytest.mark.parametrize(
    ("settings", "present", "absent"),
    [
        # SameSite is off by default, as in Flask; browsers take Lax then.
        pytest.param({}, ["HttpOnly", "Path=/"], ["Domain", "Secure"], id="SE-034"),
        pytest.param(
            {"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "Lax"},
            ["Secure", "SameSite=Lax"],
            [],
            id="SE-034-settings",
        ),
        pytest.param({"SERVER_NAME": "www.apex.test"}, ["Path=/"], ["Domain"], id="SE-035"),
    ],
)
def test_flags_of_the_cookie(
    app: hipflask.Flask, settings: dict[str, Any], present: list[str], absent: list[str]
) -> None:
    app.config.update(settings)
    app.add_url_rule("/", "index", lambda: hipflask.session.update(user=1) or "done")
    cookie = app.test_client().get("/").headers["Set-Cookie"].split("; ")
    assert all(each in cookie for each in present)
    assert not any(part.startswith(each) for part in cookie for each in absent)


def test_se_011_what_is_written_is_json_or_refused() -> None:
    with pytest.raises(TypeError, match="JSON"):
        session_json_serializer.dumps({"x": object()})
