//! Input ports: the format of each input, and what the host does.
//!
//! The first quantizer of an input is its port's format. Otherwise the user's `--input-format`, the file's, or
//! `fixed<16,6>` decides. With integer codes and a scale, such as `u8/255`, the port carries `round(255 x)`, which the network
//! divides in float32; behind a quantizer whose scale `s` is no power of two it carries the codes `round(x / s)`. `bits` leaves a thermometer
//! behind the input to the host.

use super::expand::place;
use super::quant::dequantized;
use super::{Layer, Options};
use crate::error::{At, Error, Result};
use crate::fixed::{Format, Overflow, Quantization, Rounding};
use crate::host::{Host, Thermometer};
use crate::network::{self, Input, Network, elements};
use crate::port::Port;
use crate::tensor::{Builder, Float, Id};

/// A layer as written, and as made.
pub type Made<'a> = (&'a network::Layer, &'a dyn Layer);

/// What an input without any format gets.
const DEFAULT: &str = "fixed<16,6,TRN,WRAP>";

/// Adds an input's port and gives its value, and what the host does; `layers` are the network's, made.
///
/// # Errors
/// A format that is none, or does not suit the shape.
pub fn input(
    g: &mut Builder,
    network: &Network,
    layers: &[Made<'_>],
    input: &Input,
    options: &Options,
) -> Result<(Id, Host)> {
    if let Some(thermometer) = encoded(network, layers, input, options)? {
        return Ok((bits(g, input, thermometer)?, Host::Bits(thermometer.clone())));
    }
    let count = elements(&input.shape)?;
    let asked = options.format(&input.name);
    let (formats, host, note) = match (read(network, layers, input)?, asked, &input.format) {
        (Some((found, host)), None, _) => (found, host, None),
        (Some((found, host)), Some(text), _) => {
            let note = format!("its first quantizer already is its format; `{text}` is not used");
            (found, host, Some(note))
        }
        (None, Some(text), _) => with_divisor(text).at("--input-format")?,
        (None, None, Some(text)) => with_divisor(text)?,
        (None, None, None) => {
            let note =
                format!("no quantizer stands behind this input; it is taken as {DEFAULT} (--input-format changes it)");
            (vec![DEFAULT.parse()?], Host::Nothing, Some(note))
        }
    };
    let elements = if formats.len() == 1 { vec![formats[0]; count] } else { formats };
    let id = g.input(Port { name: input.name.clone(), shape: input.shape.clone(), elements, state: false })?;
    if let Some(note) = note {
        g.note(note);
    }
    let id = match host {
        Host::Nothing | Host::Bits(_) => id,
        Host::Times(divisor) => g.float(id, Float::Div(vec![divisor]))?,
        Host::Scale { scale, zero } => dequantized(g, id, zero, vec![scale])?,
    };
    Ok((id, host))
}

/// Adds a state's port and gives its value for this event.
///
/// # Errors
/// A format that is none.
pub fn state(g: &mut Builder, input: &Input) -> Result<Id> {
    let format: Quantization = input.format.as_deref().unwrap_or_default().parse().at("format")?;
    let elements = vec![format; elements(&input.shape)?];
    g.state(Port { name: input.name.clone(), shape: input.shape.clone(), elements, state: true })
}

/// What an input is given as where the host makes its bits.
const BITS: &str = "bits";

/// The thermometer that the host applies to an input, where `bits` asks for that.
///
/// # Errors
/// Something else reads the input, too.
fn encoded<'a>(
    network: &Network,
    layers: &[Made<'a>],
    input: &Input,
    options: &Options,
) -> Result<Option<&'a Thermometer>> {
    if options.format(&input.name).or(input.format.as_deref()) != Some(BITS) {
        return Ok(None);
    }
    let help = "give the input a format such as fixed<16,6>";
    let wrong = |what: String| Err(Error::user(what, help));
    if network.outputs.contains(&input.name) {
        return wrong("its bits are asked for, and it is an output itself".into());
    }
    let mut found: Option<&Thermometer> = None;
    for (layer, made) in layers.iter().filter(|(layer, _)| layer.inputs.contains(&input.name)) {
        match made.thermometer().filter(|_| layer.inputs.len() == 1) {
            Some(thermometer) if found.is_none_or(|found| found == thermometer) => found = Some(thermometer),
            _ => return wrong(format!("its bits are asked for, and `{}` reads more than those", layer.name)),
        }
    }
    if found.is_some_and(|thermometer| input.shape != [thermometer.thresholds.len()]) {
        return wrong(format!("its shape {:?} is not that of the thresholds", input.shape));
    }
    Ok(found)
}

/// The port of the bits.
fn bits(g: &mut Builder, input: &Input, thermometer: &Thermometer) -> Result<Id> {
    let width = thermometer.thresholds.first().map_or(0, Vec::len);
    let shape = vec![thermometer.thresholds.len(), width];
    let bit = Quantization::plain(Format { signed: false, width: 1, lsb: 0 });
    let count = elements(&shape)?;
    let id = g.input(Port { name: input.name.clone(), shape, elements: vec![bit; count], state: false })?;
    g.note("the host makes its bits: report.json has the thresholds, and samples are features or bits");
    Ok(id)
}

/// The quantizer that everything reads the input through, if there is one, and what the host does before it.
fn read(network: &Network, layers: &[Made<'_>], input: &Input) -> Result<Option<(Vec<Quantization>, Host)>> {
    if network.outputs.contains(&input.name) {
        return Ok(None);
    }
    let mut found: Option<(Vec<Quantization>, Host)> = None;
    for (layer, made) in layers {
        if !layer.inputs.contains(&input.name) {
            continue;
        }
        let count = input.shape.iter().product();
        let Some(formats) = made.port(&input.shape).at(place(layer))? else { return Ok(None) };
        let formats = if formats.len() == 1 { vec![formats[0]; count] } else { formats };
        let own = (formats, made.host());
        if own.0.len() != count || found.as_ref().is_some_and(|found| *found != own) {
            return Ok(None);
        }
        found = Some(own);
    }
    Ok(found)
}

/// A port's formats, what the host does before them, and a note.
type Chosen = (Vec<Quantization>, Host, Option<String>);

/// Reads `fixed<W,I,Q,O>`, or `u8`, `s8`, `u8/255`.
fn with_divisor(text: &str) -> Result<Chosen> {
    let Some(signed) =
        text.chars().next().filter(|c| "us".contains(*c)).map(|c| c == 's').filter(|_| !text.contains('<'))
    else {
        return Ok((vec![text.parse()?], Host::Nothing, None));
    };
    let wrong = || {
        Error::user(format!("`{text}` is no input format"), "write fixed<16,6>, u8, or u8/255 for codes with a scale")
    };
    let (width, divisor) =
        text[1..].split_once('/').map_or((&text[1..], None), |(width, divisor)| (width, Some(divisor)));
    let width: u32 =
        width.trim().parse().ok().filter(|width| (1..=Format::MAX_WIDTH).contains(width)).ok_or_else(wrong)?;
    let divisor: Option<f32> = divisor.map(|d| d.trim().parse().map_err(|_| wrong())).transpose()?;
    if divisor.is_some_and(|divisor| !divisor.is_finite() || divisor <= 0.0) {
        return Err(wrong());
    }
    let format = Format { signed, width, lsb: 0 };
    let Some(divisor) = divisor else { return Ok((vec![Quantization::plain(format)], Host::Nothing, None)) };
    let note = format!("the port carries integers of {width} bits, the nearest to {divisor} times the input's values");
    let nearest = Quantization { format, rounding: Rounding::RndConv, overflow: Overflow::Sat };
    Ok((vec![nearest], Host::Times(divisor), Some(note)))
}
