//! Which layers a circuit has, and the windows that come to it.

use crate::batch::Batch;
use crate::error::{At, Error, Result};
use crate::network::{Input, Layer, Network};
use serde_json::Value;

/// Layers with windows.
const WINDOWED: [&str; 4] = ["conv2d", "depthwise_conv2d", "max_pool2d", "average_pool2d"];
/// Layers that compute each pixel for itself.
const POINTWISE: [&str; 6] = ["relu", "quantize", "activation", "batch_norm", "scale_shift", "dense"];

/// Windows of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the map.
    pub map: [usize; 2],
    /// Channels of a pixel.
    pub channels: usize,
    /// Rows and columns of a window.
    pub size: [usize; 2],
    /// Rows and columns from window to window.
    pub strides: [usize; 2],
}

/// Layers that one circuit computes, as a network of one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The windows that come.
    pub window: Window,
    /// The layers; the input is a window.
    pub network: Network,
}

impl Window {
    /// Rows and columns of positions.
    pub fn positions(&self) -> [usize; 2] {
        [0, 1].map(|axis| (self.map[axis] - self.size[axis]) / self.strides[axis] + 1)
    }

    /// A row for each window of each map, in order.
    pub fn gather(&self, maps: &Batch) -> Batch {
        let [rows, columns] = self.positions();
        let mut windows = Batch::new(self.size[0] * self.size[1] * self.channels);
        for map in 0..maps.rows() {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                for line in 0..self.size[0] {
                    let at = ((row * self.strides[0] + line) * self.map[1] + column * self.strides[1]) * self.channels;
                    windows.data.extend_from_slice(&maps.row(map)[at..at + self.size[1] * self.channels]);
                }
            }
        }
        windows
    }
}

/// The stages of a network that is a chain of layers from one image to one answer. Formats between stages, and channels, are
/// known when the stage before is made: `made` makes it, and gives the format and the channels of its pixels.
///
/// # Errors
/// A network that is no such chain; a layer that cannot be streamed.
pub fn plan(network: &Network, mut made: impl FnMut(Stage, bool) -> Result<(String, usize)>) -> Result<()> {
    let layers = chain(network)?;
    let input = &network.inputs[0];
    let (mut map, mut channels) = match input.shape[..] {
        [rows, columns, channels] => ([rows, columns], channels),
        _ => {
            let what = format!("the input has shape {:?}, and is no image", input.shape);
            return Err(Error::user(what, "stream rows, columns, channels").at(format!("input `{}`", input.name)));
        }
    };
    let mut from = Input { name: input.name.clone(), shape: Vec::new(), format: input.format.clone(), next: None };
    let groups = groups(&layers)?;
    for (number, group) in groups.iter().enumerate() {
        let last = number + 1 == groups.len();
        let (window, own) = windowed(group, map, channels)?;
        if number > 0 {
            from.name = format!("{}_window", group[0].name);
        }
        from.shape = vec![window.size[0], window.size[1], channels];
        let mut before = from.name.clone();
        let mut rewired = Vec::new();
        for layer in own {
            let name = layer.name.clone();
            rewired.push(Layer { inputs: vec![before], ..layer });
            before = name;
        }
        map = window.positions();
        let name = format!("{}_{}", network.name, number + 1);
        let network = Network { name, inputs: vec![from.clone()], layers: rewired, outputs: vec![before] };
        let (format, now) = made(Stage { window, network }, last)?;
        (from.format, channels) = (Some(format), now);
    }
    Ok(())
}

/// The layers in order, each reading the one before.
fn chain(network: &Network) -> Result<Vec<&Layer>> {
    network.stateless("a stream of pixels")?;
    let no_chain =
        |what: String| Error::user(what, "a streamed network is a chain of layers from one image to one answer");
    let ([input], [output]) = (&network.inputs[..], &network.outputs[..]) else {
        return Err(no_chain(format!("{} inputs, {} outputs", network.inputs.len(), network.outputs.len())));
    };
    let layers = network.ordered()?;
    let mut before = &input.name;
    for layer in &layers {
        if layer.inputs != [before.clone()] {
            let what = format!("it reads {}, and `{before}` comes before it", layer.inputs.join(", "));
            return Err(no_chain(what).at(format!("layer `{}`", layer.name)));
        }
        before = &layer.name;
    }
    if before == output { Ok(layers) } else { Err(no_chain(format!("the output is `{output}`, not the last layer"))) }
}

/// The layers of each stage: one with windows, and those behind it up to the next; what comes first belongs to the first.
fn groups<'a>(layers: &[&'a Layer]) -> Result<Vec<Vec<&'a Layer>>> {
    let mut groups: Vec<Vec<&Layer>> = Vec::new();
    let (mut leading, mut flat) = (Vec::new(), false);
    for layer in layers {
        let kind = layer.kind.as_str();
        if !flat && (WINDOWED.contains(&kind) || kind == "flatten") {
            flat = kind == "flatten";
            groups.push(leading.drain(..).chain([*layer]).collect());
        } else if flat || POINTWISE.contains(&kind) {
            groups.last_mut().unwrap_or(&mut leading).push(layer);
        } else {
            let known = [&WINDOWED[..], &POINTWISE[..]].concat().join(", ");
            let help = format!("before `flatten`, layers that stream are {known}");
            return Err(Error::user(format!("`{kind}` does not stream"), help).at(format!("layer `{}`", layer.name)));
        }
    }
    if flat {
        Ok(groups)
    } else {
        Err(Error::user("there is no `flatten`", "a streamed network gives one answer an image"))
    }
}

/// The windows of a stage whose pixels come from such a map, and its layers for a map of one window.
fn windowed(group: &[&Layer], map: [usize; 2], channels: usize) -> Result<(Window, Vec<Layer>)> {
    let mut window = Window { map, channels, size: map, strides: [1, 1] };
    let mut layers: Vec<Layer> = group.iter().map(|layer| (*layer).clone()).collect();
    if let Some(layer) = layers.iter_mut().find(|layer| WINDOWED.contains(&layer.kind.as_str())) {
        let place = format!("layer `{}`", layer.name);
        let padded = layer.attributes.remove("padding").is_some_and(|padding| padding != "valid");
        let pool = layer.kind.ends_with("pool2d");
        let lengths = |layer: &Layer, name: &str| layer.attributes.get(name).map(pair).transpose().at(name);
        let size = match layer.tensors.get("kernel") {
            Some(kernel) if kernel.shape.len() > 2 => Some([kernel.shape[0], kernel.shape[1]]),
            _ => lengths(layer, "size").and_then(|size| Ok(size.or(lengths(layer, "pool_size")?))).at(&place)?,
        };
        let missing = || Error::user("a window without a size", "give the kernel, or the size of the pool").at(&place);
        window.size = size.ok_or_else(missing)?;
        let usual = if pool { window.size } else { [1, 1] };
        window.strides = lengths(layer, "strides").at(&place)?.unwrap_or(usual);
        layer.attributes.remove("strides");
        let dilated = lengths(layer, "dilation").at(&place)?.is_some_and(|dilation| dilation != [1, 1]);
        let fits = (0..2).all(|axis| (1..=map[axis]).contains(&window.size[axis]));
        let moves = (0..2).all(|axis| (1..=window.size[axis]).contains(&window.strides[axis]));
        let wrong = match (padded, dilated, fits, moves) {
            (true, ..) => "its padding is not `valid`",
            (_, true, ..) => "it is dilated",
            (_, _, false, _) => "its window is larger than the map",
            (.., false) => "its strides are larger than its window",
            _ => return Ok((window, layers)),
        };
        return Err(
            Error::user(format!("{wrong}: that does not stream"), "change the layer, or compile unrolled").at(place)
        );
    }
    Ok((window, layers))
}

/// A list of two lengths.
fn pair(value: &Value) -> Result<[usize; 2]> {
    let found: Option<Vec<usize>> =
        value.as_array().map(|list| list.iter().filter_map(Value::as_u64).map(|n| n as usize).collect());
    let found = found.and_then(|list| <[usize; 2]>::try_from(list).ok());
    found.ok_or_else(|| Error::user(format!("{value} is no pair of lengths"), "write rows and columns, such as [2, 2]"))
}
