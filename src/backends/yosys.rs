//! `yosys/`: synthesis and cell counts with Yosys, of the whole and with modules kept apart.

use super::{Backend, Context, File, hdl, render, verilog};
use crate::error::Result;
use crate::netlist::Netlist;
use crate::registry::Entry;
use serde::Serialize;

/// The back end's entry.
pub const BACKEND: Entry<Backend> = Entry { name: "yosys", doc: "Yosys scripts that synthesize and count cells", make };

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    files: Vec<String>,
    synth: &'a str,
    /// The command that keeps modules apart.
    hierarchical: String,
    /// nextpnr's command.
    place: Option<String>,
}

fn make(netlist: &Netlist, context: &Context) -> Result<Vec<File>> {
    let mhz = 1e6 / f64::from(context.period_ps.max(1));
    let place = context.place.as_ref().map(|place| {
        format!("{place} --freq {mhz:.3} --timing-allow-fail --json yosys/netlist.json --report yosys/place.json")
    });
    let text = Text {
        top: &netlist.name,
        files: verilog::paths(netlist, context, hdl::Use::Synthesis),
        synth: &context.yosys,
        hierarchical: hierarchical(&context.yosys),
        place,
    };
    let file = |path: &str, template| Ok(File { path: path.into(), text: render(template, &text)? });
    Ok(vec![
        file("yosys/synth.ys", include_str!("../../templates/synth.ys"))?,
        file("yosys/layers.ys", include_str!("../../templates/layers.ys"))?,
    ])
}

/// A synthesis command that flattens, by itself or because it is told to, as one that does not.
fn hierarchical(synth: &str) -> String {
    let words: Vec<&str> = synth.split(' ').collect();
    if words.contains(&"-flatten") {
        return words.into_iter().filter(|word| *word != "-flatten").collect::<Vec<_>>().join(" ");
    }
    format!("{synth} -noflatten")
}

#[cfg(test)]
mod tests {
    use super::hierarchical;

    #[test]
    fn modules_are_kept_apart() {
        assert_eq!(hierarchical("synth_xilinx -flatten -nosrl"), "synth_xilinx -nosrl");
        assert_eq!(hierarchical("synth_ecp5 -noiopad"), "synth_ecp5 -noiopad -noflatten");
    }
}
