"""What is heard in the concert patch: the master, the panic that fades, the recording."""

from __future__ import annotations

from heart.namespace import PARAMS
from pd_patches.canvas import Canvas

AMBER, DUSK, PAPER, PANIC = "#ffb02e", "#241a1d", "#f6eee8", "#d6001c"
FADE_S = 3
AFTER_MS = 300
"""From the end of the fade to /heart/panic: the ramp is heard one lead later."""


def sound() -> Canvas:
    c = Canvas("sound", 760, 420, who="0")
    c.head("THE SOUND: left and right, faded by panic, then the master, then the loudspeakers.", 90)
    heard = c.obj(20, 60, "heart.receive~ 2")
    out = c.obj(20, 370, "dac~ 1 2")
    fade = c.column(280, 90, "r $0-fade", "line~")[1]
    master = c.column(280, 150, "r $0-master", "( $1 20", "line~")[2]
    for n in range(2):
        faded, level = c.obj(20 + 120 * n, 150, "*~"), c.obj(20 + 120 * n, 210, "*~")
        heard[n] >> faded >> level >> out[n]
        fade >> faded[1]
        master >> level[1]
        level >> c.obj(40 + 120 * n, 250, f"s~ $0-played{n + 1}")
        meter = c.obj(60 + 120 * n, 280, "env~ 4096")
        level >> meter >> c.obj(60 + 120 * n, 308, "- 100") >> c.obj(60 + 120 * n, 336, f"s $0-level{n + 1}")
    heard[8] >> c.obj(400, 90, "s $0-reserve")
    heard[9] >> c.obj(500, 90, "s $0-underruns")
    c.column(400, 150, "loadbang", "( 1", "s $0-fade")
    c.text(400, 250, "SOUND turns Pd's audio on and off, and shows when another hand has.", 50)
    c.column(400, 300, "r $0-sound", "( dsp $1", "s pd")
    shown = c.obj(520, 370, "s $0-sound-is")
    for n, (event, state) in enumerate((("pd-dsp-started", 1), ("pd-dsp-stopped", 0))):
        c.obj(520 + 130 * n, 300, f"r {event}") >> c.msg(520 + 130 * n, 330, f"set {state}") >> shown
    return c


def panic() -> Canvas:
    c = Canvas("panic", 1240, 520, who="0")
    c.head(
        "PANIC: the engine's gain and this patch's own line go down together, so a message that is lost does not "
        "matter. Then silence, until RESUME gives back the gain of before.",
        120,
    )
    _fade(c)
    _silence(c)
    _resume(c)
    return c


def _fade(c: Canvas) -> None:
    began = c.column(20, 60, "r $0-panic", "t b b")[1]
    began[1] >> c.obj(120, 88, "s $0-faded")
    length = c.column(20, 130, f"f {FADE_S}", "t f f f")
    began >> length[0]
    c.obj(160, 60, "r $0-fade-s") >> c.obj(160, 116, "clip 0.1 60") >> length[0][1]
    c.column(280, 60, "loadbang", f"( set {FADE_S}", "s $0-fade-is")
    softest = PARAMS["gain"].low
    assert softest is not None
    length[1][2] >> c.msg(160, 158, f"/heart/ramp gain {softest:g} $1") >> c.obj(160, 188, "s &tell")
    ms = c.obj(90, 220, "* 1000")
    length[1][1] >> ms >> c.msg(90, 248, "0 $1") >> c.obj(90, 278, "s $0-fade")
    later = c.column(20, 310, f"expr $f1*1000 + {AFTER_MS}", "del", "s $0-mute")
    length[1] >> later[0]
    c.obj(200, 338, "r $0-stop") >> c.msg(120, 338, "stop") >> later[1]


def _silence(c: Canvas) -> None:
    c.column(420, 180, "r $0-mute", "( /heart/panic", "s &tell")
    now = c.column(420, 280, "r $0-silence", "t b b b b")[1]
    now[3] >> c.obj(560, 280, "s $0-faded")
    now[2] >> c.obj(560, 310, "s $0-stop")
    now[1] >> c.msg(500, 340, "0 20") >> c.obj(560, 340, "s $0-fade")
    now >> c.obj(420, 370, "s $0-mute")


def _resume(c: Canvas) -> None:
    back = c.column(700, 60, "r $0-resume", "t b b b b")[1]
    back[3] >> c.obj(860, 60, "s $0-stop")
    back[2] >> c.msg(860, 90, "/heart/resume") >> c.obj(980, 90, "s &tell")
    once = c.obj(760, 120, "spigot")
    back[1] >> once
    back >> c.msg(680, 120, "1 50") >> c.obj(680, 150, "s $0-fade")
    done = c.obj(760, 150, "t b b b b")
    once >> done
    faded = c.column(980, 180, "r $0-faded", "t b b b")[1]
    faded[2] >> c.msg(1080, 180, "1") >> once[1]
    faded[1] >> c.msg(1080, 240, "0") >> c.obj(1120, 240, "s $0-keep")
    face = c.obj(980, 320, "s $0-resume-face")
    faded >> c.msg(980, 280, f"color {AMBER} {PAPER} {PAPER}") >> face
    done[3] >> c.msg(880, 150, "0") >> once[1]
    gain = c.obj(760, 220, "f 0")
    done[2] >> gain >> c.msg(760, 250, "/heart/set/gain $1") >> c.obj(760, 280, "s &tell")
    done[1] >> c.msg(720, 310, "1") >> c.obj(760, 310, "s $0-keep")
    done >> c.msg(700, 350, f"color {DUSK} {PAPER} {PAPER}") >> face
    c.text(700, 390, "the gain, as long as nothing is faded", 40)
    told = c.column(700, 420, "r &said", "route value", "route gain", "spigot 1", "expr if($f1 > -60, $f1, 0)")
    c.obj(860, 478, "r $0-keep") >> told[3][1]
    told[4] >> gain[1]
    fresh = c.column(980, 420, "r &fresh", "t b b")[1]
    to = c.obj(980, 560, "s &tell")
    fresh[1] >> c.msg(1030, 490, "/heart/listen/gain 1") >> to
    fresh >> c.msg(980, 520, "/heart/get/gain") >> to


def record() -> Canvas:
    c = Canvas("record", 1240, 620)
    c.head(
        "THE RECORDING: what is heard, after the master, as 32-bit floats, named by date and time, beside this "
        "patch (or in the folder that is sent to heart-concert-folder). Pd has no clock on the wall, but a file "
        "that was just made has one. The lamp is on while the file grows.",
        120,
    )
    switch = c.column(20, 90, "r $0-record", "sel 1 0")[1]
    start = c.obj(20, 150, "t b b")
    switch >> start
    start[1] >> c.obj(150, 150, "s $0-dated")
    switch[1] >> c.obj(150, 180, "s $0-recorded")
    start >> c.obj(20, 180, "s $0-watch")
    _date(c)
    _file(c)
    return c


def _date(c: Canvas) -> None:
    """The name, from the time at which a file of no bytes is made."""
    folder = c.column(300, 90, "loadbang", "( dir", "pdcontrol", "t a a")[3]
    c.obj(440, 90, "r heart-concert-folder") >> folder
    stamp, place = c.obj(300, 210, "makefilename %s/.heart-now"), c.obj(560, 170, "s $0-place")
    folder >> stamp
    folder[1] >> place
    kept = c.obj(300, 240, "symbol")
    stamp >> kept[1]
    c.obj(200, 210, "r $0-dated") >> kept
    steps = c.obj(300, 270, "t a a a")
    kept >> steps
    steps[2] >> c.msg(390, 268, "open $1 c, close") >> c.obj(390, 298, "file handle")
    when = c.column(300, 330, "file stat", "route mtime", "unpack f f f f f f")
    steps[1] >> when[0]
    when[0][1] >> c.obj(440, 340, "s $0-cannot")
    steps >> c.obj(180, 330, "file delete")
    clock = c.column(400, 420, "expr $f1*10000 + $f2*100 + $f3", "makefilename %06d")
    for n in range(3):
        when[2][3 + n] >> clock[0][n]
    name = c.obj(300, 490, "pack f s s s")
    when[2] >> name
    for n in (1, 2):
        when[2][n] >> c.obj(180, 400 + 28 * n, "makefilename %02d") >> name[n]
    clock[1] >> name[3]
    name >> c.msg(300, 520, "symbol heart-$1-$2-$3-$4.wav") >> c.obj(300, 550, "s $0-named")


def _file(c: Canvas) -> None:
    file = c.obj(660, 330, "writesf~ 2")
    named = c.column(660, 90, "r $0-named", "t s s", "pack s s", "( symbol $2/$1", "t s s s")
    c.obj(860, 116, "r $0-place") >> named[2][1]
    named[1][1] >> c.msg(780, 90, "label $1") >> c.obj(880, 90, "s $0-file")
    path = c.obj(940, 260, "symbol")
    named[4][2] >> path[1]
    named[4][1] >> c.msg(740, 240, "open -wave -bytes 4 $1") >> file
    named[4] >> c.obj(660, 240, "t b") >> c.msg(660, 268, "start") >> file
    for n in range(2):
        c.obj(660 + 130 * n, 300, f"r~ $0-played{n + 1}") >> file[n]
    over = c.column(540, 220, "r $0-recorded", "t b b b b")[1]
    over[1] >> c.msg(580, 300, "stop") >> file
    watch = c.obj(1000, 190, "metro 1000")
    soon = c.column(1000, 100, "r $0-watch", "del 500")[1]  # writesf~ opens the file in a thread of its own
    soon >> c.msg(1000, 160, "1") >> watch
    over[3] >> c.msg(1080, 128, "stop") >> soon
    over[2] >> c.msg(1080, 160, "0") >> watch
    watch >> c.obj(1000, 220, "t b") >> path
    size = c.column(920, 290, "file size", "t f f")
    path >> size[0]
    grows = c.column(900, 370, "expr $f1 > $f2", "sel 1 0")
    size[1][1] >> grows[0]
    size[1] >> grows[0][1]
    lamp = c.obj(900, 500, "s $0-recording")
    grows[1] >> c.msg(900, 440, f"color {PANIC} {PANIC} {PANIC}") >> lamp
    dark = c.msg(900, 470, f"color {DUSK} {DUSK} {DUSK}")
    grows[1][1] >> dark >> lamp
    over >> dark
    failed = c.obj(1000, 330, "s $0-cannot")
    size[0][1] >> failed
    cannot = c.column(1110, 380, "r $0-cannot", "( label cannot\\ write\\ here", "s $0-file")
    cannot[0] >> dark
