// Writes the engine's blocks into a buffer~: the way "js" of heart.receive~, for any Max since 7.
// Left inlet: a list of samples. Right inlet: the frame where it begins. Argument: the buffer~'s name.
// js and v8 work on the low-priority thread, so the screen can hold it up: keep lead_ms at 300 or more.

autowatch = 0;
inlets = 2;
outlets = 0;

var ring = new Buffer(jsarguments[1]);
var offset = 0;

function msg_int(frame) {
    if (inlet === 1) {
        offset = frame;
    }
}

function msg_float(frame) {
    msg_int(Math.floor(frame));
}

function list() {
    if (inlet === 0) {
        ring.poke(1, offset, arrayfromargs(arguments));
    }
}
