//! `kanele`: a Kolmogorov-Arnold network of KANELÉ: `truth_tables.json`, and `config.json` beside it.
//!
//! The tables are an object of edges `"LAYER_INPUT_OUTPUT": {"acive": 1, "values_int": [..]}` (the key is spelled so); an edge that is not active
//! counts as zeros. The folder of both will do as the model. The configuration has `layers`, the nodes of each layer from the input on, and `layers_bitwidth`, the bits
//! of their codes. As `KAN_LUT.predict` has it, a node's integers are summed exactly and saturated to signed codes of its
//! bits; a table has an entry for each code, the least first. Inputs are unsigned codes: the signed ones of the input
//! quantizer plus half their number. Outputs are the codes of the last layer. What stands in front of the input codes (a batch
//! normalisation and a quantizer) is not in these files.

use super::json::{field, integer, list, object, optional, sizes};
use super::{Content, FrontEnd, Source, json};
use crate::error::{At, Error, Result};
use crate::files;
use crate::network::{Input, Layer, Network, Tensor, elements};
use crate::registry::Entry;
use serde_json::Value;

/// This front end.
pub const FRONTEND: Entry<FrontEnd> = Entry {
    name: "kanele",
    doc: "KANELE truth_tables.json, with its config.json",
    make: FrontEnd { recognise, read, takes_weights: false },
};

/// The file of the tables, in the folder of a model.
pub const TABLES: &str = "truth_tables.json";
const CONFIG: &str = "config.json";

fn recognise(source: &Source) -> bool {
    let Content::Json(json) = &source.content else { return false };
    let edge = |(name, edge): (&String, &Value)| {
        name.split('_').count() == 3
            && name.split('_').all(|n| n.parse::<u32>().is_ok())
            && edge.get("values_int").is_some()
    };
    json.as_object().and_then(|edges| edges.iter().next()).is_some_and(edge)
}

fn read(source: &Source) -> Result<Network> {
    let Content::Json(tables) = &source.content else { return Err(Error::bug("truth tables that are not JSON")) };
    let config = files::read(&source.path.with_file_name(CONFIG)).and_then(|bytes| json::parse(&bytes));
    let config =
        config.map_err(|error| Error { help: format!("{CONFIG} of the model belongs beside the tables"), ..error })?;
    let nodes = field(&config, "layers", sizes).at(CONFIG)?;
    let bits = field(&config, "layers_bitwidth", sizes).at(CONFIG)?;
    if nodes.len() < 2 || bits.len() != nodes.len() || bits.iter().any(|bits| !(1..=20).contains(bits)) {
        let what = format!("`layers` is {nodes:?}, `layers_bitwidth` {bits:?}");
        return Err(Error::user(what, "give each layer, the input first, its nodes and 1 to 20 bits").at(CONFIG));
    }
    let mut used = 0;
    let mut layers = Vec::new();
    let mut before = "x".to_string();
    for at in 0..nodes.len() - 1 {
        let shape = [nodes[at], nodes[at + 1], 1 << bits[at]];
        let data = edges(tables, at, shape, &mut used)?;
        let name = format!("kan_{at}");
        let first = if at == 0 { 0 } else { -(1i64 << (bits[at] - 1)) };
        let width = bits[at + 1];
        let layer = Layer::new(&name, "kan", vec![before]).with("first", first);
        let layer = layer.with("activation", format!("fixed<{width},{width},TRN,SAT>"));
        layers.push(layer.with_tensor("tables", Tensor::new(shape.to_vec(), data)?));
        before = name;
    }
    let known = object(tables)?.len();
    if used != known {
        let what = format!("there are {known} edges, and {used} belong to layers of {nodes:?} nodes");
        return Err(Error::user(what, format!("tables and {CONFIG} must be of the same model")));
    }
    let input = Input { name: "x".into(), shape: vec![nodes[0]], format: Some(format!("u{}", bits[0])), next: None };
    let name =
        source.path.parent().and_then(|folder| folder.file_name()).map(|name| name.to_string_lossy().to_string());
    let name = name.filter(|_| source.path.ends_with(TABLES)).unwrap_or_else(|| source.stem());
    Ok(Network { name, inputs: vec![input], layers, outputs: vec![before] })
}

/// The tables of a layer's edges, [inputs, outputs, codes].
fn edges(tables: &Value, layer: usize, [inputs, outputs, codes]: [usize; 3], used: &mut usize) -> Result<Vec<f64>> {
    let count = elements(&[inputs, outputs, codes]).at(format!("layer {layer}"))?;
    let mut data = Vec::with_capacity(count);
    for (input, output) in (0..inputs).flat_map(|input| (0..outputs).map(move |output| (input, output))) {
        let name = format!("{layer}_{input}_{output}");
        let Some(edge) = tables.get(&name) else {
            return Err(Error::user(format!("has no edge `{name}`"), format!("{CONFIG} says that there is one")));
        };
        *used += 1;
        // The files say `acive`; a repaired spelling is understood.
        let active = match optional(edge, "acive", integer).at(&name)? {
            None => optional(edge, "active", integer).at(&name)?.unwrap_or(1),
            Some(active) => active,
        };
        let values = field(edge, "values_int", list).at(&name)?;
        if values.len() != codes {
            let what = format!("has {} values", values.len());
            return Err(Error::user(what, format!("an input code of this layer has {codes} values")).at(name));
        }
        for value in values {
            let value = integer(value).at("`values_int`").at(&name)?;
            data.push(if active == 0 { 0.0 } else { value as f64 });
        }
    }
    Ok(data)
}
