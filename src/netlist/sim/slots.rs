//! Slots for planes: each has one from the step that makes it to its last reader, and then it is another's.

use super::step::{ONE, Program, Step};

/// Gives every plane of a program a slot, and counts them.
pub fn allocate(program: &mut Program, planes: usize) {
    let last = last_readers(program, planes);
    let mut slots = Slots { of: vec![0; planes], free: Vec::new(), count: 0 };
    (0..=ONE).for_each(|constant| slots.take(constant));
    program.loads.iter().flat_map(|word| &word.planes).for_each(|plane| slots.take(*plane));
    let Program { loads, steps, wires, stores, .. } = program;
    for (index, step) in steps.iter_mut().enumerate() {
        // Planes made here, then those read here for the last time: a step may not write what it still reads.
        step.results(wires, |plane| slots.take(plane));
        let mut done = Vec::new();
        step.all(wires, |plane| done.push(*plane));
        step.all_mut(wires, |plane| *plane = slots.of[*plane as usize]);
        done.sort_unstable();
        done.dedup();
        done.retain(|plane| last[*plane as usize] == index as u32);
        slots.free.extend(done.iter().map(|plane| slots.of[*plane as usize]));
    }
    let ends = loads.iter_mut().chain(stores).flat_map(|word| &mut word.planes);
    ends.for_each(|plane| *plane = slots.of[*plane as usize]);
    program.slots = slots.count as usize;
}

/// The last step that makes or reads each plane; none for those that stay.
fn last_readers(program: &Program, planes: usize) -> Vec<u32> {
    let mut last = vec![0; planes];
    for (index, step) in program.steps.iter().enumerate() {
        step.all(&program.wires, |plane| last[*plane as usize] = index as u32);
    }
    let stored = program.stores.iter().flat_map(|word| &word.planes);
    stored.chain(&[0, ONE]).for_each(|plane| last[*plane as usize] = u32::MAX);
    last
}

struct Slots {
    of: Vec<u32>,
    free: Vec<u32>,
    count: u32,
}

impl Slots {
    fn take(&mut self, plane: u32) {
        self.of[plane as usize] = self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        });
    }
}

impl Step {
    fn results(&self, wires: &[[u32; 3]], f: impl FnMut(u32)) {
        match self {
            Step::Chain { wires: range, .. } => wires[range.clone()].iter().map(|wire| wire[2]).for_each(f),
            Step::Lookup(lookup) => lookup.out.iter().copied().for_each(f),
        }
    }

    fn all(&self, wires: &[[u32; 3]], f: impl FnMut(&u32)) {
        match self {
            Step::Chain { with, wires: range, .. } => wires[range.clone()].iter().flatten().chain([with]).for_each(f),
            Step::Lookup(lookup) => lookup.index.iter().chain(&lookup.out).for_each(f),
        }
    }

    fn all_mut(&mut self, wires: &mut [[u32; 3]], f: impl FnMut(&mut u32)) {
        match self {
            Step::Chain { with, wires: range, .. } => {
                wires[range.clone()].iter_mut().flatten().chain([with]).for_each(f);
            }
            Step::Lookup(lookup) => lookup.index.iter_mut().chain(&mut lookup.out).for_each(f),
        }
    }
}
