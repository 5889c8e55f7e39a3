//! Exact linear forms: a sum as coefficients over the values that are not sums themselves.
//!
//! Intervals lose correlation (`a + 4b - a/2` by intervals is wider than what it reaches); the linear form does not, so
//! sums get their true extremes.

use super::op::sum;
use super::{Id, Op};
use crate::fixed::{Fixed, Range};

/// Longest form that is kept; a longer sum counts as a leaf of its users.
const LONGEST: usize = 512;

/// `constant + sum(factor * leaf)`, leaves ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    products: Vec<Product>,
    constant: Fixed,
}

/// A leaf times `mantissa * 2^exp`, in few bytes: there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Product {
    leaf: Id,
    exp: i32,
    /// Odd, or 0.
    mantissa: i64,
}

impl Product {
    fn factor(&self) -> Fixed {
        Fixed::new(self.mantissa.into(), self.exp)
    }

    fn times(&self, factor: Fixed) -> Option<Product> {
        let mantissa = i128::from(self.mantissa).checked_mul(factor.mantissa())?;
        Some(Product { mantissa: mantissa.try_into().ok()?, exp: self.exp + factor.exponent(), ..*self })
    }

    fn plus(&self, other: &Product) -> Option<Product> {
        let total = self.factor().add(other.factor())?;
        Some(Product { mantissa: total.mantissa().try_into().ok()?, exp: total.exponent(), ..*self })
    }
}

impl Linear {
    /// The value as a leaf.
    pub fn leaf(leaf: Id) -> Linear {
        Linear { products: vec![Product { leaf, exp: 0, mantissa: 1 }], constant: Fixed::ZERO }
    }

    /// The form of a linear operation from those of its operands; `None` if the operation is not linear, has a form
    /// that is too long, or overflows.
    pub fn of<'a>(op: &Op, form: impl Fn(Id) -> &'a Linear) -> Option<Linear> {
        let linear = match op {
            Op::Const(value) => Linear { products: Vec::new(), constant: *value },
            Op::Scale(arg, shift) => Linear::sum([(form(*arg), Fixed::power_of_two(*shift))], Fixed::ZERO)?,
            Op::Add { terms, constant } => {
                Linear::sum(terms.iter().map(|term| (form(term.id), term.factor())), *constant)?
            }
            Op::Dot { terms, constant } => {
                Linear::sum(terms.iter().map(|(id, factor)| (form(*id), *factor)), *constant)?
            }
            _ => return None,
        };
        (linear.products.len() <= LONGEST).then_some(linear)
    }

    /// The sum of forms times factors, and a constant; `None` if a coefficient has more than 63 bits.
    pub fn sum<'a>(forms: impl IntoIterator<Item = (&'a Linear, Fixed)>, mut constant: Fixed) -> Option<Linear> {
        let mut products: Vec<Product> = Vec::new();
        for (form, factor) in forms {
            products.reserve(form.products.len());
            for product in &form.products {
                products.push(product.times(factor)?);
            }
            constant = constant.add(form.constant.mul(factor)?)?;
        }
        // Each form is in order: the sort finds that, and merges them.
        products.sort_by_key(|product| product.leaf);
        let mut fits = true;
        products.dedup_by(|next, kept| {
            let same = next.leaf == kept.leaf;
            if same {
                let total = kept.plus(next);
                fits &= total.is_some();
                *kept = total.unwrap_or(*kept);
            }
            same
        });
        products.retain(|product| product.mantissa != 0);
        fits.then_some(Linear { products, constant })
    }

    /// Whether two forms have a leaf in common.
    pub fn overlaps(&self, other: &Linear) -> bool {
        let has = |leaf: &Id| other.products.binary_search_by_key(leaf, |product| product.leaf).is_ok();
        self.products.iter().any(|product| has(&product.leaf))
    }

    /// The form's exact extremes for independent leaves.
    pub fn range(&self, of: impl Fn(Id) -> Range) -> Option<Range> {
        sum(self.products.iter().map(|product| (of(product.leaf), product.factor())), self.constant)
    }
}
