"""Pictures that people send: what is one (`formats.py`), and where it is kept (`files.py`)."""
