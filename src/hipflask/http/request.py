"""A request with its body: streams, forms, files, JSON."""

from __future__ import annotations

import json
import typing as t

from hipflask.http.base_request import BaseRequest, _OfHead
from hipflask.http.datastructures.multidict import CombinedMultiDict, ImmutableMultiDict
from hipflask.http.head import WsgiHead
from hipflask.http.properties import cached_property, environ_property

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hipflask.http.datastructures import FileStorage, MultiDict
    from hipflask.http.forms import FormDataParser
    from hipflask.http.head import Head

__all__ = ["Request"]

Environ = dict[str, t.Any]
MISSING: t.Any = object()


class _DefaultFormParser:
    """A class attribute whose value is imported when it is first needed: most requests have no form."""

    def __get__(self, request: Request | None, owner: type) -> type[FormDataParser]:
        from hipflask.http.forms import FormDataParser

        return FormDataParser


class _Environ(_OfHead["Environ"]):
    """The environ, in which the request stands too: a head that is no environ makes one without."""

    def __get__(self, request: t.Any, owner: type) -> t.Any:
        if request is None:
            return self
        environ = request.__dict__["environ"] = self.read(request._head)
        environ.setdefault("werkzeug.request", request)
        return environ


class Request(BaseRequest):
    """A request; nothing of it is parsed before it is asked for.

    Args:
        environ: WSGI environ.
        populate_request: Put the request into the environ as ``werkzeug.request``.
        shallow: Refuse to read the body, so that somebody else can.
    """

    #: Limits of the body in bytes, of a form's texts in bytes, and of its parts; ``None`` for no limit.
    max_content_length: int | None = None
    max_form_memory_size: int | None = 500_000
    max_form_parts: int | None = 1000
    json_module: t.Any = json
    shallow = False
    _body_is_read = False
    _cached_json: tuple[t.Any, t.Any] = (MISSING, MISSING)

    def __init__(self, environ: Environ, populate_request: bool = True, shallow: bool = False) -> None:
        self._head = head = WsgiHead(environ)
        self.method = head.method
        self.path = head.path
        self.__dict__["environ"] = environ
        self.shallow = shallow
        if populate_request and not shallow:
            environ["werkzeug.request"] = self

    @classmethod
    def from_head(cls, head: Head) -> t.Self:
        """Return the request of a head, without calling ``__init__``.

        Args:
            head: What a door received.
        """
        self = cls.__new__(cls)
        self._head = head
        self.method = head.method
        self.path = head.path
        # PERF: read in every request, and faster here than from the class (CPython 3.11).
        self._body_is_read = False
        return self

    @classmethod
    def from_values(cls, *args: t.Any, **kwargs: t.Any) -> t.Self:
        """Return a request made for a test; takes what :class:`hipflask.testing.builder.EnvironBuilder` takes."""
        from hipflask.testing.builder import EnvironBuilder

        builder = EnvironBuilder(*args, **kwargs)
        try:
            return t.cast("t.Self", builder.get_request(cls))  # of the class that it is given
        finally:
            builder.close()

    environ = _Environ(lambda head: head.to_environ(), "WSGI environ of the request.")

    @property
    def is_disconnected(self) -> bool:
        """Whether the client is known to have gone away, so that long work may be given up.

        ``False`` under servers that do not tell; those of ASGI do.
        """
        return self._head.is_disconnected()

    @classmethod
    def application(cls, f: Callable[..., t.Any]) -> Callable[[Environ, Callable[..., t.Any]], Iterable[bytes]]:
        """Turn a function from a request to a response into a WSGI application.

        The request is the last argument, so that methods work too. An ``HTTPException`` that the function raises is
        its response.

        Example:
            ::

                @Request.application
                def application(request):
                    return Response("Hello")
        """
        from functools import wraps

        from hipflask.http.exceptions import HTTPException

        @wraps(f)
        def run(*args: t.Any) -> t.Any:
            *rest, environ, start_response = args
            with cls(environ) as request:
                try:
                    response = f(*rest, request)
                except HTTPException as error:
                    response = error.get_response(environ)
                return response(environ, start_response)

        return run

    # The body

    @property
    def want_form_data_parsed(self) -> bool:
        """Whether the request has a content type, so that a form may be in the body."""
        return bool(self.headers.get("Content-Type"))

    #: Class of the form parser; a subclass may set another.
    form_data_parser_class = _DefaultFormParser()

    def make_form_data_parser(self) -> FormDataParser:
        """Return a new parser with this request's limits and classes."""
        return self.form_data_parser_class(
            stream_factory=self._get_file_stream,
            max_form_memory_size=self.max_form_memory_size,
            max_content_length=self.max_content_length,
            max_form_parts=self.max_form_parts,
            cls=self.parameter_storage_class,
        )

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> t.IO[bytes]:
        """Return the stream that an uploaded file is written to; a subclass may override it."""
        from hipflask.http.forms import default_stream_factory

        return default_stream_factory(
            total_content_length=total_content_length,
            filename=filename,
            content_type=content_type,
            content_length=content_length,
        )

    def _load_form_data(self) -> None:
        """Parse the body as a form, once; after an error (a handler may ask again) what is left of it."""
        if "form" in self.__dict__:
            return
        self._body_is_read = True
        if self.want_form_data_parsed:
            parser = self.make_form_data_parser()
            stream, form, files = parser.parse(
                self._get_stream_for_parsing(), self.mimetype, self.content_length, self.mimetype_params
            )
        else:
            stream, form, files = self.stream, self.parameter_storage_class(), self.parameter_storage_class()
        # Into __dict__, past the descriptors that would parse.
        self.__dict__.update(stream=stream, form=form, files=files)

    def _get_stream_for_parsing(self) -> t.IO[bytes]:
        data = self.__dict__.get("_cached_data")
        if data is not None:
            from io import BytesIO

            return BytesIO(data)
        return self.stream

    @cached_property
    def stream(self) -> t.IO[bytes]:
        """The body, cut at its length; reading more than ``max_content_length`` raises 413, a broken body 400."""
        if self.shallow:
            raise RuntimeError(
                f"{type(self).__name__} was made with shallow=True and must not read the body. Make it without."
            )
        from hipflask.http.wsgi import get_input_stream

        return get_input_stream(self.environ, max_content_length=self.max_content_length)

    input_stream = environ_property[t.IO[bytes]]("wsgi.input", doc="The server's own stream; prefer :attr:`stream`.")

    @cached_property
    def data(self) -> bytes:
        """The body in bytes; empty if it was a form that has been parsed."""
        return t.cast("bytes", self.get_data(parse_form_data=True))

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> bytes | str:
        """Return the whole body.

        Args:
            cache: Keep it, so that it can be had again.
            as_text: As text (UTF-8, broken bytes replaced).
            parse_form_data: Parse forms first; of a form, ``b""`` is returned then.
        """
        data: bytes | None = self.__dict__.get("_cached_data")
        if data is None:
            if parse_form_data:
                self._load_form_data()
            data = self.stream.read()
            if cache:
                self.__dict__["_cached_data"] = data
        return data.decode(errors="replace") if as_text else data

    @cached_property
    def form(self) -> ImmutableMultiDict[str, str]:
        """Texts of the form in the body; empty if there is none."""
        self._load_form_data()
        return t.cast("ImmutableMultiDict[str, str]", self.__dict__["form"])  # just put there

    @cached_property
    def files(self) -> ImmutableMultiDict[str, FileStorage]:
        """Files of the form in the body; empty if there are none."""
        self._load_form_data()
        return t.cast("ImmutableMultiDict[str, FileStorage]", self.__dict__["files"])  # just put there

    @cached_property
    def values(self) -> CombinedMultiDict[str, str]:
        """Parameters of the query string, and of the form for every method but GET."""
        sources: list[MultiDict[str, str]] = [self.args]
        if self.method != "GET":
            sources.append(self.form)
        return CombinedMultiDict(sources)

    def close(self) -> None:
        """Close the uploaded files that were parsed."""
        from hipflask.http.datastructures.multidict import iter_multi_items

        for _, file in iter_multi_items(self.__dict__.get("files") or {}):
            file.close()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    # JSON

    @property
    def json(self) -> t.Any:
        """The body parsed as JSON; 415 if the media type is another, 400 if it is malformed."""
        return self.get_json()

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> t.Any:
        """Return the body parsed as JSON.

        Args:
            force: Whatever the media type says.
            silent: ``None`` instead of an error.
            cache: Keep the value, so that it can be had again.

        Raises:
            UnsupportedMediaType: The media type is not JSON (status 415).
            BadRequest: The body is malformed (status 400).
        """
        kept = self._cached_json[silent]
        if cache and kept is not MISSING:
            return kept
        if not (force or self.is_json):
            return None if silent else self.on_json_loading_failed(None)
        loud = quiet = MISSING
        try:
            loud = quiet = self.json_module.loads(self.get_data(cache=cache))
        except (ValueError, RecursionError) as error:
            if silent:
                quiet = None
            else:
                cause = error if isinstance(error, ValueError) else ValueError("It is nested too deeply.")
                loud = self.on_json_loading_failed(cause)
        if cache:
            before_loud, before_quiet = self._cached_json
            self._cached_json = (
                before_loud if loud is MISSING else loud,
                before_quiet if quiet is MISSING else quiet,
            )
        return quiet if silent else loud

    def on_json_loading_failed(self, e: ValueError | None) -> t.Any:
        """Raise for a body that is not JSON; a subclass may return a value instead.

        Args:
            e: What the parser raised; ``None`` if the media type is not JSON.
        """
        from hipflask.http.exceptions import BadRequest, UnsupportedMediaType

        if e is not None:
            raise BadRequest(f"Failed to decode JSON object: {e}")
        raise UnsupportedMediaType(
            "The body was not read as JSON because the request's 'Content-Type' is not 'application/json'."
        )

    # The environ

    @property
    def script_root(self) -> str:
        """Path below which the application is mounted, without a trailing slash."""
        return self.root_path

    @property
    def url_root(self) -> str:
        """URL below which the application is mounted, with a trailing slash."""
        return self.root_url

    remote_user = environ_property[str]("REMOTE_USER", doc="User that the server authenticated, or ``None``.")
    is_multithread = environ_property[bool]("wsgi.multithread", doc="Whether several threads serve the application.")
    is_multiprocess = environ_property[bool]("wsgi.multiprocess", doc="Whether several processes serve it.")
    is_run_once = environ_property[bool]("wsgi.run_once", doc="Whether the process ends after this request.")
