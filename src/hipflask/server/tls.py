"""TLS for the pure-Python server, by the standard library's `ssl`."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

__all__ = ["generate_adhoc_ssl_context", "is_ssl_error", "load_ssl_context", "resolve_ssl_context"]

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
    try:
        certificate, key = _make_pair()
    except ImportError as error:
        raise TypeError(
            "ssl_context='adhoc' makes a certificate with the package cryptography, which is missing: "
            "pip install cryptography."
        ) from error
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate + key)
        return load_ssl_context(path)
    finally:
        os.remove(path)


def is_ssl_error(error: Exception | None = None) -> bool:
    """Tell whether an exception, by default the one being handled, comes from TLS."""
    import ssl  # heavy, and only needed for https
    import sys

    return isinstance(error if error is not None else sys.exc_info()[1], ssl.SSLError)


def _make_pair() -> tuple[bytes, bytes]:
    """Make a certificate and its key, both as PEM."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509  # type: ignore[import-not-found]
    from cryptography.hazmat.primitives import hashes, serialization  # type: ignore[import-not-found]
    from cryptography.hazmat.primitives.asymmetric import ec  # type: ignore[import-not-found]

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
        x509.IPAddress(ip_address("::1")),
    ]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_ADHOC_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return (
        certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
