"""`python -m bridgetune`, the same as `bridgetune`."""

import os
import sys


def _leave_working_folder() -> None:
    """Take off the path what `-m` puts first there: a file of any name in the working folder would be a module.

    Where bridgetune itself is run from that folder, it stays.
    """
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib is not found yet
    if not sys.flags.safe_path and os.path.abspath(sys.path[0]) != home:  # noqa: PTH100
        del sys.path[0]


if __name__ == "__main__":
    _leave_working_folder()
    from bridgetune.cli import main

    main()
