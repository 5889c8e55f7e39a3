//! `nanotrig_packetise` and `nanotrig_depacketise`: N words of 128 bits between a header and a footer.

use crate::{Inputs, Model, Outputs, list, vector};
use rust_hdl::prelude::*;

/// Where the header has the size in bytes, 14 bits.
const SIZE_AT: usize = 48;

#[derive(LogicBlock)]
pub struct Packetise<const N: usize> {
    pub clock: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub header: Signal<In, Bits<128>>,
    pub in_valid: Signal<In, Bit>,
    pub in_ready: Signal<Out, Bit>,
    pub in_data: Signal<In, Bits<128>>,
    pub in_last: Signal<In, Bit>,
    pub out_valid: Signal<Out, Bit>,
    pub out_ready: Signal<In, Bit>,
    pub out_data: Signal<Out, Bits<128>>,
    pub out_last: Signal<Out, Bit>,
    /// 0 header, 1 payload, 2 footer.
    place: DFF<Bits<2>>,
    /// The size at its place, and all other places.
    size: Constant<Bits<128>>,
    others: Constant<Bits<128>>,
}

impl<const N: usize> Default for Packetise<N> {
    fn default() -> Self {
        let ones: Bits<128> = bit_cast::<128, 14>(Bits::<14>::mask()) << SIZE_AT as u64;
        let size: Bits<128> = Bits::<128>::from(16 * N as u64) << SIZE_AT as u64;
        Packetise {
            clock: Default::default(),
            rst: Default::default(),
            header: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_data: Default::default(),
            in_last: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_data: Default::default(),
            out_last: Default::default(),
            place: Default::default(),
            size: Constant::new(size),
            others: Constant::new(!ones),
        }
    }
}

impl<const N: usize> Logic for Packetise<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, place);
        self.in_ready.next = false;
        self.out_valid.next = self.in_valid.val();
        self.out_data.next = self.in_data.val();
        self.out_last.next = false;
        if self.place.q.val() == 0 {
            self.out_data.next = (self.header.val() & self.others.val()) | self.size.val();
            if self.in_valid.val() & self.out_ready.val() {
                self.place.d.next = 1.into();
            }
        } else if self.place.q.val() == 1 {
            self.in_ready.next = self.out_ready.val();
            if self.in_valid.val() & self.out_ready.val() & self.in_last.val() {
                self.place.d.next = 2.into();
            }
        } else {
            self.out_valid.next = true;
            self.out_data.next = 0.into();
            self.out_last.next = true;
            if self.out_ready.val() {
                self.place.d.next = 0.into();
            }
        }
        if self.rst.val() {
            self.place.d.next = 0.into();
        }
    }
}

impl<const N: usize> Model for Packetise<N> {
    fn drive(&mut self, inputs: &Inputs, clocks: [bool; 2]) {
        self.clock.next = Clock { clk: clocks[0] };
        self.rst.next = inputs.rst;
        self.header.next = vector(&inputs.header);
        self.in_valid.next = inputs.in_valid;
        self.in_data.next = vector(&inputs.in_data);
        self.in_last.next = inputs.in_last;
        self.out_ready.next = inputs.out_ready;
    }

    fn sample(&self) -> Outputs {
        let (in_ready, out_valid, out_last) = (self.in_ready.val(), self.out_valid.val(), self.out_last.val());
        Outputs { in_ready, out_valid, out_data: list(self.out_data.val()), out_last, ..Outputs::default() }
    }
}

#[derive(LogicBlock)]
pub struct Depacketise<const N: usize> {
    pub clock: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub in_valid: Signal<In, Bit>,
    pub in_ready: Signal<Out, Bit>,
    pub in_data: Signal<In, Bits<128>>,
    pub in_last: Signal<In, Bit>,
    pub out_valid: Signal<Out, Bit>,
    pub out_ready: Signal<In, Bit>,
    pub out_data: Signal<Out, Bits<128>>,
    pub out_last: Signal<Out, Bit>,
    pub out_bad: Signal<Out, Bit>,
    pub misframed: Signal<Out, Bit>,
    /// Payload words that are still to come.
    left: DFF<Bits<16>>,
    /// The next word is a header.
    fresh: DFF<Bit>,
    wrong: DFF<Bit>,
    size: Constant<Bits<14>>,
    count: Constant<Bits<16>>,
}

impl<const N: usize> Default for Depacketise<N> {
    fn default() -> Self {
        Depacketise {
            clock: Default::default(),
            rst: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_data: Default::default(),
            in_last: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_data: Default::default(),
            out_last: Default::default(),
            out_bad: Default::default(),
            misframed: Default::default(),
            left: Default::default(),
            fresh: Default::default(),
            wrong: Default::default(),
            size: Constant::new((16 * N as u64).into()),
            count: Constant::new((N as u64).into()),
        }
    }
}

impl<const N: usize> Logic for Depacketise<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, left, fresh, wrong);
        self.in_ready.next = (self.left.q.val() == 0) | self.out_ready.val();
        self.out_valid.next = (self.left.q.val() != 0) & self.in_valid.val();
        self.out_data.next = self.in_data.val();
        self.out_last.next = (self.left.q.val() == 1) | self.in_last.val();
        self.out_bad.next = self.in_last.val();
        self.misframed.next = self.wrong.q.val();
        if self.in_valid.val() & ((self.left.q.val() == 0) | self.out_ready.val()) {
            self.fresh.d.next = self.in_last.val();
            if self.fresh.q.val() {
                if self.in_data.val().get_bits::<14>(48) == self.size.val() {
                    if !self.in_last.val() {
                        self.left.d.next = self.count.val();
                    }
                } else {
                    self.wrong.d.next = true;
                }
                if self.in_last.val() {
                    self.wrong.d.next = true;
                }
            } else if self.left.q.val() != 0 {
                self.left.d.next = self.left.q.val() - 1;
                if self.in_last.val() {
                    self.left.d.next = 0.into();
                    self.wrong.d.next = true;
                }
            } else if !self.in_last.val() {
                self.wrong.d.next = true;
            }
        }
        if self.rst.val() {
            self.left.d.next = 0.into();
            self.fresh.d.next = true;
            self.wrong.d.next = false;
        }
    }
}

impl<const N: usize> Model for Depacketise<N> {
    fn drive(&mut self, inputs: &Inputs, clocks: [bool; 2]) {
        self.clock.next = Clock { clk: clocks[0] };
        self.rst.next = inputs.rst;
        self.in_valid.next = inputs.in_valid;
        self.in_data.next = vector(&inputs.in_data);
        self.in_last.next = inputs.in_last;
        self.out_ready.next = inputs.out_ready;
    }

    fn sample(&self) -> Outputs {
        Outputs {
            in_ready: self.in_ready.val(),
            out_valid: self.out_valid.val(),
            out_data: list(self.out_data.val()),
            out_last: self.out_last.val(),
            out_bad: self.out_bad.val(),
            misframed: self.misframed.val(),
        }
    }
}
