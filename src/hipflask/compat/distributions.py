"""What ``importlib.metadata`` says of Flask and Werkzeug in compat mode: one distribution each, of our versions."""

from __future__ import annotations

import typing as t
from importlib.metadata import Distribution
from pathlib import Path

from hipflask.compat import tables

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["CompatDistribution", "hide_real_ones", "our_distributions"]

_ENTRY_POINTS = {"Flask": "[console_scripts]\nflask = flask.cli:main\n"}
_NAMES = {name.lower(): name for name in tables.VERSIONS}


class CompatDistribution(Distribution):
    """Metadata of a distribution that hipflask stands for.

    Args:
        name: ``"Flask"`` or ``"Werkzeug"``.
    """

    def __init__(self, name: str) -> None:
        self._texts = {
            "METADATA": (
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {tables.VERSIONS[name]}\n"
                f"Summary: The API of {name}, provided by hipflask\nRequires-Python: >=3.9\n"
            ),
            "entry_points.txt": _ENTRY_POINTS.get(name, ""),
            "top_level.txt": f"{name.lower()}\n",
            "INSTALLER": "hipflask\n",
        }

    def read_text(self, filename: str) -> str | None:
        """Return the text of a metadata file, ``None`` for one that there is not."""
        return self._texts.get(filename)

    def locate_file(self, path: t.Any) -> Path:
        """Return where a file of the distribution would be: beside the package hipflask."""
        return Path(__file__).parent.parent.parent.joinpath(path)


def _is_default_path(context: t.Any) -> bool:
    """Return whether installed distributions in general are asked for, not those of a certain folder."""
    return "path" not in vars(context)


def our_distributions(context: t.Any) -> Iterator[Distribution]:
    """Yield the distributions that a search of ``importlib.metadata`` is for.

    Args:
        context: Its ``DistributionFinder.Context``.
    """
    if _is_default_path(context):
        names = _NAMES.values() if context.name is None else [_NAMES.get(context.name.lower())]
        yield from (CompatDistribution(name) for name in names if name is not None)


def hide_real_ones(found: Iterable[t.Any], context: t.Any) -> Iterator[t.Any]:
    """Yield what another finder has found, but for distributions that hipflask stands for.

    Args:
        found: Distributions.
        context: The search's ``DistributionFinder.Context``; a search in a certain folder is left alone.
    """
    is_default = _is_default_path(context)
    for distribution in found:
        if is_default and (distribution.metadata["Name"] or "").lower() in _NAMES:
            continue
        yield distribution
