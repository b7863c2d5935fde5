"""The room of the electrocardiogram: WFDB records in, times of beats out.

`header.py` reads and refuses headers by itself; `peaks.py` runs in a process of its own, because wfdb and
neurokit2 are heavy and a hostile record is better met there.
"""
