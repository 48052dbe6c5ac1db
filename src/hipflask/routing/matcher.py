"""The matcher: a tree of states, one step for each segment of a path, that finds the rule for a request.

From each state a segment leads on by itself (static) or by a placeholder (dynamic). Static steps are tried before
dynamic ones, those in the order of their weights; where a step leads nowhere, the next one is tried. So the rule
found depends on what rules look like, and only among equals on their order; and the time it takes depends on the
path, not on how many rules there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from hipflask.routing.converters import ValidationError
from hipflask.routing.exceptions import NoMatch, RequestAliasRedirect, RequestPath
from hipflask.routing.parts import RulePart, is_digits, is_text

if TYPE_CHECKING:
    from hipflask.routing.rules import Rule

__all__ = ["SlashRequired", "State", "StateMachineMatcher", "walk"]

# Kinds of branches. PERF: the first two, which most placeholders are, need no regex.
_TEXT = 0
_DIGITS = 1
_REGEX = 2

_Branch = tuple[int, "State", "_Pattern"]

_NO_STATES: dict[str, State] = {}


class SlashRequired(Exception):
    """The matcher's word to itself that a slash at the end of the path would make it match."""


class _Pattern:
    """The regex of a part, compiled when it is first needed."""

    __slots__ = ("_groups", "_part", "_regex")

    def __init__(self, part: RulePart) -> None:
        self._part = part
        self._regex: re.Pattern[str] | None = None

    def take(self, segments: list[str], values: list[str]) -> list[str] | None:
        """Match the first segment, or all of them, and add what is found to *values*.

        Returns:
            The segments that are left, ``None`` if there is no match.
        """
        part = self._part
        if self._regex is None:
            regex = re.compile(part.content)
            # Converters may have groups of their own, which are no values.
            self._groups = [regex.groupindex[f"__arg{n}"] for n in range(len(part.weight.argument_weights))]
            self._regex = regex
        found = self._regex.match("/".join(segments) if part.final else segments[0])
        if found is None:
            return None
        if len(self._groups) == 1:
            values.append(found[self._groups[0]])
        else:
            values.extend(found[group] for group in self._groups)
        if not part.final:
            return segments[1:]
        return [""] if part.suffixed and found[self._regex.groups] == "/" else []


class State:
    """What is known after some segments of a path: where the next one may lead, and which rules end here.

    Args:
        dynamic: Parts with placeholders and where they lead, in the order in which they are tried.
        rules: Rules that end here, in the order in which they were added.
        static: Segments and where they lead.
    """

    __slots__ = ("_by_part", "branches", "dynamic", "only", "only_digits", "rules", "static")

    def __init__(
        self,
        dynamic: list[tuple[RulePart, State]] | None = None,
        rules: list[Rule] | None = None,
        static: dict[str, State] | None = None,
    ) -> None:
        self.dynamic = dynamic or []
        self.rules = rules or []
        self.static = static or {}
        self._by_part: dict[RulePart, State] = dict(self.dynamic)
        self.sort()

    def follow(self, part: RulePart) -> State:
        """Return the state that *part* leads to, made if there is none."""
        if part.static:
            child = self.static.get(part.content)
            if child is None:
                child = self.static[part.content] = State()
            return child
        child = self._by_part.get(part)
        if child is None:
            child = self._by_part[part] = State()
            self.dynamic.append((part, child))
        return child

    def sort(self) -> None:
        """Bring the dynamic steps into the order of their weights, and make them ready for matching."""
        # A new list: other threads may be going through the old one.
        self.dynamic = sorted(self.dynamic, key=lambda step: step[0].weight)
        branches: list[_Branch] = []
        for part, child in self.dynamic:
            kind = _TEXT if is_text(part) else _DIGITS if is_digits(part) else _REGEX
            branches.append((kind, child, _Pattern(part)))
        # PERF: a state with a single simple branch, the usual kind, is left without a function call.
        is_simple = len(branches) == 1 and branches[0][0] != _REGEX
        self.only: State | None = branches[0][1] if is_simple else None
        self.only_digits = is_simple and branches[0][0] == _DIGITS
        self.branches: tuple[_Branch, ...] = tuple(branches)


def _miss(notes: list[Rule], method: str) -> NoMatch:
    """Return the exception that says what nearly fits.

    Args:
        notes: Rules for the path, but not for the request.
        method: The request's method.
    """
    have_match_for: set[str] = set()
    is_for_other_kind = False
    for rule in notes:
        if rule.methods is not None and method not in rule.methods:
            have_match_for.update(rule.methods)
        else:
            is_for_other_kind = True
    return NoMatch(have_match_for, is_for_other_kind)


class _Miss(NamedTuple):
    """A search for a plain HTTP request that found nothing."""

    domain: str
    path: str
    method: str
    notes: list[Rule] | None
    """Rules for the path, but not for the request; ``None`` if only a slash at the end is missing."""


def walk(
    state: State, segments: Iterator[str], values: list[str], method: str, notes: list[Rule], websocket: bool
) -> Rule | None:
    """Return the rule that segments lead to.

    Args:
        state: Where to begin.
        segments: The segments that are left.
        values: Receives the text of the placeholders; of no use if there is no rule.
        method: The request's method.
        notes: Receives rules for the path, but not for the method or not for the kind of request.
        websocket: Whether the request is a WebSocket handshake.

    Raises:
        SlashRequired: There is one for the path with a slash at its end.
    """
    for segment in segments:
        child = state.static.get(segment)
        if child is not None:
            # An empty segment is an alternative to none for rules that end here.
            if not state.branches and (segment or not state.rules):
                state = child
                continue
            rest = list(segments)
            size = len(values)
            rule = walk(child, iter(rest), values, method, notes, websocket)
            if rule is not None:
                return rule
            del values[size:]
            return _branch(state, [segment, *rest], values, method, notes, websocket)
        if state.only is None or not ((segment.isdecimal() and segment.isascii()) if state.only_digits else segment):
            return _branch(state, [segment, *segments], values, method, notes, websocket)
        values.append(segment)
        state = state.only
    # PERF: the same as _end(), without the call.
    if not websocket:
        for rule in state.rules:
            methods = rule.methods
            if (methods is None or method in methods) and not rule.websocket:
                return rule
    return _end(state, method, notes, websocket)


def _branch(
    state: State, segments: list[str], values: list[str], method: str, notes: list[Rule], websocket: bool
) -> Rule | None:
    """Return the rule that dynamic steps lead to; arguments as for :func:`walk`."""
    segment = segments[0]
    size = len(values)
    for kind, child, pattern in state.branches:
        if kind == _REGEX:
            rest = pattern.take(segments, values)
            if rest is None:
                continue
        elif (segment.isdecimal() and segment.isascii()) if kind == _DIGITS else segment:
            values.append(segment)
            rest = segments[1:]
        else:
            continue
        rule = walk(child, iter(rest), values, method, notes, websocket)
        if rule is not None:
            return rule
        del values[size:]
    if segment or len(segments) > 1:
        return None
    # Nothing is left but a slash, which rules that are not strict do not mind.
    return _pick([rule for rule in state.rules if not rule.strict_slashes], method, notes, websocket)


def _first_branch(state: State, segment: str) -> State | None:
    """Return where the first dynamic step leads that takes a segment, ``None`` if that needs a regex."""
    for kind, child, _ in state.branches:
        if kind == _REGEX:
            return None
        if (segment.isdecimal() and segment.isascii()) if kind == _DIGITS else segment:
            return child
    return None


def _pick(rules: list[Rule], method: str, notes: list[Rule], websocket: bool) -> Rule | None:
    """Return the first rule for the request; note those before it."""
    for rule in rules:
        if (rule.methods is None or method in rule.methods) and rule.websocket == websocket:
            return rule
        notes.append(rule)
    return None


def _end(state: State, method: str, notes: list[Rule], websocket: bool) -> Rule | None:
    """Return the rule where the segments end, or one that may do without the slash it ends with.

    Raises:
        SlashRequired: There is one with a slash, and it is strict.
    """
    rule = _pick(state.rules, method, notes, websocket)
    branch = state.static.get("")
    if rule is not None or branch is None:
        return rule
    # As in Werkzeug, the methods of these rules do not count for a path without the slash.
    rule = _pick(branch.rules, method, [], websocket)
    if rule is not None and rule.strict_slashes:
        raise SlashRequired
    return rule


class StateMachineMatcher:
    """All rules of a map as a tree of states.

    Args:
        merge_slashes: Whether a path with slashes next to each other is tried again with one in their place.
    """

    def __init__(self, merge_slashes: bool) -> None:
        self.merge_slashes = merge_slashes
        self._root = State()
        self._unsorted: list[State] = []
        # PERF: who gets nothing from find() asks match() for the reason. One search is enough for both.
        self._missed: _Miss | None = None
        # PERF: the matcher's first way is the static one; this is where it leads, in one step.
        self.static_states: dict[str, dict[str, State]] = {}
        """By domain and path, the states that are reached without placeholders. The path may go on from there."""

    def add(self, rule: Rule) -> None:
        """Add a compiled rule. It is found after the next :meth:`update`, perhaps before."""
        state = self._root
        for part in rule._parts:
            if not part.static:
                self._unsorted.append(state)
            state = state.follow(part)
        self._note_static(rule)
        state.rules.append(rule)
        self._missed = None

    def _note_static(self, rule: Rule) -> None:
        """Note the states that a rule passes before its first placeholder, by the path up to there."""
        domain, *path = rule._parts
        if not domain.static:
            return
        states = self.static_states.setdefault(domain.content, {})
        state = self._root.static[domain.content]
        text = ""
        for index, part in enumerate(path):
            if not part.static:
                break
            state = state.static[part.content]
            text = f"{text}/{part.content}" if index else ""
            # What a path begins with is one slash for match(), however many there are.
            if not text.startswith("//"):
                states[text] = state

    def update(self) -> None:
        """Bring what was added since the last time into its order."""
        unsorted, self._unsorted = self._unsorted, []
        for state in unsorted:
            state.sort()

    def find(self, domain: str, path: str, method: str, values: list[str]) -> Rule | None:
        """Return the rule of a plain HTTP request, by the same way as :meth:`match`, if there is one.

        Args:
            domain: Subdomain or host.
            path: The path, decoded.
            method: The method, in upper case.
            values: Receives the text of the placeholders.
        """
        states = self.static_states.get(domain, _NO_STATES)
        # PERF: the first way that walk() tries is the static one, to the end or up to the last segment. Where
        # it leads is known; most requests need no more.
        leaf = states.get(path)
        if leaf is None:
            head, _, tail = path.rpartition("/")
            state = states.get(head)
            if state is not None and head != "/":
                values.append(tail)
                if state.only is None:
                    leaf = _first_branch(state, tail) if state.branches else None
                elif (tail.isdecimal() and tail.isascii()) if state.only_digits else tail:
                    leaf = state.only
        if leaf is not None:
            for rule in leaf.rules:
                methods = rule.methods
                if (methods is None or method in methods) and not rule.websocket:
                    return rule
        values.clear()
        start = states.get("")
        if start is None or path[1:2] in {"", "/"}:
            return None  # MapAdapter.match() may have something to put right
        notes: list[Rule] = []
        try:
            found = walk(start, iter(path[1:].split("/")), values, method, notes, False)
        except SlashRequired:
            return self._keep_miss(_Miss(domain, path, method, None))
        return found if found is not None else self._keep_miss(_Miss(domain, path, method, notes))

    def _keep_miss(self, miss: _Miss) -> Rule | None:
        """Keep the outcome of a search, unless there may be a rule elsewhere, by placeholders in domains."""
        if not self._root.branches:
            self._missed = miss
        return None

    def has_missed(self, domain: str, path: str, method: str) -> bool:
        """Return whether the last search of :meth:`find` that found nothing was this one; arguments as there."""
        missed = self._missed
        return missed is not None and missed[:3] == (domain, path, method)

    def match(self, domain: str, path: str, method: str, websocket: bool) -> tuple[Rule, dict[str, Any]]:
        """Return the rule of a request and its arguments.

        Args:
            domain: Subdomain or host.
            path: The path, decoded.
            method: The method, in upper case.
            websocket: Whether it is a WebSocket handshake.

        Raises:
            RequestPath: Another spelling of the path would match.
            RequestAliasRedirect: The rule is an alias.
            NoMatch: There is none.
        """
        values: list[str] = []
        notes: list[Rule] = []
        rule = self._search(domain, path, values, method, notes, websocket)
        if rule is None and self.merge_slashes and "//" in path:
            path = re.sub("/{2,}", "/", path)
            values.clear()
            rule = self._search(domain, path, values, method, notes, websocket)
            if rule is not None and rule.merge_slashes:
                raise RequestPath(path)
            rule = None
        if rule is None:
            raise _miss(notes, method)
        result: dict[str, Any] = {}
        for (name, converter), value in zip(rule._converters.items(), values, strict=True):
            try:
                result[name] = converter.to_python(value)
            except ValidationError as error:
                raise _miss(notes, method) from error
        if rule.defaults:
            result.update(rule.defaults)
        if rule.alias and rule.map.redirect_defaults:
            raise RequestAliasRedirect(result, rule.endpoint)
        return rule, result

    def _search(
        self, domain: str, path: str, values: list[str], method: str, notes: list[Rule], websocket: bool
    ) -> Rule | None:
        """Return the rule for a path, if there is one as it is written; arguments as for :func:`walk`."""
        missed = self._missed
        if missed is not None and not websocket and missed[:3] == (domain, path, method):
            self._missed = None
            if missed.notes is None:
                raise RequestPath(f"{path}/")
            notes += missed.notes
            return None
        try:
            return walk(self._root, iter([domain, *path.split("/")]), values, method, notes, websocket)
        except SlashRequired:
            raise RequestPath(f"{path}/") from None
