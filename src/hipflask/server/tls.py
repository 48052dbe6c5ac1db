"""TLS for the pure-Python server, by the standard library's `ssl`."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

__all__ = [
    "generate_adhoc_ssl_context",
    "generate_adhoc_ssl_pair",
    "is_ssl_error",
    "load_ssl_context",
    "make_ssl_devcert",
    "resolve_ssl_context",
]

_ADHOC_DAYS = 365


def resolve_ssl_context(value: Any) -> ssl.SSLContext | None:
    """Turn what ``ssl_context`` may be into a context.

    Args:
        value: ``None``, an `ssl.SSLContext`, ``"adhoc"``, or a tuple of paths (certificate, key).

    Raises:
        TypeError: It is something else.
    """
    if value is None:
        return None
    if isinstance(value, tuple):
        return load_ssl_context(*value)
    if value == "adhoc":
        return generate_adhoc_ssl_context()
    if hasattr(value, "wrap_socket"):
        return value  # type: ignore[no-any-return]  # an SSLContext, or what a test puts in its place
    raise TypeError(
        f"ssl_context is {value!r}: give an ssl.SSLContext, a pair of paths (certificate, key), or 'adhoc'."
    )


def load_ssl_context(cert_file: str, pkey_file: str | None = None, protocol: int | None = None) -> ssl.SSLContext:
    """Return a server's context from files.

    Args:
        cert_file: Path of the certificate (PEM), with its chain.
        pkey_file: Path of the private key; ``None`` if it is in the same file.
        protocol: One of ``ssl.PROTOCOL_*``; ``PROTOCOL_TLS_SERVER`` by default.
    """
    import ssl  # heavy, and only needed for https

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if protocol is None else protocol)
    context.load_cert_chain(cert_file, pkey_file)
    return context


def generate_adhoc_ssl_context() -> ssl.SSLContext:
    """Return a context with a self-signed certificate for this machine, made now and never written for keeps.

    Raises:
        TypeError: The package ``cryptography`` is not installed.
    """
    certificate, key = _to_pem(*generate_adhoc_ssl_pair())
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate + key)
        return load_ssl_context(path)
    finally:
        os.remove(path)


def generate_adhoc_ssl_pair(cn: str | None = None) -> tuple[Any, Any]:
    """Make a self-signed certificate for development, valid for a year.

    Args:
        cn: The name that the certificate is for, or ``*.HOST/CN=HOST`` for a host and those below it; by default
            this machine's own names.

    Returns:
        The certificate (``cryptography.x509.Certificate``) and its private key.

    Raises:
        TypeError: The package ``cryptography`` is not installed.
    """
    try:
        return _make_pair(cn)
    except ImportError as error:
        raise TypeError(
            "A certificate is made with the package cryptography, which is missing: pip install cryptography."
        ) from error


def make_ssl_devcert(base_path: str, host: str | None = None, cn: str | None = None) -> tuple[str, str]:
    """Write a self-signed certificate and its key for development, so that a browser needs to be told of it once.

    Args:
        base_path: Path of the files, without ``.crt`` and ``.key``.
        host: The host that the certificate is for, with those below it.
        cn: Its name, where *host* is not given.

    Returns:
        The paths of the certificate and of the key, for ``ssl_context``. Only the user may read the key.

    Raises:
        TypeError: The package ``cryptography`` is not installed.
    """
    certificate, key = _to_pem(*generate_adhoc_ssl_pair(cn if host is None else f"*.{host}/CN={host}"))
    paths = f"{base_path}.crt", f"{base_path}.key"
    for path, data, mode in zip(paths, (certificate, key), (0o644, 0o600), strict=True):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
    return paths


def is_ssl_error(error: Exception | None = None) -> bool:
    """Tell whether an exception, by default the one being handled, comes from TLS."""
    import ssl  # heavy, and only needed for https
    import sys

    return isinstance(error if error is not None else sys.exc_info()[1], ssl.SSLError)


def _names_of(cn: str | None) -> list[str]:
    """Return the hosts that a certificate is for, the first one as its subject."""
    if not cn or cn == "*":
        return ["localhost", "127.0.0.1", "::1"]
    wild, _, host = cn.partition("/CN=")
    return [wild, host] if host else [cn]


def _make_pair(cn: str | None) -> tuple[Any, Any]:
    """Make a certificate and its key."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa

    def general_name(host: str) -> Any:
        try:
            return x509.IPAddress(ip_address(host))
        except ValueError:
            return x509.DNSName(host)

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    hosts = _names_of(cn)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_ADHOC_DAYS))
        .add_extension(x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([general_name(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _to_pem(certificate: Any, key: Any) -> tuple[bytes, bytes]:
    """Return a certificate and its key as they stand in files."""
    from cryptography.hazmat.primitives import serialization

    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return certificate.public_bytes(pem), key.private_bytes(pem, *plain)
