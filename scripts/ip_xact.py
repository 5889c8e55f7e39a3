"""Checks an IP-XACT component by the rules of IEEE 1685-2014, and its ports against the module that Yosys read.

usage: ip_xact.py COMPONENT.xml PINS.json

The rules are those of the standard's schema for the elements that nanotrig writes: which may stand where, in which order and
how often, and what their texts may be; and the standard's semantic rules for references and names. Nothing else is allowed.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

NAMESPACE = "{http://www.accellera.org/XMLSchema/IPXACT/1685-2014}"
NAME = r"[A-Za-z_:][\w:.\-]*"  # xs:Name
TOKEN = r"[\w:.\-]+"  # xs:NMTOKEN
# Of each element: its children in the schema's order, with the least and the greatest number (None is any).
CHILDREN = {
    "component": [("vendor", 1, 1), ("library", 1, 1), ("name", 1, 1), ("version", 1, 1), ("busInterfaces", 0, 1),
                  ("model", 0, 1), ("fileSets", 0, 1), ("description", 0, 1), ("parameters", 0, 1)],
    "busInterfaces": [("busInterface", 1, None)],
    "busInterface": [("name", 1, 1), ("busType", 1, 1), ("abstractionTypes", 0, 1), ("master", 0, 1), ("slave", 0, 1)],
    "abstractionTypes": [("abstractionType", 1, None)],
    "abstractionType": [("abstractionRef", 1, 1), ("portMaps", 0, 1)],
    "portMaps": [("portMap", 1, None)],
    "portMap": [("logicalPort", 1, 1), ("physicalPort", 1, 1)],
    "logicalPort": [("name", 1, 1)],
    "physicalPort": [("name", 1, 1)],
    "model": [("views", 0, 1), ("instantiations", 0, 1), ("ports", 0, 1)],
    "views": [("view", 1, None)],
    "view": [("name", 1, 1), ("componentInstantiationRef", 0, 1)],
    "instantiations": [("componentInstantiation", 1, None)],
    "componentInstantiation": [("name", 1, 1), ("language", 0, 1), ("moduleName", 0, 1), ("fileSetRef", 0, None)],
    "fileSetRef": [("localName", 1, 1)],
    "ports": [("port", 1, None)],
    "port": [("name", 1, 1), ("wire", 1, 1)],
    "wire": [("direction", 1, 1), ("vectors", 0, 1)],
    "vectors": [("vector", 1, None)],
    "vector": [("left", 1, 1), ("right", 1, 1)],
    "fileSets": [("fileSet", 1, None)],
    "fileSet": [("name", 1, 1), ("file", 0, None)],
    "file": [("name", 1, 1), ("fileType", 1, None)],
    "parameters": [("parameter", 1, None)],
    "parameter": [("name", 1, 1), ("description", 0, 1), ("value", 1, 1)],
}
REFERENCE = {"vendor", "library", "name", "version"}
ATTRIBUTES = {"busType": REFERENCE, "abstractionRef": REFERENCE, "parameter": {"parameterId", "type"}}
TEXTS = {"vendor": NAME, "library": NAME, "version": TOKEN, "direction": "in|out|inout|phantom", "left": r"\d+",
         "right": r"\d+", "fileType": "verilogSource", "language": TOKEN, "value": r"\d+", "moduleName": NAME}
# The logical ports of each interface, and which of them a master drives.
BUSES = {
    "AXI4Stream": {"TVALID": True, "TREADY": False, "TDATA": True, "TLAST": True},
    "AXI4-Lite": {
        **{f"{channel}VALID": master for channel, master in [("AW", True), ("W", True), ("B", False), ("AR", True), ("R", False)]},
        **{f"{channel}READY": master for channel, master in [("AW", False), ("W", False), ("B", True), ("AR", False), ("R", True)]},
        **dict.fromkeys(["AWADDR", "AWPROT", "WDATA", "WSTRB", "ARADDR", "ARPROT"], True),
        **dict.fromkeys(["BRESP", "RDATA", "RRESP"], False),
    },
}


def shape(element):
    """The schema: children, their order and number, attributes and texts."""
    tag = element.tag.removeprefix(NAMESPACE)
    assert element.tag != tag, f"<{tag}> is outside the namespace"
    assert set(element.attrib) == ATTRIBUTES.get(tag, set()), f"<{tag}>: attributes {sorted(element.attrib)}"
    found = [child.tag.removeprefix(NAMESPACE) for child in element]
    rules = CHILDREN.get(tag, [])
    order = [name for name, _, _ in rules]
    assert all(name in order for name in found), f"<{tag}> may not have {set(found) - set(order)}"
    assert found == sorted(found, key=order.index), f"<{tag}>: the order of {found}"
    for name, least, most in rules:
        count = found.count(name)
        assert least <= count and (most is None or count <= most), f"<{tag}> has {count} of <{name}>"
    text = (element.text or "").strip()
    if not found and tag in TEXTS:
        assert re.fullmatch(TEXTS[tag], text), f"<{tag}>: `{text}`"
    assert not (found and text), f"<{tag}>: text between elements"
    return 1 + sum(shape(child) for child in element)


def all_of(root, path):
    return root.findall("/".join(NAMESPACE + part for part in path.split("/")))


def text(element, path):
    return element.findtext("/".join(NAMESPACE + part for part in path.split("/")))


def distinct(names, what):
    assert len(set(names)) == len(names), f"{what} are named twice: {names}"
    assert all(re.fullmatch(NAME, name) for name in names), f"{what}: {names}"
    return set(names)


def main(component, pins):
    root = ElementTree.parse(component).getroot()
    assert root.tag == NAMESPACE + "component"
    elements = shape(root)
    instantiations = all_of(root, "model/instantiations/componentInstantiation")
    file_sets = all_of(root, "fileSets/fileSet")
    known = distinct([text(one, "name") for one in instantiations], "instantiations")
    sets = distinct([text(one, "name") for one in file_sets], "file sets")
    views = all_of(root, "model/views/view")
    distinct([text(view, "name") for view in views], "views")
    assert {text(view, "componentInstantiationRef") for view in views} <= known, "a view without its instantiation"
    top = text(root, "name")
    for one in instantiations:
        assert text(one, "moduleName") == top
        assert {text(ref, "localName") for ref in all_of(one, "fileSetRef")} <= sets, "an instantiation without its files"
    for name in (text(file, "name") for one in file_sets for file in all_of(one, "file")):
        assert (Path(component).parent / name).is_file(), f"{name} is missing"
    ports = {}
    for port in all_of(root, "model/ports/port"):
        left = port.findtext(f".//{NAMESPACE}left")
        name = text(port, "name")
        assert name not in ports, f"port {name} is there twice"
        ports[name] = (text(port, "wire/direction"), int(left or 0) + 1)
    module = json.loads(Path(pins).read_text())["modules"][top]["ports"]
    real = {name: (port["direction"].removesuffix("put"), len(port["bits"])) for name, port in module.items()}
    assert ports == real, f"ports {ports}, but the module has {real}"
    for bus in all_of(root, "busInterfaces/busInterface"):
        master = bus.find(NAMESPACE + "master") is not None
        assert master != (bus.find(NAMESPACE + "slave") is not None), "a bus is master or slave"
        maps = all_of(bus, "abstractionTypes/abstractionType/portMaps/portMap")
        logical = {text(one, "logicalPort/name"): text(one, "physicalPort/name") for one in maps}
        kind = bus.find(NAMESPACE + "busType").get("name")
        assert set(logical) == set(BUSES[kind]), f"an {kind} of {sorted(logical)}"
        for name, port in logical.items():
            assert ports[port][0] == ("out" if BUSES[kind][name] == master else "in"), f"{port} has the wrong direction"
    print(f"IP-XACT: {elements} elements and {len(ports)} ports of {top} follow the rules")


if __name__ == "__main__":
    main(*sys.argv[1:])
