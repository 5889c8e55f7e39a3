//! Trained networks of look-up tables: the stored predictions of weightless ones, the vectors of Kolmogorov-Arnold ones.

mod common;

use common::{nanotrig, shared};
use nanotrig::arrays::npz::{self, Npz};
use nanotrig::network::Tensor;
use std::path::Path;

const LUT: &str = "data/models/lut";
const JETS: &str = "data/jets_hlf/jets_hlf.npz";
/// Each model, and how many of its 700 predictions remain where features come in as `fixed<16,6>`: that floors them, which
/// moves a few across a threshold.
const DWN: [(&str, usize); 3] = [("dwn_t200_50", 699), ("dwn_t4_300-100", 699), ("dwn_t8_300-100", 699)];

fn array(file: &Path, key: &str) -> Tensor {
    let bytes = std::fs::read(file).unwrap();
    Npz::open(&bytes).unwrap().get(key).unwrap().tensor().unwrap()
}

/// The outputs of a model at each level, as one list; the levels agree.
fn run(folder: &Path, model: &Path, input: &str, options: &[&str]) -> Vec<f64> {
    let outputs = ["tensor", "dfg", "netlist"].map(|level| {
        let given = ["run", model.to_str().unwrap(), "--input", input, "--output", "y.npz", "--level", level];
        let ran = nanotrig(folder, &[&given[..], options].concat());
        assert_eq!(ran.status, 0, "{level}: {}", ran.err);
        let bytes = std::fs::read(folder.join("y.npz")).unwrap();
        let npz = Npz::open(&bytes).unwrap();
        npz.get(npz.keys()[0]).unwrap().tensor().unwrap().data
    });
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[0], outputs[2]);
    outputs.into_iter().next().unwrap()
}

/// How many rows of five scores have their first greatest where it was.
fn correct(scores: &[f64], predictions: &[f64]) -> usize {
    let first = |row: &[f64]| (0..row.len()).rev().max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap() as f64;
    assert_eq!(scores.len(), 5 * predictions.len());
    scores.chunks(5).zip(predictions).filter(|(row, prediction)| first(row) == **prediction).count()
}

#[test]
fn weightless_predictions() {
    let folder = tempfile::tempdir().unwrap();
    for (name, as_fixed) in DWN {
        let file = |end: &str| shared(&format!("{LUT}/{name}{end}.npz"));
        let (Some(model), Some(golden), Some(jets)) = (file(""), file(".golden"), shared(JETS)) else { return };
        let predictions = array(&golden, "pred").data;
        assert_eq!(predictions.len(), 700);
        let features = format!("{}:x_std", jets.display());
        let by_host = run(folder.path(), &model, &features, &["--input-format", "bits"]);
        assert_eq!(correct(&by_host, &predictions), 700, "{name}");
        // The stored bits are packed, the first highest.
        let packed = array(&golden, "x_bits");
        let bits = packed.data.iter().flat_map(|byte| (0..8).rev().map(|bit| (*byte as u32 >> bit & 1) as f64));
        let bits = Tensor::new(vec![700, 8 * packed.shape[1]], bits.collect()).unwrap();
        std::fs::write(folder.path().join("bits.npz"), npz::format([("x", &bits)]).unwrap()).unwrap();
        assert_eq!(run(folder.path(), &model, "bits.npz", &["--input-format", "bits"]), by_host, "{name}");
        let fixed = run(folder.path(), &model, &features, &["--input-format", "fixed<16,6>"]);
        let count = correct(&fixed, &predictions);
        println!("{name}: 700 of 700 with bits at the port, {count} from fixed<16,6>");
        assert_eq!(count, as_fixed, "{name}");
    }
}

#[test]
fn kolmogorov_arnold_vectors() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["kanele_jsc_cernbox", "kanele_jsc_openml"] {
        let file = |name_in: &str| shared(&format!("{LUT}/{name}/{name_in}"));
        let (Some(model), Some(inputs), Some(outputs)) =
            (file("truth_tables.json"), file("vectors_in.txt"), file("vectors_out.txt"))
        else {
            return;
        };
        let text = |path: &Path| std::fs::read_to_string(path).unwrap();
        let csv = text(&inputs).lines().map(|line| line.trim().replace(' ', ",") + "\n").collect::<String>();
        std::fs::write(folder.path().join("x.csv"), csv).unwrap();
        let wanted: Vec<f64> = text(&outputs).split_whitespace().map(|word| word.parse().unwrap()).collect();
        assert_eq!(wanted.len(), 50);
        assert_eq!(run(folder.path(), &model, "x.csv", &[]), wanted, "{name}");
    }
}
