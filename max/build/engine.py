"""heart.engine: the two sockets, the hello, the watch, and how it stands in words."""

from __future__ import annotations

from max.build.sheet import Sheet

from heart.namespace import CHANNELS, DEFAULT_PORT, PROTOCOL

STATES = (
    "no answer from the engine: is it running? (heart live)",
    "connected, waiting for sound",
    "playing",
    "the sound stopped coming: asking again",
    "audio is off in Max: turn it on (loudspeaker symbol)",
    "wrong protocol: update the engine or this package",
)
"""What heart.engine says, by its state."""

NO_MODEL = "no voice model: the engine beats by arithmetic (run heart doctor)"
WORDS = ("host", "engineport", "myport", "hello", "bye", "phrase")
"""What heart.engine takes besides addresses."""


def build(sheet: Sheet) -> Sheet:
    sheet.title(
        "The connection to the engine: sockets, hello, watch. One in a set; all heart. objects speak through it.",
        900,
    )
    _settings(sheet, 20, 84)
    _incoming(sheet, 20, 420)
    _watch(sheet, 760, 84)
    _hello(sheet, 760, 420)
    _meaning(sheet, 1220, 84)
    _state(sheet, 1220, 420)
    _outgoing(sheet, 20, 780)
    _control(sheet, 760, 930)
    return sheet


def _settings(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        1,
        "Who is where",
        "Arguments: host, the engine's port, our port. The same words work as messages.",
        x,
        y,
        690,
    )
    local = sheet.local
    args, unpack = s.down(10, 0, f"patcherargs 127.0.0.1 {DEFAULT_PORT} {DEFAULT_PORT + 1}", "unpack s 0 0")
    for outlet, (word, dx) in enumerate((("host", 10), ("engineport", 80), ("myport", 190))):
        store = s(f"s {local}{word}", dx, 2)
        unpack[outlet] >> store
    anything = s.inlet(
        330, 0, "(anything) an address with its arguments, or host, engineport, myport, phrase, hello, bye"
    )
    words = s(f"route {' '.join(WORDS)}", 330, 1.2, 320)
    anything >> words
    for outlet, (word, dx) in enumerate(
        (("host", 330), ("engineport", 372), ("myport", 446), ("again", 510), ("bye", 560))
    ):
        words[outlet] >> s(f"s {local}{word}", dx, 2.4 + outlet % 2)
    words[5] >> s(f"s {local}phrase", 596, 4.6)
    words[6] >> s("s heart.to", 640, 3.6)
    given = s(f"r {local}phrase", 360, 4.4) >> s("route bang", 360, 5.3)
    given >> s("t 1", 360, 6.2) >> s(f"s {local}phrased", 360, 7.2)
    words = given[1] >> s("tosymbol", 440, 6.2) >> s("t 2 s", 520, 6.2)
    words >> s(f"s {local}phrased", 470, 7.2)
    words[1] >> s(f"s {local}theirs", 580, 7.2)
    for dx, word, prepend, to in (
        (10, "host", "host", "address"),
        (120, "engineport", "port", "address"),
        (240, "myport", "port", "listen"),
    ):
        name, change, out = s.down(dx, 4.6, f"r {local}{word}", f"prepend {prepend}", f"s {local}{to}")


def _incoming(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        2,
        "What the engine says",
        "Sound goes straight to heart.receive~, everything else to all who listen.",
        x,
        y,
        690,
    )
    port, socket, both = s.down(10, 0, f"r {sheet.local}listen", f"udpreceive {DEFAULT_PORT + 1}", "t a b")
    both[1] >> s(f"s {sheet.local}heard", 80, 3)
    channels = range(1, CHANNELS + 1)
    route = s("route " + " ".join(f"/heart/audio/{ch}" for ch in channels), 10, 4, 690)
    sound = s("s heart.audio", 270, 6.4)
    both >> route
    for ch in channels:
        number = s(f"prepend {ch}", 10 + (ch - 1) * 76, 5)
        route[ch - 1] >> number >> sound
    route[CHANNELS] >> s("s heart.from", 620, 5)


def _watch(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        3, "The watch", "Nothing heard for a second: hello every half second, until somebody answers.", x, y, 420
    )
    local = sheet.local
    s.down(10, 0, f"r {local}heard", "delay 1000", f"s {local}lost")
    lost, three = s.down(120, 0, f"r {local}lost", "t 1 0 0")
    three >> s(f"s {local}asking", 120, 3)
    three[1] >> s(f"s {local}pinging", 146, 2)
    three[2] >> s(f"s {local}state", 232, 2)
    s.down(310, 0, f"r {local}again", "t 1", f"s {local}asking")
    welcome, fine = s.down(230, 3, f"r {local}connected", "t 1 1 0")
    fine >> s(f"s {local}state", 230, 6)
    fine[1] >> s(f"s {local}pinging", 256, 5)
    fine[2] >> s(f"s {local}asking", 340, 5)
    s.down(10, 3, f"r {local}asking", "metro 500", f"s {local}ask")


def _hello(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        4,
        "Hello, ping and bye",
        "Name, our port, protocol, sample rate, channels; told anew when one of them changes.",
        x,
        y,
        420,
    )
    local = sheet.local
    load, rate = s.down(10, 0, "loadbang", "dspstate~")
    rate >> s(f"s {local}dsp", 110, 2)
    number, changed, told = s.down(30, 2, "i", "change", "t b i")
    rate[1] >> number
    also = s("r heart.hello", 180, 4.2)
    soon, again = s.down(140, 4.9, "delay 300", f"s {local}again")
    told >> soon
    also >> soon
    ask = s(f"r {local}ask", 10, 6)
    channels = s("v heart.channels 0", 190, 6.62)
    port = s(f"r {local}myport", 70, 7.4)
    pack, gate = s(f"pack max {DEFAULT_PORT + 1} {PROTOCOL} 44100 1", 10, 8.4), s("gate 2 1", 10, 9.4)
    pack >> gate[1]
    phrased, hello = s("zl.join @zlmaxsize 16", 120, 10.4), s("prepend /heart/hello", 10, 11.4)
    gate >> hello
    gate[1] >> phrased >> hello
    s(f"r {local}phrased", 100, 9.4) >> gate
    s(f"r {local}theirs", 190, 9.4) >> phrased[1]
    hello >> s("s heart.to", 180, 11.4)
    both = s("t b b", 10, 7)
    ask >> both
    both >> pack
    both[1] >> channels >> s("maximum 1", 224, 7.5) >> pack[4]
    port >> pack[1]
    told[1] >> s(f"s {local}rate", 56, 5)
    s(f"r {local}rate", 152, 7.4) >> pack[3]
    s.down(310, 3, f"r {local}pinging", "metro 1000", "(/heart/ping 1)", "s heart.to")
    closing = s("closebang", 250, 8.6)
    bye = s(f"r {local}bye", 340, 8.6)
    goodbye = s("(/heart/bye)", 310, 9.8)
    closing >> goodbye
    bye >> goodbye
    goodbye >> s("s heart.to", 310, 10.8)


def _meaning(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        5, "What it means", "A welcome ends the asking; an error or alarm comes with words of its own.", x, y, 560
    )
    local = sheet.local
    told, route = s.down(
        10, 0, "r heart.from", "route /heart/welcome /heart/error /heart/alarm /heart/startup /heart/bye"
    )
    welcome = s("unpack 0 s 0 0 0 0 0 s", 10, 2, 140)
    route >> welcome
    good = s(f"sel {PROTOCOL}", 10, 3.2)
    welcome >> good
    good >> s(f"s {local}connected", 10, 7.4)
    good[1] >> s("t 5", 44, 5.2) >> s(f"s {local}state", 44, 6.4)
    welcome[6] >> s(f"s {local}epoch", 70, 4.2)
    model = s("sel pulse", 136, 3.2)
    trouble = s(f"s {local}trouble", 150, 6.4)
    welcome[7] >> model
    model >> s(f'("{NO_MODEL}")', 150, 5.2) >> trouble
    error = s("unpack s s s", 210, 2)
    route[1] >> error
    known = s("sel unknown-client protocol", 210, 3.2)
    error >> known
    known >> s(f"s {local}again", 210, 4.2)
    known[1] >> s("t 5", 326, 4.2) >> s(f"s {local}state", 326, 6.4)
    error[2] >> s(f"s {local}trouble", 238, 6.4)
    alarm = s("unpack s s", 310, 2)
    route[2] >> alarm
    alarm[1] >> s(f"s {local}trouble", 410, 6.4)
    route[3] >> s(f"s {local}again", 400, 2)
    route[4] >> s(f"s {local}lost", 480, 2)


def _control(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        8,
        "Without heart.receive~",
        "One credit proves that we are who we say: then status and beats are told to us too.",
        x,
        y,
        420,
    )
    epoch = s(f"r {sheet.local}epoch", 10, 0) >> s("t i b", 10, 1)
    gate = s("gate", 10, 4)
    epoch[1] >> s("v heart.channels 0", 80, 2) >> s("== 0", 80, 3) >> gate
    epoch >> gate[1]
    gate >> s("(/heart/credit $1 0 0 0)", 10, 5) >> s("s heart.to", 10, 6)


def _state(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        6,
        "How it stands",
        "Six states and their words. Audio that is off explains everything but a missing engine.",
        x,
        y,
        560,
    )
    local = sheet.local
    told = s(f"r {local}state", 10, 0)
    here, sound = s.down(110, 0, "r heart.audio", "t 2 b")
    late, stopped = s.down(150, 2, "delay 400", "t 3")
    on, both = s.down(290, 0, f"r {local}dsp", "t b i")
    state, meaning, changed, number = s.down(
        10, 4, "i", "expr $i1+(4-$i1)*(1-$i2)*($i1>0)*($i1<4)", "change -1", "t i i"
    )
    sound[1] >> late
    for source in (told, sound, stopped, both):
        source >> state
    both[1] >> meaning[1]
    number >> s(f"s {local}told", 10, 9.4)
    order = sorted(range(len(STATES)), key=lambda n: -len(STATES[n]))  # the shortest last: nothing crosses
    choose = s("sel " + " ".join(map(str, order)), 96, 8.2, 330)
    number[1] >> choose
    for place, n in enumerate(order):
        row = 9.4 + 1.7 * (len(order) - 1 - place)
        message, words = s.down(96 + 64 * place, row, f'("{STATES[n]}")', f"s {local}words")
        choose[place] >> message


def _outgoing(sheet: Sheet, x: float, y: float) -> None:
    s = sheet.section(
        7, "To the engine, and out", "One socket: who has something to say sends it to heart.to.", x, y, 690
    )
    local = sheet.local
    socket = s(f"udpsend 127.0.0.1 {DEFAULT_PORT}", 10, 1.4)
    s("r heart.to", 10, 0) >> socket
    s(f"r {local}address", 100, 0) >> socket
    for dx, name, word, shared in (
        (10, "words", "how it stands, in words", "heart.words"),
        (
            170,
            "told",
            f"0 to {len(STATES) - 1}: no answer, waiting, playing, stopped, audio off, wrong protocol",
            "heart.state",
        ),
        (320, "trouble", "(text) errors and alarms of the engine", "heart.trouble"),
    ):
        told, both = s.down(dx, 3, f"r {local}{name}", "t a a")
        both[1] >> s(f"s {shared}", dx + 40, 5)
        both >> s.outlet(dx, 6, word)
    s("r heart.from", 460, 3) >> s.outlet(460, 6, "all that the engine says except sound: address, arguments")
