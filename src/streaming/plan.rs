//! Which layers a circuit has, and the windows that come to it.

use super::window::{Fill, Window};
use crate::error::{At, Error, Result};
use crate::layers::Padding;
use crate::network::{Input, Layer, Network};
use serde_json::Value;

/// Layers with windows.
const WINDOWED: [&str; 4] = ["conv2d", "depthwise_conv2d", "max_pool2d", "average_pool2d"];
/// Layers that compute each pixel for itself.
const POINTWISE: [&str; 6] = ["relu", "quantize", "activation", "batch_norm", "scale_shift", "dense"];

/// Layers that one circuit computes, as a network of one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The windows that come.
    pub window: Window,
    /// The layers; the input is a window.
    pub network: Network,
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
        map = window.positions;
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

/// The layers of each stage: one with windows, perhaps behind a border, and those behind it up to the next. What comes first
/// belongs to the first, unless that pads: what lies beside the map does not come through those layers.
fn groups<'a>(layers: &[&'a Layer]) -> Result<Vec<Vec<&'a Layer>>> {
    let mut groups: Vec<Vec<&Layer>> = Vec::new();
    let (mut leading, mut flat, mut bordered) = (Vec::new(), false, false);
    for layer in layers {
        let kind = layer.kind.as_str();
        let refused = |what: String, help: String| Err(Error::user(what, help).at(format!("layer `{}`", layer.name)));
        let windowed = WINDOWED.contains(&kind);
        if bordered && !windowed {
            let what = format!("`{}` does not stream before `{kind}`", layer.inputs.join(", "));
            return refused(what, format!("a border streams right before {}", WINDOWED.join(", ")));
        }
        if !flat && !bordered && (windowed || kind == "flatten" || kind == "pad") {
            (flat, bordered) = (kind == "flatten", kind == "pad");
            if bordered || layer.attributes.get("padding").is_some_and(|padding| padding != "valid") {
                groups.extend((!leading.is_empty()).then(|| std::mem::take(&mut leading)));
            }
            groups.push(leading.drain(..).chain([*layer]).collect());
        } else if flat || bordered || POINTWISE.contains(&kind) {
            bordered = false;
            groups.last_mut().unwrap_or(&mut leading).push(layer);
        } else {
            let known = [&WINDOWED[..], &["pad"], &POINTWISE[..]].concat().join(", ");
            return refused(
                format!("`{kind}` does not stream"),
                format!("before `flatten`, layers that stream are {known}"),
            );
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
    let mut layers: Vec<Layer> = group.iter().map(|layer| (*layer).clone()).collect();
    let border = layers.iter().position(|layer| layer.kind == "pad").map(|index| layers.remove(index));
    let Some(layer) = layers.iter_mut().find(|layer| WINDOWED.contains(&layer.kind.as_str())) else {
        let flat = layers.iter().any(|layer| layer.kind == "flatten");
        return Ok((Window::plain(map, channels, if flat { map } else { [1, 1] }), layers));
    };
    let place = format!("layer `{}`", layer.name);
    let window = moved(layer, border.as_ref(), map, channels).at(place)?;
    Ok((window, layers))
}

/// The windows of a layer, perhaps behind a border; how they lie is taken from the layer.
fn moved(layer: &mut Layer, border: Option<&Layer>, map: [usize; 2], channels: usize) -> Result<Window> {
    let lengths = |layer: &Layer, name: &str| layer.attributes.get(name).map(pair).transpose().at(name);
    let size = match layer.tensors.get("kernel") {
        Some(kernel) if kernel.shape.len() > 2 => Some([kernel.shape[0], kernel.shape[1]]),
        _ => lengths(layer, "size")?.or(lengths(layer, "pool_size")?),
    };
    let size =
        size.ok_or_else(|| Error::user("a window without a size", "give the kernel, or the size of the pool"))?;
    let usual = if layer.kind.ends_with("pool2d") { size } else { [1, 1] };
    let strides = lengths(layer, "strides")?.unwrap_or(usual);
    let dilated = lengths(layer, "dilation")?.is_some_and(|dilation| dilation != [1, 1]);
    let own = Padding::read(layer.attributes.remove("padding").as_ref(), 2)?;
    layer.attributes.remove("strides");
    let refused =
        |what: &str| Err(Error::user(format!("{what}: that does not stream"), "change the layer, or compile unrolled"));
    if dilated {
        return refused("it is dilated");
    }
    if (0..2).any(|axis| !(1..=map[axis]).contains(&size[axis])) {
        return refused("its window is larger than the map");
    }
    if (0..2).any(|axis| !(1..=size[axis]).contains(&strides[axis])) {
        return refused("its strides are larger than its window");
    }
    let plain = Window::plain(map, channels, size);
    let window = match border {
        Some(_) if plain.clone().moved(size, strides, own.clone(), Fill::Zero)?.padded() => {
            return refused("it pads what has a border");
        }
        Some(border) => {
            plain.moved(size, strides, zeros(border).at(format!("layer `{}`", border.name))?, Fill::Zero)?
        }
        None if layer.kind == "max_pool2d" => plain.moved(size, strides, own, Fill::Least)?,
        None => plain.moved(size, strides, own, Fill::Zero)?,
    };
    let counted = layer.attributes.get("count_include_pad").and_then(Value::as_bool).unwrap_or(false);
    if layer.kind == "average_pool2d" && border.is_none() && !counted && window.padded() {
        return refused("its means are of fewer pixels at the border");
    }
    let after = window.after();
    if (0..2).any(|axis| window.before[axis] + after[axis] >= size[axis]) {
        return refused("its padding makes the map larger");
    }
    Ok(window)
}

/// The padding that a border of zeros is.
fn zeros(border: &Layer) -> Result<Padding> {
    let pairs: Option<Vec<[usize; 2]>> =
        border.attributes.get("padding").and_then(|padding| serde_json::from_value(padding.clone()).ok());
    let value = border.attributes.get("value").and_then(Value::as_f64).unwrap_or(0.0);
    match pairs.as_deref() {
        Some([rows, columns] | [rows, columns, [0, 0]]) if value == 0.0 => Ok(Padding::Explicit(vec![*rows, *columns])),
        _ => Err(Error::user("it is no border of zeros around the image", "only that streams; or compile unrolled")),
    }
}

/// A list of two lengths.
fn pair(value: &Value) -> Result<[usize; 2]> {
    let found: Option<Vec<usize>> =
        value.as_array().map(|list| list.iter().filter_map(Value::as_u64).map(|n| n as usize).collect());
    let found = found.and_then(|list| <[usize; 2]>::try_from(list).ok());
    found.ok_or_else(|| Error::user(format!("{value} is no pair of lengths"), "write rows and columns, such as [2, 2]"))
}
