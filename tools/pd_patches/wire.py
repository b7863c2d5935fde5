"""The two rooms of inside/client that know the protocol: what is said to the engine, what is heard from it."""

from __future__ import annotations

from pd_patches.boxes import Box
from pd_patches.canvas import Canvas


def says(who: str) -> Canvas:
    c = Canvas("says", 1300, 680, who=who)
    c.head("EVERYTHING WE SAY, as OSC bytes into the one socket.", 60)
    sent, out = c.column(20, 42, "r &bytes", "list prepend send", "list trim"), c.obj(120, 140, "outlet")
    sent[-1] >> out

    c.text(230, 42, "connect HOST PORT OWN_PORT, own port 0: any", 46)
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
    whole = c.column(20, 398, "list append", "oscformat -f siiii heart hello", "s &bytes", step=25)
    hello[1] >> name >> packed >> whole[0]
    c.text(320, 350, "and the pass phrase", 24)
    phrase = c.column(300, 375, "r &phrase", "list append", "t l l", "list fromsymbol", "list length", step=28)
    phrase[2][1] >> whole[0][1]
    none = c.obj(300, 518, "sel 0")
    none >> whole[0][1]
    phrase[4] >> none
    channels = c.obj(180, 342, "v @channels")
    hello[1][1] >> channels >> packed[4]
    rate = c.obj(180, 286, "samplerate~")
    hello[1][2] >> rate >> c.obj(180, 314, "t f f") >> packed[3]
    c.boxes[-1][1] >> c.obj(280, 314, "v @sr")
    hello[1][3] >> c.msg(280, 258, "0") >> c.obj(330, 258, "v @since_hello")

    c.text(20, 480, "any message: address arguments", 40)
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
    c.text(1000, 260, "once a second: I am here", 40)
    c.column(1000, 288, "r &go", "metro 1000", "v @epoch", "oscformat -f i heart ping", "s &bytes")
    c.text(860, 510, "receive~ has more channels than were asked for: say hello again", 46)
    more = c.column(860, 550, "r &channels", "t f f")
    more[1] >> c.obj(860, 640, "expr @channels = max($f1 , @channels)")
    new = c.column(1000, 580, "sel 1", "s &hello-soon")
    more[1][1] >> c.obj(1000, 550, "expr $f1 > @channels") >> new[0]
    return c


def _credit(c: Canvas, x: int, y: int) -> None:
    """50 times a second: what was played, what is in reserve; then look for what is missing."""
    c.text(x, y, "credit epoch played fill underruns, 50 times a second, then look for missing blocks", 46)
    start = c.column(x, y + 42, "r &credit", "v @epoch", "moses 1")
    parts, packed = c.obj(x + 40, y + 154, "t b f b b b"), c.obj(x, y + 310, "pack f f f f")
    start[2][1] >> parts
    scan = c.obj(x, y + 182, "s &scan")
    underruns = c.obj(x + 220, y + 56, "v @underruns")
    parts[4] >> underruns >> packed[3]
    underruns >> c.obj(x + 220, y + 84, "s &underruns")
    fill = c.obj(
        x + 180,
        y + 140,
        "expr if(@have, max(0, int(((((@newest - @b + (1024*1024) + (512*1024)) % (1024*1024) - "
        "(512*1024)) + 1)*@block - max(@f, 0))*1000/@sr)), 0)",
        44,
    )
    parts[3] >> fill >> packed[2]
    fill >> c.obj(x + 110, y + 112, "s &fill")
    played = c.obj(x + 60, y + 246, "expr ((@b % ((1024*1024)/@block))*@block + max(@f, 0)) % (1024*1024)", 40)
    parts[2] >> played >> packed[1]
    parts[1] >> packed[0]
    packed >> c.obj(x, y + 338, "oscformat -f iiii heart credit") >> c.obj(x, y + 366, "s &bytes")
    parts >> scan


def hears(who: str) -> Canvas:
    c = Canvas("hears", 1200, 780, who=who)
    c.head("EVERYTHING THE ENGINE SAYS: bytes, read as OSC (docs/osc.md has every address).", 90)
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
    kinds[5] >> c.obj(800, 204, "s &forget")
    _trouble(c, kinds)
    _beats(c, kinds)
    return c


def _trouble(c: Canvas, kinds: Box) -> None:
    c.text(620, 240, "error code address text", 44)
    c.text(960, 268, "alarm code text", 44)
    whole = c.obj(620, 268, "t a a")
    kinds[2] >> whole
    whole >> c.obj(620, 296, "s &error")
    error = c.obj(760, 296, "unpack s s s")
    whole[1] >> error
    error[2] >> c.obj(820, 330, "s &trouble")
    error >> c.obj(620, 340, "sel unknown-client") >> c.obj(620, 368, "s &hello-soon")
    alarm = c.obj(960, 296, "unpack s s")
    kinds[3] >> alarm
    alarm[1] >> c.obj(1000, 340, "s &trouble")


def _beats(c: Canvas, kinds: Box) -> None:
    """A beat to come, of the first voice or (/heart/beat/2 ...) of another, with the ms until it sounds."""
    c.text(
        500,
        392,
        "beat n offset bpm rr_ms rmssd_ms label trust, beat 2 ... of another voice: voice first, then how long "
        "until its frame plays. The clock stands at the last tick, the timer says how much has gone by since.",
        110,
    )
    first, other = c.column(500, 430, "route list", "list prepend 1"), c.obj(640, 430, "t a a")
    kinds[1] >> first[0]
    first[0][1] >> other
    name = c.column(760, 430, "list split 1", "list fromsymbol", "- 48")
    rest, voice = c.obj(640, 458, "list split 1"), c.obj(640, 514, "list prepend")
    other[1] >> name[0]
    name[2] >> voice[1]
    other >> rest
    rest[1] >> voice
    beat = c.obj(500, 542, "t l l")
    first[1] >> beat
    voice >> beat
    offset, asked, timer = c.obj(600, 542, "unpack f f f"), c.obj(720, 542, "t f b"), c.obj(780, 570, "timer")
    beat[1] >> offset
    offset[2] >> asked
    c.obj(800, 542, "r &tick") >> timer
    asked[1] >> timer[1]
    away = c.obj(600, 604, "expr ($f1 - int((@b % @nb)*@block + @f + $f2 * @sr /1000 + 0.5) + 131072) % 65536", 66)
    timer >> away[1]
    asked >> away
    told = c.obj(500, 700, "list prepend")
    away >> c.obj(600, 660, "expr if($f1 < 57344, $f1 * 1000/@sr, 0)", 44) >> told[1]
    beat >> told >> c.obj(500, 728, "s &beat-in")
