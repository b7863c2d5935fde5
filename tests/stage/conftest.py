"""aalink has no wheels for Python 3.10, so Link is tested from 3.11 on."""

import sys

collect_ignore = [] if sys.version_info >= (3, 11) else ["test_link.py"]
