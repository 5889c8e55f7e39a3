//! `dwn`: a differentiable weightless network (LUTs behind a thermometer), as plain arrays in an `.npz`.
//!
//! | array | shape | |
//! | --- | --- | --- |
//! | `thresholds` | [features, T] | bit = feature > threshold, feature by feature |
//! | `{n}_luts` | [units, 2^k] | the table of each unit of layer n: an entry above 0 is a 1; addresses have their first input lowest |
//! | `{n}_mapping_weights_argmax` or `{n}_mapping` | [units, k] or flat | which bits of the layer before each unit reads; the former where the mapping was learnt |
//! | `classes` | [classes] | the classes' names; or `num_classes` in the JSON text `config` |
//!
//! These are the tensors of a `torch_dwn` model's layers, `LUTLayer.luts` and `LUTLayer.mapping` (of a learnt mapping the
//! arg max over the candidates). The network becomes `encoder` (a `thermometer`), `lut_0`, `lut_1` .. (`truth_table`), and
//! the scores of the classes: the ones among each class's equal share of the last layer's units. The prediction is the
//! greatest score, the first of equals.

use super::json::{field, integer};
use super::{Content, FrontEnd, Source, json};
use crate::arrays::npz::Npz;
use crate::error::{At, Error, Result};
use crate::network::{Input, Layer, Network, Tensor};
use crate::registry::Entry;

/// This front end.
pub const FRONTEND: Entry<FrontEnd> = Entry {
    name: "dwn",
    doc: "weightless networks (DWN) as .npz",
    make: FrontEnd { recognise, read, takes_weights: false },
};

fn recognise(source: &Source) -> bool {
    let Content::Zip(bytes) = &source.content else { return false };
    Npz::open(bytes).is_ok_and(|npz| npz.has("thresholds") && npz.has("0_luts"))
}

fn read(source: &Source) -> Result<Network> {
    let Content::Zip(bytes) = &source.content else { return Err(Error::bug("an .npz that is not a zip")) };
    let npz = Npz::open(bytes)?;
    let array = |name: &str| npz.get(name)?.tensor().at(name);
    let thresholds = array("thresholds")?;
    let [features, _] = thresholds.shape[..] else {
        return Err(Error::user(format!("`thresholds` has shape {:?}", thresholds.shape), "it is [features, bits]"));
    };
    let encoder = Layer::new("encoder", "thermometer", vec!["x".into()]).with_tensor("thresholds", thresholds);
    let mut layers = vec![encoder];
    let mut units = 0;
    for at in (0..).take_while(|at| npz.has(&format!("{at}_luts"))) {
        let before = layers.last().map_or_else(String::new, |layer| layer.name.clone());
        let luts = array(&format!("{at}_luts"))?;
        let learnt = format!("{at}_mapping_weights_argmax");
        let mapping = array(&if npz.has(&learnt) { learnt } else { format!("{at}_mapping") })?;
        let layer = Layer::new(format!("lut_{at}"), "truth_table", vec![before]);
        let (mapping, tables) = tables(mapping, luts).at(format!("layer {at}"))?;
        units = tables.shape.first().copied().unwrap_or(0);
        layers.push(layer.with_tensor("mapping", mapping).with_tensor("tables", tables));
    }
    let last = layers.last().map_or_else(String::new, |layer| layer.name.clone());
    let classes = classes(&npz)?;
    if classes == 0 || units % classes != 0 {
        let what = format!("the last layer has {units} units for {classes} classes");
        return Err(Error::user(what, "each class has an equal share of the units"));
    }
    let groups = vec![classes, units / classes];
    layers.push(Layer::new("groups", "reshape", vec![last]).with("shape", groups));
    layers.push(Layer::new("scores", "sum", vec!["groups".into()]).with("axis", 1));
    let input = Input { name: "x".into(), shape: vec![features], format: None, next: None };
    Ok(Network { name: source.stem(), inputs: vec![input], layers, outputs: vec!["scores".into()] })
}

/// Wiring [units, k] and entries 0 or 1, [units, 2^k].
fn tables(mut mapping: Tensor, mut luts: Tensor) -> Result<(Tensor, Tensor)> {
    let [units, entries] = luts.shape[..] else {
        return Err(Error::user(format!("the tables have shape {:?}", luts.shape), "they are [units, 2^k]"));
    };
    let inputs = entries.checked_ilog2().unwrap_or(0) as usize;
    if inputs > 20 || entries != 1 << inputs || mapping.data.len() != units * inputs {
        let what = format!("{units} tables of {entries} entries, and {} inputs", mapping.data.len());
        return Err(Error::user(what, "a table of k inputs has 2^k entries, and the mapping k inputs for each table"));
    }
    mapping.shape = vec![units, inputs];
    luts.data.iter_mut().for_each(|value| *value = f64::from(*value > 0.0));
    Ok((mapping, luts))
}

fn classes(npz: &Npz) -> Result<usize> {
    if npz.has("classes") {
        return Ok(npz.get("classes")?.shape.iter().product());
    }
    let config = npz.get("config").and_then(|array| array.text()).at("config")?;
    let config = json::parse(config.as_bytes()).at("config")?;
    let count = field(&config, "num_classes", |value| match value.as_str().map(str::parse) {
        Some(Ok(count)) => Ok(count),
        _ => integer(value),
    });
    count.at("config").map(|count| usize::try_from(count).unwrap_or(0))
}
