"""Password hashes, beside Werkzeug's, and paths from outside."""

import hmac
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http import security
from hipflask.http.security import (
    check_password_hash,
    gen_salt,
    generate_password_hash,
    is_windows_device,
    safe_join,
)

METHODS = ["scrypt:1024:8:1", "scrypt:128:1:4", "pbkdf2:sha1:5", "pbkdf2:sha256:5", "pbkdf2:sha512:1"]


@pytest.mark.parametrize("method", METHODS)
def test_hashes_are_interchangeable_with_werkzeug(method):
    theirs = pytest.importorskip("werkzeug.security")
    assert theirs.check_password_hash(generate_password_hash("pässwörd", method), "pässwörd")
    stored = theirs.generate_password_hash("pässwörd", method)
    assert check_password_hash(stored, "pässwörd")
    assert not check_password_hash(stored, "passwort")


def test_defaults_are_those_of_werkzeug():
    theirs = pytest.importorskip("werkzeug.security")
    assert security.DEFAULT_PBKDF2_ITERATIONS == theirs.DEFAULT_PBKDF2_ITERATIONS
    assert security.SALT_CHARS == theirs.SALT_CHARS
    method, salt, _ = generate_password_hash("x").split("$")
    assert (method, len(salt)) == ("scrypt:32768:8:1", 16)
    assert generate_password_hash("x", "scrypt", 2).split("$")[1].isalnum()


@pytest.mark.parametrize(
    ("method", "full"),
    [("pbkdf2", "pbkdf2:sha256:3"), ("pbkdf2:sha1", "pbkdf2:sha1:3")],
    ids=["none", "hash"],
)
def test_pbkdf2_fills_in_its_defaults(monkeypatch, method, full):
    monkeypatch.setattr(security, "DEFAULT_PBKDF2_ITERATIONS", 3)
    assert generate_password_hash("x", method).startswith(full + "$")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("plain", "no password method 'plain'"),
        ("", "no password method ''"),
        ("scrypt:1", "'scrypt' does not take '1'"),
        ("scrypt:x:1:1", "'scrypt' does not take 'x:1:1'"),
        ("scrypt:3:1:1", "power of 2"),
        ("pbkdf2:sha256:1:1", "'pbkdf2' does not take"),
        ("pbkdf2:sha256:x", "invalid literal"),
        ("pbkdf2:nope:1", "unsupported"),
    ],
    ids=lambda value: value[:15],
)
def test_impossible_methods_are_value_errors(method, message):
    with pytest.raises(ValueError, match=message):
        generate_password_hash("x", method)
    with pytest.raises(ValueError, match=message):
        check_password_hash(f"{method}$salt$hash", "x")


@pytest.mark.parametrize("stored", ["", "x", "a$b", "pbkdf2:sha256:1$salt$é", "pbkdf2:sha256:1$salt$"])
def test_what_is_not_a_hash_never_matches(stored):
    assert not check_password_hash(stored, "x")


def test_comparison_takes_constant_time(monkeypatch):
    seen = []
    original = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: seen.append((a, b)) or original(a, b))
    assert check_password_hash(generate_password_hash("x", "pbkdf2:sha256:1"), "x")
    assert len(seen) == 1


def test_salts_are_random_and_long_enough():
    assert len({gen_salt(8) for _ in range(50)}) == 50
    for length in (0, -1):
        with pytest.raises(ValueError, match="not possible"):
            gen_salt(length)


PATHS = [
    "x",
    "../x",
    "a/../b",
    "a/../../b",
    "/x",
    "//x",
    "",
    "..",
    ".",
    "a/..",
    "a//b",
    "./a",
    "a/",
    "...",
    "..a",
    "a\0b",
]


@pytest.mark.parametrize("directory", ["d", "/d", "/d/", "", "d/.."])
@pytest.mark.parametrize("path", [*PATHS, None])
def test_safe_join_matches_werkzeug(directory, path):
    theirs = pytest.importorskip("werkzeug.security")
    assert safe_join(directory, path) == theirs.safe_join(directory, path)
    assert safe_join(directory, "a", path) == theirs.safe_join(directory, "a", path)


@given(st.lists(st.text(alphabet="ab./\\", max_size=8), min_size=1, max_size=3))
def test_safe_join_never_leaves_the_folder(parts):
    joined = safe_join("/folder", *parts)
    if joined is not None:
        assert posixpath.normpath(joined).startswith("/folder")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("con", True),
        ("a/NUL.txt", True),
        ("com1", True),
        ("C:x", True),
        ("aux .x", True),
        ("console", False),
        ("a", False),
    ],
)
def test_windows_devices_are_known(path, expected):
    assert is_windows_device(path) is expected


def test_other_separators_and_devices_are_refused(monkeypatch):
    monkeypatch.setattr(security, "_OTHER_SEPARATORS", ["\\"])
    assert safe_join("d", "a\\b") is None
    monkeypatch.setattr(security.os, "name", "nt")
    assert safe_join("d", "con") is None
    assert safe_join("d", "fine") == "d/fine"
