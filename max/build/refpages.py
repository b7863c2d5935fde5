"""docs/refpages/NAME.maxref.xml: the reference page of an object."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from max.build.catalogue import Entry
from max.build.sheet import Ports

_HEAD = (
    '<?xml version="1.0" encoding="utf-8" standalone="yes"?>',
    '<?xml-stylesheet href="./_c74_ref.xsl" type="text/xsl"?>',
)
Doors = list[tuple[str, str]]


def build(entry: Entry, doors: Doors, ports: Ports) -> str:
    """The XML text."""
    root = ET.Element("c74object", name=entry.name, category="Sounds of the Heart")
    _text(root, "digest", entry.digest)
    _text(root, "description", entry.description)
    meta = ET.SubElement(root, "metadatalist")
    for name, value in (("author", "Sounds of the Heart"), ("type", "Max"), ("tag", "OSC"), ("tag", "heart")):
        ET.SubElement(meta, "metadata", name=name).text = value
    _ports(root, "inlet", [words for kind, words in doors if kind == "inlet"], [])
    _ports(root, "outlet", [words for kind, words in doors if kind == "outlet"], ports[1])
    args = ET.SubElement(root, "objarglist")
    for name, words in entry.args:
        arg = ET.SubElement(args, "objarg", name=name, optional="1", type="symbol")
        _text(arg, "digest", words)
    methods = ET.SubElement(root, "methodlist")
    for name, words in entry.messages:
        method = ET.SubElement(methods, "method", name=name)
        ET.SubElement(method, "arglist")
        _text(method, "digest", words)
        _text(method, "description", words[0].upper() + words[1:] + ".")
    ET.SubElement(root, "attributelist")
    see = ET.SubElement(root, "seealsolist")
    for name in entry.see:
        ET.SubElement(see, "seealso", name=name)
    ET.indent(root, "\t")
    body = ET.tostring(root, encoding="unicode")
    return "\n".join((*_HEAD, body, ""))


def _text(parent: ET.Element, tag: str, words: str) -> None:
    ET.SubElement(parent, tag).text = words


def _ports(root: ET.Element, kind: str, words: list[str], types: list[str]) -> None:
    ports = ET.SubElement(root, f"{kind}list")
    for n, text in enumerate(words):
        port = ET.SubElement(ports, kind, id=str(n), type=(types[n] if n < len(types) else "") or "message")
        _text(port, "digest", text)
