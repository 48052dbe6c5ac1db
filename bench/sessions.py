"""How much faster sessions are loaded and saved than by Flask.

Claims: none slower; what itsdangerous and the hash take is the same on both sides.
"""

from __future__ import annotations

import sys

from support.parts import run_parts

if __name__ == "__main__":
    sys.exit(run_parts(__doc__ or "", "sessions"))
