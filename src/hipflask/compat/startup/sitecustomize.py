"""Run by Python at its start, in processes that one in compat mode has started; see hipflask.compat.children."""

import os

__all__: list[str] = []


def _start() -> None:
    """Install compat mode, then run the module that would have been found without this one."""
    try:
        from hipflask.compat import children, install
    except ImportError:  # another Python, which does not have hipflask, or not all of it: none of our business
        return
    if os.environ.get(children.VARIABLE) == "1":
        install()
    children.run_next_sitecustomize()


if __name__ == "sitecustomize":  # not when a tool reads the package
    _start()
