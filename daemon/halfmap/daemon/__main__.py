"""``python -m halfmap.daemon``: the daemon itself."""

from halfmap.daemon.process import main

main()
