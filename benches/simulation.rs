//! Our circuit simulator against Verilator, on the same networks and vectors, in one run.
//!
//! `cargo bench --bench simulation [-- MODEL...]`; without arguments the example, and networks of `../shared` if it is there.

use nanotrig::compiler::{Level, Making, Reading, hardware, meaning};
use nanotrig::{backends, frontends, verilator};
use std::path::{Path, PathBuf};
use std::time::Instant;

const VECTORS: usize = 1_000_000;

fn main() {
    let given: Vec<PathBuf> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).map(PathBuf::from).collect();
    let models = if given.is_empty() { defaults() } else { given };
    println!("{:<24} {:>8} {:>16} {:>16} {:>8}", "network", "nets", "ours, samples/s", "Verilator, /s", "ratio");
    for model in models {
        if let Err(error) = compare(&model) {
            println!("{}: {error}", model.display());
            std::process::exit(1);
        }
    }
}

fn defaults() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let nets = ["jsc_openml_75p86", "jsc_openml_76p86", "jet_mlp_w6_s50"];
    let shared = nets.map(|net| root.join(format!("../shared/bench/nets/{net}.json.gz")));
    [root.join("examples/jet_tagger/model.toml")].into_iter().chain(shared).filter(|path| path.exists()).collect()
}

fn compare(model: &Path) -> nanotrig::error::Result<()> {
    let meaning = meaning(&frontends::read(model, None)?, &Reading::default())?;
    let hardware = hardware(&meaning.dfg, &Making::default(), |_, _| ())?;
    let inputs = meaning.vectors(VECTORS, 1);
    let folder =
        nanotrig::output::Output::begin(&std::env::temp_dir().join(format!("nanotrig-bench-{}", std::process::id())))?;
    for file in backends::files(&hardware.netlist, &backends::Context::default())? {
        folder.write(&file.path, file.text.as_bytes())?;
    }
    let root = folder.path(".")?;
    let start = Instant::now();
    let codes = hardware.codes(Level::Netlist, &inputs)?;
    let ours = VECTORS as f64 / start.elapsed().as_secs_f64();
    let outcome = verilator::verify(&root, &inputs, &codes, &|_| ())?;
    assert_eq!(outcome.mismatches, 0, "{:?}", outcome.report);
    let theirs = outcome.cycles_per_second;
    let (name, nets) = (&meaning.dfg.name, hardware.netlist.nets.len());
    println!("{name:<24} {nets:>8} {ours:>16.0} {theirs:>16.0} {:>8.1}", ours / theirs);
    Ok(())
}
