"""Records of every format are read alike, and what is wrong with one is a line that says where."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from small_ecg import BEATS_S, RATE_HZ, SECONDS, SYMBOLS, ecg, small_record, write_csv, write_edf, write_wfdb

from heart.ecg.peaks import r_peaks
from heart.ecg.record import Record, find_record, read_record
from heart.ecg.rhythm import report, rr_s, variability
from heart.errors import FileError, HeartError, UsageError


def agrees(record: Record, within_s: float = 0.012) -> bool:
    return len(record.beats_s) == len(BEATS_S) and bool(np.abs(record.beats_s - BEATS_S).max() < within_s)


def test_wfdb_brings_both_channels_and_its_annotations(tmp_path: Path) -> None:
    record = read_record(write_wfdb(tmp_path))
    assert record.samples.shape == (len(ecg()), 2)
    assert record.samples[:, 0] == pytest.approx(ecg(), abs=1e-3)
    assert (record.channels, record.units, record.rate_hz) == (("MLII", "V5"), ("mV", "mV"), RATE_HZ)
    assert agrees(record)
    assert list(record.symbols) == SYMBOLS
    assert record.ectopic.sum() == 1
    assert record.source == "annotated"


def test_edf_and_tables_bring_the_same_samples(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "heart.csv")
    column = write_csv(tmp_path / "heart.txt", "\n".join(f"{value:.4f}" for value in ecg()))
    for path, rate_hz in ((write_edf(tmp_path / "heart.edf"), None), (table, None), (column, RATE_HZ)):
        record = read_record(path, rate_hz=rate_hz, peaks="none")
        assert record.rate_hz == pytest.approx(RATE_HZ, rel=1e-4)
        assert record.samples.shape[1] == 1, "of the EDF the ECG alone"
        assert record.samples[:, 0] == pytest.approx(ecg()[: len(record.samples)], abs=1e-3)


def test_r_peaks_are_found_where_none_are_annotated(tmp_path: Path) -> None:
    record = read_record(write_edf(tmp_path / "heart.edf"))
    assert record.source == "detected"
    assert len(record.beats_s) >= len(BEATS_S) - 1
    assert np.abs(record.beats_s[:, None] - BEATS_S).min(1).max() < 0.03


def test_a_span_and_a_channel_are_read_alone_in_their_own_time(tmp_path: Path) -> None:
    record = read_record(write_wfdb(tmp_path), from_s=5, to_s=15, channel="V5")
    assert record.samples.shape == (10 * RATE_HZ, 1)
    assert record.samples[:, 0] == pytest.approx(0.5 * ecg()[5 * RATE_HZ : 15 * RATE_HZ], abs=1e-3)
    inside = BEATS_S[(BEATS_S >= 5) & (BEATS_S <= 15)] - 5
    assert record.beats_s == pytest.approx(inside, abs=0.01)
    with pytest.raises(UsageError, match=r"no channel 'V9'; there are MLII, V5"):
        read_record(tmp_path / "heart.hea", channel="V9")
    with pytest.raises(UsageError, match="nothing of"):
        read_record(tmp_path / "heart.hea", from_s=500)


def test_a_record_is_found_by_path_with_and_without_suffix_and_by_its_fetched_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEART_RECORDS", str(tmp_path / "records"))
    (tmp_path / "records" / "mitdb").mkdir(parents=True)
    fetched = write_wfdb(tmp_path / "records" / "mitdb", "100")
    local = write_wfdb(tmp_path, "mine")
    for name in ("mine", "mine.hea"):
        assert find_record(tmp_path / name) == local
    assert find_record("mitdb/100") == fetched
    with pytest.raises(FileError, match="heart data fetch mitdb/101"):
        find_record("mitdb/101")


def test_the_figures_are_those_of_neurokit() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2

        peaks = np.round(BEATS_S * 10_000).astype(int)
        theirs = neurokit2.hrv_time(peaks, sampling_rate=10_000)
    ours = report(small_record())
    assert ours["bpm"] == pytest.approx(60 / np.diff(BEATS_S).mean(), rel=1e-3)
    assert ours["sdnn_ms"] == pytest.approx(float(theirs["HRV_SDNN"].iloc[0]), rel=0.01)
    assert ours["rmssd_ms"] == pytest.approx(float(theirs["HRV_RMSSD"].iloc[0]), rel=0.01)
    assert ours["pnn50"] == pytest.approx(float(theirs["HRV_pNN50"].iloc[0]) / 100, abs=0.05)
    assert ours["normal"]["intervals"] == len(BEATS_S) - 3
    assert ours["normal"]["sdnn_ms"] < 0.6 * ours["sdnn_ms"]


def test_an_interval_across_a_gap_counts_nowhere() -> None:
    found = variability(np.array([0.8, 0.9, np.nan, 0.8, 1.0]))
    assert found.intervals == 4
    assert found.rmssd_ms == pytest.approx(np.sqrt((100**2 + 200**2) / 2))


def test_gaps_are_found_have_no_beats_and_break_the_rhythm(tmp_path: Path) -> None:
    lines = [f"{n / RATE_HZ:.3f},{value:.4f}" for n, value in enumerate(ecg())]
    begin, end = 8 * RATE_HZ, 11 * RATE_HZ
    cut = write_csv(tmp_path / "cut.csv", "time,II\n" + "\n".join(lines[:begin] + lines[end:]))
    empty = [line.split(",")[0] + "," for line in lines[begin:end]]
    blank = write_csv(tmp_path / "blank.csv", "time,II\n" + "\n".join(lines[:begin] + empty + lines[end:]))
    for path in (cut, blank):
        record = read_record(path, peaks="none")
        assert record.seconds == pytest.approx(SECONDS, abs=0.02)
        assert record.gaps == [pytest.approx((8.0, 11.0), abs=0.02)]
    record = replace(record, beats_s=r_peaks(record.samples[:, 0], RATE_HZ) / RATE_HZ)
    assert len(record.beats_s) > 20
    assert not ((record.beats_s > 8) & (record.beats_s < 11)).any()
    assert np.isnan(rr_s(record)).sum() == 1
    assert report(record)["bpm"] == pytest.approx(60 / 0.8, abs=2)


def test_calibration_pulses_are_no_beats(tmp_path: Path) -> None:
    square = 0.5 * np.sign(np.sin(2 * np.pi * (np.arange(10 * RATE_HZ) + 0.5) / RATE_HZ))
    found_s = r_peaks(np.concatenate([square, ecg()]), RATE_HZ) / RATE_HZ
    assert (found_s < 9.5).sum() == 0
    assert len(found_s) >= len(BEATS_S) - 2


def test_annotations_outside_the_record_are_left_out_and_told(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    at = np.append(np.round(BEATS_S * RATE_HZ), [900_000, 900_500]).astype(int)
    wfdb.wrann("heart", "atr", at, [*SYMBOLS, "N", "N"], fs=RATE_HZ, write_dir=str(tmp_path))
    record = read_record(path)
    assert agrees(record)
    assert "2 annotations lie outside" in record.notes[0]
    assert "900000" in record.notes[0]


def test_a_record_without_beats_says_nothing_about_them(tmp_path: Path) -> None:
    flat = write_csv(tmp_path / "flat.txt", "0\n" * 5_000)
    told = report(read_record(flat, rate_hz=RATE_HZ))
    assert (told["r_peaks_s"], told["bpm"], told["sdnn_ms"], told["gaps_s"]) == ([], None, None, [[0.0, 20.0]])


TABLES = {
    "no rate": ("0.1\n0.2\n0.3\n", "--rate"),
    "a word": ("time,II\n0,0.1\n0.004,heart\n", "line 3: 'heart' is no number"),
    "rows of two lengths": ("time,II\n0,0.1\n0.004\n", "line 3 has 1 columns, not 2"),
    "time stands still": ("time,II\n0,0.1\n0.004,0.1\n0.004,0.2\n", "time of sample 3"),
    "time alone": ("time\n0\n0.004\n", "no column of samples"),
    "one sample": ("time,II\n0,0.1\n", "no rows of samples"),
    "nothing": ("", "no rows"),
    "seconds apart": ("time,II\n0,0.1\n1,0.1\n2,0.2\n", "1 samples a second, must be"),
    "years long": ("time,II\n0,0.1\n0.004,0.1\n0.008,1\n9e9,0.2\n", "hours"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_is_none_is_one_line(case: str, tmp_path: Path) -> None:
    text, words = TABLES[case]
    path = write_csv(tmp_path / "heart.csv", text)
    with pytest.raises(FileError, match=words) as error:
        read_record(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_of_sound_software_is_read_with_its_units(tmp_path: Path) -> None:
    head = "'Elapsed time','MLII','V5'\n'seconds','mV','mV'\n"
    path = write_csv(tmp_path / "a.csv", head + "".join(f"{n / 360:.3f},{n},-{n}\n" for n in range(720)))
    record = read_record(path, peaks="none")
    assert record.channels == ("MLII", "V5")
    assert record.rate_hz == pytest.approx(360, rel=1e-3), "from times rounded to a thousandth"


def broken_edf(path: Path, at: int, text: bytes) -> Path:
    content = bytearray(write_edf(path).read_bytes())
    content[at : at + len(text)] = text
    path.write_bytes(content)
    return path


def test_an_edf_that_is_broken_is_one_line(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "heart.edf")
    whole = path.read_bytes()
    path.write_bytes(whole[:-3_000])
    with pytest.raises(FileError, match=r"cut off after \d+ of \d+ records"):
        read_record(path)
    path.write_bytes(whole[:100])
    with pytest.raises(FileError, match=r"signals|not an EDF"):
        read_record(path)
    path.write_bytes(b"RIFF" + whole[4:])
    with pytest.raises(FileError, match="not an EDF"):
        read_record(path)
    with pytest.raises(FileError, match="99999999"):
        read_record(broken_edf(path, 236, b"99999999"))
    with pytest.raises(FileError, match="samples a second"):
        read_record(broken_edf(path, 244, b"0       "))


def test_an_edf_with_annotations_alone_has_no_signal(tmp_path: Path) -> None:
    import edfio

    path = tmp_path / "marks.edf"
    edfio.Edf([], annotations=[edfio.EdfAnnotation(1.0, None, "rest")]).write(path)
    with pytest.raises(FileError, match="annotations alone"):
        read_record(path)


def test_a_channel_file_that_is_too_short_is_named(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    path.with_suffix(".dat").write_bytes(path.with_suffix(".dat").read_bytes()[:2_000])
    with pytest.raises(FileError, match=r"heart\.dat is shorter than"):
        read_record(path)
    path.unlink()
    with pytest.raises(HeartError, match=r"heart\.hea: No such file"):
        read_record(path)
