//! `nanotrig prove`: an untouched folder is proved, one that still computes the same too, one that does not is refused.

mod common;

use common::nanotrig;
use nanotrig::backends::{self, Context};
use nanotrig::compiler::{Making, Reading, hardware, meaning};
use nanotrig::network::{Input, Layer, Network, Tensor};
use nanotrig::proof::Proof;
use nanotrig::proof::verilog::Interface;
use std::fs;
use std::path::Path;

/// The example, compiled.
fn compiled(folder: &Path, options: &[&str]) {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jet_tagger/model.toml");
    let model = model.display().to_string();
    let ran = nanotrig(folder, &[&["compile", &model, "-o", "jet"], options].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
}

/// The status of a proof where one text in a file is another.
fn edited(folder: &Path, file: &str, edit: impl Fn(&str) -> String) -> i32 {
    let path = folder.join("jet").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let new = edit(&text);
    assert_ne!(new, text, "{file} is edited");
    fs::write(&path, new).unwrap();
    let ran = nanotrig(folder, &["prove", "jet"]);
    fs::write(&path, text).unwrap();
    ran.status
}

/// A wire of the first layer that no other module has.
fn private(folder: &Path) -> String {
    let read = |file: &str| fs::read_to_string(folder.join("jet/verilog").join(file)).unwrap();
    let (layer, top) = (read("dense_1.v"), read("jet_tagger.v"));
    let name = |line: &str| {
        line.strip_prefix("  wire [")?.split_once("] ")?.1.split_once(" =").map(|(name, _)| name.to_string())
    };
    layer.lines().filter_map(name).find(|name| !top.contains(name.as_str())).expect("a private wire")
}

#[test]
fn the_example_and_edits_of_it() {
    let folder = tempfile::tempdir().unwrap();
    compiled(folder.path(), &["--clock", "360"]);
    let ran = nanotrig(folder.path(), &["prove", "jet"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("Verilog            5 of 5 outputs proved"), "{}", ran.out);
    let certificate = fs::read_to_string(folder.path().join("jet/proof.json")).unwrap();
    assert!(certificate.contains("\"proved\": true") && certificate.contains("golden vectors"), "{certificate}");
    assert_eq!(nanotrig(folder.path(), &["prove", "jet", "--check"]).status, 0);

    // The same function: other comments and names.
    let edit = |from: &'static str, to: &'static str| move |text: &str| text.replace(from, to);
    assert_eq!(edited(folder.path(), "verilog/dense_1.v", edit("// Stage 1", "/* one */ // another")), 0);
    let name = private(folder.path());
    assert_eq!(edited(folder.path(), "verilog/dense_1.v", |text: &str| text.replace(&name, "some_name")), 0);

    // Another function.
    let once = |from: &'static str, to: &'static str| move |text: &str| text.replacen(from, to, 1);
    for (from, to) in [(" + ", " - "), ("~", ""), ("_s1[0]", "_s1[1]"), ("3'd0", "3'd1")] {
        assert_eq!(edited(folder.path(), "verilog/dense_1.v", once(from, to)), 1, "`{from}` is `{to}`");
    }
    assert_eq!(edited(folder.path(), "verilog/relu_1.v", once(" ? ", " != 1'd1 ? ")), 1);
    assert_eq!(edited(folder.path(), "verilog/jet_tagger.v", once("valid[5]", "valid[4]")), 1);
    // A graph that claims more than its operations give is refused as it is read.
    assert_eq!(edited(folder.path(), "ir/optimised.txt", once("max ", "min ")), 2);
    assert_eq!(nanotrig(folder.path(), &["prove", "nothing"]).status, 2);

    let path = folder.path().join("jet/verilog/dense_1.v");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}// a comment\n")).unwrap();
    let ran = nanotrig(folder.path(), &["prove", "jet", "--check"]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("verilog/dense_1.v is not the file"), "{}", ran.out);
}

#[test]
fn a_reset_and_few_stages() {
    let folder = tempfile::tempdir().unwrap();
    compiled(folder.path(), &["--stages", "2", "--reset", "--target", "ice40"]);
    assert_eq!(nanotrig(folder.path(), &["prove", "jet"]).status, 0);
    let top = "verilog/jet_tagger.v";
    let never = |text: &str| text.replace("if (rst)", "if (in_valid)");
    assert_eq!(edited(folder.path(), top, never), 1);
}

/// alkaid 0.8.2 drops the scale here: one unsigned bit x, `16 x + 0.25` wrapped to one integer bit with rounding.
#[test]
fn a_scale_before_a_wrap_that_another_compiler_drops() {
    let dense = Layer::new("scaled", "dense", vec!["x".into()])
        .with_tensor("kernel", Tensor::new(vec![1, 1], vec![16.0]).unwrap())
        .with_tensor("bias", Tensor::vector(vec![0.25]));
    let wrapped = Layer::new("wrapped", "quantize", vec!["scaled".into()]).with("format", "ufixed<1,1,RND,WRAP>");
    let x = Input { name: "x".into(), shape: vec![1], format: Some("ufixed<1,1>".into()), next: None };
    let network =
        Network { name: "tiny".into(), inputs: vec![x], layers: vec![dense, wrapped], outputs: vec!["wrapped".into()] };
    let proof = proof(&network);
    assert!(proof.holds(), "{:?}", proof.links);
}

/// As hls4ml writes accumulators: a long sum wraps, is scaled beyond the format and wraps again, and is rounded to even.
/// With as many periods as that sum has, the rounding has too many steps for one function of the sum.
#[test]
fn a_long_sum_that_wraps_and_is_rounded() {
    let count = 12;
    let weights = (0..2 * count).map(|at| f64::from((at * 37 % 64) - 32) / 2.0).collect();
    let dense = Layer::new("dense", "dense", vec!["x".into()])
        .with_tensor("kernel", Tensor::new(vec![count as usize, 2], weights).unwrap());
    let wrapped = Layer::new("wrapped", "quantize", vec!["dense".into()]).with("format", "fixed<15,5,TRN,WRAP>");
    let scaled = Layer::new("scaled", "scale_shift", vec!["wrapped".into()])
        .with_tensor("scale", Tensor::vector(vec![1035.0 / 1024.0, -1.25]))
        .with_tensor("shift", Tensor::vector(vec![0.25, 1.0 / 1024.0]));
    let again = Layer::new("again", "quantize", vec!["scaled".into()]).with("format", "fixed<32,5,TRN,WRAP>");
    let rounded = Layer::new("rounded", "quantize", vec!["again".into()]).with("format", "fixed<15,1,RND_CONV,SAT>");
    let head = Layer::new("head", "dense", vec!["rounded".into()])
        .with_tensor("kernel", Tensor::new(vec![2, 1], vec![3.0, -0.75]).unwrap());
    let x = Input { name: "x".into(), shape: vec![count as usize], format: Some("fixed<12,6>".into()), next: None };
    let layers = vec![dense, wrapped, scaled, again, rounded, head];
    let network = Network { name: "long".into(), inputs: vec![x], layers, outputs: vec!["head".into()] };
    let proof = proof(&network);
    assert!(proof.holds(), "{:?}", proof.links);
}

/// Only some low bits of a square leave: its circuit multiplies fewer bits than the graph. And an element that is always 0, beside one that
/// is not.
#[test]
fn low_bits_of_a_square() {
    let clipped = Layer::new("clipped", "quantize", vec!["x".into()]).with("format", "fixed<5,3,TRN,SAT_SYM>");
    let square = Layer::new("square", "multiply", vec!["clipped".into(), "clipped".into()]);
    let low = Layer::new("low", "quantize", vec!["square".into()]).with("format", "ufixed<3,0,TRN,WRAP>");
    let none = Layer::new("none", "scale_shift", vec!["x".into()]).with_tensor("scale", Tensor::vector(vec![0.0, 1.0]));
    let zero = Layer::new("zero", "quantize", vec!["none".into()]).with("format", "fixed<3,4>");
    let x = Input { name: "x".into(), shape: vec![2], format: Some("fixed<8,4>".into()), next: None };
    let (layers, outputs) = (vec![clipped, square, low, none, zero], vec!["low".into(), "zero".into()]);
    let proof = proof(&Network { name: "squared".into(), inputs: vec![x], layers, outputs });
    assert!(proof.holds(), "{:?}", proof.links);
}

/// Quantizers whose thresholds are finer than float32's numbers near 1, and slices of several axes.
#[test]
fn networks_of_onnx() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["quantizers", "old", "shapes"] {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/onnx/{name}.onnx"));
        let ran = nanotrig(folder.path(), &["compile", &model.display().to_string(), "-o", name]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert!(ran.out.contains("\nproved "), "{name}: {}{}", ran.out, ran.err);
    }
}

/// A network from its tensor graph to its Verilog.
fn proof(network: &Network) -> Proof {
    let meaning = meaning(network, &Reading::default()).unwrap();
    let hardware = hardware(&meaning.dfg, &Making::default(), |_, _| ()).unwrap();
    let files = (backends::verilog::BACKEND.make)(&hardware.netlist, &Context::default()).unwrap();
    let files: Vec<(String, String)> = files.into_iter().map(|file| (file.path, file.text)).collect();
    let mut proof = Proof::of(&meaning.graph, &meaning.dfg.outputs, None).unwrap();
    proof.numbers("lowered", &meaning.dfg);
    proof.numbers("optimised", &hardware.dfg);
    proof.circuit("netlist", &hardware.dfg, &hardware.netlist);
    let interface = Interface::of(&hardware.netlist);
    proof.verilog("Verilog", &hardware.dfg, &files, &interface);
    proof
}
