"""``hipflask routes``: what the application answers to."""

from __future__ import annotations

from collections.abc import Sequence

import click

from hipflask.cli.script_info import with_appcontext
from hipflask.globals import current_app

__all__ = ["routes_command"]

_ALWAYS_THERE = frozenset({"HEAD", "OPTIONS"})


@click.command("routes", short_help="List the application's routes.")
@click.option(
    "--sort",
    "-s",
    type=click.Choice(("endpoint", "methods", "domain", "rule", "match")),
    default="endpoint",
    show_default=True,
    help="Order of the list; 'match' is the order in which rules are tried.",
)
@click.option("--all-methods", is_flag=True, help="List HEAD and OPTIONS too.")
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """List the application's routes with their endpoints and methods."""
    rules = list(current_app.url_map.iter_rules())
    if not rules:
        click.echo("No routes were registered.")
        return
    hidden = frozenset() if all_methods else _ALWAYS_THERE
    has_hosts = current_app.url_map.host_matching
    has_domains = has_hosts or any(rule.subdomain for rule in rules)
    rows = []
    for rule in rules:
        methods = ", ".join(sorted((rule.methods or set()) - hidden))
        domain = (rule.host if has_hosts else rule.subdomain) or ""
        rows.append({"endpoint": rule.endpoint, "methods": methods, "domain": domain, "rule": rule.rule})
    columns = ["endpoint", "methods", "rule"]
    titles = {"endpoint": "Endpoint", "methods": "Methods", "rule": "Rule"}
    if has_domains:
        columns.insert(2, "domain")
        titles["domain"] = "Host" if has_hosts else "Subdomain"
    if sort != "match" and sort in columns:
        rows.sort(key=lambda row: str(row[sort]))
    _print_table([titles[name] for name in columns], [[str(row[name]) for name in columns] for row in rows])


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, ["-" * width for width in widths], *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
