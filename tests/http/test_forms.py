"""Forms from bodies: both media types, limits, charsets, files."""

import io
from tempfile import SpooledTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http import forms
from hipflask.http.datastructures import Headers, ImmutableMultiDict, MultiDict
from hipflask.http.exceptions import ClientDisconnected, RequestEntityTooLarge
from hipflask.http.forms import FormDataParser, MultiPartParser, default_stream_factory, parse_form_data
from hipflask.http.multipart import BrokenMultipart

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
NAME = b'Content-Disposition: form-data; name="a"'
FIELD = b"--b\r\n" + NAME + b"\r\n\r\nval\r\n"
FILE = b"--b\r\n" + NAME + b'; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\ndata\r\n'
END = b"--b--\r\n"


def environ_of(body, content_type=MULTIPART, length=None):
    return {
        "wsgi.input": io.BytesIO(body),
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body) if length is None else length),
    }


def outcome(module, body, content_type=MULTIPART, **options):
    """Return what a module makes of a body, an exception by its class."""
    try:
        stream, form, files = module.parse_form_data(environ_of(body, content_type), **options)
    except Exception as error:
        return "ValueError" if isinstance(error, ValueError) else type(error).__name__
    found = [
        (key, file.filename, file.name, file.content_type, list(file.headers), file.read())
        for key, file in files.items(multi=True)
    ]
    for _, file in files.items(multi=True):
        file.close()
    return list(form.items(multi=True)), found, stream.read()


BODIES = {
    "fields": FIELD + FIELD.replace(b'"a"', b'"b"') + END,
    "file": FIELD + FILE + END,
    "empty-filename": FILE.replace(b"x.txt", b"") + END,
    "rfc5987": FILE.replace(b'="x.txt"', b"*=UTF-8''%c3%a9.txt") + END,
    "no-parts": END,
    "no-name": FIELD.replace(b'; name="a"', b"") + END,
    "cut": FIELD + b"--b\r\n",
    "cut-in-file": FILE,
    "empty": b"",
    "no-disposition": b"--b\r\nX: y\r\n\r\nval\r\n" + END,
    "not-utf-8-name": FIELD.replace(b'"a"', b'"\xff"') + END,
    "not-utf-8-value": FIELD.replace(b"val", b"\xff\xc3\xa9") + END,
    **{
        f"charset-{name}": FIELD.replace(
            b"\r\n\r\nval", b"\r\nContent-Type: t/p; charset=%b\r\n\r\n\xe9\xc3\xa9" % name.encode()
        )
        + END
        for name in ("ISO-8859-1", "latin1", "utf-8", "us-ascii", "utf-16", "nope")
    },
}

BROKEN = ["cut", "cut-in-file", "no-disposition", "not-utf-8-name"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"silent": False},
        {"max_content_length": 60},
        {"max_form_memory_size": 2},
        {"max_form_memory_size": 70},
        {"max_form_parts": 1},
    ],
    ids=["", "loud", "length", "memory-2", "memory-70", "parts"],
)
def test_multipart_forms_are_those_of_werkzeug(body, options):
    theirs = pytest.importorskip("werkzeug.formparser")
    options = {**options, "stream_factory": lambda **arguments: io.BytesIO()}
    ours, expected = outcome(forms, body, **options), outcome(theirs, body, **options)
    if ours == "ValueError" and options.get("silent", True):
        # What began is not an empty form: BrokenMultipart.
        assert expected == ([], [], b"")
        assert body in [BODIES[name] for name in BROKEN]
    else:
        assert ours == expected


@pytest.mark.parametrize("name", BROKEN)
def test_a_multipart_form_that_began_and_is_broken_is_refused(name):
    with pytest.raises(BrokenMultipart) as caught:
        parse_form_data(environ_of(BODIES[name]), stream_factory=lambda **arguments: io.BytesIO())
    assert caught.value.code == 400


@pytest.mark.parametrize("body", [b"", b"\r\n", b"a=1", b"--c\r\n", b"--b x"], ids=repr)
def test_a_body_without_the_boundary_is_an_empty_form(body):
    assert outcome(forms, body)[:2] == ([], [])


@pytest.mark.parametrize("boundary", ['"b "', '"<b>"', '"a\\"b"', '" "'])
@pytest.mark.parametrize("silent", [True, False], ids=["silent", "loud"])
def test_what_cannot_be_a_boundary_and_is_not_there_is_refused(boundary, silent):
    content_type = f"multipart/form-data; boundary={boundary}"
    environ = environ_of(BODIES["fields"], content_type)
    with pytest.raises(BrokenMultipart, match="400.*cannot be a boundary"):
        parse_form_data(environ, silent=silent)


def test_what_cannot_be_a_boundary_is_taken_where_it_is_there():
    body = (FIELD + END).replace(b"--b", b"--<b>")
    assert outcome(forms, body, 'multipart/form-data; boundary="<b>"')[0] == [("a", "val")]


@pytest.mark.parametrize("head", [NAME + b"\rX: y", NAME + b"\r\nX: y\r\rz", b"\r" + NAME], ids=repr)
def test_a_carriage_return_alone_is_no_line_end_among_others(head):
    with pytest.raises(BrokenMultipart, match="400.*carriage return"):
        parse_form_data(environ_of(b"--b\r\n" + head + b"\r\n\r\nval\r\n" + END))


@pytest.mark.parametrize("end", range(1, len(FIELD + END) - 2))
def test_a_multipart_form_is_refused_wherever_it_ends(end):
    with pytest.raises(BrokenMultipart, match="400"):
        parse_form_data(environ_of((FIELD + END)[:end]))


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b"a=1234&b=12", False),
        (b"a=12345", True),
        (b"abcde=1", True),
        (b"a=%31%32%33%34", False),
        (b"a=%C3%A9%C3%A9", False),
        (b"a=%C3%A9%C3%A9%C3%A9", True),
    ],
)
def test_a_urlencoded_field_over_the_limit_is_refused(body, refused):
    assert (outcome(forms, body, URLENCODED, max_form_memory_size=4) == "RequestEntityTooLarge") is refused


QUERIES = [
    b"",
    b"a=1&a=2&b=%C3%A9&c=x+y&d&e=&=f&&g=+%2B",
    b"a=%FF&%zz=1;2&b=%ED%A0%80",
    b"\xff=1",
    "é=ü".encode(),
]
TYPES = [
    URLENCODED,
    URLENCODED + "; charset=latin1",
    "",
    "text/plain",
    "multipart/mixed; boundary=b",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=é",
    'multipart/form-data; boundary="b"',
    "application/x-url-encoded",
]


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("silent", [True, False], ids=["silent", "loud"])
def test_the_media_type_decides_as_in_werkzeug(content_type, silent):
    theirs = pytest.importorskip("werkzeug.formparser")
    for body in [*QUERIES, BODIES["fields"]]:
        ours = outcome(forms, body, content_type, silent=silent)
        assert ours == outcome(theirs, body, content_type, silent=silent), body


@given(body=st.binary(max_size=60))
def test_any_bytes_are_a_form_or_are_refused(body):
    assert isinstance(outcome(forms, FIELD + body, URLENCODED), tuple)
    assert isinstance(outcome(forms, body, MULTIPART), tuple) or body.startswith(b"-")
    assert isinstance(outcome(forms, FIELD + END + body, MULTIPART), tuple)
    assert outcome(forms, FIELD + body, MULTIPART) == "ValueError" or b"--b--" in body


def test_media_type_may_be_in_upper_case():
    assert outcome(forms, BODIES["fields"], "Multipart/Form-Data; Boundary=b")[0] == [
        ("a", "val"),
        ("b", "val"),
    ]


def test_a_body_that_is_cut_off_is_refused():
    for content_type, body in ((URLENCODED, b"a=1"), (MULTIPART, BODIES["fields"])):
        with pytest.raises(ClientDisconnected, match="400"):
            parse_form_data(environ_of(body, content_type, len(body) + 1))


def test_limits_are_errors_even_if_silent():
    with pytest.raises(RequestEntityTooLarge, match="413"):
        parse_form_data(environ_of(b"a=1", URLENCODED), max_content_length=2)
    with pytest.raises(RequestEntityTooLarge, match="413"):
        parse_form_data(environ_of(BODIES["fields"]), max_form_parts=1)


def test_memory_limit_counts_each_field_and_no_files():
    field = FIELD.replace(b"val", b"v" * 90_000)
    file = FILE.replace(b"\ndata", b"\n" + b"d" * 300_000)
    parser = MultiPartParser(max_form_memory_size=100_000)
    fields, files = parser.parse(io.BytesIO(field * 3 + file + END), b"b", None)
    assert len(fields.getlist("a")) == 3
    assert len(files["a"].read()) == 300_000
    files["a"].close()
    with pytest.raises(RequestEntityTooLarge, match="413"):
        parser.parse(io.BytesIO(FIELD.replace(b"val", b"v" * 100_001) + END), b"b", None)


@pytest.mark.parametrize("cls", [None, MultiDict, ImmutableMultiDict], ids=["default", "mutable", "immutable"])
def test_fields_and_files_have_the_class_asked_for(cls):
    for content_type, body in ((URLENCODED, b"a=1"), (MULTIPART, END), ("", b"")):
        _, form, files = parse_form_data(environ_of(body, content_type), cls=cls)
        assert type(form) is type(files) is (cls or MultiDict)


def test_stream_factory_is_told_what_the_client_claims():
    seen = []

    def factory(**arguments):
        seen.append(arguments)
        return io.BytesIO()

    body = FILE + FILE.replace(b"Content-Type: text/plain", b"Content-Length: 4") + END
    _, _, files = parse_form_data(environ_of(body), stream_factory=factory)
    assert [file.read() for file in files.getlist("a")] == [b"data", b"data"]
    common = {"total_content_length": len(body), "filename": "x.txt"}
    assert seen == [
        {**common, "content_type": "text/plain", "content_length": 0},
        {**common, "content_type": None, "content_length": 4},
    ]


def test_files_are_closed_if_the_form_is_refused():
    opened = []

    def factory(*args, **kwargs):
        opened.append(io.BytesIO())
        return opened[-1]

    with pytest.raises(BrokenMultipart, match="400"):
        parse_form_data(environ_of(FILE + FILE), stream_factory=factory)
    assert [file.closed for file in opened] == [True, True]


def test_an_error_of_the_disk_is_passed_on():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        parse_form_data(environ_of(FILE + END), stream_factory=lambda **kwargs: Full())


def test_default_stream_moves_to_the_disk():
    with default_stream_factory(None, None, None) as file:
        assert isinstance(file, SpooledTemporaryFile)
        file.write(bytes(500 * 1024))
        assert not file._rolled
        file.write(b"x")
        assert file._rolled


def test_uploads_are_written_piece_by_piece():
    sizes = []

    class Sizes(io.BytesIO):
        def write(self, data):
            sizes.append(len(data))
            return len(data)

    body = FILE.replace(b"\ndata", b"\n" + b"\r\n" * 500_000) + END
    parse_form_data(environ_of(body), stream_factory=lambda **kwargs: Sizes(), max_form_memory_size=500_000)
    assert sum(sizes) == 1_000_000
    assert max(sizes) <= 65536 + 10


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_buffer_size_does_not_matter(size):
    fields, files = MultiPartParser(buffer_size=size).parse(io.BytesIO(BODIES["file"]), b"b", None)
    assert fields == MultiDict([("a", "val")])
    assert files["a"].read() == b"data"
    files["a"].close()


def test_part_charset_is_one_of_the_harmless_ones():
    parser = MultiPartParser()
    for charset, expected in (
        ("latin1", "utf-8"),
        ("ISO-8859-1", "iso-8859-1"),
        ("ASCII", "ascii"),
        ("", "utf-8"),
    ):
        assert parser.get_part_charset(Headers({"Content-Type": f"text/plain; charset={charset}"})) == expected
    assert parser.get_part_charset(Headers()) == "utf-8"


def test_parsers_keep_what_they_are_given():
    parser = MultiPartParser()
    assert (parser.stream_factory, parser.cls, parser.buffer_size) == (
        default_stream_factory,
        MultiDict,
        65536,
    )
    with pytest.raises(ValueError, match="^why$"):
        parser.fail("why")
    stream = io.BytesIO(b"a=1")
    result = FormDataParser().parse(stream, URLENCODED, None)
    assert result == (stream, MultiDict([("a", "1")]), MultiDict())
    assert FormDataParser().parse(stream, "multipart/form-data", None) == (stream, MultiDict(), MultiDict())


def test_parts_out_of_order_are_skipped():
    class Odd(MultiPartParser):
        def _events(self, stream, boundary):
            from hipflask.http.multipart import Data

            yield Data(b"x", False)

    assert Odd().parse(io.BytesIO(), b"b", None) == (MultiDict(), MultiDict())
