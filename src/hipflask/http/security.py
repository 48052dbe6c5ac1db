"""Passwords, salts, and paths that come from outside.

Names and behaviour are those of ``werkzeug.security`` 3.1; its password hashes and these can be checked by
either.
"""

from __future__ import annotations

import os
import posixpath

__all__ = [
    "DEFAULT_PBKDF2_ITERATIONS",
    "SALT_CHARS",
    "check_password_hash",
    "gen_salt",
    "generate_password_hash",
    "is_windows_device",
    "safe_join",
]

#: Characters that salts are made of.
SALT_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#: Rounds of PBKDF2 if the method names none.
DEFAULT_PBKDF2_ITERATIONS = 1_000_000

_DEFAULT_SCRYPT = (2**15, 8, 1)
# Separators of this system besides the slash: a path from a URL must not have them.
_OTHER_SEPARATORS = [sep for sep in (os.sep, os.path.altsep) if sep not in (None, "/")]
# Names that are devices on Windows, in any folder and with any extension.
_WINDOWS_DEVICES = {
    *("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"),
    *(f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"),
}


def gen_salt(length: int) -> str:
    """Return a random string of letters and digits.

    Args:
        length: Number of characters, each good for 5.9 bits.

    Raises:
        ValueError: *length* is less than 1.
    """
    if length < 1:
        raise ValueError(f"A salt of {length!r} characters is not possible. Ask for 1 or more.")
    import secrets

    return "".join(secrets.choice(SALT_CHARS) for _ in range(length))


def _hash_with_scrypt(arguments: list[str], salt: bytes, password: bytes) -> tuple[str, str]:
    import hashlib

    n, r, p = _DEFAULT_SCRYPT
    if arguments:
        try:
            n, r, p = map(int, arguments)
        except ValueError as error:
            raise ValueError(
                f"Password method 'scrypt' does not take {':'.join(arguments)!r}."
                " Write 'scrypt' or 'scrypt:N:R:P' with three numbers."
            ) from error
    # What OpenSSL needs: blocks for each lane, for the table and to work on; its own limit is lower (RFC
    # 7914, 2).
    memory = 128 * r * (n + p + 32) + 1024
    hashed = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory)
    return hashed.hex(), f"scrypt:{n}:{r}:{p}"


def _hash_with_pbkdf2(arguments: list[str], salt: bytes, password: bytes) -> tuple[str, str]:
    import hashlib

    if len(arguments) > 2:
        raise ValueError(
            f"Password method 'pbkdf2' does not take {':'.join(arguments)!r}."
            " Write 'pbkdf2', 'pbkdf2:HASH' or 'pbkdf2:HASH:ITERATIONS'."
        )
    name = arguments[0] if arguments else "sha256"
    iterations = int(arguments[1]) if len(arguments) == 2 else DEFAULT_PBKDF2_ITERATIONS
    hashed = hashlib.pbkdf2_hmac(name, password, salt, iterations)
    return hashed.hex(), f"pbkdf2:{name}:{iterations}"


def _hash(method: str, salt: str, password: str) -> tuple[str, str]:
    """Return the hash in hexadecimal digits, and the method with all its parameters."""
    name, *arguments = method.split(":")
    if name == "scrypt":
        return _hash_with_scrypt(arguments, salt.encode(), password.encode())
    if name == "pbkdf2":
        return _hash_with_pbkdf2(arguments, salt.encode(), password.encode())
    raise ValueError(f"There is no password method {name!r}. Use 'scrypt' or 'pbkdf2'.")


def generate_password_hash(password: str, method: str = "scrypt", salt_length: int = 16) -> str:
    """Return a password in a form that can be stored: it can be checked, and not be read.

    Args:
        password: The password.
        method: ``scrypt``, ``scrypt:N:R:P`` (default 32768, 8, 1), ``pbkdf2``, ``pbkdf2:HASH`` or
            ``pbkdf2:HASH:ITERATIONS`` (default ``sha256``, 1,000,000).
        salt_length: Characters of the random salt.

    Returns:
        ``method$salt$hash``, the hash in hexadecimal digits.

    Raises:
        ValueError: The method is unknown or its parameters are not possible.

    Sources: RFC 7914 (scrypt), RFC 8018, 5.2 (PBKDF2).
    """
    salt = gen_salt(salt_length)
    hashed, method_used = _hash(method, salt, password)
    return f"{method_used}${salt}${hashed}"


def check_password_hash(pwhash: str, password: str) -> bool:
    """Tell whether a password is the one that a hash was made of.

    The time it takes does not tell how near the password came.

    Args:
        pwhash: What :func:`generate_password_hash` returned, here or in Werkzeug.
        password: The password to check.

    Raises:
        ValueError: The hash was made by a method that is not known.
    """
    parts = pwhash.split("$", 2)
    if len(parts) != 3:
        return False
    method, salt, hashed = parts
    import hmac

    return hmac.compare_digest(_hash(method, salt, password)[0].encode(), hashed.encode())


def is_windows_device(path: str) -> bool:
    """Return whether a part of a path names a device on Windows, or a drive or stream (``C:``)."""
    for part in path.split("/"):
        if ":" in part or part.split(".")[0].rstrip(" ").upper() in _WINDOWS_DEVICES:
            return True
    return False


def _is_unsafe(path: str) -> bool:
    """Tell whether a normalised path leaves the folder it is joined to, or is not a file's on this system."""
    return (
        path == ".."
        or path.startswith(("../", "/"))
        or os.path.isabs(path)
        or any(separator in path for separator in _OTHER_SEPARATORS)
        or (os.name == "nt" and is_windows_device(path))
    )


def safe_join(directory: str, *untrusted: str) -> str | None:
    """Join paths from outside to a folder of one's own.

    Args:
        directory: The folder. ``""`` is the current one.
        untrusted: Paths with slashes, below the folder.

    Returns:
        The path, ``None`` if one of the parts leads out of the folder. Symbolic links are not looked at.
    """
    parts = [directory or "."]
    for path in untrusted:
        if not path:
            continue
        # PERF: most paths are as they should be: none of their parts is empty or begins with a dot.
        is_plain = type(path) is str and path[0] not in "./" and path[-1] != "/" and "/." not in path
        if not is_plain or "//" in path or _OTHER_SEPARATORS or os.name == "nt":
            path = posixpath.normpath(path)  # it may go up again within itself: "a/../b"
            if _is_unsafe(path):
                return None
        parts.append(path)
    if len(parts) == 2 and type(directory) is str:
        return "/".join(parts) if parts[0][-1] != "/" else parts[0] + parts[1]
    return posixpath.join(*parts)
