//! The space against plain evaluation: whatever it makes of a value is that value, at every point.

use super::space::Kind;
use super::{Atom, Form, Space};
use crate::fixed::{Fixed, Range, wrap};
use crate::random::Random;

/// The value of an atom where the inputs have these codes.
fn atom(space: &Space, atom_: Atom, point: &[i128]) -> i128 {
    let line = |line: u32| space.line(line).terms.iter().map(|(a, c)| c * atom(space, *a, point)).sum::<i128>();
    let (lo, hi) = space.bounds(atom_);
    let value = match space.kind(atom_) {
        Kind::Input(_, element) => point[*element as usize],
        Kind::Curve(of, curve) => curve.at(line(*of)).and_then(|value| value.at(0)).expect("an integer"),
        Kind::Floor(of, factor, constant) => {
            let value = Fixed::new(line(*of), 0).mul(*factor).and_then(|value| value.add(*constant)).expect("narrow");
            floor(value, 0).at(0).expect("an integer")
        }
        Kind::Wrap(of, factor, bits) => (line(*of) * factor).rem_euclid(1 << bits),
        Kind::Product(factors) => factors.iter().map(|a| atom(space, *a, point)).product(),
        Kind::Max(forms) => {
            let values = forms.iter().map(|form| value(space, form, point).at(0).expect("an integer"));
            values.max().expect("some")
        }
        Kind::Table(args, values) => {
            let index = args.iter().fold(0, |index, a| {
                let (lo, hi) = space.bounds(*a);
                index * (hi - lo + 1) + atom(space, *a, point) - lo
            });
            values[index as usize]
        }
    };
    assert!((lo..=hi).contains(&value), "{value} of {:?} is outside [{lo}, {hi}]", space.kind(atom_));
    value
}

fn value(space: &Space, form: &Form, point: &[i128]) -> Fixed {
    form.terms.iter().fold(form.constant, |sum, (a, c)| {
        let term = Fixed::new(atom(space, *a, point), 0).mul(*c);
        term.and_then(|term| sum.add(term)).expect("narrow")
    })
}

fn floor(x: Fixed, p: i32) -> Fixed {
    if x.exponent() >= p { x } else { Fixed::new(x.mantissa() >> (p - x.exponent()).min(126), p) }
}

fn wrapped(x: Fixed, top: i32, signed: bool) -> Fixed {
    let grid = x.exponent().min(top - 1);
    Fixed::new(wrap(x.at(grid).expect("narrow"), (top - grid) as u32, signed), grid)
}

/// A value by the space, and at each point.
struct Pair {
    form: Form,
    values: Vec<Fixed>,
}

fn points(ranges: &[Range]) -> Vec<Vec<i128>> {
    ranges.iter().fold(vec![Vec::new()], |points, range| {
        let longer = |point: &Vec<i128>| {
            let point = point.clone();
            (range.lo..=range.hi).map(move |code| [point.clone(), vec![code]].concat())
        };
        points.iter().flat_map(longer).collect()
    })
}

/// A random operation on values that are there; `None` where the space gives up.
fn grown(space: &mut Space, pool: &[Pair], random: &mut Random) -> Option<Pair> {
    let pick = |random: &mut Random| &pool[random.below(pool.len() as u64) as usize];
    let (a, b, c) = (pick(random), pick(random), pick(random));
    let p = random.below(6) as i32 - 3;
    let each = |f: &dyn Fn(Fixed, Fixed, Fixed) -> Fixed| -> Vec<Fixed> {
        a.values.iter().zip(&b.values).zip(&c.values).map(|((a, b), c)| f(*a, *b, *c)).collect()
    };
    let (form, values) = match random.below(8) {
        0 | 1 => {
            let (m, n) = (random.below(9) as i128 - 4, random.below(9) as i128 - 4);
            let (m, n) = (Fixed::new(m, p), Fixed::new(n, p));
            let k = Fixed::new(random.below(17) as i128 - 8, p - 1);
            let form = space.sum(&[(&a.form, m), (&b.form, n)], k)?;
            let sum = |a: Fixed, b: Fixed, _| a.mul(m).and_then(|a| a.add(b.mul(n)?)?.add(k)).expect("narrow");
            (form, each(&sum))
        }
        2 => (space.floor(&a.form, p)?, each(&|a, _, _| floor(a, p))),
        3 => {
            let signed = random.below(2) == 0;
            (space.wrap(&a.form, p + 2, signed)?, each(&|a, _, _| wrapped(a, p + 2, signed)))
        }
        4 => (space.max(&a.form, &b.form)?, each(&|a, b, _| a.max(b))),
        5 => (space.min(&a.form, &b.form)?, each(&|a, b, _| a.min(b))),
        6 => {
            let form = space.select(&a.form, &b.form, &c.form)?;
            (form, each(&|a, b, c| if a < Fixed::ZERO { b } else { c }))
        }
        _ => {
            let table = |x: Fixed, y: Fixed| (x.mantissa() * 7 + y.mantissa() * 3).rem_euclid(5);
            let args = [a.form.clone(), b.form.clone()];
            let form = space.function(&args, 1, |point| Some(table(point[0], point[1])))?;
            (form, each(&|a, b, _| Fixed::new(table(a, b), 1)))
        }
    };
    Some(Pair { form, values })
}

#[test]
fn every_operation_is_what_it_is_called() {
    let mut random = Random::new(7);
    let (mut done, mut given_up, mut wraps) = (0, 0, 0);
    for round in 0..450 {
        let mut space = Space { long: (round % 3 == 0).then_some(8), ..Space::default() };
        let ranges: Vec<Range> = (0..3)
            .map(|_| {
                let lo = random.below(9) as i128 - 6;
                Range::new(lo, lo + 1 + random.below(6) as i128, 0)
            })
            .collect();
        let points = points(&ranges);
        let mut pool: Vec<Pair> = (0..3u32)
            .map(|element| Pair {
                form: space.input(0, element, ranges[element as usize]),
                values: points.iter().map(|point| Fixed::new(point[element as usize], 0)).collect(),
            })
            .collect();
        for step in 0..14 {
            if step == 7 && round % 2 == 0 {
                space.end_reference();
            }
            let Some(pair) = grown(&mut space, &pool, &mut random) else {
                given_up += 1;
                continue;
            };
            if pair.values.iter().any(|value| value.mantissa().abs() > 1 << 40 || value.exponent() < -24) {
                continue;
            }
            for (point, want) in points.iter().zip(&pair.values) {
                assert_eq!(value(&space, &pair.form, point), *want, "round {round} at {point:?}: {:?}", pair.form);
            }
            done += 1;
            check_bits(&mut space, &pair, &points, &mut random);
            pool.push(pair);
        }
        wraps += (0..space.len()).filter(|atom| matches!(space.kind(*atom as Atom), Kind::Wrap(..))).count();
    }
    assert!(wraps > 20, "{wraps} long wraps");
    assert!(done > 3750 && given_up < done / 4, "{done} checked, {given_up} given up");
}

#[test]
fn a_bit_that_decides_alone() {
    let mut space = Space::default();
    let [bit, a, b] = [0, 1, 2].map(|element| space.input(0, element, Range::new(0, 1, 0)));
    let whole = |factor: i128| Fixed::new(factor, 0);
    for (largest, alone) in [(5, true), (12, false)] {
        let terms = [(&bit, whole(32)), (&a, whole(4)), (&b, whole(largest))];
        let sum = space.sum(&terms, whole(-10)).expect("narrow");
        let positive = space.max(&sum, &Form::default()).expect("a form");
        let floor = space.floor(&positive, 4).expect("a form");
        assert_eq!(Some(floor) == bit.times(whole(16)), alone, "{largest}");
    }
}

/// Slices and remainders of an integer value, bit by bit.
fn check_bits(space: &mut Space, pair: &Pair, points: &[Vec<i128>], random: &mut Random) {
    if pair.values.iter().any(|value| value.exponent() < 0 && !value.is_zero()) {
        return;
    }
    let (lo, count) = (random.below(4) as u32, 1 + random.below(5) as u32);
    let signed = random.below(2) == 0;
    let high = space.low(&pair.form, lo as i32).and_then(|high| high.times(Fixed::power_of_two(-(lo as i32))));
    let number = high.and_then(|high| space.wrap(&high, count as i32, signed));
    let (Some(number), Some(rest)) = (number, space.modulo(&pair.form, count as i32)) else { return };
    for (point, own) in points.iter().zip(&pair.values) {
        let own = own.at(0).expect("an integer");
        let got = value(space, &number, point).at(0).expect("an integer");
        assert_eq!(got, wrap(own >> lo, count, signed), "bits {lo} + {count} of {own} at {point:?}");
        let rest = value(space, &rest, point).at(0).expect("an integer");
        assert_eq!((rest - own).rem_euclid(1 << count), 0, "{own} modulo 2^{count} at {point:?}");
    }
}
