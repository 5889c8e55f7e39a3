//! `nanotrig_skid`: two places, the first of which leaves.

use crate::{Inputs, Model, Outputs, list, vector};
use rust_hdl::prelude::*;

#[derive(LogicBlock, Default)]
pub struct Skid<const W: usize> {
    pub clock: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub in_valid: Signal<In, Bit>,
    pub in_ready: Signal<Out, Bit>,
    pub in_data: Signal<In, Bits<W>>,
    pub out_valid: Signal<Out, Bit>,
    pub out_ready: Signal<In, Bit>,
    pub out_data: Signal<Out, Bits<W>>,
    count: DFF<Bits<2>>,
    first: DFF<Bits<W>>,
    second: DFF<Bits<W>>,
    take: Signal<Local, Bit>,
    give: Signal<Local, Bit>,
}

impl<const W: usize> Logic for Skid<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count, first, second);
        self.in_ready.next = self.count.q.val() != 2;
        self.out_valid.next = self.count.q.val() != 0;
        self.out_data.next = self.first.q.val();
        self.take.next = self.in_valid.val() & (self.count.q.val() != 2);
        self.give.next = self.out_ready.val() & (self.count.q.val() != 0);
        if self.give.val() {
            self.first.d.next = self.second.q.val();
            if !self.take.val() {
                self.count.d.next = self.count.q.val() - 1;
            }
        }
        if self.take.val() {
            if (self.count.q.val() == 0) | self.give.val() {
                self.first.d.next = self.in_data.val();
            } else {
                self.second.d.next = self.in_data.val();
            }
            if !self.give.val() {
                self.count.d.next = self.count.q.val() + 1;
            }
        }
        if self.rst.val() {
            self.count.d.next = 0.into();
        }
    }
}

impl<const W: usize> Model for Skid<W> {
    fn drive(&mut self, inputs: &Inputs, clocks: [bool; 2]) {
        self.clock.next = Clock { clk: clocks[0] };
        self.rst.next = inputs.rst;
        self.in_valid.next = inputs.in_valid;
        self.in_data.next = vector(&inputs.in_data);
        self.out_ready.next = inputs.out_ready;
    }

    fn sample(&self) -> Outputs {
        let (in_ready, out_valid) = (self.in_ready.val(), self.out_valid.val());
        Outputs { in_ready, out_valid, out_data: list(self.out_data.val()), ..Outputs::default() }
    }
}
