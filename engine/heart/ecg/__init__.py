"""The room of the electrocardiogram: WFDB, EDF and CSV records in, samples and times of beats out, and their sound.

`header.py` (WFDB), `edf.py` and `table.py` (CSV) look at a file and refuse it before any library sees it;
`reader.py` reads in a process of its own, because wfdb, edfio and neurokit2 are heavy and a hostile record is
better met there; `record.py` asks it. `rhythm.py` has rate and variability, `raw.py` and `tone.py` the sounds.
"""
