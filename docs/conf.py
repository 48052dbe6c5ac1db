"""How Sphinx builds the site: ``make docs``."""

from __future__ import annotations

import tomllib
from pathlib import Path

_metadata = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))

project = "hipflask"
author = _metadata["project"]["authors"][0]["name"]
copyright = author
release = _metadata["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
root_doc = "index"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3  # pages link to each other's headings

autodoc_typehints = "none"  # signatures stay short; the parameters are described
autodoc_member_order = "groupwise"
autodoc_default_options = {"members": True, "inherited-members": True}

html_theme = "furo"
html_title = f"hipflask {release}"
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
