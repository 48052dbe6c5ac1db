"""What the head of an answer tells of a file."""

import mimetypes

import pytest

from hipflask.http.file_headers import entity_tag, file_fields, guess_media_type

NAMES = [
    *("a.bin", "a.TXT", "a.txt", "a.tar.gz", "a.tgz", "a.svgz", "a.gz", "a.Z", "a.unknown", "a.", "a", "", "."),
    *(
        ".txt",
        "..txt",
        "a.b.html",
        "a/b.txt",
        "a.d/b",
        "data:text/css,x.js",
        "http://a/b.txt",
        "C:\\a.txt",
        "é.png",
        "a b.js",
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_media_type_is_that_of_mimetypes(name):
    assert guess_media_type(name) == mimetypes.guess_type(name)
    assert guess_media_type(name) == mimetypes.guess_type(name)  # the tables have been read by now


def test_media_types_that_are_added_later_are_known(monkeypatch):
    mimetypes.init()
    assert guess_media_type("a.hipflask") == (None, None)
    monkeypatch.setitem(mimetypes.types_map, ".hipflask", "application/x-hipflask")
    assert guess_media_type("a.hipflask") == ("application/x-hipflask", None)
    monkeypatch.setitem(mimetypes.encodings_map, ".hipflask", "x-hip")
    assert guess_media_type("a.txt.hipflask") == ("text/plain", "x-hip")


def test_fields_follow_the_file():
    fields, tag = file_fields("/f/a.txt", 5, 1.5, "a.txt", ("text/plain", "gzip"), True)
    assert dict(fields) == {
        "Content-Encoding": "gzip",
        "Content-Disposition": "attachment; filename=a.txt",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": "5",
        "Last-Modified": "Thu, 01 Jan 1970 00:00:01 GMT",
    }
    assert tag == ("ETag", f'"{entity_tag("/f/a.txt", 5, 1.5)}"')
    assert entity_tag("/f/a.txt", 5, 1.5) != entity_tag("/f/a.txt", 6, 1.5)


def test_name_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match="line break"):
        file_fields("/f/a.txt", 5, 1.5, "a\r\nb", ("text/plain", None), False)
