"""An application's settings: a dict that can fill itself from files, objects and the environment.

Source: the behaviour of ``flask.config`` 3.1.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar, overload

from hipflask.imports import import_string

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Config", "ConfigAttribute"]

T = TypeVar("T")


class ConfigAttribute(Generic[T]):
    """An attribute of the application that reads and writes a key of its ``config``.

    Args:
        name: The key.
        get_converter: Called with the value when the attribute is read.
    """

    def __init__(self, name: str, get_converter: Callable[[Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @overload
    def __get__(self, obj: None, owner: None) -> Self: ...

    @overload
    def __get__(self, obj: Any, owner: type[Any] | None = None) -> T: ...

    def __get__(self, obj: Any, owner: type[Any] | None = None) -> T | Self:
        if obj is None:
            return self
        value = obj.config[self.__name__]
        if self.get_converter is None:
            return value  # type: ignore[no-any-return]  # PERF: a cast is a call
        return self.get_converter(value)

    def __set__(self, obj: Any, value: Any) -> None:
        obj.config[self.__name__] = value


class Config(dict[str, Any]):
    """A dict of settings, with ways to load more of them.

    Only names in upper case are taken from files and objects; a configuration module can have others too.

    Args:
        root_path: Folder that relative file names start from; the application's ``root_path``.
        defaults: The first settings.
    """

    def __init__(self, root_path: str | os.PathLike[str], defaults: dict[str, Any] | None = None) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Load the Python file that an environment variable names.

        Args:
            variable_name: The variable; it holds a path for :meth:`from_pyfile`.
            silent: Return ``False`` instead of raising if the variable is not set or the file does not exist.

        Returns:
            Whether a file was loaded.

        Raises:
            RuntimeError: The variable is not set or empty.
        """
        filename = os.environ.get(variable_name)
        if filename:
            return self.from_pyfile(filename, silent=silent)
        if silent:
            return False
        raise RuntimeError(
            f"There is no configuration to load: the environment variable {variable_name!r} is not set. "
            "Set it to the path of a configuration file."
        )

    def from_prefixed_env(self, prefix: str = "FLASK", *, loads: Callable[[str], Any] = json.loads) -> bool:
        """Load the environment variables whose names start with ``prefix_``.

        Variables are taken in the order of their names. A double underscore goes into a dict:
        ``FLASK_MAIL__PORT=25`` sets ``config["MAIL"]["PORT"]``, and makes the dict if there is none.

        Args:
            prefix: What the names start with, without the underscore, which is removed too.
            loads: Makes the value from the text; text for which it raises is kept as it is.

        Returns:
            ``True``.

        Raises:
            TypeError: A variable names a key inside a value that is not a dict.
        """
        prefix = f"{prefix}_"
        for variable in sorted(os.environ):
            if variable.startswith(prefix):
                text = os.environ[variable]
                try:
                    value = loads(text)
                except Exception:  # whatever the loader does not understand is plain text
                    value = text
                self._set_nested(variable, variable.removeprefix(prefix).split("__"), value)
        return True

    def _set_nested(self, variable: str, keys: list[str], value: Any) -> None:
        container: Any = self
        for key in keys[:-1]:
            container = container.setdefault(key, {})
            if not hasattr(container, "setdefault"):
                raise TypeError(
                    f"The environment variable {variable!r} sets a key inside {key!r}, whose value is not "
                    f"a dict but of type {type(container).__name__!r}. Remove one of the two settings."
                )
        container[keys[-1]] = value

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and load the names it defines.

        Args:
            filename: Path, absolute or from :attr:`root_path`.
            silent: Return ``False`` if there is no such file instead of raising.

        Returns:
            Whether the file was loaded.

        Raises:
            OSError: The file cannot be read.
        """
        path = os.path.join(self.root_path, filename)
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError as error:
            if silent and error.errno in {errno.ENOENT, errno.EISDIR, errno.ENOTDIR}:
                return False
            _name_the_cause(error)
            raise
        module = ModuleType("config")
        module.__file__ = path
        exec(compile(source, path, "exec"), module.__dict__)
        self.from_object(module)
        return True

    def from_object(self, obj: object | str) -> None:
        """Load the attributes of an object, usually a module or a class.

        Args:
            obj: The object, or its name for :func:`~hipflask.imports.import_string`. A class is not
                instantiated; for properties, pass an instance. For a dict there is :meth:`from_mapping`.
        """
        if isinstance(obj, str):
            obj = import_string(obj)
        for name in dir(obj):
            if name.isupper():
                self[name] = getattr(obj, name)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[IO[Any]], Mapping[str, Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Load a file with a function that makes a mapping of it.

        Args:
            filename: Path, absolute or from :attr:`root_path`.
            load: Called with the open file, e.g. ``json.load`` or ``tomllib.load``.
            silent: Return ``False`` if there is no such file instead of raising.
            text: Open the file as text (UTF-8, unless Python is told otherwise) or as bytes.

        Returns:
            Whether the file was loaded.

        Raises:
            OSError: The file cannot be read.

        Example::

            app.config.from_file("settings.json", load=json.load)
        """
        path = os.path.join(self.root_path, filename)
        try:
            with open(path, "r" if text else "rb") as file:
                values = load(file)
        except OSError as error:
            if silent and error.errno in {errno.ENOENT, errno.EISDIR}:
                return False
            _name_the_cause(error)
            raise
        return self.from_mapping(values)

    def from_mapping(self, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> bool:
        """Set the items whose keys are in upper case.

        Args:
            mapping: The settings.
            kwargs: More settings; they win over *mapping*.

        Returns:
            ``True``.
        """
        values: dict[str, Any] = dict(mapping or ())
        values.update(kwargs)
        self.update({key: value for key, value in values.items() if key.isupper()})
        return True

    def get_namespace(self, namespace: str, lowercase: bool = True, trim_namespace: bool = True) -> dict[str, Any]:
        """Return the settings whose keys start with a prefix, for example to pass them on as arguments.

        Args:
            namespace: The prefix, with its underscore.
            lowercase: Return keys in lower case.
            trim_namespace: Return keys without the prefix.

        Example::

            app.config["IMAGE_STORE_TYPE"] = "fs"
            app.config.get_namespace("IMAGE_STORE_")  # {"type": "fs"}
        """
        found = {}
        for key, value in self.items():
            if key.startswith(namespace):
                name = key.removeprefix(namespace) if trim_namespace else key
                found[name.lower() if lowercase else name] = value
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict.__repr__(self)}>"


def _name_the_cause(error: OSError) -> None:
    """Say in an error that it was about a configuration file."""
    error.strerror = f"Unable to load configuration file ({error.strerror})"
