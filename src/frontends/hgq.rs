//! `hgq`: an HGQ network as plain arrays, an `.npz` that needs no Keras.
//!
//! `meta` is JSON: a list of layers, each with `type` (only `dense`), `activation` (`linear`, `relu`), `in_round` and
//! `in_overflow`. Layer n has arrays `l{n}_in_k`, `l{n}_in_i`, `l{n}_in_f` (the quantizer in front of it, for each
//! element), `l{n}_w` (inputs, outputs) and `l{n}_b`. It becomes `quantize_n`, `dense_n` and `dense_n_relu`.

use super::json::{field, list, optional, string};
use super::{Content, FrontEnd, Source, json};
use crate::arrays::npz::Npz;
use crate::error::{At, Error, Result};
use crate::network::{Input, Layer, Network, Tensor};
use crate::registry::Entry;
use serde_json::Value;

/// This front end.
pub const FRONTEND: Entry<FrontEnd> =
    Entry { name: "hgq", doc: "HGQ as .plain.npz", make: FrontEnd { recognise, read, takes_weights: false } };

fn recognise(source: &Source) -> bool {
    matches!(&source.content, Content::Zip(bytes) if Npz::open(bytes).is_ok_and(|npz| npz.has("meta")))
}

fn read(source: &Source) -> Result<Network> {
    let Content::Zip(bytes) = &source.content else { return Err(Error::bug("an .npz that is not a zip")) };
    let npz = Npz::open(bytes)?;
    let meta = json::parse(npz.get("meta")?.text().at("meta")?.as_bytes()).at("meta")?;
    let mut network = Network { name: source.stem(), inputs: Vec::new(), layers: Vec::new(), outputs: Vec::new() };
    let mut current = "input".to_string();
    for (at, layer) in list(&meta).at("meta")?.iter().enumerate() {
        let layers = dense(&npz, at, layer, &current).at(format!("layer {at}"))?;
        if let (0, Some(quantize)) = (at, layers.first()) {
            let shape = quantize.tensors.get("signed").map(|tensor| tensor.shape.clone()).unwrap_or_default();
            network.inputs.push(Input { name: current.clone(), shape, format: None, next: None });
        }
        current = layers.last().map_or(current, |layer| layer.name.clone());
        network.layers.extend(layers);
    }
    network.outputs.push(current);
    Ok(network)
}

/// Quantizer, matrix product and activation of one layer.
fn dense(npz: &Npz, at: usize, meta: &Value, input: &str) -> Result<Vec<Layer>> {
    let kind = field(meta, "type", string)?;
    if kind != "dense" {
        return Err(Error::user(format!("has the type `{kind}`"), "known types: dense"));
    }
    let array = |name: &str| npz.get(&format!("l{at}_{name}")).and_then(|array| array.tensor().at(name));
    let kernel = array("w")?;
    let [inputs, outputs] = kernel.shape[..] else {
        return Err(Error::user(format!("`w` has shape {:?}", kernel.shape), "weights have shape (inputs, outputs)"));
    };
    let shaped = |name: &str, length: usize| -> Result<Tensor> {
        let tensor = array(name)?;
        if tensor.shape != [length] {
            let what = format!("`{name}` has shape {:?}, expected [{length}]", tensor.shape);
            return Err(Error::user(what, "make it fit the weights"));
        }
        Ok(tensor)
    };
    let format = [shaped("in_k", inputs)?, shaped("in_i", inputs)?, shaped("in_f", inputs)?];
    check_formats(&format)?;
    let [signed, integer, fraction] = format;
    let mode = |name: &str, default: &str| -> Result<String> {
        Ok(optional(meta, name, string)?.unwrap_or(default).to_string())
    };
    let quantize = Layer::new(format!("quantize_{at}"), "quantize", vec![input.to_string()])
        .with("rounding", mode("in_round", "TRN")?)
        .with("overflow", mode("in_overflow", "WRAP")?)
        .with_tensor("signed", signed)
        .with_tensor("integer", integer)
        .with_tensor("fraction", fraction);
    let dense = Layer::new(format!("dense_{at}"), "dense", vec![quantize.name.clone()])
        .with_tensor("kernel", kernel)
        .with_tensor("bias", shaped("b", outputs)?);
    let relu = match optional(meta, "activation", string)?.unwrap_or("linear") {
        "linear" => None,
        "relu" => Some(Layer::new(format!("dense_{at}_relu"), "relu", vec![dense.name.clone()])),
        other => return Err(Error::user(format!("has the activation `{other}`"), "known activations: linear, relu")),
    };
    Ok([quantize, dense].into_iter().chain(relu).collect())
}

/// Signs are 0 or 1, bits are whole and at most 64 in all.
fn check_formats([signed, integer, fraction]: &[Tensor; 3]) -> Result<()> {
    for (at, ((k, i), f)) in signed.data.iter().zip(&integer.data).zip(&fraction.data).enumerate() {
        let whole = [k, i, f].iter().all(|bits| bits.fract() == 0.0 && bits.abs() <= 256.0);
        if !whole || !(*k == 0.0 || *k == 1.0) || k + i + f > crate::fixed::Format::MAX_WIDTH as f64 {
            let what = format!("the format k={k}, i={i}, f={f} of input {at} is not supported");
            return Err(Error::user(what, "k is 0 or 1, and a format has at most 64 bits"));
        }
    }
    Ok(())
}
