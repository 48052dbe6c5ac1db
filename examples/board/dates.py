"""Times as people say them. The database keeps them as `2026-08-01T09:05:00Z`."""

from __future__ import annotations

from datetime import UTC, datetime

from hipflask import Flask

# The longest first: how many seconds it has, and its name.
UNITS = [(86_400, "day"), (3600, "hour"), (60, "minute")]
OLD_SECONDS = 7 * 86_400  # from then on the day says more


def init_app(app: Flask) -> None:
    """Give templates the filters `time`, `day` and `age`."""
    app.add_template_filter(format_time, "time")
    app.add_template_filter(format_day, "day")
    app.add_template_filter(format_age, "age")


def format_time(text: str) -> str:
    """Return a moment as people write it: `1 Aug 2026, 09:05 UTC`."""
    return f"{format_day(text)}, {text[11:16]} UTC"


def format_day(text: str) -> str:
    """Return the day of a moment: `1 Aug 2026`."""
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {moment:%b %Y}"


def format_age(text: str, now: datetime | None = None) -> str:
    """Return how long ago a moment was: `just now`, `5 minutes ago`, `2 days ago`; after a week the day."""
    moment = datetime.fromisoformat(text)
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    if seconds >= OLD_SECONDS:
        return format_day(text)
    for length, unit in UNITS:
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
