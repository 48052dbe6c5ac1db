"""The tagged form of JSON: what goes in comes out, in Flask's wire format."""

import datetime
import json
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from hipflask.json.tag import (
    JSONTag,
    PassDict,
    PassList,
    TagDateTime,
    TagDict,
    TaggedJSONSerializer,
    TagTuple,
)

UTC = datetime.UTC
PLUS_THREE = datetime.timezone(datetime.timedelta(hours=3))


class WithHTML:
    def __html__(self):
        return "<h>"


ROWS = {
    "none": (None, "null"),
    "number": (1.5, "1.5"),
    "text": ("é", '"\\u00e9"'),
    "tuple": ((1, 2), '{" t":[1,2]}'),
    "empty tuple": ((), '{" t":[]}'),
    "list": ([1, (2,)], '[1,{" t":[2]}]'),
    "dict": ({"a": (1,)}, '{"a":{" t":[1]}}'),
    "empty dict": ({}, "{}"),
    "bytes": (b"\x00\xff", '{" b":"AP8="}'),
    "markup": (Markup("<b>"), '{" m":"<b>"}'),
    "uuid": (uuid.UUID(int=3), '{" u":"00000000000000000000000000000003"}'),
    "datetime": (
        datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
        '{" d":"Thu, 02 Jan 2020 03:04:05 GMT"}',
    ),
    "dict like a tag": ({" t": 1}, '{" di":{" t__":1}}'),
    "dict like the tag of dicts": ({" di": {" di": 1}}, '{" di":{" di__":{" di":{" di__":1}}}}'),
    "dict with a tag and more": ({" t": 1, "b": 2}, '{" t":1,"b":2}'),
    "dict with an unknown tag": ({" x": 1}, '{" x":1}'),
    "tuple in dict like a tag": ({" t": (1,)}, '{" di":{" t__":{" t":[1]}}}'),
}
ONE_WAY = {
    "aware datetime": (
        datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=PLUS_THREE),
        '{" d":"Thu, 02 Jan 2020 00:04:05 GMT"}',
        datetime.datetime(2020, 1, 2, 0, 4, 5, tzinfo=UTC),
    ),
    "naive datetime": (
        datetime.datetime(2020, 1, 2, 3, 4, 5, 678),
        '{" d":"Thu, 02 Jan 2020 03:04:05 GMT"}',
        datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
    ),
    "html": (WithHTML(), '{" m":"<h>"}', Markup("<h>")),
    "number as key": ({1: 2}, '{"1":2}', {"1": 2}),
    "date": (datetime.date(2020, 1, 1), '"Wed, 01 Jan 2020 00:00:00 GMT"', "Wed, 01 Jan 2020 00:00:00 GMT"),
}


@pytest.mark.parametrize("name", ROWS)
def test_value_has_flasks_form_and_comes_back(name):
    value, text = ROWS[name]
    serializer = TaggedJSONSerializer()
    assert serializer.dumps(value) == text
    assert serializer.loads(text) == value
    assert type(serializer.loads(text)) is type(value)


@pytest.mark.parametrize("name", ONE_WAY)
def test_value_comes_back_in_a_general_form(name):
    value, text, back = ONE_WAY[name]
    serializer = TaggedJSONSerializer()
    assert serializer.dumps(value) == text
    assert serializer.loads(text) == back


@pytest.mark.parametrize("name", [*ROWS, *ONE_WAY])
def test_form_is_that_of_flask(name):
    theirs = pytest.importorskip("flask.json.tag").TaggedJSONSerializer()
    value = {**ROWS, **ONE_WAY}[name][0]
    text = TaggedJSONSerializer().dumps(value)
    assert theirs.dumps(value) == text
    assert theirs.loads(text) == TaggedJSONSerializer().loads(text)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.uuids()
    | st.text().map(Markup)
    | st.datetimes(min_value=datetime.datetime(1970, 1, 1)).map(lambda d: d.replace(microsecond=0, tzinfo=UTC))
)
KEYS = st.text() | st.sampled_from([" t", " di", " b", " d__", "__"])


def containers(inside):
    return st.lists(inside) | st.lists(inside).map(tuple) | st.dictionaries(KEYS, inside)


@given(st.recursive(LEAVES, containers, max_leaves=20))
def test_any_value_comes_back(value):
    serializer = TaggedJSONSerializer()
    assert serializer.loads(serializer.dumps(value)) == value


def test_value_that_no_tag_knows_is_a_type_error():
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        TaggedJSONSerializer().dumps({1})


def test_untag_leaves_other_dicts_alone():
    serializer = TaggedJSONSerializer()
    for value in ({}, {"a": 1}, {" t": [1], "b": 2}, {"": 1}):
        assert serializer.untag(value) is value
    assert serializer.untag({" t": [1]}) == (1,)


# Tags of one's own


class TagSet(JSONTag):
    __slots__ = ()
    key = " s"

    def check(self, value):
        return isinstance(value, set)

    def to_json(self, value):
        return [self.serializer.tag(item) for item in sorted(value)]

    def to_python(self, value):
        return set(value)


class Keyless(JSONTag):
    def check(self, value):
        return isinstance(value, complex)

    def to_json(self, value):
        return str(value)

    def tag(self, value):
        return self.to_json(value)


@pytest.mark.parametrize(
    ("index", "place"),
    [(None, 8), (0, 0), (3, 3), (-1, 7), (100, 8)],
)
def test_registered_tag_is_used_at_its_place(index, place):
    serializer = TaggedJSONSerializer()
    serializer.register(TagSet, index=index)
    assert type(serializer.order[place]) is TagSet
    assert serializer.tags[" s"] is serializer.order[place]
    assert serializer.dumps([{(1,)}]) == '[{" s":[{" t":[1]}]}]'
    assert serializer.loads('[{" s":[{" t":[1]}]}]') == [{(1,)}]


def test_registering_a_key_twice_needs_force():
    serializer = TaggedJSONSerializer()
    serializer.register(TagSet)
    with pytest.raises(KeyError, match="The tag ' s' is in use"):
        serializer.register(TagSet)
    first = serializer.tags[" s"]
    serializer.register(TagSet, force=True)
    assert serializer.tags[" s"] is not first
    assert len(serializer.order) == 10


def test_registering_affects_one_serializer():
    TaggedJSONSerializer().register(TagSet)
    assert " s" not in TaggedJSONSerializer().tags
    assert TagSet not in TaggedJSONSerializer.default_tags


def test_tag_without_key_is_only_asked():
    serializer = TaggedJSONSerializer()
    serializer.register(Keyless)
    assert "" not in serializer.tags
    assert serializer.dumps(1j) == '"1j"'


def test_subclass_chooses_its_tags():
    class Small(TaggedJSONSerializer):
        default_tags = [TagTuple]

    assert Small().dumps((1,)) == '{" t":[1]}'
    with pytest.raises(TypeError, match="bytes is not JSON serializable"):
        Small().dumps(b"x")


@pytest.mark.parametrize("method", ["check", "to_json", "to_python", "tag"])
def test_base_tag_is_abstract(method):
    with pytest.raises(NotImplementedError, match="^$"):
        getattr(JSONTag(TaggedJSONSerializer()), method)(1)


@pytest.mark.parametrize("kind", [PassDict, PassList])
def test_passing_tags_never_read(kind):
    with pytest.raises(NotImplementedError, match="^$"):
        kind(TaggedJSONSerializer()).to_python({})


def test_tag_of_dicts_knows_only_keys_that_are_tags():
    tag = TagDict(TaggedJSONSerializer())
    assert [tag.check(v) for v in ({" t": 1}, {"t": 1}, {}, {" t": 1, "b": 2}, [" t"])] == [
        True,
        False,
        False,
        False,
        False,
    ]


def test_malformed_date_is_none():
    assert TagDateTime(TaggedJSONSerializer()).to_python("no date") is None


def test_reading_needs_no_module_until_a_tag_does(without_coverage):
    code = (
        "import sys\n"
        "from hipflask.json.tag import TaggedJSONSerializer\n"
        "serializer = TaggedJSONSerializer()\n"
        "assert 'uuid' not in sys.modules\n"
        "assert serializer.dumps([1, object.__name__]) == '[1,\"object\"]'\n"
        "assert 'uuid' not in sys.modules\n"
        'assert serializer.loads(\'{" u":"00000000000000000000000000000003"}\').int == 3\n'
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=without_coverage, timeout=30)


def test_text_is_compact_json():
    assert json.loads(TaggedJSONSerializer().dumps({"a": [1, {"b": 2}]})) == {"a": [1, {"b": 2}]}
    assert " " not in TaggedJSONSerializer().dumps({"a": [1, {"b": 2}]})
