"""Writes the Max package: every patch, help file, reference page and picture in `max/` comes from here.

python -m max.build               # from the root of the project; `make patches`
python -m max.build --out DIR     # elsewhere

catalogue.py  what the objects are: arguments, inlets, outlets, words (help and reference pages read it)
sheet.py      one patch on squared paper: boxes, cords, sections; style.py has colours and measures
engine.py stream.py channel.py beat.py send.py morph.py cues.py panel.py     the objects
concert.py concert_*.py       the concert patch, patches/concert
controls.py addresses.py      what comes from the table of addresses (heart.namespace): knobs, every address
helps.py refpages.py overview.py device.py maxtest.py icon.py        what is around them
picture.py faces.py    a patch as SVG, to look at it without Max
    lint.py       what is wrong with a patch
"""
