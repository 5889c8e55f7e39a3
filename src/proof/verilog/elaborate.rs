//! Modules to one flat circuit: instances expanded, parameters filled in, drivers of every net gathered.

use super::constant::{self, Constants};
use super::syntax::{Declaration, Direction, Expr, Module, Span};
use crate::error::{At, Error, Result};
use std::collections::HashMap;

/// Index of a [`Net`].
pub type NetId = usize;

/// What drives some bits of a net.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// An expression in a scope, assigned continuously.
    Wire(usize, &'a Expr),
    /// The same, taken over at the clock's edge, with a reset condition and value.
    Register(usize, &'a Expr, Option<(&'a Expr, &'a Expr)>),
    /// An output of an instance.
    Net(NetId),
}

/// Bits `lo .. lo + width` of a net, and what drives them.
#[derive(Clone, Copy, Debug)]
pub struct Driver<'a> {
    /// The lowest bit.
    pub lo: u32,
    /// Bits.
    pub width: u32,
    /// What drives them.
    pub source: Source<'a>,
}

/// A net of the flat circuit.
#[derive(Clone, Debug)]
pub struct Net<'a> {
    /// Its name, with those of the instances that it is in.
    pub name: String,
    /// The scope that declares it.
    pub scope: usize,
    /// Bits.
    pub width: u32,
    /// The number of its lowest bit.
    pub base: u32,
    /// Whether it is signed.
    pub signed: bool,
    /// What a register starts with: a scope and an expression.
    pub start: Option<(usize, &'a Expr)>,
    /// Its drivers, lowest bits first; none for the top's inputs.
    pub drivers: Vec<Driver<'a>>,
}

/// The names of an instance.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Nets by name.
    pub nets: HashMap<String, NetId>,
    /// Parameters by name.
    pub constants: Constants,
    /// By how much the number of an element is greater than the name inside says, by what an output is connected to.
    pub moved: i64,
}

impl Net<'_> {
    /// What the net would be called outside instances, if the rows of a layer are numbered in order: a hint.
    pub fn hint(&self, scopes: &[Scope]) -> String {
        let own = self.name.rsplit('.').next().unwrap_or_default();
        match (scopes[self.scope].moved, element(own)) {
            (moved, Some((layer, element, rest))) if moved != 0 => format!("{layer}_{}{rest}", element + moved),
            _ => own.into(),
        }
    }
}

/// A name `layer_element_rest` in its parts, the rest being `_t`, `_s`, `_n` and numbers.
fn element(name: &str) -> Option<(&str, i64, &str)> {
    let mut end = name.len();
    loop {
        let (before, last) = name[..end].rsplit_once('_')?;
        if let Ok(element) = last.parse() {
            return Some((before, element, &name[end..]));
        }
        let helper = last.strip_prefix(['t', 's', 'n'])?;
        helper.parse::<u32>().ok()?;
        end = before.len();
    }
}

/// The flat circuit.
#[derive(Default)]
pub struct Circuit<'a> {
    /// Nets.
    pub nets: Vec<Net<'a>>,
    /// Scopes; the top's is the first.
    pub scopes: Vec<Scope>,
    /// The top's ports.
    pub ports: Vec<(Direction, NetId)>,
    /// Most nets and instances, so that text cannot ask for endless ones.
    budget: usize,
}

/// A mistake of whoever wrote the Verilog.
pub fn wrong(what: impl Into<String>) -> Error {
    Error::user(what, "the Verilog is not what nanotrig wrote, or an edit broke it")
}

/// Most nets and instances of a circuit.
const MOST: usize = 20_000_000;
/// Deepest nesting of instances.
const DEEPEST: usize = 64;

/// Elaborates a module and all that it has instances of.
///
/// # Errors
/// A missing module, a net that is driven twice or whose width is no constant, a pin that does not fit.
pub fn elaborate<'a>(modules: &'a HashMap<String, Module>, top: &str) -> Result<Circuit<'a>> {
    let mut circuit = Circuit { budget: MOST, ..Circuit::default() };
    let module = modules.get(top).ok_or_else(|| wrong(format!("there is no module `{top}`")))?;
    let scope = circuit.instance(modules, module, Constants::default(), "", 0)?;
    let ports = module.ports.iter();
    circuit.ports = ports.map(|(direction, port)| (*direction, circuit.scopes[scope].nets[&port.name])).collect();
    for net in &mut circuit.nets {
        net.drivers.sort_by_key(|driver| driver.lo);
        let mut at = 0;
        for driver in &net.drivers {
            if driver.lo < at {
                return Err(wrong(format!("`{}` is driven twice", net.name)));
            }
            at = driver.lo + driver.width;
        }
        if at > net.width {
            return Err(wrong(format!("`{}` has no bit {}", net.name, at - 1)));
        }
    }
    Ok(circuit)
}

impl<'a> Circuit<'a> {
    /// Adds an instance; gives its scope.
    fn instance(
        &mut self,
        modules: &'a HashMap<String, Module>,
        module: &'a Module,
        given: Constants,
        path: &str,
        depth: usize,
    ) -> Result<usize> {
        self.budget = self.budget.checked_sub(1).ok_or_else(|| wrong("the Verilog has too many instances"))?;
        if depth > DEEPEST {
            return Err(wrong(format!("`{path}` is nested too deep")));
        }
        let mut constants = Constants::default();
        for parameter in &module.parameters {
            let value = match given.get(&parameter.name).filter(|_| !parameter.local) {
                Some(value) => value.clone(),
                None => constant::value(&constants, &parameter.value).at(&module.name)?,
            };
            let value = match &parameter.span {
                Some((high, low)) => {
                    let width = width_of(&constants, high, low).at(&parameter.name)?;
                    value.resized(width)
                }
                None => value,
            };
            constants.insert(parameter.name.clone(), value);
        }
        if let Some(name) = given.keys().find(|name| !module.parameters.iter().any(|p| p.name == **name && !p.local)) {
            return Err(wrong(format!("module `{}` has no parameter `{name}`", module.name)));
        }
        let index = self.scopes.len();
        self.scopes.push(Scope { nets: HashMap::new(), constants, moved: 0 });
        for declaration in module.ports.iter().map(|(_, port)| port).chain(&module.declarations) {
            self.declare(index, declaration, path).at(&module.name)?;
        }
        for (target, value) in &module.assigns {
            self.drive(index, target, Source::Wire(index, value)).at(&module.name)?;
        }
        for (clock, updates) in &module.clocked {
            if clock != "clk" {
                return Err(wrong(format!("module `{}` has a clock `{clock}`, not `clk`", module.name)));
            }
            for update in updates {
                let reset = update.reset.as_ref().map(|(condition, value)| (condition, value));
                self.drive(index, &update.target, Source::Register(index, &update.value, reset)).at(&module.name)?;
            }
        }
        for child in &module.instances {
            let at = format!("{}.{}", module.name, child.name);
            self.child(modules, index, child, &format!("{path}{}.", child.name), depth).at(at)?;
        }
        Ok(index)
    }

    fn declare(&mut self, scope: usize, declaration: &'a Declaration, path: &str) -> Result<()> {
        let name = &declaration.name;
        self.budget = self.budget.checked_sub(1).ok_or_else(|| wrong("the Verilog has too many nets"))?;
        let (width, base) = self.span(scope, &declaration.span).at(name)?;
        let id = self.nets.len();
        let place = &mut self.scopes[scope];
        if place.constants.contains_key(name) || place.nets.insert(name.clone(), id).is_some() {
            return Err(wrong(format!("`{name}` is declared twice")));
        }
        let start = declaration.value.as_ref().filter(|_| declaration.variable).map(|value| (scope, value));
        let whole = |value| Driver { lo: 0, width, source: Source::Wire(scope, value) };
        let drivers = declaration.value.as_ref().filter(|_| !declaration.variable).map(whole).into_iter().collect();
        self.nets.push(Net {
            name: format!("{path}{name}"),
            scope,
            width,
            base,
            signed: declaration.signed,
            start,
            drivers,
        });
        Ok(())
    }

    /// Bits of a declaration, and the number of the lowest.
    fn span(&self, scope: usize, span: &Span) -> Result<(u32, u32)> {
        let constants = &self.scopes[scope].constants;
        match span {
            None => Ok((1, 0)),
            Some((high, low)) => Ok((width_of(constants, high, low)?, constant::number(constants, low)?)),
        }
    }

    /// The bits that a target names: net, lowest bit, how many.
    fn target(&self, scope: usize, target: &Expr) -> Result<(NetId, u32, u32)> {
        let names = &self.scopes[scope];
        let number = |expr: &Expr| constant::number(&names.constants, expr);
        let (name, lo, hi) = match target {
            Expr::Name(name) => (name, None, None),
            Expr::Index(name, at) => (name, Some(number(at)?), Some(number(at)?)),
            Expr::Slice(name, high, low) => (name, Some(number(low)?), Some(number(high)?)),
            _ => return Err(wrong("only a name or bits of one can be assigned")),
        };
        let id = *names.nets.get(name).ok_or_else(|| wrong(format!("`{name}` is not declared")))?;
        let (base, width) = (self.nets[id].base, self.nets[id].width);
        let (lo, hi) = (lo.unwrap_or(base), hi.unwrap_or(base + width - 1));
        if hi < lo || lo < base || hi >= base + width {
            return Err(wrong(format!("`{name}` has no bits {hi} to {lo}")));
        }
        Ok((id, lo - base, hi - lo + 1))
    }

    fn drive(&mut self, scope: usize, target: &Expr, source: Source<'a>) -> Result<()> {
        let (id, lo, width) = self.target(scope, target)?;
        self.nets[id].drivers.push(Driver { lo, width, source });
        Ok(())
    }

    fn child(
        &mut self,
        modules: &'a HashMap<String, Module>,
        scope: usize,
        child: &'a super::syntax::Instance,
        path: &str,
        depth: usize,
    ) -> Result<()> {
        let module =
            modules.get(&child.module).ok_or_else(|| wrong(format!("there is no module `{}`", child.module)))?;
        let mut given = Constants::default();
        for (name, value) in &child.parameters {
            let value = constant::value(&self.scopes[scope].constants, value)?;
            given.insert(name.clone(), value);
        }
        let inside = self.instance(modules, module, given, path, depth + 1)?;
        for (name, value) in &child.pins {
            let port = module.ports.iter().find(|(_, port)| port.name == *name);
            let (direction, _) = port.ok_or_else(|| wrong(format!("there is no port `{name}`")))?;
            let Some(value) = value else { continue };
            let id = self.scopes[inside].nets[name];
            let width = self.nets[id].width;
            match direction {
                Direction::In => {
                    self.nets[id].drivers.push(Driver { lo: 0, width, source: Source::Wire(scope, value) })
                }
                Direction::Out => {
                    let (net, lo, own) = self.target(scope, value)?;
                    if own != width {
                        return Err(wrong(format!("`{name}` has {width} bits, what it drives has {own}")));
                    }
                    self.nets[net].drivers.push(Driver { lo, width, source: Source::Net(id) });
                    let outer = self.nets[net].name.rsplit('.').next().unwrap_or_default();
                    if let (Some((.., inner, _)), Some((.., outer, _))) = (element(name), element(outer)) {
                        self.scopes[inside].moved = outer - inner;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Bits of `[high:low]`.
fn width_of(constants: &Constants, high: &Expr, low: &Expr) -> Result<u32> {
    let (high, low) = (constant::number(constants, high)?, constant::number(constants, low)?);
    // More than 2^24 bits is no port of ours.
    high.checked_sub(low)
        .filter(|span| *span < 1 << 24)
        .map(|span| span + 1)
        .ok_or_else(|| wrong("a range is not a range"))
}
