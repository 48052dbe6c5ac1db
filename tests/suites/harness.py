"""What a run of an upstream suite needs around it: environments, sources, processes without network, the probe.

Standard library only. Caches and work folders are below SUITES_DIR (default: hipflask-suites in the system's folder for
temporary files).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = [
    "HERE",
    "ROOT",
    "Unavailable",
    "ensure_venv",
    "isolate_network",
    "load_suites",
    "locked",
    "prepare_target",
    "probe_verdict",
    "python_of",
    "run_env",
    "run_group",
    "unpack_source",
    "write_lock",
]

HERE = Path(__file__).resolve().parent
ROOT = Path(os.environ.get("SUITES_DIR") or Path(tempfile.gettempdir()) / "hipflask-suites")
#: Build back ends of the suites' packages, installed once: source archives then need no isolated builds.
BACKENDS = ["pip", "setuptools", "wheel", "flit_core", "hatchling", "hatch-vcs", "setuptools-scm", "poetry-core"]
BACKENDS += ["pdm-backend", "uv_build"]
#: In an environment, this file names the working tree that is imported from there.
POINTER = "hipflask-working-tree.pth"


class Unavailable(Exception):
    """The suite cannot be prepared here; the text says why."""


def _run(*arguments: str | Path) -> str:
    """Run a command and return what it prints; Unavailable if it fails."""
    command = [str(argument) for argument in arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = (done.stdout + done.stderr)[-3000:]
        raise Unavailable(f"{' '.join(command)[:200]}: exit {done.returncode}\n{told}")
    return done.stdout


def _uv() -> str | None:
    return None if os.environ.get("SUITES_INSTALLER") == "pip" else shutil.which("uv")


def python_of(venv: Path) -> Path:
    """Return the interpreter of an environment."""
    return venv / "bin" / "python"


def _new_venv(venv: Path, with_pip: bool = False) -> None:
    if venv.exists():
        shutil.rmtree(venv)
    venv.parent.mkdir(parents=True, exist_ok=True)
    if (uv := _uv()) and not with_pip:
        _run(uv, "venv", "-q", "--python", sys.executable, venv)
    else:
        _run(sys.executable, "-m", "venv", venv)


def _pip(venv: Path, *arguments: str | Path) -> str:
    """Run an installer's command (install, uninstall, freeze) on an environment; its output."""
    if uv := _uv():
        command, *rest = arguments
        return _run(uv, "pip", command, "-q", "--python", python_of(venv), *rest)
    return _run(python_of(venv), "-m", "pip", "--disable-pip-version-check", "-q", *arguments)


def _pinned(venv: Path) -> str:
    """Return the environment's packages, one ``name==version`` a line, without hipflask."""
    lines = [line for line in _pip(venv, "freeze").splitlines() if "==" in line and not line.startswith(("#", "-e"))]
    return "\n".join(sorted(line for line in lines if line.split("==")[0].lower() != "hipflask")) + "\n"


def _tools() -> Path:
    venv = ROOT / "tools"
    if not (venv / ".ready").exists():
        _new_venv(venv, with_pip=True)
        _run(python_of(venv), "-m", "pip", "install", "-q", "-U", *BACKENDS)
        (venv / ".ready").touch()
    return venv


def _sdist(package: str, version: str, sha256: str | None) -> Path:
    """Return the source archive of a package from the index, cached."""
    folder = ROOT / "sdists" / f"{package}-{version}"
    if not list(folder.glob("*.tar.gz")):
        folder.mkdir(parents=True, exist_ok=True)
        wanted = ["-q", "--no-deps", "--no-binary", package, "-d", folder, f"{package}=={version}"]
        download = [python_of(_tools()), "-m", "pip", "download"]
        try:
            _run(*download, "--no-build-isolation", *wanted)
        except Unavailable:
            _run(*download, *wanted)
    found = sorted(folder.glob("*.tar.gz"))
    if not found:
        raise Unavailable(f"{package} {version} has no source archive")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if sha256 and digest != sha256:
        raise Unavailable(f"{found[0].name}: its sha256 is {digest}, suites.toml says {sha256}")
    return found[0]


def unpack_source(entry: dict[str, Any], folder: Path) -> Path:
    """Lay a fresh copy of a suite's source tree into *folder*, which is emptied, and return its root."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    if archive := entry.get("archive"):
        source = HERE / archive
    else:
        source = _sdist(entry["package"], entry["version"], entry.get("sha256"))
    with tarfile.open(source) as tar:
        tar.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def ensure_venv(name: str, requirements: list[str], relock: bool = False) -> Path:
    """Return a suite's environment; its versions come from ``locks/`` unless *relock*."""
    lock = HERE / "locks" / f"suite-{name}.txt"
    is_locked = lock.exists() and not relock
    text = lock.read_text() if is_locked else "\n".join(requirements)
    key = hashlib.sha256((text + sys.version).encode()).hexdigest()[:10]
    venv = ROOT / "venvs" / f"suite-{name}-{key}"
    if relock or not (venv / ".ready").exists():
        _new_venv(venv)
        if is_locked:
            _pip(venv, "install", "--no-deps", "-r", lock)
        else:
            _pip(venv, "install", *requirements)
        (venv / ".ready").touch()
    return venv


def write_lock(name: str, venv: Path) -> None:
    """Keep the versions that an environment has as those of the suite."""
    (HERE / "locks" / f"suite-{name}.txt").write_text(_pinned(venv))


def prepare_target(venv: Path, target: str, hipflask: Path) -> None:
    """Make hipflask importable in an environment, or absent from it.

    Args:
        venv: The environment.
        target: ``"compat"`` or ``"stock"``.
        hipflask: A working tree, imported from where it is, or a wheel, installed.
    """
    packages = next(venv.glob("lib/python*/site-packages"))
    (packages / POINTER).unlink(missing_ok=True)
    is_wheel = target == "compat" and hipflask.suffix == ".whl"
    if not is_wheel and any(packages.glob("hipflask-*.dist-info")):
        _pip(venv, "uninstall", *([] if _uv() else ["-y"]), "hipflask")
    if is_wheel:
        pins = venv / "constraints.txt"
        pins.write_text(_pinned(venv))
        # Flask's and Werkzeug's versions stay as they are: a conflict is an error, not a silent change.
        _pip(venv, "install", "-c", pins, hipflask)
        _pip(venv, "install", "--force-reinstall", "--no-deps", hipflask)
    elif target == "compat":
        if not (hipflask / "src/hipflask").is_dir():
            raise SystemExit(f"{hipflask} is neither a wheel nor a working tree of hipflask")
        (packages / POINTER).write_text(f"{hipflask / 'src'}\n")


def _is_kept(variable: str) -> bool:
    """Return whether a variable of this environment is also one of the run's: nothing that changes what tests see."""
    left_out = ("FLASK_", "HIPFLASK_", "WERKZEUG_", "PYTEST_", "HF_PROBE", "PYTHON", "PIP_", "UV_", "SSL_CERT_")
    return variable != "TERM" and not (
        variable.startswith(left_out) or variable.upper().endswith(("_PROXY", "_CA_BUNDLE"))
    )


def run_env(
    venv: Path, target: str, work: Path, scripts: list[str], extra: dict[str, str]
) -> tuple[dict[str, str], Path]:
    """Return the environment variables of a run, and the folder that the probe of its processes writes to."""
    probe, shims, home = (work / name for name in ("probe", "shims", "home"))
    for folder in (probe, shims, home):
        folder.mkdir(parents=True, exist_ok=True)
    for script in scripts if target == "compat" else []:  # console scripts that the tests shell out to
        shim = shims / script
        shim.write_text(f'#!/bin/sh\nexec "{python_of(venv)}" -m hipflask.compat "{venv}/bin/{script}" "$@"\n')
        shim.chmod(0o755)
    env = {name: value for name, value in os.environ.items() if _is_kept(name)}
    env.update(
        PATH=f"{shims}:{venv / 'bin'}:{env.get('PATH', '')}",
        VIRTUAL_ENV=str(venv),
        PYTHONPATH=str(HERE / "probe"),
        PYTHONDONTWRITEBYTECODE="1",  # the working tree stays as it is
        HF_PROBE_DIR=str(probe),
        LC_ALL="C.UTF-8",
        HOME=str(home),
        NO_COLOR="1",
        COLUMNS="120",
    )
    env.update({name: value.format(work=work, venv=venv) for name, value in extra.items()})
    return env, probe


def probe_verdict(probe: Path) -> str:
    """Return what the run's processes ran on: ``stock``, ``hipflask``, ``unknown``, or ``mixed(n/m)``.

    ``mixed(n/m)``: *n* of *m* processes had modules of the real Flask or Werkzeug loaded.
    """
    told = [json.loads(path.read_text()) for path in probe.glob("*.json")]
    stock = sum(bool(one["stock"]) for one in told)
    if not told:
        return "unknown"
    if stock == len(told):
        return "stock"
    return f"mixed({stock}/{len(told)})" if stock else "hipflask"


def run_group(command: list[str | Path], timeout: float, **options: Any) -> int:
    """Run a command in a process group of its own, end what is left of it, and return its status (124: out of time)."""
    process = subprocess.Popen([str(part) for part in command], start_new_session=True, **options)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return 124
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes], grace_seconds: float = 5.0) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None and number is not signal.SIGKILL:
            continue
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a suite's lock: one run at a time, a second one waits."""
    ROOT.mkdir(parents=True, exist_ok=True)
    with (ROOT / f".suite-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def load_suites() -> dict[str, dict[str, Any]]:
    """Return the suites of ``suites.toml``, each with all its requirements in ``pip``."""
    suites = tomllib.loads((HERE / "suites.toml").read_text())
    defaults = suites.pop("defaults")
    for entry in suites.values():
        entry["pip"] = [*entry.get("base", defaults["base"]), *entry.get("pip", [])]
    return suites


def isolate_network() -> bool:
    """Move this process to a network namespace that has the loopback device only; False where that is not allowed."""
    import ctypes
    import socket
    import struct

    new_network, new_user = 0x40000000, 0x10000000
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        user, group = os.getuid(), os.getgid()
        if libc.unshare(new_network):
            if libc.unshare(new_network | new_user):
                return False
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            fcntl.ioctl(device, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: UP and RUNNING
        return True
    except (OSError, AttributeError):
        return False
