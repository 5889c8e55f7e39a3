//! How many axes a sample has behind a layer of ours; just enough to count axes and to find the channels.

use crate::network::Layer;

/// The number of axes of a layer's result, from those of its inputs; nothing where it is not known.
pub fn rank(layer: &Layer, inputs: &[usize]) -> Option<usize> {
    let first = *inputs.first()?;
    let list = |name: &str| layer.attributes.get(name).and_then(|value| value.as_array()).map(Vec::len);
    match layer.kind.as_str() {
        "flatten" => Some(1),
        "reshape" => list("shape"),
        "repeat" | "embedding" => Some(first + 1),
        "sum" | "mean" | "max" | "min" | "argmax" => {
            let keep = layer.attributes.get("keep_dims").and_then(|value| value.as_bool()).unwrap_or(false);
            Some(if keep { first } else { first.saturating_sub(list("axis").unwrap_or(1)) })
        }
        "gather" | "dot" | "table" | "truth_table" | "thermometer" => None,
        "einsum_dense" | "einsum" => {
            let equation = layer.attributes.get("equation")?.as_str()?;
            let output = equation.split("->").nth(1)?.trim();
            match output.strip_prefix("...") {
                // The ellipsis is all axes that are not named in the first operand.
                Some(rest) => {
                    let operand = equation.split([',', '-']).next()?.trim().trim_start_matches("...");
                    (first + rest.len()).checked_sub(operand.len())
                }
                None => output.len().checked_sub(1),
            }
        }
        "simple_rnn" | "lstm" | "gru" => {
            let all = layer.attributes.get("return_sequences").and_then(|value| value.as_bool()).unwrap_or(false);
            Some(if all { 2 } else { 1 })
        }
        _ => inputs.iter().max().copied(),
    }
}
