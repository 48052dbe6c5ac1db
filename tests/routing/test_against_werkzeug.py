"""Random maps, paths and values on hipflask and on Werkzeug: the same rules, redirects, errors and URLs."""

import random
from typing import Any

import pytest

from hipflask import routing as ours

theirs: Any = pytest.importorskip("werkzeug.routing")

SEEDS = range(120)
NAMES = "abcdef"
STATIC = ["", "a", "b", "ab", "x-1", "caf\u00e9", "1", "2.5", "a b"]
CONVERTERS = [
    "",
    "",
    "string:",
    "int:",
    "int:",
    "int(signed=True):",
    "int(fixed_digits=2):",
    "int(min=2, max=20):",
    "float:",
    "string(length=2):",
    "string(minlength=2, maxlength=3):",
    "any(a, b, ab):",
    "path:",
    "uuid:",
    "even:",
    "word:",
    "deep:",
]
TEXTS = ["", "a", "b", "ab", "abc", "1", "2", "07", "-3", "2.5", "x-1", "a b", "caf\u00e9", "\u00b2", "a.b", "1\n"]
UUID = "12345678-1234-5678-1234-567812345678"
METHODS: list[Any] = [None, None, None, ["GET"], ["POST"], ["GET", "PUT"]]
HOSTS = ["", "", "", "api", "<sub>", "v<int:sub>", "<sub>.x"]


def converters_of(routing: Any) -> dict[str, Any]:
    class Even(routing.BaseConverter):  # type: ignore[misc,name-defined]
        regex = r"\d+"
        weight = 60

        def to_python(self, value: str) -> int:
            if int(value) % 2:
                raise routing.ValidationError
            return int(value)

        def to_url(self, value: Any) -> str:
            if int(value) % 2:
                raise routing.ValidationError
            return str(value)

    class Word(routing.BaseConverter):  # type: ignore[misc,name-defined]
        regex = "(?:([a-z])|(?P<other>x-))+"

    class Deep(routing.BaseConverter):  # type: ignore[misc,name-defined]
        regex = "[a-z]/[a-z]"

    return {"even": Even, "word": Word, "deep": Deep}


def random_segment(rng: random.Random, names: list[str]) -> str:
    kind = rng.random()
    if kind < 0.45 or not names:
        return rng.choice(STATIC)
    if kind < 0.85 or len(names) < 2:
        return f"<{rng.choice(CONVERTERS)}{names.pop()}>"
    first, second = names.pop(), names.pop()
    return f"{rng.choice(STATIC)}<{rng.choice(CONVERTERS)}{first}>{rng.choice(['-', '.', 'a'])}<{second}>"


def random_rule(rng: random.Random, number: int) -> dict[str, Any]:
    names = list(NAMES)
    rng.shuffle(names)
    path = "/" + "/".join(random_segment(rng, names) for _ in range(rng.choice([0, 1, 1, 2, 2, 3])))
    if rng.random() < 0.35:
        path += "/"
    options: dict[str, Any] = {"string": path, "endpoint": f"e{rng.randrange(number + 1)}"}
    options["methods"] = rng.choice(METHODS)
    if rng.random() < 0.1:
        options.update(websocket=True, methods=None)
    if rng.random() < 0.15:
        options["strict_slashes"] = rng.random() < 0.5
    if rng.random() < 0.15:
        options["merge_slashes"] = rng.random() < 0.5
    if rng.random() < 0.25:
        options["defaults"] = {rng.choice(NAMES): rng.choice([1, 2, "1", "ab"])}
    if rng.random() < 0.1:
        options["alias"] = True
    if rng.random() < 0.05:
        options["build_only"] = True
    if rng.random() < 0.05:
        options["redirect_to"] = rng.choice(["/a", "b?x=1", "//other/x", "http://o.test/<a>"])
    return options


def random_map(rng: random.Random) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    rules = [random_rule(rng, number) for number in range(rng.choice([1, 3, 8, 20]))]
    options: dict[str, Any] = {}
    kind = rng.random()
    if kind < 0.4:
        options["host_matching"] = kind < 0.2
        for rule in rules:
            rule["host" if kind < 0.2 else "subdomain"] = rng.choice(HOSTS)
    for name in ("strict_slashes", "merge_slashes", "redirect_defaults"):
        options[name] = rng.random() < 0.8
    options["sort_parameters"] = rng.random() < 0.2
    return rules, options


def random_path(rng: random.Random, rules: list[dict[str, Any]]) -> str:
    """A path that a rule may match, or nearly."""
    segments = []
    for segment in rng.choice(rules)["string"].split("/")[1:]:
        if "<" not in segment:
            segments.append(segment)
        elif "uuid:" in segment:
            segments.append(UUID)
        elif ">" in segment[:-1]:
            segments.append(rng.choice(TEXTS) + rng.choice(["-", ".", "a"]) + rng.choice(TEXTS))
        elif "deep:" in segment:
            segments.append("a/b")
        else:
            segments.append(rng.choice(TEXTS))
    if rng.random() < 0.2:
        segments.insert(rng.randrange(len(segments) + 1), rng.choice(TEXTS))
    path = "/" + "/".join(segments)
    path += rng.choice(["", "", "", "/", "//"])
    return path if rng.random() < 0.9 else path.rstrip("/")


def make(routing: Any, rules: list[dict[str, Any]], options: dict[str, Any]) -> Any:
    url_map = routing.Map(converters=converters_of(routing), **options)
    added = []
    for number, rule in enumerate(rules):
        try:
            url_map.add(routing.Rule(**rule))
            added.append(number)
        except (ValueError, SyntaxError) as error:
            added.append(type(error).__name__)
    return url_map, added


def outcome(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What a call gives, in a form that can be compared."""
    try:
        found = function(*args, **kwargs)
    except Exception as error:
        more = getattr(error, "new_url", None) or sorted(getattr(error, "valid_methods", None) or ())
        return type(error).__name__, more
    if isinstance(found, list):
        return sorted(found)
    if isinstance(found, tuple) and hasattr(found[0], "rule"):
        return found[0].rule, found[0].endpoint, found[1]
    return found


def compare_matches(rng: random.Random, rules: list[dict[str, Any]], maps: list[Any]) -> None:
    for _ in range(60):
        host = rng.choice(["h", "h", "api", "v1", "q.x", "<invalid>"])
        bind: dict[str, Any] = {
            "url_scheme": rng.choice(["http", "https", "ws", ""]),
            "script_name": rng.choice([None, "/s"]),
        }
        bind["query_args"] = rng.choice([None, "q=1", {"q": [1, None, "\u00e9"], "n": None}])
        if maps[0].host_matching:
            bind["server_name"] = host
        else:
            bind.update(server_name="h", subdomain=None if host == "h" else host)
        path, method = random_path(rng, rules), rng.choice(["GET", "POST", "PUT", "HEAD", "get"])
        adapters = [url_map.bind(**bind) for url_map in maps]
        mine, other = (outcome(adapter.match, path, method, return_rule=True) for adapter in adapters)
        assert mine == other, (path, method, bind)
        for check in ("allowed_methods", "test"):
            one, two = (outcome(getattr(adapter, check), path) for adapter in adapters)
            assert one == two, (path, check)
        compare_find(adapters[0], path, method, mine)


def compare_find(adapter: Any, path: str, method: str, expected: Any) -> None:
    """``find`` gives what ``match`` gives, or nothing."""
    if adapter.websocket or method != method.upper():
        return
    domain = adapter.server_name if adapter.map.host_matching else adapter.subdomain
    found = adapter.map.find(path, method, domain)
    if found is not None:
        assert (found[0].rule, found[0].endpoint, found[1]) == expected


def compare_builds(rng: random.Random, rules: list[dict[str, Any]], maps: list[Any]) -> None:
    for _ in range(60):
        values = {
            name: rng.choice([None, 1, 2, 17, "1", "ab", "a b", "caf\u00e9/x?", 2.5, True, [1, 2], "a&=b"])
            for name in rng.sample([*NAMES, "sub", "zz"], rng.randrange(6))
        }
        arguments = {
            "endpoint": f"e{rng.randrange(len(rules) + 1)}",
            "values": values,
            "method": rng.choice([None, None, "GET", "POST", "DELETE"]),
            "force_external": rng.random() < 0.2,
            "append_unknown": rng.random() < 0.9,
            "url_scheme": rng.choice([None, None, "https", "", "ws"]),
        }
        bind: dict[str, Any] = {"server_name": rng.choice(["h", "api"]), "script_name": rng.choice([None, "/s/t"])}
        if not maps[0].host_matching:
            bind["subdomain"] = rng.choice([None, "api", "v1"])
        mine, other = (outcome(url_map.bind(**bind).build, **arguments) for url_map in maps)
        assert mine == other, (arguments, bind)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_map_behaves_as_in_werkzeug(seed: int) -> None:
    rng = random.Random(seed)
    rules, options = random_map(rng)
    (mine, mine_added), (other, other_added) = make(ours, rules, options), make(theirs, rules, options)
    assert mine_added == other_added
    compare_matches(rng, rules, [mine, other])
    compare_builds(rng, rules, [mine, other])
    for rule in rules:
        endpoint = rule["endpoint"]
        assert outcome(lambda m=mine, e=endpoint: list(map(str, m.iter_rules(e)))) == outcome(
            lambda m=other, e=endpoint: list(map(str, m.iter_rules(e)))
        )
    weights = [[repr(rule._trace) for rule in url_map.iter_rules()] for url_map in (mine, other)]
    assert weights[0] == weights[1]
