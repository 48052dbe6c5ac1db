"""How much faster URLs are built than by Flask and Werkzeug.

Claims: none slower.
"""

from __future__ import annotations

import sys

from support.parts import run_parts

if __name__ == "__main__":
    sys.exit(run_parts(__doc__ or "", "building"))
