//! The search space: which layer may have which quantizers and widths.
//!
//! Source: QKeras' `autoqkeras/autoqkeras_internal.py`. Two of its habits are kept: pointwise and recurrent kernels draw from the
//! kernels' pool, and the first pattern that fits a layer's name wins over its class.

use super::config::{Choice, Config, Limit, Tune};
use crate::costs::{class, function, text};
use crate::error::{At, Error, Result};
use crate::network::{Layer, Network};
use crate::quantizers;
use regex::Regex;

/// Width multipliers.
pub const WIDTHS: [f64; 5] = [0.5, 0.75, 1.0, 1.5, 2.0];
/// Points of the learning rate.
pub const RATES: usize = 5;

/// One decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What may be chosen, as text.
    pub values: Vec<String>,
    /// What the choice is written to.
    pub effects: Vec<Effect>,
}

/// What a choice changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A layer's attribute becomes the chosen quantizer.
    Attribute(String, String),
    /// A layer's width is multiplied.
    Width(String),
    /// The learning rate is this of [`RATES`] points.
    Rate,
}

/// All decisions, and what happens to layers without any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    /// The decisions.
    pub parameters: Vec<Parameter>,
    /// Batch normalisations that get QKeras' quantizers.
    pub converted: Vec<String>,
}

/// Classes of layers that AutoQKeras quantizes, and the attributes of their roles: name, pool, place in the limits.
const ROLES: &[(&str, &[Role])] = &[
    ("Dense", &[KERNEL, BIAS, ACTIVATION]),
    ("Conv1D", &[KERNEL, BIAS, ACTIVATION]),
    ("Conv2D", &[KERNEL, BIAS, ACTIVATION]),
    ("Conv2DTranspose", &[KERNEL, BIAS, ACTIVATION]),
    ("DepthwiseConv2D", &[KERNEL, BIAS, ACTIVATION]),
    ("SeparableConv1D", &[DEPTHWISE, POINTWISE, BIAS, ACTIVATION]),
    ("SeparableConv2D", &[DEPTHWISE, POINTWISE, BIAS, ACTIVATION]),
    ("SimpleRNN", &[KERNEL, RECURRENT, BIAS, ACTIVATION]),
    ("LSTM", &[KERNEL, RECURRENT, BIAS, RECURRENT_ACTIVATION, ACTIVATION]),
    ("GRU", &[KERNEL, RECURRENT, BIAS, RECURRENT_ACTIVATION, ACTIVATION]),
];

/// Classes whose width can be tuned.
const TUNED: [&str; 6] = ["Dense", "Conv1D", "Conv2D", "Conv2DTranspose", "SeparableConv1D", "SeparableConv2D"];

/// A role of a layer.
struct Role {
    name: &'static str,
    attribute: &'static str,
    pool: &'static str,
    /// In the limits: from the front, or the last one.
    place: Place,
}

enum Place {
    At(usize),
    Last,
}

const KERNEL: Role = Role { name: "kernel", attribute: "kernel_quantizer", pool: "kernel", place: Place::At(0) };
const DEPTHWISE: Role = Role { attribute: "depthwise_quantizer", ..KERNEL };
const POINTWISE: Role = Role { name: "pointwise_kernel", attribute: "pointwise_quantizer", ..KERNEL };
const RECURRENT: Role = Role { name: "recurrent_kernel", attribute: "recurrent_quantizer", ..KERNEL };
const BIAS: Role = Role { name: "bias", attribute: "bias_quantizer", pool: "bias", place: Place::At(1) };
const ACTIVATION: Role = Role { name: "activation", attribute: "activation", pool: "activation", place: Place::Last };
const RECURRENT_ACTIVATION: Role =
    Role { name: "recurrent_activation", attribute: "recurrent_activation", ..ACTIVATION };
const FUNCTION: Role = Role { attribute: "function", ..ACTIVATION };
const LINEAR: Role = Role { pool: "linear", ..FUNCTION };

/// A compiled configuration.
struct Rules<'a> {
    config: &'a Config,
    /// Limits with their patterns, anchored at the start.
    limits: Vec<(Regex, &'a str, &'a Limit)>,
    exceptions: Option<Regex>,
}

/// A regular expression as Python's `re.match` takes it, or anywhere.
///
/// # Errors
/// It is none.
pub fn pattern(text: &str, anchored: bool) -> Result<Regex> {
    let whole = if anchored { format!("^(?:{text})") } else { text.to_string() };
    Regex::new(&whole).map_err(|error| {
        let reason = error.to_string().lines().last().unwrap_or_default().trim().to_string();
        Error::user(format!("`{text}` is no regular expression: {reason}"), "write one, such as dense_[12]")
    })
}

impl Space {
    /// The decisions about a network's layers, or only about those of a block.
    ///
    /// # Errors
    /// A pattern is none; a limit leaves nothing to choose, or names a quantizer that its pool lacks.
    pub fn new(config: &Config, network: &Network, block: Option<&[String]>) -> Result<Space> {
        let mut rules = Rules { config, limits: Vec::new(), exceptions: None };
        for (text, limit) in config.limit.0.iter().filter(|(text, _)| text != "default") {
            rules.limits.push((pattern(text, true).at("`limit`").at("[search]")?, text, limit));
        }
        if let Some(text) = &config.tune_filters_exceptions {
            rules.exceptions = Some(pattern(text, false).at("`tune_filters_exceptions`").at("[search]")?);
        }
        let mut space = Space::default();
        for (at, layer) in network.layers.iter().enumerate() {
            let index = network.inputs.len() + at;
            let listed = config.layer_indexes.as_ref().is_none_or(|indexes| indexes.contains(&index));
            if listed && block.is_none_or(|block| block.contains(&layer.name)) {
                rules.add(&mut space, layer).at(format!("layer `{}`", layer.name)).at("[search]")?;
            }
        }
        if config.learning_rate_optimizer {
            let values = (0..RATES).map(|point| point.to_string()).collect();
            space.parameters.push(Parameter { name: "learning_rate".into(), values, effects: vec![Effect::Rate] });
        }
        Ok(space)
    }

    /// How many networks there are.
    pub fn size(&self) -> f64 {
        self.parameters.iter().map(|parameter| parameter.values.len() as f64).product()
    }
}

/// A limit that fits a layer: its key, the limit, and whether layers that it fits share their choices.
type Found<'a> = (&'a str, &'a Limit, bool);

impl<'a> Rules<'a> {
    /// The limit of a layer: of the first pattern that fits its name, or of its class.
    fn limit(&self, layer: &Layer) -> Option<Found<'a>> {
        let named = self.limits.iter().find(|(pattern, ..)| pattern.is_match(&layer.name));
        let classed = || self.limits.iter().find(|(_, text, _)| *text == class(layer) && layer.kind != "quantize");
        match (named, classed()) {
            (Some((_, text, limit)), _) => Some((text, limit, true)),
            (None, Some((_, text, limit))) => Some((text, limit, false)),
            (None, None) => None,
        }
    }

    fn add(&self, space: &mut Space, layer: &Layer) -> Result<()> {
        let Some(found) = self.limit(layer) else { return Ok(()) };
        let roles = ROLES.iter().find(|(name, _)| *name == class(layer)).map(|(_, roles)| *roles);
        let own = function(layer).filter(|function| *function != "softmax");
        match (roles, class(layer)) {
            (Some(roles), class) => {
                for role in roles.iter().filter(|role| has(layer, role)) {
                    self.choose(space, layer, role, found)?;
                }
                if TUNED.contains(&class) && self.tunes(layer) {
                    self.width(space, layer);
                }
            }
            (None, "Activation") => match own {
                Some("linear") => self.choose(space, layer, &LINEAR, found)?,
                Some(_) => self.choose(space, layer, &FUNCTION, found)?,
                None => {}
            },
            (None, "BatchNormalization") => space.converted.push(layer.name.clone()),
            _ => {}
        }
        Ok(())
    }

    /// Adds a decision, or a layer to the one that its pattern shares.
    fn choose(&self, space: &mut Space, layer: &Layer, role: &Role, (text, limit, shared): Found) -> Result<()> {
        let attribute = if layer.kind == "quantize" { "format" } else { role.attribute };
        let effect = Effect::Attribute(layer.name.clone(), attribute.into());
        let name = if shared { format!("{text}_{}", role.pool) } else { format!("{}_{}", layer.name, role.name) };
        if let Some(known) = space.parameters.iter_mut().find(|parameter| parameter.name == name) {
            known.effects.push(effect);
            return Ok(());
        }
        let values = self.values(role, limit).at(format!("`limit.{text}`"))?;
        space.parameters.push(Parameter { name, values, effects: vec![effect] });
        Ok(())
    }

    fn values(&self, role: &Role, limit: &Limit) -> Result<Vec<String>> {
        let pool = self.config.pool(role.pool).or_else(|error| match role.pool {
            "recurrent_activation" => self.config.pool("activation"),
            _ => Err(error),
        })?;
        match self.choice(role, limit) {
            Choice::Bits(most) => {
                let fits = |(call, bits): &&(String, u32)| *bits <= most && usable(role, call).is_ok();
                let fitting: Vec<String> = pool.iter().filter(fits).map(|(call, _)| call.clone()).collect();
                if fitting.is_empty() {
                    let what = format!("no quantizer of the pool `{}` has at most {most} bits", role.pool);
                    return Err(Error::user(what, "raise the limit, or add a quantizer to `quantization_config`"));
                }
                Ok(fitting)
            }
            Choice::Quantizers(calls) => match calls.iter().find(|call| pool.iter().all(|(known, _)| known != *call)) {
                None if !calls.is_empty() => {
                    calls.iter().try_for_each(|call| usable(role, call).at(format!("`{call}`")))?;
                    Ok(calls)
                }
                None => Err(Error::user("an empty list of quantizers", "name at least one")),
                Some(unknown) => {
                    let known: Vec<&str> = pool.iter().map(|(call, _)| call.as_str()).collect();
                    let what = format!("`{unknown}` is not in the pool `{}`", role.pool);
                    Err(Error::user(what, format!("known: {}", known.join(", "))))
                }
            },
        }
    }

    /// The entry of a role: a list's own, else the default's, else 8 bits.
    fn choice(&self, role: &Role, limit: &Limit) -> Choice {
        let default = self.config.limit.0.iter().find(|(text, _)| text == "default").map(|(_, limit)| limit);
        let default = match (default, &role.place) {
            (Some(Limit::All(choice)), _) => Some(choice),
            (Some(Limit::Each(list)), Place::At(at)) => list.get(*at),
            (Some(Limit::Each(list)), Place::Last) => list.last(),
            (None, _) => None,
        };
        let own = match (limit, &role.place) {
            (Limit::All(choice), _) => Some(choice),
            (Limit::Each(list), Place::At(at)) => list.get(*at),
            // A layer with a kernel has three; the last of a shorter list is not its activation's.
            (Limit::Each(list), Place::Last) if role.attribute == "activation" => list.get(2..).and_then(<[_]>::last),
            (Limit::Each(list), Place::Last) => list.last(),
        };
        own.or(default).cloned().unwrap_or(Choice::Bits(8))
    }

    fn tunes(&self, layer: &Layer) -> bool {
        self.config.tune_filters != Tune::None
            && self.exceptions.as_ref().is_none_or(|except| !except.is_match(&layer.name))
    }

    fn width(&self, space: &mut Space, layer: &Layer) {
        let name = match self.config.tune_filters {
            Tune::Block => "network_filters".to_string(),
            _ => format!("network_filters_{}", layer.name),
        };
        let effect = Effect::Width(layer.name.clone());
        match space.parameters.iter_mut().find(|parameter| parameter.name == name) {
            Some(known) => known.effects.push(effect),
            None => {
                let values = WIDTHS.iter().map(f64::to_string).collect();
                space.parameters.push(Parameter { name, values, effects: vec![effect] });
            }
        }
    }
}

/// Has a quantizer a meaning in hardware for this role? A scale that follows the data, as of `binary(alpha='auto_po2')`, has
/// none for activations: AutoQKeras' pool has that one, and it is left out.
fn usable(role: &Role, call: &str) -> Result<()> {
    let quantizer = quantizers::parse(call)?;
    if role.name.ends_with("activation") { quantizer.activation().map(drop) } else { Ok(()) }
}

/// Has a layer something for this role?
fn has(layer: &Layer, role: &Role) -> bool {
    match role.name {
        "bias" => layer.tensors.contains_key("bias"),
        "activation" | "recurrent_activation" => {
            text(layer, role.attribute).is_some_and(|function| !["linear", "softmax"].contains(&function))
        }
        _ => true,
    }
}
