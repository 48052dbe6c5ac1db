"""HTTP's own vocabulary: headers, cookies, bodies, requests and responses. It knows no app and no routes."""

__all__: list[str] = []
