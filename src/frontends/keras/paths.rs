//! Where a layer's weights are: under its name, or, in a Keras 3 archive, under its class and number.
//!
//! Keras 3 (`saving_lib.py`, `_save_container_state`) puts the arrays of the second `QDense` of a model at
//! `layers/q_dense_1/vars/0`, `/1`, ..: the class in snake case, a number from the second on, whatever the layer's name is; a
//! nested model at `layers/functional/layers/..`, and a part of a layer below the attribute that holds it.

use std::collections::HashMap;

/// The place of a layer's weights, in both kinds of files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Names of the layer and the models around it, outermost first.
    pub named: Vec<String>,
    /// The path in a Keras 3 archive: `layers/q_dense_1`.
    pub numbered: String,
}

impl Place {
    /// A layer of the model at this place: its name, and its name by class, if it may have weights.
    pub fn inside(&self, name: &str, counted: Option<String>) -> Place {
        let mut named = self.named.clone();
        named.push(name.to_string());
        let separator = if self.numbered.is_empty() { "" } else { "/" };
        let counted = counted.unwrap_or_else(|| "nothing".into());
        Place { named, numbered: format!("{}{separator}layers/{counted}", self.numbered) }
    }

    /// A part of the layer at this place, in a Keras 3 archive.
    pub fn below(&self, part: &str) -> Place {
        Place { named: self.named.clone(), numbered: format!("{}/{part}", self.numbered) }
    }
}

/// Counts the layers of each class in a model.
#[derive(Default)]
pub struct Counter(HashMap<String, usize>);

impl Counter {
    /// The name of the next layer of a class.
    pub fn name(&mut self, class: &str) -> String {
        let base = snake_case(class);
        let count = self.0.entry(base.clone()).or_default();
        *count += 1;
        if *count == 1 { base } else { format!("{base}_{}", *count - 1) }
    }
}

/// Keras' `to_snake_case`: `QConv2DBatchnorm` is `q_conv2d_batchnorm`.
pub fn snake_case(class: &str) -> String {
    let class: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let upper = |at: usize| class.get(at).is_some_and(char::is_ascii_uppercase);
    let lower = |at: usize| class.get(at).is_some_and(char::is_ascii_lowercase);
    // (.)([A-Z][a-z]+) -> \1_\2, without overlaps.
    let mut words = String::new();
    let mut at = 0;
    while let Some(c) = class.get(at) {
        words.push(*c);
        at += 1;
        if upper(at) && lower(at + 1) {
            words.push('_');
            words.push(class[at]);
            at += 1;
            while lower(at) {
                words.push(class[at]);
                at += 1;
            }
        }
    }
    // ([a-z])([A-Z]) -> \1_\2
    let mut text = String::new();
    for c in words.chars() {
        if c.is_ascii_uppercase() && text.ends_with(|before: char| before.is_ascii_lowercase()) {
            text.push('_');
        }
        text.push(c);
    }
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_class() {
        // What keras.src.utils.naming.to_snake_case gives.
        for (class, name) in [
            ("Dense", "dense"),
            ("QDense", "q_dense"),
            ("QConv2DBatchnorm", "q_conv2d_batchnorm"),
            ("MaxPooling2D", "max_pooling2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
            ("LSTM", "lstm"),
            ("GRUCell", "gru_cell"),
            ("PReLU", "p_re_lu"),
            ("ReLU", "re_lu"),
            ("ELU", "elu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("MultiHeadAttention", "multi_head_attention"),
            ("QEinsumDenseBatchnorm", "q_einsum_dense_batchnorm"),
            ("QUnaryFunctionLUT", "q_unary_function_lut"),
        ] {
            assert_eq!(snake_case(class), name);
        }
        let mut counter = Counter::default();
        assert_eq!([counter.name("Dense"), counter.name("ReLU"), counter.name("Dense")], ["dense", "re_lu", "dense_1"]);
    }
}
