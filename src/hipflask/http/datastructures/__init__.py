"""The containers of HTTP data, under the names of ``werkzeug.datastructures``.

The ones that every request needs are imported here; the others are when their name is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hipflask.http.datastructures.headers import EnvironHeaders, Headers
from hipflask.http.datastructures.immutable import (
    ImmutableDict,
    ImmutableDictMixin,
    ImmutableHeadersMixin,
    ImmutableList,
    ImmutableListMixin,
    ImmutableMultiDictMixin,
)
from hipflask.http.datastructures.multidict import (
    CombinedMultiDict,
    ImmutableMultiDict,
    MultiDict,
    iter_multi_items,
)
from hipflask.http.datastructures.type_conversion import ImmutableTypeConversionDict, TypeConversionDict

if TYPE_CHECKING:
    from hipflask.http.datastructures.accept import Accept, CharsetAccept, LanguageAccept, MIMEAccept
    from hipflask.http.datastructures.auth import Authorization, WWWAuthenticate
    from hipflask.http.datastructures.cache_control import RequestCacheControl, ResponseCacheControl
    from hipflask.http.datastructures.callback_dict import CallbackDict, UpdateDictMixin
    from hipflask.http.datastructures.csp import ContentSecurityPolicy
    from hipflask.http.datastructures.etag import ETags
    from hipflask.http.datastructures.file_storage import FileMultiDict, FileStorage
    from hipflask.http.datastructures.header_set import HeaderSet
    from hipflask.http.datastructures.range import ContentRange, IfRange, Range

__all__ = [
    "Accept",
    "Authorization",
    "CallbackDict",
    "CharsetAccept",
    "CombinedMultiDict",
    "ContentRange",
    "ContentSecurityPolicy",
    "ETags",
    "EnvironHeaders",
    "FileMultiDict",
    "FileStorage",
    "HeaderSet",
    "Headers",
    "IfRange",
    "ImmutableDict",
    "ImmutableDictMixin",
    "ImmutableHeadersMixin",
    "ImmutableList",
    "ImmutableListMixin",
    "ImmutableMultiDict",
    "ImmutableMultiDictMixin",
    "ImmutableTypeConversionDict",
    "LanguageAccept",
    "MIMEAccept",
    "MultiDict",
    "Range",
    "RequestCacheControl",
    "ResponseCacheControl",
    "TypeConversionDict",
    "UpdateDictMixin",
    "WWWAuthenticate",
    "iter_multi_items",
]

# The module of each name that is imported late.
_LATE = {
    "Accept": "accept",
    "Authorization": "auth",
    "CallbackDict": "callback_dict",
    "CharsetAccept": "accept",
    "ContentRange": "range",
    "ContentSecurityPolicy": "csp",
    "ETags": "etag",
    "FileMultiDict": "file_storage",
    "FileStorage": "file_storage",
    "HeaderSet": "header_set",
    "IfRange": "range",
    "LanguageAccept": "accept",
    "MIMEAccept": "accept",
    "Range": "range",
    "RequestCacheControl": "cache_control",
    "ResponseCacheControl": "cache_control",
    "UpdateDictMixin": "callback_dict",
    "WWWAuthenticate": "auth",
}


def __getattr__(name: str) -> Any:
    module = _LATE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
