"""`python -m heart.namespace > docs/osc.md`"""

import sys

from heart.namespace import as_markdown

sys.stdout.write(as_markdown())
