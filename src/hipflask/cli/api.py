"""All names of the command line in one place; `hipflask.cli` imports it when one of them is asked for."""

from __future__ import annotations

from hipflask.cli.command_line import cli, main
from hipflask.cli.discovery import (
    NoAppException,
    find_app_by_string,
    find_best_app,
    locate_app,
    prepare_import,
)
from hipflask.cli.environment import load_dotenv
from hipflask.cli.groups import AppGroup, FlaskGroup
from hipflask.cli.options import CertParamType, SeparatedPathType, get_version
from hipflask.cli.routes import routes_command
from hipflask.cli.run import run_command, show_server_banner
from hipflask.cli.script_info import ScriptInfo, pass_script_info, with_appcontext
from hipflask.cli.secret import secret_command
from hipflask.cli.shell import shell_command
from hipflask.globals import current_app

__all__ = [
    "AppGroup",
    "CertParamType",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "cli",
    "current_app",
    "find_app_by_string",
    "find_best_app",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "secret_command",
    "shell_command",
    "show_server_banner",
    "with_appcontext",
]
