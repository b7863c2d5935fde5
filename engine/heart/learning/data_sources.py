"""Where the recordings come from and what a data folder must hold: `heart data`.

None of them travels with the project: each has its own home and licence.
"""

from __future__ import annotations

from dataclasses import dataclass

from heart.learning.synth_files import COLUMNS


@dataclass(frozen=True)
class Source:
    """folder: where manifest.csv expects it; what: it is; home: its public address; licence: its terms."""

    folder: str
    what: str
    home: str
    licence: str


SOURCES = (
    Source(
        "cinc2016/",
        "heart sounds of six sites, normal or abnormal, with hand-corrected S1 and S2 (training a, b, e, f)",
        "https://physionet.org/content/challenge-2016/1.0.0/",
        "ODC-BY 1.0; Liu et al., Physiol. Meas. 2016",
    ),
    Source(
        "circor/",
        "CirCor DigiScope heart sounds of children, with S1 and S2",
        "https://physionet.org/content/circor-heart-sound/1.0.3/",
        "ODC-BY 1.0; Oliveira et al., IEEE JBHI 2022",
    ),
    Source(
        "pascal/",
        "PASCAL CHSC2011, sets A and B: normal, murmur, extra sounds, artifact",
        "http://www.peterjbentley.com/heartchallenge/",
        "offered for research, to be cited: Bentley, Nordehn, Coimbra, Mannor 2011",
    ),
    Source(
        "yaseen/",
        "valve conditions: AS, MR, MS, MVP, N",
        "https://github.com/yaseen21khan/Classification-of-Heart-Sound-Signal-Using-Multiple-Features-",
        "no licence file; article CC-BY 4.0: Yaseen, Son, Kwon, Appl. Sci. 2018",
    ),
    Source(
        "ecg/mitdb/",
        "MIT-BIH Arrhythmia, ECG with expert beats",
        "https://physionet.org/content/mitdb/1.0.0/",
        "ODC-BY 1.0; Moody, Mark, IEEE EMB Mag. 2001",
    ),
    Source(
        "ecg/nsrdb/",
        "MIT-BIH Normal Sinus Rhythm, ECG with expert beats",
        "https://physionet.org/content/nsrdb/1.0.0/",
        "ODC-BY 1.0; Goldberger et al., Circulation 2000",
    ),
    Source(
        "env/",
        "weather, animals, bells: textures, and sounds that are no heart",
        "https://github.com/karolpiczak/ESC-50",
        "per clip CC0 or CC-BY (leave the CC-BY-NC ones out); Piczak, ACM MM 2015",
    ),
    Source("music/", "any music whose terms allow it, one group a piece", "your own", "as each piece says"),
)


def guide() -> str:
    """What to fetch from where, and what manifest.csv needs, as lines for a terminal."""
    lines = ["Recordings to train and measure with. Put them in one folder; name it with --data or HEART_DATA.", ""]
    for source in SOURCES:
        lines += [
            f"{source.folder:11} {source.what}",
            *(f"{'':11} {source.home}", f"{'':11} {source.licence}"),
        ]
    return "\n".join(
        [
            *lines,
            "",
            *_MANIFEST,
            "",
            "ECG records by themselves, for heart ecg and heart live --ecg: `heart data fetch mitdb/100`.",
            "Without any of it: `heart data synth -o FOLDER` makes hearts.",
        ]
    )


_MANIFEST = (
    "FOLDER/manifest.csv has one row a recording and the columns",
    f"  {', '.join(COLUMNS[:10])},",
    f"  {', '.join(COLUMNS[10:])}",
    "path     relative to FOLDER; an ECG by its WFDB record's name without suffix",
    "group    one name for everything of one patient, or of one recording cut into pieces; never split it",
    "split    train or val; all rows of a group in the same",
    "beats    table start_s, end_s, state (tab-separated, one line of heading): 1 S1, 2 systole, 3 S2, 4 diastole,",
    "         0 unknown; may be empty, as may all after seconds",
    "rpeaks   R times in s, one a line, nan where the series breaks; truth says where hr_bpm, sdnn_ms, rmssd_ms",
    "         are from: ecg_r, hand_s1_20ms, annot_s1 or synth",
)
