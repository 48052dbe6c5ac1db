"""The native module's interface; ``tests/guards/test_native_stub.py`` compares it with the built module."""

__all__ = ["__version__"]

__version__: str
"""The version of the project that the module was built from, as in ``pyproject.toml``."""
