"""The multipart decoder and encoder: events, splits, limits."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http import multipart
from hipflask.http.datastructures import Headers
from hipflask.http.exceptions import RequestEntityTooLarge
from hipflask.http.multipart import (
    NEED_DATA,
    Data,
    Epilogue,
    Field,
    File,
    MultipartDecoder,
    MultipartEncoder,
    NeedData,
    Preamble,
    State,
)

NAME = b'Content-Disposition: form-data; name="a"'
HEAD = b"--b\r\n" + NAME + b"\r\n\r\n"

BODIES = {
    "simple": HEAD + b"val\r\n--b--\r\n",
    "lf": b"--b\n" + NAME + b"\n\nval\n--b--\n",
    "cr": b"--b\r" + NAME + b"\r\rval\r--b--\r",
    "mixed-line-ends": b"--b\r\n" + NAME + b"\n\nval\n--b--\r",
    "preamble": b"before\r\n" + HEAD + b"val\r\n--b--\r\nafter",
    "preamble-same-line": b"before" + HEAD + b"val\r\n--b--",
    "empty-field": HEAD + b"\r\n--b--\r\n",
    "boundary-at-once": HEAD + b"--b--\r\n",
    "two": HEAD + b"val\r\n" + HEAD + b"val2\r\n--b--\r\n",
    "blanks-after-boundary": b"--b \t\r\n" + NAME + b"\r\n\r\nval\r\n--b-- \t\r\nx",
    "like-a-boundary": HEAD + b"val\r\n--bx\r\n--b -\r\n--b-x\r\n-- b\r\n--b--\r\n",
    "very-like-a-boundary": (
        HEAD + b"\r\n--bx" * 12 + b"\r\n--b\r\n" + NAME + b"\r\n\r\n" + b"\n--b:" * 12 + b"\n--b--"
    ),
    "line-ends-in-data": HEAD + b"v\r\n\r\n\n--\r\r\n--b--\r\n",
    "file": b"--b\r\n" + NAME + b'; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\nval\r\n--b--\r\n',
    "empty-filename": b"--b\r\n" + NAME + b'; filename=""\r\n\r\nval\r\n--b--\r\n',
    "rfc5987": b"--b\r\n" + NAME + b"; filename*=UTF-8''%c3%a9.txt\r\n\r\nval\r\n--b--\r\n",
    "escapes": (b"--b\r\n" + NAME.replace(b'"a"', b'"a%22\\"c"') + b'; filename="C:\\\\x"\r\n\r\nv\r\n--b--\r\n'),
    "utf-8": '--b\r\nContent-Disposition: form-data; name="é"\r\n\r\nval\r\n--b--\r\n'.encode(),
    "continued-header": b"--b\r\n" + NAME + b"\r\nX: a\r\n b\r\n\r\nval\r\n--b--\r\n",
    "header-without-colon": b"--b\r\n" + NAME + b"\r\nnocolon\r\n: v\r\n\r\nval\r\n--b--\r\n",
    "lower-case": b"--b\r\ncontent-disposition:form-data;name=a\r\n\r\nval\r\n--b--\r\n",
    "blank-line-first": b"--b\r\n\r\n" + NAME + b"\r\n\r\nval\r\n--b--\r\n",
    "no-name": b"--b\r\nContent-Disposition: form-data\r\n\r\nval\r\n--b--\r\n",
    "no-parts": b"--b--\r\n",
    "last-not-at-line-end": HEAD + b"val\r\n--b--junk",
}
INVALID = {
    "empty": b"",
    "no-boundary": b"abc",
    "cut-in-headers": b"--b\r\n" + NAME,
    "cut-in-data": HEAD + b"val",
    "cut-in-boundary": HEAD + b"val\r\n--b",
    "cut-after-boundary": HEAD + b"val\r\n--b\r\n",
    "no-disposition": b"--b\r\nX: y\r\n\r\nval\r\n--b--\r\n",
    "no-headers": b"--b\r\n\r\nval\r\n--b--\r\n",
    "not-utf-8": b'--b\r\nContent-Disposition: form-data; name="\xe9"\r\n\r\nval\r\n--b--\r\n',
    "blanks-before-dashes": HEAD + b"val\r\n--b --",
}


def raw_events(module, pieces, boundary, limits):
    decoder = module.MultipartDecoder(boundary, **limits)
    for piece in [*pieces, None]:
        decoder.receive_data(piece)
        while not isinstance(event := decoder.next_event(), module.NeedData):
            yield event
            if isinstance(event, module.Epilogue):
                return


def events_of(module, pieces, boundary=b"b", **limits):
    """Return all events as tuples, the data of a part in one; an exception is the last, as its class."""
    found = []
    try:
        for event in raw_events(module, pieces, boundary, limits):
            kind = type(event).__name__
            if kind in {"Field", "File"}:
                found.append((kind, event.name, getattr(event, "filename", None), list(event.headers)))
            elif kind != "Data":
                found.append((kind, event.data))
            elif found[-1][0] == "data":
                found[-1] = ("data", found[-1][1] + event.data, event.more_data)
            else:
                found.append(("data", event.data, event.more_data))
    except Exception as error:
        found.append("ValueError" if isinstance(error, ValueError) else type(error).__name__)
    return found


@pytest.mark.parametrize("body", [*BODIES.values(), *INVALID.values()], ids=[*BODIES, *INVALID])
@pytest.mark.parametrize("limits", [{}, {"max_parts": 1}, {"max_form_memory_size": 60}], ids=["", "parts", "size"])
def test_events_are_those_of_werkzeug(body, limits):
    theirs = pytest.importorskip("werkzeug.sansio.multipart")
    assert events_of(multipart, [body], **limits) == events_of(theirs, [body], **limits)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_valid_bodies_come_to_an_end(body):
    assert events_of(multipart, [body])[-1][0] == "Epilogue"


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_invalid_bodies_are_value_errors(body):
    assert events_of(multipart, [body])[-1] == "ValueError"


@pytest.mark.parametrize("body", [*BODIES.values(), *INVALID.values()], ids=[*BODIES, *INVALID])
def test_events_do_not_depend_on_how_the_body_is_cut(body):
    whole = events_of(multipart, [body])
    if whole[-1] == "ValueError":  # what came before an error may have been given out already
        whole = whole[-1:]
    for cut in range(len(body)):
        assert events_of(multipart, [body[:cut], body[cut:]])[-len(whole) :] == whole, cut
    single = [body[i : i + 1] for i in range(len(body))]
    assert events_of(multipart, single)[-len(whole) :] == whole


TOKENS = [
    b"\r",
    b"\n",
    b"\r\n",
    b"--",
    b"-",
    b"b",
    b"--b",
    b"\r\n--b",
    b"--b--",
    b"x",
    b" ",
    b": ",
    NAME,
    b"\r\n\r\n",
]


@given(
    tokens=st.lists(st.sampled_from(TOKENS), max_size=20),
    within=st.booleans(),
    cuts=st.lists(st.floats(0, 1), max_size=4),
)
def test_any_input_gives_the_same_events_however_it_is_cut(tokens, within, cuts):
    body = b"".join(tokens)
    if within:
        body = HEAD + body + b"\r\n--b--"
    places = sorted(int(cut * len(body)) for cut in cuts)
    pieces = [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]
    whole = events_of(multipart, [body])
    parts = events_of(multipart, pieces)
    assert (parts[-1] == whole[-1] == "ValueError") or parts == whole


@given(tokens=st.lists(st.sampled_from([token for token in TOKENS if token != b"\r"]), max_size=20))
def test_any_input_gives_the_events_of_werkzeug(tokens):
    theirs = pytest.importorskip("werkzeug.sansio.multipart")
    body = HEAD + b"".join(tokens) + b"\r\n--b--"
    ours, expected = events_of(multipart, [body]), events_of(theirs, [body])
    assert (ours[-1] == expected[-1] == "ValueError") or ours == expected


def test_data_is_given_out_as_soon_as_it_is_sure():
    decoder = MultipartDecoder(b"boundary")
    decoder.receive_data(b"--boundary\r\n" + NAME + b"\r\n\r\n")
    states = [(type(decoder.next_event()).__name__, decoder.state.name) for _ in range(4)]
    assert states == [("Preamble", "PART"), ("Field", "DATA_START"), ("Data", "DATA"), ("NeedData", "DATA")]
    decoder.receive_data(b"x" * 100)
    assert decoder.next_event() == Data(b"x" * 100, True)
    decoder.receive_data(b"yy\r\n--boun")
    assert [decoder.next_event(), decoder.next_event()] == [Data(b"yy", True), NEED_DATA]
    decoder.receive_data(b"dary")
    assert decoder.next_event() is NEED_DATA
    decoder.receive_data(b"\r\n" + NAME)
    assert [decoder.next_event(), decoder.next_event()] == [Data(b"", False), NEED_DATA]
    decoder.receive_data(None)
    with pytest.raises(ValueError, match="ends before its last boundary"):
        decoder.next_event()


def test_after_the_epilogue_there_is_nothing():
    decoder = MultipartDecoder(b"b")
    decoder.receive_data(BODIES["simple"])
    while decoder.next_event() is not NEED_DATA:
        pass
    assert decoder.state is State.EPILOGUE
    decoder.receive_data(None)
    assert decoder.next_event() == Epilogue(b"")
    with pytest.raises(ValueError, match="COMPLETE"):
        decoder.next_event()


@pytest.mark.parametrize("start", [b"", b"--b\r\nX: ", HEAD + b"\r\n--b--"], ids=["preamble", "header", "epilogue"])
def test_what_is_held_back_is_bounded_without_any_limit(start):
    decoder = MultipartDecoder(b"b")
    decoder.receive_data(start)
    with pytest.raises(RequestEntityTooLarge, match="413"):
        for _ in range(100):
            while decoder.next_event() is not NEED_DATA:
                pass
            decoder.receive_data(b"x" * 10_000)
    assert len(decoder.buffer) < 600_000


def test_a_long_run_of_blanks_after_a_boundary_is_data():
    body = HEAD + b"v\r\n--b" + b" " * 5000 + b"\r\n--b--"
    pieces = [body[i : i + 100] for i in range(0, len(body), 100)]
    assert events_of(multipart, pieces) == events_of(multipart, [body])
    assert events_of(multipart, [body])[2][1] == b"v\r\n--b" + b" " * 5000


def test_data_of_any_kind_survives():
    rng = random.Random(1)
    for _ in range(50):
        data = bytes(rng.choices(b"\r\n-b\0x", k=rng.randrange(200)))
        body = HEAD.replace(b"--b", b"--bound") + data + b"\r\n--bound--\r\n"
        pieces = [body[i : i + 7] for i in range(0, len(body), 7)]
        assert events_of(multipart, pieces, b"bound")[2] == ("data", data, False)


# Events


def test_events_are_equal_by_class_and_values():
    headers = Headers([("X", "y")])
    assert Field("a", headers) == Field("a", Headers([("X", "y")]))
    assert Field("a", headers) != Field("b", headers)
    assert Preamble(b"") != Epilogue(b"")
    assert Preamble(b"") != b""
    assert hash(Data(b"x", True)) == hash(Data(b"x", True))
    assert repr(Data(b"x", True)) == "Data(data=b'x', more_data=True)"
    assert NeedData() == NEED_DATA
    match File("a", "f", headers):
        case File(name, filename):
            assert (name, filename) == ("a", "f")


def test_states_are_those_of_werkzeug():
    theirs = pytest.importorskip("werkzeug.sansio.multipart")
    assert [(state.name, state.value) for state in State] == [(s.name, s.value) for s in theirs.State]
    assert multipart.SEARCH_EXTRA_LENGTH == theirs.SEARCH_EXTRA_LENGTH
    assert multipart.LINE_BREAK == theirs.LINE_BREAK


# Encoder


def encode(*events):
    encoder = MultipartEncoder(b"bound")
    return b"".join(encoder.send_event(event) for event in events)


def test_a_part_without_data_ends_with_its_headers():
    body = encode(Preamble(b""), Field("x", Headers()), Data(b"", False), Epilogue(b""))
    assert body == b'\r\n--bound\r\nContent-Disposition: form-data; name="x"\r\n\r\n--bound--\r\n'


def test_what_is_encoded_is_decoded_again():
    body = encode(
        Preamble(b"pre"),
        Field("naïve", Headers({"X": "y"})),
        Data(b"", True),
        Data(b"\r\n--boun", False),
        File("f", "x.txt", Headers({"Content-Type": "text/plain", "Content-Disposition": "ignored"})),
        Data(b"data", False),
        Field("empty", Headers()),
        Data(b"", False),
        Epilogue(b"post"),
    )
    assert events_of(multipart, [body], b"bound") == [
        ("Preamble", b"pre"),
        ("Field", "naïve", None, [("Content-Disposition", 'form-data; name="naïve"'), ("X", "y")]),
        ("data", b"\r\n--boun", False),
        (
            "File",
            "f",
            "x.txt",
            [
                ("Content-Disposition", 'form-data; name="f"; filename="x.txt"'),
                ("Content-Type", "text/plain"),
            ],
        ),
        ("data", b"data", False),
        ("Field", "empty", None, [("Content-Disposition", 'form-data; name="empty"')]),
        ("data", b"", False),
        ("Epilogue", b"post"),
    ]


def test_names_cannot_break_out_of_their_header():
    body = encode(Preamble(b""), File('a"\r\nX: y', 'f"\n', Headers()), Data(b"", False), Epilogue(b""))
    assert b'name="a%22%0D%0AX: y"; filename="f%22%0A"\r\n' in body


@pytest.mark.parametrize(
    "events",
    [
        [Data(b"", False)],
        [Preamble(b""), Preamble(b"")],
        [Preamble(b""), Data(b"", False)],
        [Field("a", Headers()), Field("b", Headers())],
        [NEED_DATA],
    ],
    ids=["data-first", "two-preambles", "data-without-field", "field-without-data", "no-event"],
)
def test_events_in_a_wrong_order_cannot_be_encoded(events):
    with pytest.raises(ValueError, match="cannot follow in state"):
        encode(*events)
