//! `packages/NAME.xml`: an IP-XACT component (IEEE 1685-2014): pins, AXI4 interfaces, files for synthesis and simulation.

use super::{Design, Package};
use crate::backends::File;
use crate::backends::hdl::Use;
use crate::error::{Error, Result};
use crate::interfaces::Pin;
use crate::registry::Entry;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// The entry.
pub const PACKAGE: Entry<Package> = Entry { name: "ip-xact", doc: "an IP-XACT component, IEEE 1685-2014", make };

const NAMESPACE: &str = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014";

/// An element: its name without the prefix, attributes, and text or elements.
struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    inside: Vec<Element>,
}

fn leaf(name: &'static str, text: impl Into<String>) -> Element {
    Element { name, attributes: Vec::new(), text: text.into(), inside: Vec::new() }
}

fn branch(name: &'static str, inside: Vec<Element>) -> Element {
    Element { name, attributes: Vec::new(), text: String::new(), inside }
}

/// An element that only names something: vendor, library, name and version.
fn reference(name: &'static str, what: &str) -> Element {
    let attributes = [("vendor", "amba.com"), ("library", "AMBA4"), ("name", what), ("version", "r0p0_1")];
    let attributes = attributes.map(|(key, value)| (key, value.to_string())).to_vec();
    Element { attributes, ..leaf(name, "") }
}

fn make(design: &Design) -> Result<Vec<File>> {
    let top = design.top();
    let pins = design.pins();
    let mut component = vec![
        leaf("vendor", "nanotrig"),
        leaf("library", "networks"),
        leaf("name", top),
        leaf("version", env!("CARGO_PKG_VERSION")),
    ];
    let there = |(name, _): &(&str, _)| pins.iter().any(|pin| pin.name.starts_with(&format!("{name}_")));
    let buses: Vec<Element> = BUSES.into_iter().filter(there).map(|(name, kind)| bus(name, kind, &pins)).collect();
    component.extend((!buses.is_empty()).then(|| branch("busInterfaces", buses)));
    let sets = [("synthesis", Use::Synthesis), ("simulation", Use::Simulation)];
    let views = sets.map(|(name, _)| {
        branch("view", vec![leaf("name", name), leaf("componentInstantiationRef", format!("{name}_verilog"))])
    });
    let instantiations = sets.map(|(name, _)| {
        branch(
            "componentInstantiation",
            vec![
                leaf("name", format!("{name}_verilog")),
                leaf("language", "Verilog"),
                leaf("moduleName", top),
                branch("fileSetRef", vec![leaf("localName", format!("{name}_files"))]),
            ],
        )
    });
    component.push(branch(
        "model",
        vec![
            branch("views", views.into()),
            branch("instantiations", instantiations.into()),
            branch("ports", pins.iter().map(port).collect()),
        ],
    ));
    let file =
        |path: String| branch("file", vec![leaf("name", format!("../{path}")), leaf("fileType", "verilogSource")]);
    let file_sets = sets.map(|(name, use_of)| {
        let mut inside = vec![leaf("name", format!("{name}_files"))];
        inside.extend(design.sources(use_of).into_iter().map(file));
        branch("fileSet", inside)
    });
    component.push(branch("fileSets", file_sets.into()));
    component.push(leaf("description", format!("{}, a neural network; made by nanotrig", design.netlist.name)));
    component.push(branch("parameters", vec![latency(design)]));
    let attributes = vec![("xmlns:ipxact", NAMESPACE.to_string())];
    let component = Element { attributes, ..branch("component", component) };
    Ok(vec![File { path: format!("packages/{top}.xml"), text: print(&component)? }])
}

/// The circuit's latency, which a system needs to know and may not change.
fn latency(design: &Design) -> Element {
    let attributes = vec![("parameterId", "latency_cycles".to_string()), ("type", "int".into())];
    let inside = vec![
        leaf("name", "latency_cycles"),
        leaf("description", "Clocks from an event to its answer in the circuit"),
        leaf("value", design.netlist.latency.to_string()),
    ];
    Element { attributes, ..branch("parameter", inside) }
}

/// What the pins of an interface begin with, and what it is.
const BUSES: [(&str, &str); 3] = [("s_axis", "AXI4Stream"), ("m_axis", "AXI4Stream"), ("s_axi", "AXI4-Lite")];

/// An interface of the pins that begin so.
fn bus(name: &'static str, kind: &str, pins: &[Pin]) -> Element {
    let map = |pin: &Pin| {
        let logical = pin.name.strip_prefix(name)?.strip_prefix('_')?.to_uppercase();
        let maps = [("logicalPort", logical), ("physicalPort", pin.name.clone())];
        Some(branch("portMap", maps.map(|(side, name)| branch(side, vec![leaf("name", name)])).into()))
    };
    let abstraction = vec![
        reference("abstractionRef", &format!("{kind}_rtl")),
        branch("portMaps", pins.iter().filter_map(map).collect()),
    ];
    branch(
        "busInterface",
        vec![
            leaf("name", name),
            reference("busType", kind),
            branch("abstractionTypes", vec![branch("abstractionType", abstraction)]),
            leaf(if name == "m_axis" { "master" } else { "slave" }, ""),
        ],
    )
}

fn port(pin: &Pin) -> Element {
    let mut wire = vec![leaf("direction", if pin.output { "out" } else { "in" })];
    if pin.width > 1 {
        let bounds = vec![leaf("left", (pin.width - 1).to_string()), leaf("right", "0")];
        wire.push(branch("vectors", vec![branch("vector", bounds)]));
    }
    branch("port", vec![leaf("name", &pin.name), branch("wire", wire)])
}

fn print(component: &Element) -> Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let failed = |error: std::io::Error| Error::bug(format!("a component has no XML form: {error}"));
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None))).map_err(failed)?;
    write(&mut writer, component).map_err(failed)?;
    let mut text = String::from_utf8(writer.into_inner()).map_err(|error| Error::bug(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

fn write(writer: &mut Writer<Vec<u8>>, element: &Element) -> std::io::Result<()> {
    let name = format!("ipxact:{}", element.name);
    let attributes = element.attributes.iter().map(|(key, value)| (*key, value.as_str()));
    let start = BytesStart::new(&name).with_attributes(attributes);
    if element.text.is_empty() && element.inside.is_empty() {
        return writer.write_event(Event::Empty(start));
    }
    writer.write_event(Event::Start(start))?;
    if !element.text.is_empty() {
        writer.write_event(Event::Text(BytesText::new(&element.text)))?;
    }
    element.inside.iter().try_for_each(|inner| write(writer, inner))?;
    writer.write_event(Event::End(BytesEnd::new(&name)))
}
