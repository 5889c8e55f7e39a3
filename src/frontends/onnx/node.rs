//! A node of the graph with its attributes.

use super::constant::Constant;
use super::proto;
use crate::error::{At, Error, Result};

/// The most attributes of a node.
const MOST: usize = 256;

/// A node.
pub struct Node {
    /// The operator.
    pub op: String,
    /// The operator's domain; empty for ONNX' own.
    pub domain: String,
    /// The node's name, or that of its first result.
    pub name: String,
    /// Values it reads; an empty name is an argument left out.
    pub inputs: Vec<String>,
    /// Values it makes.
    pub outputs: Vec<String>,
    attributes: Vec<proto::Attribute>,
}

impl Node {
    /// Reads a node.
    ///
    /// # Errors
    /// Broken attributes.
    pub fn new(node: proto::Node) -> Result<Node> {
        let first = node.output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let name = if node.name.is_empty() { first } else { node.name };
        let attributes = proto::decode_all(&node.attribute, MOST, "attributes").at(format!("node `{name}`"))?;
        Ok(Node { op: node.op_type, domain: node.domain, name, inputs: node.input, outputs: node.output, attributes })
    }

    /// As errors name it.
    pub fn place(&self) -> String {
        format!("node `{}` ({})", self.name, self.op)
    }

    /// The name of an argument, if it is given.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of a result, if it is wanted.
    pub fn output(&self, index: usize) -> Option<&str> {
        self.outputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn attribute(&self, name: &str) -> Option<&proto::Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// Is the attribute there?
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// An integer.
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    /// A float.
    pub fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |attribute| attribute.f)
    }

    /// A list of integers.
    pub fn integers(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|attribute| attribute.ints.clone())
    }

    /// A list of floats.
    pub fn floats(&self, name: &str) -> Option<Vec<f32>> {
        self.attribute(name).map(|attribute| attribute.floats.clone())
    }

    /// A text.
    pub fn text(&self, name: &str, default: &str) -> String {
        self.attribute(name).map_or(default.into(), |attribute| String::from_utf8_lossy(&attribute.s).into_owned())
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let all = self.attribute(name).map(|attribute| attribute.strings.as_slice()).unwrap_or_default();
        all.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect()
    }

    /// A tensor.
    ///
    /// # Errors
    /// It is broken.
    pub fn tensor(&self, name: &str) -> Result<Option<Constant>> {
        let tensor = self.attribute(name).and_then(|attribute| attribute.t.as_ref());
        tensor.map(Constant::read).transpose().at(format!("`{name}`"))
    }

    /// Refuses an attribute that has another value than the given one.
    ///
    /// # Errors
    /// It has.
    pub fn only(&self, name: &str, neutral: i64, help: &str) -> Result<()> {
        match self.integer(name, neutral) {
            value if value == neutral => Ok(()),
            value => Err(Error::user(format!("`{name}` is {value}, which is not supported"), help)),
        }
    }
}
