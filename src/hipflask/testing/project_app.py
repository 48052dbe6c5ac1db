"""The application of the project whose tests run, found as ``hipflask run`` finds it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hipflask.cli.discovery import NoAppException, locate_app, prepare_import, split_import_path

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["NoProjectAppError", "find_project_app"]

_VARIABLES = ("HIPFLASK_APP", "FLASK_APP")
_DEFAULT_MODULES = ("wsgi", "app")


class NoProjectAppError(Exception):
    """There is no application, or it cannot be told which one is meant; the text says what to do."""


def find_project_app(setting: str, setting_folder: str, folder: str) -> Flask:
    """Return the application that a project's tests are about; a factory is called at each call.

    In this order: what *setting* names, ``HIPFLASK_APP``, ``FLASK_APP``, ``wsgi.py``, ``app.py``. Files of variables
    (``.env``) are not read: what they name is seldom meant for tests.

    Args:
        setting: ``"module:name"``, ``"path.py:create_app(True)"``, as for ``--app``; empty if there is none.
        setting_folder: Folder that a path in it is relative to.
        folder: Folder that a path in a variable is relative to. The default files are looked for in both.

    Raises:
        NoProjectAppError: There is none.
    """
    if setting:
        return _load(setting, setting_folder, f"hipflask_app = {setting}")
    for variable in _VARIABLES:
        value = os.environ.get(variable)
        if value:
            return _load(value, folder, f"{variable}={value}")
    for place in dict.fromkeys((folder, setting_folder)):
        for module in _DEFAULT_MODULES:
            path = os.path.join(place, module)
            if os.path.isfile(f"{path}.py") or os.path.isfile(os.path.join(path, "__init__.py")):
                return _load(module, place, module)
    places = " or ".join(dict.fromkeys((folder, setting_folder)))
    raise NoProjectAppError(
        "neither hipflask_app in pytest's configuration nor the variables HIPFLASK_APP and FLASK_APP name an "
        f"application, and there is no wsgi.py and no app.py in {places}."
    )


def _load(path: str, folder: str, source: str) -> Flask:
    """Import an application named as for ``--app``."""
    module, name = split_import_path(path)
    try:
        return locate_app(prepare_import(os.path.join(folder, module)), name)
    except NoAppException as error:
        raise NoProjectAppError(f"{source}: {error.format_message()}") from error
