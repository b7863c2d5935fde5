"""heart.morph: a pad with the loaded sounds around it; where the stone lies says how much of each is sung.

The stone is a scalar of Pd's data structures, drawn in whole pixels (Pd finds the corner under the mouse only
then). A weight is 1 / distance squared, so a stone on a sound is that sound alone.
"""

from __future__ import annotations

from pd_patches.canvas import CARD, PAPER, Canvas

SIDE, SOUNDS, STONE = 180, 8, 8
"""Pixels of the pad, most sounds on it, half the stone."""

X, Y = "(0.5 + 0.42*sin(6.283185*{n}/{count}))", "(0.5 + 0.42*cos(6.283185*{n}/{count}))"
"""Where sound n + 1 of `count` lies, 0 to 1, clockwise from the top."""


def morph() -> Canvas:
    c = Canvas("heart.morph", 1040, 660, graph=(20, 60, SIDE, SIDE))
    c.head(
        "heart.morph SOUNDS NAME: drag the stone between the sounds in slots 1, 2, ... In: x y, each 0 to "
        "1. Out: the weights, one for each sound.",
        110,
    )
    c.card(20, 60, SIDE, SIDE, "", PAPER)
    for n in range(SOUNDS):
        c.card(-100, 20 + n * 20, 15, 15, str(n + 1), CARD, receive=f"$0-sound{n + 1}")
    pad = Canvas("$0-pad", 300, 260, graph=(0, 0, SIDE, SIDE), whole=(0, SIDE, SIDE, 0))
    c.sub(20, 60, pad)
    c.sub(20, 260, _shape())
    c.text(260, 60, "1 The stone, made when the patch opens.", 50)
    start = c.column(260, 88, "loadbang", "t b b b")
    here = c.column(400, 88, "f $0", "( traverse pd-$1-pad, bang", "pointer")
    start[1][2] >> here[0]
    stone = c.obj(260, 212, "append $0-stone px py")
    here[2] >> stone[2]
    start[1][1] >> c.msg(320, 150, "0.5") >> stone[1]
    start[1] >> c.msg(260, 150, "0.5") >> stone

    c.text(620, 60, "2 Moved by a list x y, or by hand, but not off the pad.", 60)
    into, moved = c.obj(620, 88, "inlet"), c.obj(740, 88, "r $0-moved")
    where = c.column(620, 128, "unpack f f", "clip 0 1")
    up = c.obj(720, 156, "clip 0 1")
    into >> where[0]
    moved >> where[0]
    where[0][1] >> up
    at = c.obj(620, 184, "pack f f")
    up >> at[1]
    where[1] >> at
    twice = c.column(620, 212, "t l l", "unpack f f")
    at >> twice[0]
    put = c.obj(720, 280, "set $0-stone px py")
    place = c.obj(720, 240, "unpack f f")
    twice[0][1] >> place
    place >> put
    place[1] >> put[1]
    stone >> put[2]

    c.text(260, 310, "3 How near each sound is: 1 / distance squared, and as a share of all.", 70)
    count = c.column(260, 338, "loadbang", "f $1", "expr if($f1 < 2, 4, min($f1 , 8))", "t f f")
    count[3][1] >> c.sub(420, 340, _corners())
    near = c.obj(260, 460, "expr " + "; ".join(_near(n) for n in range(SOUNDS)), 100)
    twice[1][1] >> near[1]
    twice[1] >> near
    total = " + ".join(f"$f{n + 1}" for n in range(SOUNDS))
    share = c.obj(
        260, near.y + near.height + 20, "expr " + "; ".join(f"$f{n + 1} / ({total})" for n in range(SOUNDS)), 100
    )
    some = c.column(260, share.y + share.height + 20, "pack" + " f" * SOUNDS, "list split 4", "t l l")
    for n in range(SOUNDS):
        near[n] >> share[n]
        share[n] >> some[0][n]
    count[3] >> near[2]
    count[3] >> some[1][1]
    (
        some[2][1]
        >> c.obj(400, some[2].y, "list prepend /heart/morph")
        >> c.obj(400, some[2].y + 28, "inside/to $2 tell")
    )
    some[2] >> c.obj(260, some[2].y + 28, "outlet")
    return c


def _near(n: int) -> str:
    """An expr of x, y and the count of sounds: 1 / distance squared to sound n + 1, 0 where there is none."""
    x, y = X.format(n=n, count="$f3"), Y.format(n=n, count="$f3")
    return f"if({n} >= $f3, 0, 1/(pow($f1 - {x}, 2) + pow($f2 - {y}, 2) + 0.0001))"


def _shape() -> Canvas:
    """The stone's template: a diamond whose corners all move with px and py."""
    c = Canvas("shape", 760, 260)
    c.head("What the stone looks like, when a hand moves it, where it is now.", 70)
    struct = c.obj(20, 50, "struct $0-stone float px float py")
    corners = ((-STONE, 0), (0, STONE), (STONE, 0), (0, -STONE))
    drawn = " ".join(f"px(0:1)({x}:{SIDE + x}) py(0:1)({y}:{SIDE + y})" for x, y in corners)
    c.obj(20, 78, f"filledpolygon 700 500 2 {drawn}", 90)
    change = c.column(20, 130, "route change", "get $0-stone px py", "pack f f", "s $0-moved")
    struct >> change[0]
    change[1][1] >> change[2][1]
    return c


def _corners() -> Canvas:
    """Moves the numbers of the sounds to their places; those above the count stay out of sight."""
    c = Canvas("corners", 1120, 420)
    c.head("Each sound's number to its place around the pad.", 60)
    count = c.column(20, 42, "inlet", "t f f f f f f f f")
    for n in range(SOUNDS):
        x, y = 20 + n % 2 * 550, 100 + n // 2 * 80
        here, there = X.format(n=n, count="$f1"), Y.format(n=n, count="$f1")
        at = c.column(x, y, f"expr if({n} < $f1, 12 + {SIDE}*{here}, -100); 52 + {SIDE}*(1 - {there})", "pack f f")
        at[0][1] >> at[1][1]
        count[1][n] >> at[0]
        at[1] >> c.msg(x + 100, at[1].y, "pos $1 $2") >> c.obj(x + 200, at[1].y, f"s $0-sound{n + 1}")
    return c
