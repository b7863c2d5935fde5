"""inside/client.pd: one client of the engine: its socket, its clock, and the words for how it stands.

Argument 1 is the name that all objects of this client share (0 when nobody named it), 2 and 3 where the
engine is. Four rooms: `says` (everything that goes out), `hears` (everything that comes in), `clock` (frames
since the welcome, and new streams), `watch` (is there still sound? and the words).
"""

from __future__ import annotations

from pd_patches.canvas import Box, Canvas, words
from pd_patches.clock import clock

WHO = "$1"
WORDS = (
    "no answer from the engine: is it running? (heart live)",
    "connected, waiting for sound",
    "playing",
    "the sound stopped coming: asking again",
    "audio is off in Pd: Media > DSP On",
    "not connected: send connect 127.0.0.1 9700",
)

SHARED = (
    "b f nb block run epoch want have newest newest_seq seg seq ds rb fits ahead top gap_at gap_n asked quiet "
    "still sr since_hello since_welcome got_epoch got_block underruns channels up"
).split()
"""What the expr boxes share; each needs a value object."""


def client() -> Canvas:
    c = Canvas("client", 900, 420, who=WHO)
    c.text(20, 14, "ONE CLIENT OF THE ENGINE. Argument 1: the name that its objects share. 2 and 3: where the engine is. "
           "One UDP socket speaks and listens, so there is no port to choose and nothing to open.", 110)
    out, socket, into = c.sub(20, 70, says()), c.obj(20, 105, "netsend -u -b"), c.sub(125, 140, hears())
    out >> socket
    socket >> c.obj(20, 140, "v @up")
    socket[1] >> into
    c.sub(20, 190, clock(WHO))
    c.sub(120, 190, watch())
    c.text(420, 70, "1 Where the engine is: arguments, or the message connect HOST PORT OWN_PORT.", 56)
    load, given = c.obj(420, 110, "loadbang"), c.obj(420, 138, "list $2 $3")
    here, there = c.obj(420, 166, "route 0"), c.msg(420, 204, "127.0.0.1 9700")
    load >> given >> here
    here >> there
    split, port = c.obj(560, 204, "unpack s f"), c.obj(640, 232, "expr if($f1 == 0, 9700, $f1)")
    both, to = c.obj(560, 260, "pack s f"), c.obj(420, 288, "s &connect")
    here[1] >> split[0]
    split[1] >> port >> both[1]
    split >> both >> to
    there >> to
    c.text(20, 230, "2 What the expr boxes share: each needs a value object.", 50)
    c.sub(20, 258, values())
    c.text(20, 300, "3 After a moment, so that every object of the patch is there:", 50)
    c.column(20, 330, "loadbang", "del 100", "( 1", "s &go")
    return c


def values() -> Canvas:
    c = Canvas("values", 820, 520, who=WHO)
    c.text(20, 14, "Values that the expr boxes of this client share, and what they are before the first welcome.", 90)
    for n, name in enumerate(SHARED):
        c.obj(20 + n % 4 * 195, 50 + n // 4 * 28, f"v @{name}")
    load = c.obj(20, 300, "loadbang")
    first = c.obj(20, 328, "expr @quiet = 1000; @since_welcome = 1000; @since_hello = 1000; @nb = 256; @block = 256; "
                  "@channels = max(@channels, 1)", 70)
    load >> first
    c.obj(20, 384, "array define &zeros 1024")
    ramp = c.msg(240, 364, "0 " + " ".join(str(n) for n in range(64)), 70)
    c.obj(240, 470, "array define &ramp 64")
    load >> ramp >> c.obj(560, 470, "s &ramp")
    return c


def says() -> Canvas:
    c = Canvas("says", 1240, 640, who=WHO)
    c.text(20, 14, "EVERYTHING WE SAY, as OSC bytes into the one socket.", 60)
    sent, out = c.column(20, 42, "r &bytes", "list prepend send", "list trim"), c.obj(20, 600, "outlet")
    sent[-1] >> out

    c.text(230, 42, "connect HOST PORT OWN_PORT; own port 0: any", 46)
    asked = c.column(230, 70, "r &connect", "unpack s f f", "pack s f 0", "t a b")
    asked[1][1] >> asked[2][1]
    asked[1][2] >> asked[2][2]
    opened, closed = c.msg(230, 182, "connect $1 $2 $3"), c.msg(370, 182, "disconnect")
    asked[3] >> opened >> out
    asked[3][1] >> closed >> out
    fresh = c.obj(490, 154, "t b b")
    asked[3][1] >> fresh
    fresh[1] >> c.obj(560, 182, "s &forget")
    gone = c.obj(490, 70, "r &disconnect")
    leave = c.obj(490, 98, "t b b")
    gone >> leave
    leave[1] >> c.msg(560, 126, "/heart/bye") >> c.obj(650, 126, "s &tell")
    leave >> closed
    leave >> fresh

    c.text(20, 230, "hello name reply_port protocol sample_rate channels", 52)
    hello = c.column(20, 258, "r &hello", "t b b b b")
    name, packed = c.msg(20, 342, "symbol pure-data"), c.obj(20, 370, "pack s 0 1 44100 1")
    hello[1] >> name >> packed >> c.obj(20, 398, "oscformat -f siiii heart hello") >> c.obj(20, 426, "s &bytes")
    channels = c.obj(180, 342, "v @channels")
    hello[1][1] >> channels >> packed[4]
    rate = c.obj(180, 286, "samplerate~")
    hello[1][2] >> rate >> c.obj(180, 314, "t f f") >> packed[3]
    c.boxes[-1][1] >> c.obj(280, 314, "v @sr")
    hello[1][3] >> c.msg(280, 258, "0") >> c.obj(330, 258, "v @since_hello")

    c.text(20, 470, "any message: address arguments", 40)
    tell = c.column(20, 498, "r &tell", "list append", "t a a")
    rest, first = c.obj(20, 582, "list split 1"), c.obj(160, 526, "list split 1")
    tell[2] >> rest
    tell[2][1] >> first
    tidy = c.column(160, 554, "list prepend set", "list trim")
    first >> tidy[0]
    said = c.obj(300, 582, "oscformat")
    tidy[1] >> said
    rest[1] >> said >> c.obj(300, 610, "s &bytes")

    _credit(c, 500, 230)
    c.text(860, 42, "these blocks never came", 40)
    nack = c.column(860, 70, "r &nack", "t l b")
    count = c.obj(940, 126, "expr @asked = @asked + 1")
    nack[1][1] >> count >> c.obj(940, 154, "s &asked")
    nack[1] >> c.obj(860, 182, "oscformat -f iii heart nack") >> c.obj(860, 210, "s &bytes")
    c.text(860, 260, "once a second: I am here, by the epoch that only I was told", 40)
    c.column(860, 304, "r &go", "metro 1000", "v @epoch", "oscformat -f i heart ping", "s &bytes")
    c.text(860, 470, "receive~ says how many channels it has; more than before: say hello again", 46)
    more = c.column(860, 514, "r &channels", "t f f", "expr @channels = max($f1 , @channels)")
    new = c.column(1000, 570, "sel 1", "s &hello-soon")
    more[1][1] >> c.obj(1000, 542, "expr $f1 > @channels") >> new[0]
    return c


def _credit(c: Canvas, x: int, y: int) -> None:
    """50 times a second: what was played, what is in reserve; then look for what is missing."""
    c.text(x, y, "credit epoch played fill underruns, 50 times a second; then look for missing blocks", 46)
    start = c.column(x, y + 42, "r &credit", "v @epoch", "moses 1")
    parts, packed = c.obj(x + 40, y + 154, "t b f b b b"), c.obj(x, y + 310, "pack f f f f")
    start[2][1] >> parts
    scan = c.obj(x, y + 182, "s &scan")
    underruns = c.obj(x + 220, y + 56, "v @underruns")
    parts[4] >> underruns >> packed[3]
    underruns >> c.obj(x + 220, y + 84, "s &underruns")
    fill = c.obj(x + 180, y + 140, "expr if(@have, max(0, int(((((@newest - @b + (1024*1024) + (512*1024)) % (1024*1024) - "
                 "(512*1024)) + 1)*@block - max(@f, 0))*1000/@sr)), 0)", 44)
    parts[3] >> fill >> packed[2]
    fill >> c.obj(x + 110, y + 112, "s &fill")
    played = c.obj(x + 60, y + 246, "expr ((@b % ((1024*1024)/@block))*@block + max(@f, 0)) % (1024*1024)", 40)
    parts[2] >> played >> packed[1]
    parts[1] >> packed[0]
    packed >> c.obj(x, y + 338, "oscformat -f iiii heart credit") >> c.obj(x, y + 366, "s &bytes")
    parts >> scan


def hears() -> Canvas:
    c = Canvas("hears", 1180, 640, who=WHO)
    c.text(20, 14, "EVERYTHING THE ENGINE SAYS: bytes, read as OSC (docs/osc.md has every address).", 90)
    head = c.column(20, 42, "inlet", "oscparse", "list trim", "route heart", "route audio")
    sound = c.obj(20, 196, "t a a")
    head[-1] >> sound
    c.text(20, 400, "a block of sound, to its channel", 34)
    number, block = c.obj(160, 224, "list split 1"), c.obj(20, 420, "list split 1")
    named, send = c.obj(160, 448, "makefilename &audio-%s"), c.obj(160, 476, "send")
    sound[1] >> number >> named >> send[1]
    sound >> block
    block[1] >> send
    c.text(260, 252, "a sign of life, if it is of this epoch", 44)
    alive = c.column(260, 280, "unpack f f", "expr $f1 == @epoch", "sel 1", "( 0", "v @quiet")
    block[1] >> alive[0]
    other = c.obj(160, 168, "t a a")
    head[-1][1] >> other
    other >> c.obj(160, 196, "s &said")
    kinds = c.obj(260, 168, "route welcome beat error alarm startup bye")
    other[1] >> kinds
    kinds >> c.obj(290, 204, "s &welcome")
    kinds[4] >> c.obj(620, 204, "s &hello-soon")
    kinds[5] >> c.obj(740, 204, "s &forget")
    _trouble(c, kinds)
    _beats(c, kinds)
    return c


def _trouble(c: Canvas, kinds: Box) -> None:
    c.text(620, 240, "error code address text; alarm code text", 44)
    whole = c.obj(620, 268, "t a a")
    kinds[2] >> whole
    whole >> c.obj(620, 296, "s &error")
    error = c.obj(720, 296, "unpack s s s")
    whole[1] >> error
    error[2] >> c.obj(820, 330, "s &trouble")
    error >> c.obj(700, 330, "sel unknown-client") >> c.obj(700, 358, "s &hello-soon")
    alarm = c.obj(900, 296, "unpack s s")
    kinds[3] >> alarm
    alarm[1] >> c.obj(950, 330, "s &trouble")


def _beats(c: Canvas, kinds: Box) -> None:
    c.text(500, 400, "beat n offset bpm rr_ms rmssd_ms label trust: how long until its frame plays? The clock stands at the "
           "last tick; the timer says how much has gone by since.", 62)
    beat = c.obj(500, 450, "unpack f f f f f s f")
    kinds[1] >> beat
    asked, timer = c.obj(660, 482, "t f b"), c.obj(740, 510, "timer")
    beat[1] >> asked
    tick = c.obj(740, 482, "r &tick")
    tick >> timer
    asked[1] >> timer[1]
    away = c.obj(660, 538, "expr ($f1 - int((@b % @nb)*@block + @f + $f2 * @sr /1000 + 0.5) + 131072) % 65536", 60)
    timer >> away[1]
    asked >> away
    ms = c.obj(660, 582, "expr if($f1 < 57344, $f1 * 1000/@sr, 0)", 44)
    away >> ms
    packed = c.obj(500, 580, "pack f f f f f s f")
    for outlet, inlet in ((0, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)):
        beat[outlet] >> packed[inlet]
    ms >> packed >> c.obj(500, 608, "s &beat-in")


def watch() -> Canvas:
    c = Canvas("watch", 1180, 640, who=WHO)
    c.text(20, 14, "THE WATCH, ten times a second: no sound for a second and no welcome: say hello, every half second, until "
           "somebody answers.", 76)
    each = c.column(20, 60, "r &go", "metro 100", "t b b b b")
    grow = c.obj(300, 88, "expr @quiet = @quiet + 100; @since_hello = @since_hello + 100; @since_welcome = @since_welcome + 100; "
                 "@still = @still + 100", 70)
    each[2][3] >> grow
    due = c.column(110, 180, "expr @quiet >= 1000 && @since_welcome >= 1000 && @since_hello >= 500", "sel 1", "s &hello")
    each[2][2] >> due[0]
    ready = c.column(110, 270, "expr @epoch > 0", "s &ready")
    each[2][1] >> ready[0]

    c.text(640, 150, "the engine has started, or does not know us", 46)
    soon = c.column(640, 178, "r &hello-soon", "t b b", "expr @since_hello >= 200 && @sr > 0", "sel 1", "s &hello")
    soon[1][1] >> c.obj(740, 206, "s &forget-stream")
    c.text(640, 340, "this stream is over; forget: and a new one is wanted at once", 46)
    forget = c.obj(800, 368, "r &forget")
    now = c.obj(800, 396, "expr @quiet = 1000; @since_welcome = 1000; @since_hello = 1000", 40)
    over = c.column(640, 368, "r &forget-stream", "t b b b")
    both = c.obj(800, 444, "t b b")
    forget >> both
    both[1] >> now
    both >> over[1]
    over[1][2] >> c.obj(740, 480, "s &close")
    over[1][1] >> c.obj(640, 508, "expr @epoch = 0; @want = 0; @run = 0", 40)
    over[1] >> c.msg(560, 480, "1000") >> c.obj(560, 536, "v @quiet")

    c.text(20, 340, "IN WORDS: 0 no answer, 1 waiting, 2 playing, 3 stopped, 4 audio off, 5 not connected", 60)
    state = c.obj(20, 386, "expr if(@up == 0, 5, if(@still >= 500, 4, if(@quiet < 300, 2, if(@since_welcome < 1000, 1, "
                  "if(@epoch > 0 && @quiet < 4000, 3, 0)))))", 66)
    each[2] >> state
    changed = c.column(20, 440, "change -1", "sel 0 1 2 3 4 5")
    state >> changed[0]
    out, said = c.obj(20, 596, "s &words"), c.obj(130, 596, "print heart-$1")
    gather = c.obj(20, 568, "t a a")
    gather >> out
    gather[1] >> said
    made = []
    for n, text in enumerate(WORDS):
        made.append(c.msg(20 + n % 2 * 300, 504 + n // 2 * 20, f"symbol {words(text)}"))
        changed[1][n] >> made[-1] >> gather
    return c
