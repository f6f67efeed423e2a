"""``python -m halfmap.commands``, the same as ``halfmap``."""

import sys

from halfmap.commands import main

if __name__ == "__main__":
    sys.exit(main())
