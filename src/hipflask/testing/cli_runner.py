"""Run an application's commands in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result

if TYPE_CHECKING:
    from hipflask.app import Flask

__all__ = ["FlaskCliRunner"]


class FlaskCliRunner(CliRunner):
    """Runs click commands for one application; what ``app.test_cli_runner()`` gives.

    Args:
        app: The application that commands find as ``current_app``.
        **kwargs: The arguments of ``click.testing.CliRunner``.
    """

    def __init__(self, app: Flask, **kwargs: Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(self, cli: Any = None, args: Any = None, **kwargs: Any) -> Result:  # type: ignore[override]
        """Run a command and return its exit code, output and exception.

        Args:
            cli: The command; ``app.cli`` if not given.
            args: Its arguments, as a list or as one line of text.
            **kwargs: Further arguments of ``click.testing.CliRunner.invoke``. Without ``obj`` the command
                gets a ``ScriptInfo`` that gives the application.
        """
        if cli is None:
            cli = self.app.cli
        if "obj" not in kwargs:
            from hipflask.cli import ScriptInfo

            kwargs["obj"] = ScriptInfo(create_app=lambda: self.app)
        return super().invoke(cli, args, **kwargs)
