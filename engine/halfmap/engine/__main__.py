"""``python -m halfmap.engine``."""

import sys

from halfmap.engine.program import main

if __name__ == "__main__":
    sys.exit(main())
