"""The calls of the wire table that have no test here, each with its reason."""

from __future__ import annotations

__all__ = ["WAITING"]

_NEXT = "Whether a 'next' address may be followed is asked by extensions (login, admin); Flask has no such function."
_SERVER_SIDE = "Sessions on the server are an extension; the core keeps them in a signed cookie."

WAITING: dict[str, str] = {
    # Where a login may lead; the core's own redirects are tried with the same texts in test_redirects.py.
    "RD-032": _NEXT,
    "RD-033": _NEXT,
    "RD-034": _NEXT,
    "RD-043": _NEXT,
    "SE-025": "As in Flask: what a generator writes to the session after the head was sent is lost.",
    "SE-028": _SERVER_SIDE,
    "SE-029": _SERVER_SIDE,
    "SE-030": _SERVER_SIDE,
    "SE-033": _SERVER_SIDE,
    "JS-040": "Types of form fields are checked by extensions (login, forms).",
    "JS-041": "JSON is parsed by the standard library; there is no parser of our own to compare with it.",
    "RH-018": "A recipe in the documentation, which comes with the site.",
    "RH-019": "Early hints (103) are not there yet.",
    "HO-044": "The debugger is not there yet; without it the server shows nothing that another site must not read.",
    "LG-009": "As in Flask: the application's logger writes messages as they are; format user's text with %r.",
    "LG-011": "There is no setting yet for parameters to mask in the access log.",
    "LG-015": "Log files, and reopening them, come with the supervisor; the access log goes to stderr or to logging.",
    "TN-038": "Regexes of custom converters are the application's own; those of the built-in ones are linear.",
}
