"""Entity tags, and the sets of them in ``If-Match`` and ``If-None-Match``.

Source: RFC 9110, 8.8.3 (tags), 13.1.1 and 13.1.2 (conditions).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

__all__ = ["ETags", "generate_etag", "parse_etags", "quote_etag", "unquote_etag"]

# One tag of a list: quoted, or bare as some old clients send it. What does not fit is skipped up to the
# next comma.
_find_etags = re.compile(r'(?:^|,)[ \t]*+([Ww]/)?(?:"([^"]*+)"|([^", \t]++))[ \t]*+(?=,|\Z)').findall


def quote_etag(etag: str, weak: bool = False) -> str:
    """Return a tag as header fields have it, ``"etag"`` or ``W/"etag"``.

    Raises:
        ValueError: *etag* has a quote in it, which cannot be escaped.
    """
    if '"' in etag:
        raise ValueError(f"The entity tag {etag!r} has a quote in it, which cannot be escaped. Use another tag.")
    return f'W/"{etag}"' if weak else f'"{etag}"'


def unquote_etag(etag: str | None) -> tuple[str, bool] | tuple[None, None]:
    """Return a tag without quotes and whether it is weak; ``(None, None)`` if there is none."""
    if not etag:
        return None, None
    is_weak = etag.startswith(("W/", "w/"))
    if is_weak:
        etag = etag[2:]
    if etag[:1] == '"' == etag[-1:]:
        etag = etag[1:-1]
    return etag, is_weak


def generate_etag(data: bytes) -> str:
    """Return a strong tag for *data*, a hash of it. It recognises data, it does not protect it."""
    from hashlib import sha1

    return sha1(data, usedforsecurity=False).hexdigest()


def parse_etags(value: str | None) -> ETags:
    """Return the tags in an ``If-Match`` or ``If-None-Match`` field; those that are malformed are left out.

    Differs from Werkzeug: the tag ``""`` is the empty string, not ``None``.
    """
    if not value:
        return ETags()
    if value == "*":
        return ETags(star_tag=True)
    strong: list[str] = []
    weak: list[str] = []
    for is_weak, quoted, bare in _find_etags(value):
        (weak if is_weak else strong).append(quoted or bare)
    return ETags(strong, weak)


class ETags(Collection[str]):
    """A set of entity tags, strong and weak ones apart. It cannot be changed.

    As a collection it has the strong tags, and ``in`` is :meth:`contains`. It is true if it has any tag or
    is ``*``.

    Args:
        strong_etags: Tags without quotes. Left out if *star_tag* is set.
        weak_etags: Tags without quotes and ``W/``.
        star_tag: Whether it is ``*``, which every tag matches.
    """

    def __init__(
        self,
        strong_etags: Iterable[str] | None = None,
        weak_etags: Iterable[str] | None = None,
        star_tag: bool = False,
    ) -> None:
        self._strong = frozenset(() if star_tag or strong_etags is None else strong_etags)
        self._weak = frozenset(() if weak_etags is None else weak_etags)
        self.star_tag = star_tag

    def as_set(self, include_weak: bool = False) -> set[str]:
        """Return the strong tags, and with *include_weak* the weak ones too."""
        return set(self._strong | self._weak) if include_weak else set(self._strong)

    def is_weak(self, etag: str) -> bool:
        """Return whether *etag* is one of the weak tags."""
        return etag in self._weak

    def is_strong(self, etag: str) -> bool:
        """Return whether *etag* is one of the strong tags."""
        return etag in self._strong

    def contains(self, etag: str) -> bool:
        """Return whether *etag* matches in the strong comparison (RFC 9110, 8.8.3.2)."""
        return self.star_tag or etag in self._strong

    def contains_weak(self, etag: str) -> bool:
        """Return whether *etag* matches in the weak comparison (RFC 9110, 8.8.3.2)."""
        return etag in self._weak or self.contains(etag)

    def contains_raw(self, etag: str) -> bool:
        """Return whether a tag with its quotes matches; a weak one is compared weakly."""
        tag, is_weak = unquote_etag(etag)
        if tag is None:
            return self.star_tag
        return self.contains_weak(tag) if is_weak else self.contains(tag)

    def to_header(self) -> str:
        """Return the tags as a header field."""
        if self.star_tag:
            return "*"
        return ", ".join([f'"{tag}"' for tag in self._strong] + [f'W/"{tag}"' for tag in self._weak])

    def __call__(self, etag: str | None = None, data: bytes | None = None, include_weak: bool = False) -> bool:
        """Return whether *etag*, or the tag of *data*, is one of the strong tags, or of the weak ones too.

        Raises:
            TypeError: Neither is given.
        """
        if etag is None:
            if data is None:
                raise TypeError("ETags has neither a tag nor data to look for. Pass 'etag' or 'data'.")
            etag = generate_etag(data)
        return etag in self._strong or (include_weak and etag in self._weak)

    def __bool__(self) -> bool:
        return bool(self.star_tag or self._strong or self._weak)

    def __str__(self) -> str:
        return self.to_header()

    def __len__(self) -> int:
        return len(self._strong)

    def __iter__(self) -> Iterator[str]:
        return iter(self._strong)

    def __contains__(self, etag: object) -> bool:
        return self.star_tag or etag in self._strong

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.to_header()!r}>"
