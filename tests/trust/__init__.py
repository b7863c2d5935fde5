"""What a stage demands, case by case: `cases.py` is the list, the tests beside it and elsewhere prove it."""
