//! `nanotrig_cross`: S bits of words of W bits, written in one clock and read in another. Each side counts its words, P bits, and
//! sees the other's count in Gray code two of its own clocks late.

use crate::{Inputs, Model, Outputs, list, vector};
use rust_hdl::prelude::*;

#[derive(LogicBlock)]
pub struct Cross<const W: usize, const S: usize, const P: usize> {
    pub in_clk: Signal<In, Clock>,
    pub in_rst: Signal<In, Bit>,
    pub in_valid: Signal<In, Bit>,
    pub in_ready: Signal<Out, Bit>,
    pub in_data: Signal<In, Bits<W>>,
    pub out_clk: Signal<In, Clock>,
    pub out_rst: Signal<In, Bit>,
    pub out_valid: Signal<Out, Bit>,
    pub out_ready: Signal<In, Bit>,
    pub out_data: Signal<Out, Bits<W>>,
    words: DFF<Bits<S>>,
    /// Where the next word goes, and where the oldest is, in bits.
    write_at: DFF<Bits<16>>,
    read_at: DFF<Bits<16>>,
    written: DFF<Bits<P>>,
    read: DFF<Bits<P>>,
    written_gray: DFF<Bits<P>>,
    read_gray: DFF<Bits<P>>,
    in_meta: DFF<Bits<P>>,
    in_seen: DFF<Bits<P>>,
    out_meta: DFF<Bits<P>>,
    out_seen: DFF<Bits<P>>,
    written_next: Signal<Local, Bits<P>>,
    read_next: Signal<Local, Bits<P>>,
    room: Signal<Local, Bit>,
    some: Signal<Local, Bit>,
    ones: Constant<Bits<S>>,
    width: Constant<Bits<16>>,
    last: Constant<Bits<16>>,
    /// The two highest bits differ where the queue is full.
    turn: Constant<Bits<P>>,
}

impl<const W: usize, const S: usize, const P: usize> Default for Cross<W, S, P> {
    fn default() -> Self {
        assert_eq!(S, W << (P - 1));
        Cross {
            in_clk: Default::default(),
            in_rst: Default::default(),
            in_valid: Default::default(),
            in_ready: Default::default(),
            in_data: Default::default(),
            out_clk: Default::default(),
            out_rst: Default::default(),
            out_valid: Default::default(),
            out_ready: Default::default(),
            out_data: Default::default(),
            words: Default::default(),
            write_at: Default::default(),
            read_at: Default::default(),
            written: Default::default(),
            read: Default::default(),
            written_gray: Default::default(),
            read_gray: Default::default(),
            in_meta: Default::default(),
            in_seen: Default::default(),
            out_meta: Default::default(),
            out_seen: Default::default(),
            written_next: Default::default(),
            read_next: Default::default(),
            room: Default::default(),
            some: Default::default(),
            ones: Constant::new(bit_cast::<S, W>(Bits::<W>::mask())),
            width: Constant::new((W as u64).into()),
            last: Constant::new(((S - W) as u64).into()),
            turn: Constant::new(Bits::<P>::from(3) << (P as u64 - 2)),
        }
    }
}

impl<const W: usize, const S: usize, const P: usize> Logic for Cross<W, S, P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, in_clk, words, write_at, written, written_gray, in_meta, in_seen);
        dff_setup!(self, out_clk, read_at, read, read_gray, out_meta, out_seen);
        self.room.next = self.written_gray.q.val() != (self.in_seen.q.val() ^ self.turn.val());
        self.some.next = self.read_gray.q.val() != self.out_seen.q.val();
        self.in_ready.next = self.room.val();
        self.out_valid.next = self.some.val();
        self.out_data.next = bit_cast::<W, S>(self.words.q.val() >> self.read_at.q.val());
        self.written_next.next = self.written.q.val() + 1;
        self.read_next.next = self.read.q.val() + 1;
        self.in_meta.d.next = self.read_gray.q.val();
        self.in_seen.d.next = self.in_meta.q.val();
        self.out_meta.d.next = self.written_gray.q.val();
        self.out_seen.d.next = self.out_meta.q.val();
        if self.in_valid.val() & self.room.val() {
            self.words.d.next = (self.words.q.val() & !(self.ones.val() << self.write_at.q.val()))
                | (bit_cast::<S, W>(self.in_data.val()) << self.write_at.q.val());
            self.written.d.next = self.written_next.val();
            self.written_gray.d.next = self.written_next.val() ^ (self.written_next.val() >> 1);
            if self.write_at.q.val() == self.last.val() {
                self.write_at.d.next = 0.into();
            } else {
                self.write_at.d.next = self.write_at.q.val() + self.width.val();
            }
        }
        if self.some.val() & self.out_ready.val() {
            self.read.d.next = self.read_next.val();
            self.read_gray.d.next = self.read_next.val() ^ (self.read_next.val() >> 1);
            if self.read_at.q.val() == self.last.val() {
                self.read_at.d.next = 0.into();
            } else {
                self.read_at.d.next = self.read_at.q.val() + self.width.val();
            }
        }
        if self.in_rst.val() {
            self.write_at.d.next = 0.into();
            self.written.d.next = 0.into();
            self.written_gray.d.next = 0.into();
            self.in_meta.d.next = 0.into();
            self.in_seen.d.next = 0.into();
        }
        if self.out_rst.val() {
            self.read_at.d.next = 0.into();
            self.read.d.next = 0.into();
            self.read_gray.d.next = 0.into();
            self.out_meta.d.next = 0.into();
            self.out_seen.d.next = 0.into();
        }
    }
}

impl<const W: usize, const S: usize, const P: usize> Model for Cross<W, S, P> {
    fn drive(&mut self, inputs: &Inputs, clocks: [bool; 2]) {
        self.in_clk.next = Clock { clk: clocks[0] };
        self.out_clk.next = Clock { clk: clocks[1] };
        self.in_rst.next = inputs.rst;
        self.out_rst.next = inputs.rst;
        self.in_valid.next = inputs.in_valid;
        self.in_data.next = vector(&inputs.in_data);
        self.out_ready.next = inputs.out_ready;
    }

    fn sample(&self) -> Outputs {
        let (in_ready, out_valid) = (self.in_ready.val(), self.out_valid.val());
        Outputs { in_ready, out_valid, out_data: list(self.out_data.val()), ..Outputs::default() }
    }
}
