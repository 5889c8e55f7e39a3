//! `neutral`: `neutral-net/1`, JSON (or gzip'd JSON) of exact integers, the format in which compilers are compared.
//!
//! Every value is `n * 2^-f`. A format is (k, i, f): sign bit or not, integer bits, fraction bits; `k + i + f <= 0`
//! holds only 0. Operations apply in order to one tensor, `save` and `add_saved` are edges:
//!
//! | operation | becomes |
//! | --- | --- |
//! | (the input's format) | `quantize` |
//! | `dense` `conv2d` `relu` `sum` `transpose` `reshape` `flatten` `table` | the layer of that name |
//! | `quant` | `quantize` with a format, or with one for each element |
//! | `maxpool2d` | `max_pool2d` |
//! | `save`, `add_saved` | an edge (with a `quantize` where the copy has a format), `add` |
//! | `square` | `multiply` of a value by itself |

mod vectors;

pub use vectors::{Vectors, vectors};

use super::json::{field, integer, list, number, optional, size, sizes, string, tensor};
use super::{Content, FrontEnd, Source};
use crate::error::{At, Error, Result};
use crate::fixed::Format;
use crate::network::{Input, Layer, Network, Tensor, elements};
use crate::registry::Entry;
use serde_json::Value;
use std::collections::HashMap;

/// This front end.
pub const FRONTEND: Entry<FrontEnd> =
    Entry { name: "neutral", doc: "neutral-net/1 JSON", make: FrontEnd { recognise, read, takes_weights: false } };

fn recognise(source: &Source) -> bool {
    matches!(&source.content, Content::Json(json) if json.get("format").is_some_and(|format| format == "neutral-net/1"))
}

fn read(source: &Source) -> Result<Network> {
    let Content::Json(json) = &source.content else { return Err(Error::bug("a neutral net that is not JSON")) };
    let name = optional(json, "name", string)?.map_or_else(|| source.stem(), str::to_string);
    let shape = field(json, "input", |input| field(input, "shape", sizes))?;
    elements(&shape).at("input")?;
    let input = Input { name: "input".into(), shape: shape.clone(), format: None, next: None };
    let network = Network { name, inputs: vec![input], layers: Vec::new(), outputs: Vec::new() };
    let mut reader = Reader { network, current: "input".into(), shape, saved: HashMap::new() };
    field(json, "input", |input| reader.quantize("input_format", input))?;
    for (at, op) in field(json, "ops", list)?.iter().enumerate() {
        let kind = field(op, "op", string).at(format!("operation {at}"))?;
        reader.operation(kind, &format!("{kind}_{at}"), op).at(format!("operation {at} ({kind})"))?;
    }
    reader.network.outputs = vec![reader.current];
    Ok(reader.network)
}

/// The network so far, and the tensor that the next operation applies to.
struct Reader {
    network: Network,
    current: String,
    shape: Vec<usize>,
    saved: HashMap<i64, (String, Vec<usize>)>,
}

impl Reader {
    fn operation(&mut self, kind: &str, name: &str, op: &Value) -> Result<()> {
        match kind {
            "dense" => self.dense(name, op),
            "conv2d" => self.conv2d(name, op),
            "relu" | "flatten" => self.plain(kind, name),
            "quant" => self.quantize(name, op),
            "maxpool2d" => self.max_pool2d(name, op),
            "sum" => self.sum(name, op),
            "transpose" => self.transpose(name, op),
            "reshape" => self.reshape(name, op),
            "save" => self.save(name, op),
            "add_saved" => self.add_saved(name, op),
            "square" => {
                let inputs = vec![self.current.clone(); 2];
                self.push(Layer::new(name, "multiply", inputs), self.shape.clone());
                Ok(())
            }
            "table" => self.table(name, op),
            _ => {
                let help = "known: dense, conv2d, relu, quant, maxpool2d, sum, transpose, reshape, flatten, save, \
                            add_saved, square, table";
                Err(Error::user(format!("unknown operation `{kind}`"), help))
            }
        }
    }

    /// A layer that reads the current tensor.
    fn layer(&self, name: &str, kind: &str) -> Layer {
        Layer::new(name, kind, vec![self.current.clone()])
    }

    fn push(&mut self, layer: Layer, shape: Vec<usize>) {
        self.current.clone_from(&layer.name);
        self.network.layers.push(layer);
        self.shape = shape;
    }

    fn plain(&mut self, kind: &str, name: &str) -> Result<()> {
        let shape = if kind == "flatten" { vec![elements(&self.shape)?] } else { self.shape.clone() };
        self.push(self.layer(name, kind), shape);
        Ok(())
    }

    fn dense(&mut self, name: &str, op: &Value) -> Result<()> {
        let kernel = scaled(op, "w", "w_frac")?.ok_or_else(|| Error::user("has no `w`", "add the weights"))?;
        let (Some(last), [rows, columns]) = (self.shape.last(), kernel.shape.as_slice()) else {
            return Err(wrong_shape("w", &kernel.shape, &self.shape));
        };
        if last != rows {
            return Err(wrong_shape("w", &kernel.shape, &self.shape));
        }
        let mut shape = self.shape.clone();
        shape.pop();
        shape.push(*columns);
        self.affine(self.layer(name, "dense"), op, kernel, shape)
    }

    fn conv2d(&mut self, name: &str, op: &Value) -> Result<()> {
        let kernel = scaled(op, "w", "w_frac")?.ok_or_else(|| Error::user("has no `w`", "add the weights"))?;
        let strides = optional(op, "stride", sizes)?.unwrap_or_else(|| vec![1, 1]);
        let ([h, w, c], [kh, kw, cin, cout]) = (self.shape.as_slice(), kernel.shape.as_slice()) else {
            return Err(wrong_shape("w", &kernel.shape, &self.shape));
        };
        let fits = c == cin && kh <= h && kw <= w && strides.len() == 2 && !strides.contains(&0);
        if !fits {
            return Err(wrong_shape("w", &kernel.shape, &self.shape));
        }
        let shape = vec![(h - kh) / strides[0] + 1, (w - kw) / strides[1] + 1, *cout];
        let layer = self.layer(name, "conv2d").with("strides", strides).with("padding", "valid");
        self.affine(layer, op, kernel, shape)
    }

    fn affine(&mut self, mut layer: Layer, op: &Value, kernel: Tensor, shape: Vec<usize>) -> Result<()> {
        if let Some(bias) = scaled(op, "b", "b_frac")? {
            if bias.shape != [*shape.last().unwrap_or(&0)] {
                return Err(wrong_shape("b", &bias.shape, &shape));
            }
            layer = layer.with_tensor("bias", bias);
        }
        self.push(layer.with_tensor("kernel", kernel), shape);
        Ok(())
    }

    fn quantize(&mut self, name: &str, format: &Value) -> Result<()> {
        let layer = quantizer(self.layer(name, "quantize"), format, &self.shape)?;
        self.push(layer, self.shape.clone());
        Ok(())
    }

    fn max_pool2d(&mut self, name: &str, op: &Value) -> Result<()> {
        let pool = field(op, "size", sizes)?;
        let ([h, w, c], [ph, pw]) = (self.shape.as_slice(), pool.as_slice()) else {
            return Err(wrong_shape("size", &pool, &self.shape));
        };
        if *ph == 0 || *pw == 0 || ph > h || pw > w {
            return Err(wrong_shape("size", &pool, &self.shape));
        }
        let shape = vec![h / ph, w / pw, *c];
        self.push(self.layer(name, "max_pool2d").with("size", pool), shape);
        Ok(())
    }

    fn sum(&mut self, name: &str, op: &Value) -> Result<()> {
        let axis = field(op, "axis", size)?;
        let mut shape = self.shape.clone();
        if axis >= shape.len() {
            return Err(wrong_shape("axis", &[axis], &shape));
        }
        shape.remove(axis);
        self.push(self.layer(name, "sum").with("axis", axis), shape);
        Ok(())
    }

    fn transpose(&mut self, name: &str, op: &Value) -> Result<()> {
        let perm = field(op, "perm", sizes)?;
        let mut sorted = perm.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..self.shape.len()) {
            return Err(wrong_shape("perm", &perm, &self.shape));
        }
        let shape = perm.iter().map(|axis| self.shape[*axis]).collect();
        self.push(self.layer(name, "transpose").with("perm", perm), shape);
        Ok(())
    }

    fn reshape(&mut self, name: &str, op: &Value) -> Result<()> {
        let shape = field(op, "shape", sizes)?;
        if elements(&shape)? != elements(&self.shape)? {
            return Err(wrong_shape("shape", &shape, &self.shape));
        }
        self.push(self.layer(name, "reshape").with("shape", shape.clone()), shape);
        Ok(())
    }

    fn save(&mut self, name: &str, op: &Value) -> Result<()> {
        let id = field(op, "id", integer)?;
        let mut saved = self.current.clone();
        if let Some(format) = op.get("quant") {
            let layer = quantizer(self.layer(name, "quantize"), format, &self.shape).at("`quant`")?;
            saved.clone_from(&layer.name);
            self.network.layers.push(layer);
        }
        self.saved.insert(id, (saved, self.shape.clone()));
        Ok(())
    }

    fn add_saved(&mut self, name: &str, op: &Value) -> Result<()> {
        let id = field(op, "id", integer)?;
        let saved = self.saved.get(&id).cloned();
        let (saved, shape) = saved
            .ok_or_else(|| Error::user(format!("nothing was saved as {id}"), "save a tensor before it is added"))?;
        if shape != self.shape {
            return Err(wrong_shape("id", &shape, &self.shape));
        }
        self.push(Layer::new(name, "add", vec![self.current.clone(), saved]), shape);
        Ok(())
    }

    fn table(&mut self, name: &str, op: &Value) -> Result<()> {
        let [k, i, f] = ["k", "i", "f"].map(|key| field(op, key, integer));
        let (k, i, f) = (k?, i?, f?);
        let width = format_width(k, i, f)?;
        let values = field(op, "values", tensor)?;
        if width > 24 || values.shape != [1 << width] {
            let what = format!("has {} values for a format of {width} bits", values.data.len());
            return Err(Error::user(what, "a table has 2^(k+i+f) values, of at most 2^24"));
        }
        let layer = self.layer(name, "table").with("signed", k == 1).with("integer", i).with("fraction", f);
        let layer = layer.with("out_fraction", field(op, "out_f", integer)?).with_tensor("values", values);
        self.push(layer, self.shape.clone());
        Ok(())
    }
}

fn wrong_shape(field: &str, found: &[usize], shape: &[usize]) -> Error {
    let what = format!("`{field}` is or has shape {found:?}, which does not fit a tensor of shape {shape:?}");
    Error::user(what, "make the shapes agree; they are without the sample axis")
}

/// Integers times a power of two, exactly.
fn scaled(op: &Value, name: &str, fraction: &str) -> Result<Option<Tensor>> {
    let Some(mut tensor) = optional(op, name, tensor)? else { return Ok(None) };
    let fraction = optional(op, fraction, integer)?.unwrap_or(0);
    if fraction.abs() > 256 {
        return Err(Error::user(format!("has 2^-{fraction} as its step"), "steps are 2^-256 to 2^256"));
    }
    if let Some(value) = tensor.data.iter().find(|value| value.fract() != 0.0 || value.abs() >= 2f64.powi(53)) {
        return Err(Error::user(format!("`{name}` holds {value}, expected an integer"), "write integers"));
    }
    tensor.data.iter_mut().for_each(|value| *value *= 2f64.powi(-fraction as i32));
    Ok(Some(tensor))
}

/// The width of a format, within what is supported.
fn format_width(k: i64, i: i64, f: i64) -> Result<u32> {
    let supported = (0..=1).contains(&k) && i.abs() <= 256 && f.abs() <= 256;
    let width = if supported { (k + i + f).max(0) } else { i64::MAX };
    if width > Format::MAX_WIDTH as i64 {
        let help = format!("formats have k of 0 or 1, and at most {} bits", Format::MAX_WIDTH);
        return Err(Error::user(format!("the format k={k}, i={i}, f={f} is not supported"), help));
    }
    Ok(width as u32)
}

/// Completes a `quantize` layer from `k`, `i`, `f`, `round` and `overflow`.
fn quantizer(layer: Layer, format: &Value, shape: &[usize]) -> Result<Layer> {
    let rounding = optional(format, "round", string)?.unwrap_or("TRN");
    let overflow = optional(format, "overflow", string)?.unwrap_or("WRAP");
    if let (Ok(k), Ok(i), Ok(f)) =
        (field(format, "k", integer), field(format, "i", integer), field(format, "f", integer))
    {
        let width = format_width(k, i, f)?;
        let sign = if k == 1 { "" } else { "u" };
        if width > 0 {
            return Ok(layer.with("format", format!("{sign}fixed<{width},{},{rounding},{overflow}>", k + i)));
        }
    }
    let count = elements(shape)?;
    let each = |name: &str| -> Result<Tensor> {
        let values = field(format, name, |value| match value.as_array() {
            Some(list) => list.iter().map(number).collect(),
            None => Ok(vec![integer(value)? as f64; count]),
        })?;
        if values.len() != count {
            return Err(wrong_shape(name, &[values.len()], shape));
        }
        Tensor::new(shape.to_vec(), values)
    };
    let (k, i, f) = (each("k")?, each("i")?, each("f")?);
    for at in 0..count {
        if [&k, &i, &f].iter().any(|tensor| tensor.data[at].fract() != 0.0) {
            return Err(Error::user(format!("the format of element {at} is not made of integers"), "write integers"));
        }
        format_width(k.data[at] as i64, i.data[at] as i64, f.data[at] as i64).at(format!("element {at}"))?;
    }
    let layer = layer.with("rounding", rounding).with("overflow", overflow);
    Ok(layer.with_tensor("signed", k).with_tensor("integer", i).with_tensor("fraction", f))
}
