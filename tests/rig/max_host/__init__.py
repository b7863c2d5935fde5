"""The generated Max patches, run without Max: as far as their objects' reference pages say what they do.

It proves the patches' logic (order, stamps, credit, nack, words) against a real engine over real sockets, and not
that Max's own objects do what their pages say: for that there is tests/max.

    with MaxHost(vector=64) as host:
        engine = host.add("heart.engine 127.0.0.1 9700 9701")
        sound = host.record(host.add("heart.receive~ 1"), outlet=0)

    patch.py     a .maxpat becomes objects and cords        messages.py  objects of the message world
    signals.py   objects of the signal world                live.py      faces, and what a device meets of Live
    lists.py     zl, coll, buffer~                          world.py     time, sockets, the audio driver
    host.py      the clock and the audio vectors    stage.py     what the concert patch needs besides
"""

from rig.max_host.host import MaxHost

__all__ = ["MaxHost"]
