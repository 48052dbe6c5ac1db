"""How much faster what clients send is parsed than by Werkzeug.

Claims: none slower; 100 MB of upload in flat memory.
"""

from __future__ import annotations

import sys

from support.parts import run_parts

if __name__ == "__main__":
    sys.exit(run_parts(__doc__ or "", "parsers", {"memory for it, kB": 4096}))
