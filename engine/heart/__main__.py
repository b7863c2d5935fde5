"""`python -m heart` is the command `heart`."""

from heart.cli import main

main()
