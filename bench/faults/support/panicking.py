"""The package with a native module that can be made to panic: a build of its own, which no release is made from."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["panicking_package"]

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "rust/target/panics"


@contextlib.contextmanager
def panicking_package() -> Iterator[str | None]:
    """Have processes that are started meanwhile import that package; the value is why not, if it cannot be built."""
    if shutil.which("cargo") is None:
        yield "cargo was not found"
        return
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--features", "panics"]
    command += ["--manifest-path", str(ROOT / "rust/Cargo.toml"), "--target-dir", str(TARGET)]
    subprocess.run(command, check=True, env={**os.environ, "PYO3_PYTHON": sys.executable})
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "hipflask"
        shutil.copytree(ROOT / "src/hipflask", package, ignore=shutil.ignore_patterns("_native.*.so", "__pycache__"))
        (built,) = (path for path in TARGET.glob("release/lib_native.*") if path.suffix in {".so", ".dylib"})
        shutil.copyfile(built, package / f"server/_native{sysconfig.get_config_var('EXT_SUFFIX')}")
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, *([before] if before else [])])
        try:
            yield None
        finally:
            if before is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = before
