//! Input ports: the format of each input, and what the host does.
//!
//! The first quantizer of an input is its port's format. Otherwise the user's `--input-format`, the file's, or
//! `fixed<16,6>` decides. `bits` leaves a thermometer behind the input to the host. Integer codes with a scale, such as `u8/255`, come in as codes and are divided in float32.

use super::expand::place;
use super::{Layer, Options};
use crate::error::{At, Error, Result};
use crate::fixed::{Format, Quantization};
use crate::network::{self, Input, Network, elements};
use crate::port::{Port, Thermometer};
use crate::tensor::{Builder, Float, Id};

/// A layer as written, and as made.
pub type Made<'a> = (&'a network::Layer, &'a dyn Layer);

/// What an input without any format gets.
const DEFAULT: &str = "fixed<16,6,TRN,WRAP>";

/// Adds an input's port and gives its value; `layers` are the network's, made.
///
/// # Errors
/// A format that is none, or does not suit the shape.
pub fn input(
    g: &mut Builder,
    network: &Network,
    layers: &[Made<'_>],
    input: &Input,
    options: &Options,
    host: Option<&Thermometer>,
) -> Result<Id> {
    if let Some(thermometer) = host {
        return bits(g, input, thermometer);
    }
    let count = elements(&input.shape)?;
    let asked = options.format(&input.name);
    let (formats, divisor, note) = match (read(network, layers, input)?, asked, &input.format) {
        (Some(found), None, _) => (found, None, None),
        (Some(found), Some(text), _) => {
            let note = format!("its first quantizer already is its format; `{text}` is not used");
            (found, None, Some(note))
        }
        (None, Some(text), _) => with_divisor(text).at("--input-format")?,
        (None, None, Some(text)) => with_divisor(text)?,
        (None, None, None) => {
            let note =
                format!("no quantizer stands behind this input; it is taken as {DEFAULT} (--input-format changes it)");
            (vec![DEFAULT.parse()?], None, Some(note))
        }
    };
    let elements = if formats.len() == 1 { vec![formats[0]; count] } else { formats };
    let id = g.input(Port { name: input.name.clone(), shape: input.shape.clone(), elements })?;
    if let Some(note) = note {
        g.note(note);
    }
    divisor.map_or(Ok(id), |divisor| g.float(id, Float::Div(vec![divisor])))
}

/// What an input is given as where the host makes its bits.
const BITS: &str = "bits";

/// The thermometer that the host applies to an input, where `bits` asks for that.
///
/// # Errors
/// Something else reads the input, too.
pub fn encoded<'a>(
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
    let id = g.input(Port { name: input.name.clone(), shape, elements: vec![bit; count] })?;
    g.note("the host makes its bits: report.json has the thresholds, and samples are features or bits");
    Ok(id)
}

/// The quantizer that everything reads the input through, if there is one.
fn read(network: &Network, layers: &[Made<'_>], input: &Input) -> Result<Option<Vec<Quantization>>> {
    if network.outputs.contains(&input.name) {
        return Ok(None);
    }
    let mut found: Option<Vec<Quantization>> = None;
    for (layer, made) in layers {
        if !layer.inputs.contains(&input.name) {
            continue;
        }
        let count = input.shape.iter().product();
        let Some(formats) = made.port(&input.shape).at(place(layer))? else { return Ok(None) };
        let formats = if formats.len() == 1 { vec![formats[0]; count] } else { formats };
        if formats.len() != count || found.as_ref().is_some_and(|found| *found != formats) {
            return Ok(None);
        }
        found = Some(formats);
    }
    Ok(found)
}

/// A port's formats, the divisor of its codes, and a note.
type Chosen = (Vec<Quantization>, Option<f32>, Option<String>);

/// Reads `fixed<W,I,Q,O>`, or `u8`, `s8`, `u8/255`.
fn with_divisor(text: &str) -> Result<Chosen> {
    let Some(signed) =
        text.chars().next().filter(|c| "us".contains(*c)).map(|c| c == 's').filter(|_| !text.contains('<'))
    else {
        return Ok((vec![text.parse()?], None, None));
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
    let note =
        divisor.map(|d| format!("the host gives integer codes of {width} bits; the network sees them divided by {d}"));
    Ok((vec![Quantization::plain(Format { signed, width, lsb: 0 })], divisor, note))
}
