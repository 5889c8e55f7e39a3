//! What the user's file says: hls4ml's configuration, or the typedefs of its firmware.
//!
//! A type is looked up as hls4ml's `get_precision` does: the layer's, the layer's own default, the class' and its default, the
//! model's and its default.

use super::types::{Type, Wanted};
use crate::error::{At, Error, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The longest file that is parsed.
const MAX_BYTES: usize = 1 << 22;

/// A file of precisions.
#[derive(Clone, Debug, Default)]
pub struct Precision {
    model: Section,
    /// By class, in lower case.
    classes: BTreeMap<String, Section>,
    /// By layer, as written.
    layers: BTreeMap<String, Section>,
    /// The typedefs of a firmware by their names in lower case, if the file holds those.
    pub(super) typedefs: Option<BTreeMap<String, Type>>,
}

/// What is said of the model, of a class or of a layer.
#[derive(Clone, Debug, Default)]
struct Section {
    types: BTreeMap<String, Wanted>,
    settings: Map<String, Value>,
}

impl Precision {
    /// Reads a YAML configuration, or JSON typedefs.
    ///
    /// # Errors
    /// The text is neither, or names no type where one is expected.
    pub fn parse(text: &str) -> Result<Precision> {
        if text.len() > MAX_BYTES {
            let what = format!("is {} bytes long, more than {MAX_BYTES}", text.len());
            return Err(Error::user(what, "give hls4ml's configuration alone"));
        }
        let broken = |error: String| {
            let what = format!("broken YAML: {}", error.lines().next().unwrap_or_default());
            Error::user(what, "give hls4ml's configuration, or the typedefs of defines.h as JSON")
        };
        let root: Value = serde_saphyr::from_str(text).map_err(|error| broken(error.to_string()))?;
        let root = root.as_object().ok_or_else(|| broken("it is no mapping".into()))?;
        let config = match root.get("HLSConfig") {
            Some(config) => config.as_object().ok_or_else(|| broken("`HLSConfig` is no mapping".into()))?,
            None => root,
        };
        if !["Model", "LayerName", "LayerType"].iter().any(|key| config.contains_key(*key)) {
            return typedefs(config);
        }
        let sections = |key: &str| -> Result<BTreeMap<String, Section>> {
            let Some(value) = config.get(key).filter(|value| !value.is_null()) else { return Ok(BTreeMap::new()) };
            let value = value.as_object().ok_or_else(|| broken(format!("`{key}` is no mapping")))?;
            value
                .iter()
                .map(|(name, value)| Ok((name.clone(), section(value).at(format!("`{key}`: `{name}`"))?)))
                .collect()
        };
        let classes =
            sections("LayerType")?.into_iter().map(|(name, section)| (name.to_lowercase(), section)).collect();
        let model = config.get("Model").map_or(Ok(Section::default()), section).at("`Model`")?;
        Ok(Precision { model, classes, layers: sections("LayerName")?, typedefs: None })
    }

    /// Says of the two layers that hls4ml makes of a separable convolution what the file says of that one.
    pub(super) fn separate(&mut self, name: &str, class: &str) {
        let mut whole = self.classes.get(&class.to_lowercase()).cloned().unwrap_or_default();
        if let Some(own) = self.section(name) {
            // Precisions of the class are replaced, not merged.
            if !own.types.is_empty() {
                whole.types = BTreeMap::new();
            }
            whole.types.extend(own.types.clone());
            whole.settings.extend(own.settings.clone());
        }
        if whole.types.is_empty() && whole.settings.is_empty() {
            return;
        }
        for (part, other) in [("depthwise", "pointwise"), ("pointwise", "depthwise")] {
            let mut section = whole.clone();
            for (theirs, ours) in [("", "weight"), ("_accum", "accum"), ("_result", "result")] {
                let known = section.types.remove(&format!("{part}{theirs}"));
                section.types.extend(known.map(|known| (ours.to_string(), known)));
                if theirs != "_result" {
                    section.types.remove(&format!("{other}{theirs}"));
                }
            }
            self.layers.retain(|key, _| !key.eq_ignore_ascii_case(&format!("{name}_{part}")));
            self.layers.insert(format!("{name}_{part}"), section);
        }
        self.layers.retain(|key, _| !key.eq_ignore_ascii_case(name));
    }

    /// The layers that the file names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.layers.keys().map(String::as_str)
    }

    /// A layer's type for a use such as `weight`.
    ///
    /// # Errors
    /// Nothing is said, not even for the model.
    pub(super) fn wanted(&self, layer: &str, class: &str, usage: &str) -> Result<Wanted> {
        let sections = [self.section(layer), self.classes.get(&class.to_lowercase()), Some(&self.model)];
        let find = |section: &Section| section.types.get(usage).or_else(|| section.types.get("default")).copied();
        sections.into_iter().flatten().find_map(find).ok_or_else(|| {
            let what = format!("no type for `{usage}` of layer `{layer}`, and no default");
            Error::user(what, "give the model a default: Model: {Precision: {default: \"ap_fixed<16,6>\"}}")
        })
    }

    /// The model's own type, such as `default` or `maximum`.
    pub(super) fn of_model(&self, usage: &str) -> Option<Wanted> {
        self.model.types.get(usage).copied()
    }

    /// A type that only a key of the layer itself sets, such as `table_t`.
    ///
    /// # Errors
    /// It is no type.
    pub(super) fn key_type(&self, layer: &str, class: &str, key: &str) -> Result<Option<Type>> {
        let Some(value) = self.setting(layer, class, key) else { return Ok(None) };
        let place = || format!("`{key}` of layer `{layer}`");
        match Wanted::parse(value.as_str().unwrap_or_default()).at(place())? {
            Wanted::Type(known) => Ok(Some(known)),
            Wanted::Auto => Err(Error::user("is `auto`", "name the type").at(place())),
        }
    }

    /// A setting of a layer or its class; `table_size` and `TableSize` are the same key.
    pub(super) fn setting<'p>(&'p self, layer: &str, class: &str, key: &str) -> Option<&'p Value> {
        let sections = [self.section(layer), self.classes.get(&class.to_lowercase())];
        // Of two spellings the later wins, which is `table_size`.
        let of = |section: &'p Section| section.settings.iter().rfind(|(name, _)| snake(name) == key);
        sections.into_iter().flatten().find_map(of).map(|(_, value)| value)
    }

    /// A setting that the model has too.
    pub(super) fn setting_or_model(&self, layer: &str, class: &str, key: &str) -> Option<&Value> {
        let model = || self.model.settings.iter().find(|(name, _)| snake(name) == key).map(|(_, value)| value);
        self.setting(layer, class, key).or_else(model)
    }

    fn section(&self, layer: &str) -> Option<&Section> {
        self.layers.iter().find(|(name, _)| name.eq_ignore_ascii_case(layer)).map(|(_, section)| section)
    }
}

/// `TableSize` as `table_size`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

fn section(value: &Value) -> Result<Section> {
    let wrong = || Error::user("is no mapping", "write Precision: ... below it");
    let mut settings = match value {
        Value::Null => Map::new(),
        value => value.as_object().ok_or_else(wrong)?.clone(),
    };
    let one = |value: &Value| match value {
        Value::String(text) => Wanted::parse(text),
        other => Err(Error::user(format!("is {other}, expected a type"), "write a type, such as ap_fixed<16,6>")),
    };
    let types = match settings.remove("Precision") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Object(types)) => types
            .iter()
            .map(|(usage, value)| Ok((usage.clone(), one(value).at(format!("`Precision`: `{usage}`"))?)))
            .collect::<Result<_>>()?,
        Some(value) => BTreeMap::from([("default".to_string(), one(&value).at("`Precision`")?)]),
    };
    Ok(Section { types, settings })
}

/// `{"input_t": "ap_fixed<15,6>", "weight2_t": ..}`.
fn typedefs(object: &Map<String, Value>) -> Result<Precision> {
    let wrong = |key: &str| {
        let help = "give hls4ml's configuration with Model, LayerType or LayerName, or typedefs as name: type";
        Error::user(format!("`{key}` is no type"), help)
    };
    let mut found = BTreeMap::new();
    for (key, value) in object {
        let text = value.as_str().ok_or_else(|| wrong(key))?;
        let Wanted::Type(known) = Wanted::parse(text).map_err(|_| wrong(key))? else { return Err(wrong(key)) };
        found.insert(key.to_lowercase(), known);
    }
    if !found.contains_key("input_t") {
        return Err(Error::user("there is neither a configuration nor an `input_t`", "give all typedefs of defines.h"));
    }
    Ok(Precision { typedefs: Some(found), ..Precision::default() })
}
