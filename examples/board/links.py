"""Addresses in what people wrote become links; everything else stays text."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from hipflask import Flask

# Up to a space or a quotation mark; a full stop or a bracket at the end belongs to the sentence.
ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,:;!?()\[\]{}]")
LINK = Markup('<a href="{0}" rel="nofollow ugc">{0}</a>')


def init_app(app: Flask) -> None:
    """Give templates the filter `links`."""
    app.add_template_filter(add_links, "links")


def add_links(text: str) -> Markup:
    """Return *text* as HTML, escaped, with a link for each `http` and `https` address."""
    parts, end = [], 0
    for found in ADDRESS.finditer(text):
        parts += [escape(text[end : found.start()]), LINK.format(found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])
