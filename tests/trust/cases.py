"""The register: every case by its name, what is asked of it, and how often it is tried.

A test proves a case by `@pytest.mark.case("R14")`; `@pytest.mark.case("R14", control=True)` marks the control: a
test that shows that the check can fail. The fixture `reached` notes a figure; `make trust` writes docs/trust.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One case. `level`: quick (`make test`), stage (`make test-stage`) or soak (`make soak`)."""

    title: str
    asked: str
    level: str = "quick"
    control: bool = False
    """Whether a test that must fail has to stand beside it."""
    by_hand: str = ""
    """What of it cannot be tried on a machine without what it needs."""


CASES = {
    "R01": Case(
        "hostile datagrams",
        "100,000: 0 exits, 0 of 1,000 pings unanswered, p99 20 ms, memory +10 MB, a log line a second and kind",
        control=True,
    ),
    "R02": Case("each killer alone", "answered within 100 ms, 20 ms of CPU each", control=True),
    "R03": Case("fuzzers on the wire and on headers", "0 findings", "stage"),
    "R04": Case("every address with every wrong argument", "state unchanged, exactly one error, all in range"),
    "R05": Case(
        "floods of 20,000 messages a second",
        "99 % of pings, p99 50 ms, 0 gaps, threads constant, memory +20 MB",
        "stage",
        control=True,
    ),
    "R06": Case(
        "time tags", "on time within 5 ms; 1,024 may wait; late ones done once and told; 10 s ahead at most"
    ),
    "R07": Case("what is open by default", "only 127.0.0.1; a network without phrase or list: exit 2"),
    "R08": Case("10,000 wrong phrases from another address", "0 accepted, at most one answer a second"),
    "R09": Case(
        "nobody is flooded through us",
        "at most 3 packets and 3 times the bytes; no sound before the epoch; ends 5 s after the last credit",
        control=True,
    ),
    "R10": Case(
        "200 names that lead elsewhere", "0 opens outside the folders, 0 overwrites, answered within 100 ms"
    ),
    "R11": Case("a second engine on the port", "ends within 2 s and names the port; the first loses no ping"),
    "R12": Case("other readers of our packets", "10,000 read by liblo and Pure Data as they were sent"),
    "R13": Case("a clean stream", "20 s bit for bit", "stage"),
    "R14": Case(
        "5 % loss, 25 % reorder, 1 % duplicates, 20 ms jitter",
        "with resending 0 missing samples; without it 0 clicks (zero-filled: over 100 a minute)",
        "stage",
        control=True,
    ),
    "R15": Case("holes of 200 ms and 2 s", "faded out within 10 ms, back within 10 ms of data, 0 clicks"),
    "R16": Case(
        "drift for two hours",
        "to 100 ppm 0 under- and overflows, fill 50 to 150 %; 10 % drift, 10 % loss, 10,000 s: alive, finite",
        "stage",
        control=True,
    ),
    "R17": Case(
        "client killed and new, 20 times", "first sound within 500 ms, 0 stale blocks, old stream ends in 5 s"
    ),
    "R18": Case("engine killed and new, 10 times", "loss seen within 2 s, sound within 5 s, by itself", "stage"),
    "R19": Case("sizes of packets", "1,400 bytes at most by default; over 8,192 in: answered"),
    "R20": Case(
        "a card with a clock", "frames no fewer than the clock's less one block, 0 discontinuities", "stage"
    ),
    "R21": Case(
        "a card beside heavy work",
        "at most 512 frames short in 20 s, 0 discontinuities",
        "stage",
        control=True,
    ),
    "R22": Case(
        "voice killed 20 times",
        "0 discontinuities; seen within 50 ms; a new one within 250 ms warm, 5 s cold; memory +10 MB",
        "stage",
    ),
    "R23": Case(
        "voice stopped, always failing, or singing nonsense",
        "the bed before the reserve ends; no respawn after 3 deaths in 60 s, and an alarm; bad chunks refused",
    ),
    "R24": Case(
        "sound server killed, sink unloaded or suspended",
        "seen within 250 ms, sound within 3 s of its return, messages never missed",
        "stage",
        by_hand="cards of a Mac and of Windows",
    ),
    "R25": Case(
        "everything stopped for 30 s; the clock set by an hour",
        "sound within 1 s; old commands dropped and counted",
        "stage",
    ),
    "R26": Case(
        "soaks: 20 minutes real, two hours accelerated, random commands",
        "0 gaps, memory flat within 20 MB, files and threads flat",
        "soak",
    ),
    "R27": Case("rendering twice, and with other threads", "the same bytes; 1e-5 with 1 and 2 threads"),
    "R28": Case(
        "anything into the guard",
        "finite, at most -1 dBFS; true peak 0 dBTP; broken: silence and an alarm; DC gone in 1 s",
        control=True,
    ),
    "R29": Case("panic, and control lost", "silent within 20 ms, no click, until resume"),
    "R30": Case("from silence to full scale", "rises by at most 6 dB in 10 ms; starts faded over 20 ms or more"),
    "R31": Case("cost of the guard", "0.25 ms of a 5.33 ms block of 256 frames and 2 channels"),
    "R32": Case("pickles that would run code", "0 run, refused within 2 s, exit 2 or 1", control=True),
    "R33": Case("bombs among weights", "refused within 1 s, memory +200 MB"),
    "R34": Case("wrong weights", "refused before they are sung"),
    "R35": Case("bombs among sound files", "refused or clamped within 1 s, memory +256 MB"),
    "R36": Case("hostile ECG headers", "refused within 1 s; 0 sockets, 0 opens outside the folder"),
    "R37": Case("500 damaged files to the loader", "0 exits; each answered", "stage"),
    "R38": Case("full disk while recording", "0 gaps; said; the take opens"),
    "R39": Case("recorder killed", "the take is whole to 1 s before; 0 gaps"),
    "R40": Case("what we depend on", "0 known holes; licences listed; torch 2.11 or later", "soak"),
}

FIRST = ("R01", "R14", "R22", "R26", "R32", "R10", "R28")
"""What the report says first."""
