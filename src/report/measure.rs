//! The numbers of a report, from the graph, the schedule and the circuit.

use super::{KindRow, LayerRow, Share, StageRow};
use crate::compiler::Hardware;
use crate::dfg::{Dfg, Id, Op};
use crate::targets::calibration::{Calibration, Kind};
use crate::targets::{Area, Target, Times};

/// What the target says of each node. Areas are thousandths, so that their sums are exact in any order.
pub struct Measure<'a> {
    hardware: &'a Hardware,
    delay: Vec<u32>,
    arrival: Vec<u32>,
    luts: Vec<u64>,
    carry: Vec<u64>,
    register_delay: u32,
    kinds: Vec<KindRow>,
    /// Register bits of each net, those aside that synthesis drops.
    kept: Vec<u32>,
}

impl Measure<'_> {
    /// Asks the target about every node; areas are multiplied by the factors of the calibration.
    pub fn new<'a>(hardware: &'a Hardware, target: &dyn Target, fitted: Option<&Calibration>) -> Measure<'a> {
        let dfg = hardware.scheduled();
        let thousandths = |area: f64| (area * 1000.0).round() as u64;
        let (mut luts, mut carry) = (Vec::with_capacity(dfg.nodes.len()), Vec::with_capacity(dfg.nodes.len()));
        let mut kinds = [(0, 0); Kind::ALL.len()];
        for (id, read) in dfg.ids().zip(hardware.schedule.uses(dfg)) {
            let area = match hardware.link(id) {
                Some((folded, link)) => folded.area(link, target),
                None => needed(dfg, target, id, read.unread, read.registered),
            };
            let kind = Kind::of(dfg, id).map(|kind| kind as usize);
            if let Some(sums) = kind.and_then(|kind| kinds.get_mut(kind)) {
                *sums = (sums.0 + thousandths(area.luts), sums.1 + thousandths(area.carry));
            }
            let factor = fitted.zip(kind).and_then(|(fitted, kind)| fitted.luts.get(kind)).unwrap_or(&1.0);
            luts.push(thousandths(area.luts * factor));
            carry.push(thousandths(area.carry * fitted.map_or(1.0, |fitted| fitted.carry)));
        }
        let row = |(kind, (luts, carry)): (&Kind, (u64, u64))| {
            let round = |thousandths: u64| (thousandths + 500) / 1000;
            KindRow { kind: kind.name().into(), luts: round(luts), carry: round(carry) }
        };
        let rows = Kind::ALL.iter().zip(kinds).filter(|(_, (luts, carry))| luts + carry > 0).map(row).collect();
        let times = Times::new(dfg, target);
        let delay = dfg.ids().map(|id| times.delay(id)).collect();
        let arrival = hardware.schedule.arrivals(dfg, &times);
        Measure {
            hardware,
            delay,
            arrival,
            luts,
            carry,
            register_delay: target.register_delay(),
            kinds: rows,
            kept: hardware.netlist.kept_bits(),
        }
    }

    /// The target's own areas of each kind of logic, before calibration.
    pub fn kinds(&self) -> Vec<KindRow> {
        self.kinds.clone()
    }

    /// Look-up tables of the whole.
    pub fn luts(&self) -> u64 {
        whole(&[self.luts.iter().sum()])[0]
    }

    /// Carry-chain bits of the whole.
    pub fn carry(&self) -> u64 {
        whole(&[self.carry.iter().sum()])[0]
    }

    /// Operations with logic on the path that has most of them.
    pub fn depth(&self) -> u32 {
        let dfg = self.hardware.scheduled();
        let mut depth = vec![0; dfg.nodes.len()];
        for id in dfg.ids() {
            let operands = dfg[id].op.args().map(|arg| depth[arg.index()]).max().unwrap_or(0);
            depth[id.index()] = operands + self.is_logic(id) as u32;
        }
        depth.into_iter().max().unwrap_or(0)
    }

    /// Bits of the row of registers that ends each stage, its valid bit included.
    pub fn register_rows(&self) -> Vec<u64> {
        let netlist = &self.hardware.netlist;
        let mut rows = vec![1; netlist.latency as usize];
        for (bits, stage) in self.kept.iter().zip(netlist.stages()).filter(|(bits, _)| **bits > 0) {
            rows[stage.map_or(0, |stage| stage as usize - 1)] += u64::from(*bits);
        }
        for (state, turn) in netlist.states.iter().flat_map(|state| Some((state, netlist.turn?))) {
            rows[turn.writes as usize] += u64::from(state.held.width());
        }
        rows
    }

    /// A row for each layer that has values.
    pub fn layers(&self) -> Vec<LayerRow> {
        let dfg = self.hardware.scheduled();
        let mut rows: Vec<LayerRow> = dfg.layers.iter().map(|name| LayerRow::named(name)).collect();
        let (mut luts, mut carry) = (vec![0; rows.len()], vec![0; rows.len()]);
        let given = self.given();
        for id in dfg.ids() {
            let layer = dfg[id].from.layer as usize;
            let row = &mut rows[layer];
            luts[layer] += self.luts[id.index()];
            carry[layer] += self.carry[id.index()];
            if self.is_logic(id) {
                let stage = self.hardware.schedule.of(id);
                let first = if row.operations == 0 { stage } else { row.stages[0].min(stage) };
                row.stages = [first, row.stages[1].max(stage)];
                row.operations += 1;
            }
            if given[id.index()] {
                row.values += 1;
                row.bits += u64::from(dfg.range(id).width());
            }
        }
        for (net, bits) in self.hardware.netlist.nets.iter().zip(&self.kept) {
            rows[net.layer as usize].registers += u64::from(*bits);
        }
        for state in &self.hardware.netlist.states {
            let own = rows.iter_mut().find(|row| row.name == state.held.name);
            own.into_iter().for_each(|row| row.registers += u64::from(state.held.width()));
        }
        for ((row, luts), carry) in rows.iter_mut().zip(whole(&luts)).zip(whole(&carry)) {
            (row.luts, row.carry) = (luts, carry);
        }
        rows.retain(|row| row.operations + row.registers + row.values > 0);
        rows
    }

    /// A row for each stage.
    pub fn stages(&self) -> Vec<StageRow> {
        let (dfg, schedule) = (self.hardware.scheduled(), &self.hardware.schedule);
        let (width, count) = (dfg.layers.len(), schedule.latency as usize);
        let mut longest = vec![0; count];
        let mut luts = vec![0; width * count];
        let mut used = vec![false; width * count];
        for id in dfg.ids().filter(|id| schedule.of(*id) < schedule.latency) {
            let stage = schedule.of(id);
            longest[stage as usize] = longest[stage as usize].max(self.arrival[id.index()]);
            let cell = stage as usize * width + dfg[id].from.layer as usize;
            luts[cell] += self.luts[id.index()];
            used[cell] |= self.is_logic(id);
        }
        let (luts, registers) = (whole(&luts), self.register_rows());
        let row = |stage: usize| {
            let cells = (0..width).filter(|layer| used[stage * width + layer]);
            let share = |layer: usize| Share { name: dfg.layers[layer].clone(), luts: luts[stage * width + layer] };
            let register = if longest[stage] > 0 { self.register_delay } else { 0 };
            StageRow {
                stage: stage as u32,
                delay_ns: f64::from(longest[stage] + register) / 1000.0,
                luts: luts[stage * width..(stage + 1) * width].iter().sum(),
                registers: registers[stage],
                layers: cells.map(share).collect(),
            }
        };
        (0..count).map(row).collect()
    }

    fn is_logic(&self, id: Id) -> bool {
        self.delay[id.index()] > 0
    }

    /// Which nodes other layers or ports read, constants aside.
    fn given(&self) -> Vec<bool> {
        let dfg = self.hardware.scheduled();
        let mut given = vec![false; dfg.nodes.len()];
        for id in dfg.ids() {
            let foreign = dfg[id].op.args().filter(|arg| dfg[*arg].from.layer != dfg[id].from.layer);
            foreign.for_each(|arg| given[arg.index()] = true);
        }
        dfg.results.iter().for_each(|id| given[id.index()] = true);
        dfg.ids().for_each(|id| given[id.index()] &= !matches!(dfg[id].op, Op::Const(_)));
        given
    }
}

/// A node's area without what synthesis drops: the `unread` highest bits of a sum, and a ReLU that is the reset of the
/// registers that alone read it.
fn needed(dfg: &Dfg, target: &dyn Target, id: Id, unread: u32, registered: bool) -> Area {
    let area = target.area(dfg, id);
    if registered && target.gates(dfg, id) {
        return Area::default();
    }
    let (chain, unread) = (area.carry, f64::from(unread).min(area.carry));
    match dfg[id].op {
        Op::Add { .. } if chain > 0.0 => Area { luts: area.luts * (chain - unread) / chain, carry: chain - unread },
        _ => area,
    }
}

/// Thousandths as whole numbers whose sum is the rounded sum.
fn whole(thousandths: &[u64]) -> Vec<u64> {
    let (mut sum, mut given) = (0, 0);
    let part = |part: &u64| {
        sum += part;
        let whole = (sum + 500) / 1000 - given;
        given += whole;
        whole
    };
    thousandths.iter().map(part).collect()
}
