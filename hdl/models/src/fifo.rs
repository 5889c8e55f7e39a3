//! `nanotrig_fifo`: one register of DEPTH words, S bits in all; the lowest word leaves, a new one goes above the others.

use crate::{Inputs, Model, Outputs, list, vector};
use rust_hdl::prelude::*;

#[derive(LogicBlock)]
pub struct Fifo<const W: usize, const S: usize> {
    pub clock: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub in_valid: Signal<In, Bit>,
    pub in_ready: Signal<Out, Bit>,
    pub in_data: Signal<In, Bits<W>>,
    pub out_valid: Signal<Out, Bit>,
    pub out_ready: Signal<In, Bit>,
    pub out_data: Signal<Out, Bits<W>>,
    words: DFF<Bits<S>>,
    /// Bits that wait.
    fill: DFF<Bits<16>>,
    after: Signal<Local, Bits<S>>,
    left: Signal<Local, Bits<16>>,
    size: Constant<Bits<16>>,
    width: Constant<Bits<16>>,
}

impl<const W: usize, const S: usize> Default for Fifo<W, S> {
    fn default() -> Self {
        assert_eq!(S % W, 0);
        Fifo {
            clock: Default::default(),
            rst: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_data: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_data: Default::default(),
            words: Default::default(),
            fill: Default::default(),
            after: Default::default(),
            left: Default::default(),
            size: Constant::new((S as u64).into()),
            width: Constant::new((W as u64).into()),
        }
    }
}

impl<const W: usize, const S: usize> Logic for Fifo<W, S> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, words, fill);
        self.in_ready.next = self.fill.q.val() != self.size.val();
        self.out_valid.next = self.fill.q.val() != 0;
        self.out_data.next = bit_cast::<W, S>(self.words.q.val());
        self.after.next = self.words.q.val();
        self.left.next = self.fill.q.val();
        if self.out_ready.val() & (self.fill.q.val() != 0) {
            self.after.next = self.words.q.val() >> self.width.val();
            self.left.next = self.fill.q.val() - self.width.val();
        }
        self.words.d.next = self.after.val();
        self.fill.d.next = self.left.val();
        if self.in_valid.val() & (self.fill.q.val() != self.size.val()) {
            self.words.d.next = self.after.val() | (bit_cast::<S, W>(self.in_data.val()) << self.left.val());
            self.fill.d.next = self.left.val() + self.width.val();
        }
        if self.rst.val() {
            self.words.d.next = 0.into();
            self.fill.d.next = 0.into();
        }
    }
}

impl<const W: usize, const S: usize> Model for Fifo<W, S> {
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
