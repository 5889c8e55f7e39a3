//! `nanotrig_widen` and `nanotrig_narrow`: N words of W bits, S bits in all, and one word.

use crate::{Inputs, Model, Outputs, list, vector};
use rust_hdl::prelude::*;

#[derive(LogicBlock)]
pub struct Widen<const W: usize, const S: usize> {
    pub clock: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub in_valid: Signal<In, Bit>,
    pub in_ready: Signal<Out, Bit>,
    pub in_data: Signal<In, Bits<W>>,
    pub in_last: Signal<In, Bit>,
    pub in_bad: Signal<In, Bit>,
    pub out_valid: Signal<Out, Bit>,
    pub out_ready: Signal<In, Bit>,
    pub out_data: Signal<Out, Bits<S>>,
    pub misframed: Signal<Out, Bit>,
    words: DFF<Bits<S>>,
    /// Bits of the group so far.
    fill: DFF<Bits<16>>,
    full: DFF<Bit>,
    /// The group should have ended already.
    late: DFF<Bit>,
    wrong: DFF<Bit>,
    take: Signal<Local, Bit>,
    at_end: Signal<Local, Bit>,
    width: Constant<Bits<16>>,
    last: Constant<Bits<16>>,
}

impl<const W: usize, const S: usize> Default for Widen<W, S> {
    fn default() -> Self {
        assert_eq!(S % W, 0);
        Widen {
            clock: Default::default(),
            rst: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_data: Default::default(),
            in_last: Default::default(),
            in_bad: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_data: Default::default(),
            misframed: Default::default(),
            words: Default::default(),
            fill: Default::default(),
            full: Default::default(),
            late: Default::default(),
            wrong: Default::default(),
            take: Default::default(),
            at_end: Default::default(),
            width: Constant::new((W as u64).into()),
            last: Constant::new(((S - W) as u64).into()),
        }
    }
}

impl<const W: usize, const S: usize> Logic for Widen<W, S> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, words, fill, full, late, wrong);
        self.in_ready.next = !self.full.q.val() | self.out_ready.val();
        self.out_valid.next = self.full.q.val();
        self.out_data.next = self.words.q.val();
        self.misframed.next = self.wrong.q.val();
        self.take.next = self.in_valid.val() & (!self.full.q.val() | self.out_ready.val());
        self.at_end.next = self.fill.q.val() == self.last.val();
        if self.out_ready.val() {
            self.full.d.next = false;
        }
        if self.take.val() {
            // The first word of a group finds nothing of the one before.
            if self.fill.q.val() == 0 {
                self.words.d.next = bit_cast::<S, W>(self.in_data.val());
            } else {
                self.words.d.next = self.words.q.val() | (bit_cast::<S, W>(self.in_data.val()) << self.fill.q.val());
            }
            self.full.d.next = self.at_end.val() & self.in_last.val() & !self.in_bad.val() & !self.late.q.val();
            if self.at_end.val() | self.in_last.val() {
                self.fill.d.next = 0.into();
            } else {
                self.fill.d.next = self.fill.q.val() + self.width.val();
            }
            if self.in_last.val() {
                self.late.d.next = false;
            } else if self.at_end.val() {
                self.late.d.next = true;
            }
            if (self.at_end.val() != self.in_last.val()) | self.in_bad.val() {
                self.wrong.d.next = true;
            }
        }
        if self.rst.val() {
            self.fill.d.next = 0.into();
            self.full.d.next = false;
            self.late.d.next = false;
            self.wrong.d.next = false;
        }
    }
}

impl<const W: usize, const S: usize> Model for Widen<W, S> {
    fn drive(&mut self, inputs: &Inputs, clocks: [bool; 2]) {
        self.clock.next = Clock { clk: clocks[0] };
        self.rst.next = inputs.rst;
        self.in_valid.next = inputs.in_valid;
        self.in_data.next = vector(&inputs.in_data);
        self.in_last.next = inputs.in_last;
        self.in_bad.next = inputs.in_bad;
        self.out_ready.next = inputs.out_ready;
    }

    fn sample(&self) -> Outputs {
        let (in_ready, out_valid, misframed) = (self.in_ready.val(), self.out_valid.val(), self.misframed.val());
        Outputs { in_ready, out_valid, out_data: list(self.out_data.val()), misframed, ..Outputs::default() }
    }
}

#[derive(LogicBlock)]
pub struct Narrow<const W: usize, const S: usize> {
    pub clock: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub in_valid: Signal<In, Bit>,
    pub in_ready: Signal<Out, Bit>,
    pub in_data: Signal<In, Bits<S>>,
    pub out_valid: Signal<Out, Bit>,
    pub out_ready: Signal<In, Bit>,
    pub out_data: Signal<Out, Bits<W>>,
    pub out_last: Signal<Out, Bit>,
    words: DFF<Bits<S>>,
    /// Bits that have not left.
    left: DFF<Bits<16>>,
    width: Constant<Bits<16>>,
    size: Constant<Bits<16>>,
}

impl<const W: usize, const S: usize> Default for Narrow<W, S> {
    fn default() -> Self {
        assert_eq!(S % W, 0);
        Narrow {
            clock: Default::default(),
            rst: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_data: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_data: Default::default(),
            out_last: Default::default(),
            words: Default::default(),
            left: Default::default(),
            width: Constant::new((W as u64).into()),
            size: Constant::new((S as u64).into()),
        }
    }
}

impl<const W: usize, const S: usize> Logic for Narrow<W, S> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, words, left);
        self.out_valid.next = self.left.q.val() != 0;
        self.out_data.next = bit_cast::<W, S>(self.words.q.val());
        self.out_last.next = self.left.q.val() == self.width.val();
        self.in_ready.next =
            (self.left.q.val() == 0) | ((self.left.q.val() == self.width.val()) & self.out_ready.val());
        if (self.left.q.val() != 0) & self.out_ready.val() {
            self.words.d.next = self.words.q.val() >> self.width.val();
            self.left.d.next = self.left.q.val() - self.width.val();
        }
        if self.in_valid.val()
            & ((self.left.q.val() == 0) | ((self.left.q.val() == self.width.val()) & self.out_ready.val()))
        {
            self.words.d.next = self.in_data.val();
            self.left.d.next = self.size.val();
        }
        if self.rst.val() {
            self.left.d.next = 0.into();
        }
    }
}

impl<const W: usize, const S: usize> Model for Narrow<W, S> {
    fn drive(&mut self, inputs: &Inputs, clocks: [bool; 2]) {
        self.clock.next = Clock { clk: clocks[0] };
        self.rst.next = inputs.rst;
        self.in_valid.next = inputs.in_valid;
        self.in_data.next = vector(&inputs.in_data);
        self.out_ready.next = inputs.out_ready;
    }

    fn sample(&self) -> Outputs {
        let (in_ready, out_valid, out_last) = (self.in_ready.val(), self.out_valid.val(), self.out_last.val());
        Outputs { in_ready, out_valid, out_data: list(self.out_data.val()), out_last, ..Outputs::default() }
    }
}
