//! Functional Keras models, made here: edges, merges, layers that vanish, weights at every depth.

use hdf5_pure::{AttrValue, FileBuilder};
use nanotrig::error::Result;
use nanotrig::frontends::read;
use nanotrig::network::Network;
use serde_json::{Value, json};

/// A layer of a functional model that reads these layers.
fn layer(class: &str, name: &str, mut config: Value, inputs: &[&str]) -> Value {
    config["name"] = json!(name);
    let call: Vec<Value> = inputs.iter().map(|input| json!([input, 0, 0, {}])).collect();
    let nodes = if inputs.is_empty() { json!([]) } else { json!([call]) };
    json!({"class_name": class, "name": name, "config": config, "inbound_nodes": nodes})
}

fn input(name: &str, size: usize) -> Value {
    layer("InputLayer", name, json!({"batch_input_shape": [null, size]}), &[])
}

/// The file that `model.save` would write, with the dense layers `d1` and `d2` (2 inputs, 2 outputs).
fn model(layers: &[Value], outputs: &Value) -> Result<Network> {
    let mut file = FileBuilder::new();
    let config =
        json!({"name": "m", "layers": layers, "input_layers": [["b", 0, 0], ["a", 0, 0]], "output_layers": outputs});
    let text = json!({"class_name": "Functional", "config": config}).to_string();
    file.set_attr("model_config", AttrValue::VarLenString(text));
    let mut weights = file.create_group("model_weights");
    for (at, name) in ["d1", "d2"].iter().enumerate() {
        let mut inner = weights.create_group(name);
        let kernel = [1.0f32, -0.5, 0.25, at as f32];
        inner.create_dataset("kernel:0").with_f32_data(&kernel).with_shape(&[2, 2]);
        inner.create_dataset("bias:0").with_f32_data(&[0.5, -0.5]).with_shape(&[2]);
        let mut outer = weights.create_group(name);
        outer.add_group(inner.finish());
        weights.add_group(outer.finish());
    }
    file.add_group(weights.finish());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.h5");
    std::fs::write(&path, file.finish().unwrap()).unwrap();
    read(&path, None)
}

fn edges(network: &Network) -> Vec<String> {
    let line =
        |layer: &nanotrig::network::Layer| format!("{}: {}({})", layer.name, layer.kind, layer.inputs.join(", "));
    network.layers.iter().map(line).collect()
}

#[test]
fn edges_follow_what_remains() {
    let dense = |activation: Value| json!({"units": 2, "use_bias": true, "activation": activation});
    let relu = json!({"class_name": "quantized_relu", "config": {"bits": 4, "integer": 1}});
    let network = model(
        &[
            input("a", 2),
            input("b", 2),
            layer("Add", "sum", json!({}), &["drop", "d2"]),
            layer("Dropout", "drop", json!({"rate": 0.5}), &["drop0"]),
            layer("Dropout", "drop0", json!({"rate": 0.5}), &["d1"]),
            layer("QDense", "d1", dense(relu), &["a"]),
            layer("Dense", "d2", dense(json!("relu")), &["b"]),
            layer("Activation", "d2_relu", json!({"activation": "linear"}), &["d2"]),
            layer("Concatenate", "both", json!({"axis": -1}), &["sum", "d2_relu", "a"]),
        ],
        &json!([["both", 0, 0], ["drop", 0, 0]]),
    );
    let network = network.unwrap();
    let expected = [
        "d1: dense(a)",
        "d1_quantized_relu: activation(d1)",
        "d2: dense(b)",
        "d2_relu_: activation(d2)",
        "d2_relu: activation(d2_relu_)",
        "sum: add(d1_quantized_relu, d2_relu_)",
        "both: concatenate(sum, d2_relu, a)",
    ];
    assert_eq!(edges(&network), expected);
    assert_eq!(network.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(network.outputs, ["both", "d1_quantized_relu"]);
    assert_eq!(network.layer("d2").unwrap().tensors["kernel"].data, [1.0, -0.5, 0.25, 1.0]);
}

#[test]
fn other_shapes_of_the_same_thing() {
    let wrapped = json!({"layer": {"class_name": "Dense", "config": {"name": "d1", "units": 2, "use_bias": false}}});
    let mut keras3 = layer("Softmax", "s", json!({"axis": -1}), &[]);
    let tensor = json!({"class_name": "__keras_tensor__", "config": {"keras_history": ["both", 0, 0]}});
    keras3["inbound_nodes"] = json!([{"args": [tensor], "kwargs": {}}]);
    let network = model(
        &[
            input("a", 2),
            input("b", 2),
            layer("PruneLowMagnitude", "d1", wrapped, &["a"]),
            layer("Multiply", "both", json!({}), &["d1", "b"]),
            keras3,
        ],
        &json!(["s", 0, 0]),
    );
    let network = network.unwrap();
    assert_eq!(edges(&network), ["d1: dense(a)", "both: multiply(d1, b)", "s: softmax(both)"]);
    assert!(!network.layer("d1").unwrap().tensors.contains_key("bias"));
}

#[test]
fn what_is_no_plain_graph() {
    let inputs = [input("a", 2), input("b", 2)];
    let with = |layers: &[Value], output: &str| {
        let error = model(&[&inputs[..], layers].concat(), &json!([[output, 0, 0]])).unwrap_err();
        error.to_string()
    };
    let dense = || json!({"units": 2});
    let circle = [layer("Dropout", "p", json!({}), &["q"]), layer("Dropout", "q", json!({}), &["p"])];
    let circle = with(&circle, "p");
    assert!(circle.contains("these layers read each other in a circle: p, q"), "{circle}");
    let missing = [layer("Dense", "d1", dense(), &["z"])];
    assert!(with(&missing, "d1").contains("nothing is called `z`"));
    let several = [layer("Dense", "d3", dense(), &["a"])];
    assert!(with(&several, "d3").contains("the weights have no group `d3`"));
    let open = [layer("InputLayer", "c", json!({"batch_input_shape": [null, null]}), &[])];
    assert!(with(&open, "c").contains("the input's shape is not fixed"), "{}", with(&open, "c"));
}
