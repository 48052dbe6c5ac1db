"""Every question that the board asks its database. Values go in as parameters, never into the SQL's text.

These modules know nothing of requests and pages; they take and return what `models.py` describes.
"""
