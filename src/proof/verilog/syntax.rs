//! What the text of a module is, once it is read.

use std::rc::Rc;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Number {
        /// Its bits, lowest first.
        bits: Rc<Vec<bool>>,
        /// Whether it has a size; one without is signed.
        sized: bool,
    },
    /// A net or a parameter.
    Name(String),
    /// A bit of a net or a parameter.
    Index(String, Box<Expr>),
    /// Bits `hi : lo` of a net or a parameter.
    Slice(String, Box<Expr>, Box<Expr>),
    /// Highest first.
    Concat(Vec<Expr>),
    /// `{count{..}}`.
    Repeat(Box<Expr>, Vec<Expr>),
    /// `$signed(..)` or `$unsigned(..)`.
    Sign(bool, Box<Expr>),
    /// `- ~ ! & | ^` of one operand.
    Unary(&'static str, Box<Expr>),
    /// An operation on two.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `condition ? yes : no`.
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// `[hi:lo]` of a declaration.
pub type Span = Option<(Expr, Expr)>;

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its range.
    pub span: Span,
    /// Its value where no instance gives another.
    pub value: Expr,
    /// Whether no instance may.
    pub local: bool,
}

/// A net, a variable or a port.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// Its range.
    pub span: Span,
    /// Whether it is signed.
    pub signed: bool,
    /// Whether it is a `reg`.
    pub variable: bool,
    /// The value of a net, or what a register starts with.
    pub value: Option<Expr>,
}

/// What a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// An input.
    In,
    /// An output.
    Out,
}

/// `if (rst) target <= reset; else target <= value;`, the first part being optional.
#[derive(Clone, Debug)]
pub struct Update {
    /// What is assigned.
    pub target: Expr,
    /// The value.
    pub value: Expr,
    /// A condition, and the value that it gives instead.
    pub reset: Option<(Expr, Expr)>,
}

/// An instance of a module.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The module.
    pub module: String,
    /// Its own name.
    pub name: String,
    /// Parameters by name.
    pub parameters: Vec<(String, Expr)>,
    /// Pins by name; nothing is connected to one without an expression.
    pub pins: Vec<(String, Option<Expr>)>,
}

/// A module.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Parameters, in order.
    pub parameters: Vec<Parameter>,
    /// Ports, in order.
    pub ports: Vec<(Direction, Declaration)>,
    /// Nets and variables.
    pub declarations: Vec<Declaration>,
    /// Continuous assignments.
    pub assigns: Vec<(Expr, Expr)>,
    /// Instances.
    pub instances: Vec<Instance>,
    /// The clock and the assignments of each `always @(posedge clock)`.
    pub clocked: Vec<(String, Vec<Update>)>,
}
