//! The numbers of a report, from the graph, the schedule and the circuit.

use super::{LayerRow, StageRow};
use crate::compiler::Hardware;
use crate::dfg::{Dfg, Id, Op};
use crate::targets::{Area, Target};

/// Register bits of the circuit, the valid bits included.
pub fn registers(hardware: &Hardware) -> u64 {
    let data = hardware.netlist.nets.iter().filter(|net| net.cell.is_register());
    data.map(|net| u64::from(net.width)).sum::<u64>() + u64::from(hardware.netlist.latency)
}

/// Operations with logic on the longest path.
pub fn depth(dfg: &Dfg, target: &dyn Target) -> u32 {
    let mut depth = vec![0; dfg.nodes.len()];
    for id in dfg.ids() {
        let operands = dfg[id].op.args().map(|arg| depth[arg.index()]).max().unwrap_or(0);
        depth[id.index()] = operands + (target.delay(dfg, id) > 0) as u32;
    }
    depth.into_iter().max().unwrap_or(0)
}

/// A row for each layer that has values.
pub fn layers(hardware: &Hardware, target: &dyn Target) -> Vec<LayerRow> {
    let dfg = &hardware.dfg;
    let mut outside = vec![false; dfg.nodes.len()];
    for id in dfg.ids() {
        let foreign = dfg[id].op.args().filter(|arg| dfg[*arg].from.layer != dfg[id].from.layer);
        foreign.for_each(|arg| outside[arg.index()] = true);
    }
    dfg.results.iter().for_each(|id| outside[id.index()] = true);
    let row = |(layer, name): (usize, &String)| {
        let own = || dfg.ids().filter(move |id| dfg[*id].from.layer as usize == layer);
        let area = own().map(|id| target.area(dfg, id)).fold(Area::default(), |sum, area| sum + area);
        let logic = || own().filter(|id| target.delay(dfg, *id) > 0);
        let stages = || logic().map(|id| hardware.schedule.of(id));
        let registers =
            hardware.netlist.nets.iter().filter(|net| net.layer as usize == layer && net.cell.is_register());
        let values = || own().filter(|id| outside[id.index()] && !matches!(dfg[*id].op, Op::Const(_)));
        LayerRow {
            name: name.clone(),
            luts: area.luts.round() as u64,
            carry: area.carry.round() as u64,
            registers: registers.map(|net| u64::from(net.width)).sum(),
            operations: logic().count() as u64,
            values: values().count() as u64,
            bits: values().map(|id| u64::from(dfg.range(id).width())).sum(),
            stages: [stages().min().unwrap_or(0), stages().max().unwrap_or(0)],
        }
    };
    dfg.layers.iter().enumerate().map(row).filter(|row| row.operations + row.registers + row.values > 0).collect()
}

/// A row for each stage.
pub fn stages(hardware: &Hardware, target: &dyn Target) -> Vec<StageRow> {
    let (dfg, schedule) = (&hardware.dfg, &hardware.schedule);
    let last = schedule.last_use(dfg);
    let mut arrival = vec![0u32; dfg.nodes.len()];
    for id in dfg.ids() {
        let here = dfg[id].op.args().filter(|arg| schedule.of(*arg) == schedule.of(id));
        arrival[id.index()] = here.map(|arg| arrival[arg.index()]).max().unwrap_or(0) + target.delay(dfg, id);
    }
    let row = |stage: u32| {
        let own = || dfg.ids().filter(move |id| schedule.of(*id) == stage);
        let logic = || own().filter(|id| target.delay(dfg, *id) > 0);
        let longest = own().map(|id| arrival[id.index()]).max().unwrap_or(0);
        let crosses = |id: &Id| schedule.of(*id) <= stage && last[id.index()] > stage;
        let held = dfg.ids().filter(|id| crosses(id) && !matches!(dfg[*id].op, Op::Const(_)));
        let mut layers: Vec<u32> = logic().map(|id| dfg[id].from.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        StageRow {
            stage,
            delay_ns: f64::from(longest + if longest > 0 { target.register_delay() } else { 0 }) / 1000.0,
            luts: logic().map(|id| target.area(dfg, id).luts).sum::<f64>().round() as u64,
            register_bits: held.map(|id| u64::from(dfg.range(id).width())).sum(),
            layers: layers.into_iter().map(|layer| dfg.layers[layer as usize].clone()).collect(),
        }
    };
    (0..schedule.latency).map(row).collect()
}
