//! Tokens to modules: the subset of Verilog-2001 that synthesizable, generated code needs.

use super::lex::{Placed, Token};
use super::syntax::{Declaration, Direction, Expr, Instance, Module, Parameter, Span, Update};
use crate::error::{At, Error, Result};

/// Deepest nesting of an expression.
const DEEPEST: u32 = 200;

struct Parser<'a> {
    tokens: &'a [Placed],
    at: usize,
    depth: u32,
}

/// The modules of a file.
///
/// # Errors
/// What is not of the subset; the error names the line.
pub fn modules(tokens: &[Placed]) -> Result<Vec<Module>> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let mut modules = Vec::new();
    while parser.at < tokens.len() {
        let module = parser.module();
        let line = tokens[parser.at.min(tokens.len() - 1)].0;
        modules.push(module.at(format!("line {line}"))?);
    }
    Ok(modules)
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn wrong(&self, wanted: &str) -> Error {
        let found = match self.peek() {
            Some(Token::Name(name)) => format!("`{name}`"),
            Some(Token::Mark(mark)) => format!("`{mark}`"),
            Some(Token::Number { .. }) => "a number".into(),
            None => "the end of the file".into(),
        };
        Error::user(
            format!("expected {wanted}, found {found}"),
            "the proof reads the Verilog that nanotrig writes, and edits of it in the same style",
        )
    }

    fn takes(&mut self, mark: &str) -> bool {
        let takes = matches!(self.peek(), Some(Token::Mark(found)) if *found == mark);
        self.at += takes as usize;
        takes
    }

    fn mark(&mut self, mark: &str) -> Result<()> {
        if self.takes(mark) { Ok(()) } else { Err(self.wrong(&format!("`{mark}`"))) }
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let takes = matches!(self.peek(), Some(Token::Name(found)) if found == word);
        self.at += takes as usize;
        takes
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if self.takes_word(word) { Ok(()) } else { Err(self.wrong(&format!("`{word}`"))) }
    }

    fn name(&mut self) -> Result<String> {
        let Some(Token::Name(name)) = self.peek() else { return Err(self.wrong("a name")) };
        let name = name.clone();
        self.at += 1;
        Ok(name)
    }

    fn module(&mut self) -> Result<Module> {
        self.word("module")?;
        let mut module = Module { name: self.name()?, ..Module::default() };
        if self.takes("#") {
            self.mark("(")?;
            loop {
                self.word("parameter")?;
                let parameter = self.parameter(false)?;
                module.parameters.push(parameter);
                if !self.takes(",") {
                    break;
                }
            }
            self.mark(")")?;
        }
        self.mark("(")?;
        while !self.takes(")") {
            let direction = match self.name()?.as_str() {
                "input" => Direction::In,
                "output" => Direction::Out,
                _ => return Err(self.wrong("`input` or `output` before this")),
            };
            let variable = self.takes_word("reg");
            let declaration = self.declaration(variable)?;
            module.ports.push((direction, declaration));
            if !self.takes(",") && self.peek() != Some(&Token::Mark(")")) {
                return Err(self.wrong("`,` or `)`"));
            }
        }
        self.mark(";")?;
        while !self.takes_word("endmodule") {
            self.item(&mut module)?;
        }
        Ok(module)
    }

    fn span(&mut self) -> Result<Span> {
        if !self.takes("[") {
            return Ok(None);
        }
        let high = self.expression()?;
        self.mark(":")?;
        let low = self.expression()?;
        self.mark("]")?;
        Ok(Some((high, low)))
    }

    /// What follows `parameter` or `localparam`.
    fn parameter(&mut self, local: bool) -> Result<Parameter> {
        let span = self.span()?;
        let name = self.name()?;
        self.mark("=")?;
        Ok(Parameter { name, span, value: self.expression()?, local })
    }

    /// What follows `wire`, `reg` or a port's direction.
    fn declaration(&mut self, variable: bool) -> Result<Declaration> {
        self.takes_word("wire");
        let signed = self.takes_word("signed");
        let span = self.span()?;
        Ok(Declaration { name: self.name()?, span, signed, variable, value: None })
    }

    fn item(&mut self, module: &mut Module) -> Result<()> {
        match self.name()?.as_str() {
            "localparam" => loop {
                let parameter = self.parameter(true)?;
                module.parameters.push(parameter);
                if !self.takes(",") {
                    return self.mark(";");
                }
            },
            word @ ("wire" | "reg") => {
                let mut declaration = self.declaration(word == "reg")?;
                loop {
                    let value = if self.takes("=") { Some(self.expression()?) } else { None };
                    module.declarations.push(Declaration { value, ..declaration.clone() });
                    if !self.takes(",") {
                        return self.mark(";");
                    }
                    declaration.name = self.name()?;
                }
            }
            "assign" => {
                let target = self.target()?;
                self.mark("=")?;
                let value = self.expression()?;
                module.assigns.push((target, value));
                self.mark(";")
            }
            "always" => {
                self.mark("@")?;
                self.mark("(")?;
                self.word("posedge")?;
                let clock = self.name()?;
                self.mark(")")?;
                let mut updates = Vec::new();
                self.statement(&mut updates, None)?;
                module.clocked.push((clock, updates));
                Ok(())
            }
            "input" | "output" | "inout" | "generate" | "genvar" | "initial" | "function" | "task" => {
                self.at -= 1;
                Err(self.wrong("a declaration, an assignment, an instance or a clocked block"))
            }
            name => {
                let name = name.to_string();
                let instance = self.instance(name)?;
                module.instances.push(instance);
                Ok(())
            }
        }
    }

    fn instance(&mut self, module: String) -> Result<Instance> {
        let mut parameters = Vec::new();
        if self.takes("#") {
            self.mark("(")?;
            for (name, value) in self.pins()? {
                parameters.push((name, value.ok_or_else(|| self.wrong("a parameter's value"))?));
            }
        }
        let name = self.name()?;
        self.mark("(")?;
        let pins = self.pins()?;
        self.mark(";")?;
        Ok(Instance { module, name, parameters, pins })
    }

    /// `.name(expression)`, until the closing bracket.
    fn pins(&mut self) -> Result<Vec<(String, Option<Expr>)>> {
        let mut pins = Vec::new();
        while !self.takes(")") {
            self.mark(".")?;
            let name = self.name()?;
            self.mark("(")?;
            let value = if self.peek() == Some(&Token::Mark(")")) { None } else { Some(self.expression()?) };
            self.mark(")")?;
            pins.push((name, value));
            if !self.takes(",") && self.peek() != Some(&Token::Mark(")")) {
                return Err(self.wrong("`,` or `)`"));
            }
        }
        Ok(pins)
    }

    /// Statements of a clocked block; `reset` has the condition and the values of a branch before, behind which a register
    /// may be enabled by a condition.
    fn statement(&mut self, updates: &mut Vec<Update>, reset: Option<(&Expr, &[Update])>) -> Result<()> {
        if self.takes_word("begin") {
            while !self.takes_word("end") {
                self.statement(updates, reset)?;
            }
            return Ok(());
        }
        if reset.is_none() && self.takes_word("if") {
            let condition = self.condition()?;
            let mut first = Vec::new();
            self.statement(&mut first, None)?;
            self.word("else")?;
            return self.statement(updates, Some((&condition, &first)));
        }
        if reset.is_some() && self.takes_word("if") {
            let condition = self.condition()?;
            let mut inner = Vec::new();
            self.statement(&mut inner, reset)?;
            let kept = |update: Update| {
                let value = Expr::Choose(condition.clone().into(), update.value.into(), update.target.clone().into());
                Update { value, ..update }
            };
            updates.extend(inner.into_iter().map(kept));
            return Ok(());
        }
        let target = self.target()?;
        self.mark("<=")?;
        let value = self.expression()?;
        self.mark(";")?;
        let reset = match reset {
            None => None,
            Some((condition, [Update { target: first, value, reset: None }])) if matches!((first, &target), (Expr::Name(a), Expr::Name(b)) if a == b) => {
                Some((condition.clone(), value.clone()))
            }
            Some(_) => return Err(self.wrong("the same register in both branches, alone")),
        };
        updates.push(Update { target, value, reset });
        Ok(())
    }

    /// An expression in brackets.
    fn condition(&mut self) -> Result<Expr> {
        self.mark("(")?;
        let condition = self.expression()?;
        self.mark(")")?;
        Ok(condition)
    }

    /// A name, or bits of one.
    fn target(&mut self) -> Result<Expr> {
        let name = self.name()?;
        self.named(name)
    }

    fn named(&mut self, name: String) -> Result<Expr> {
        if !self.takes("[") {
            return Ok(Expr::Name(name));
        }
        let first = Box::new(self.expression()?);
        if self.takes(":") {
            let second = Box::new(self.expression()?);
            self.mark("]")?;
            return Ok(Expr::Slice(name, first, second));
        }
        self.mark("]")?;
        Ok(Expr::Index(name, first))
    }

    /// An expression.
    fn expression(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("an expression that is not nested so deep"));
        }
        let condition = self.binary(0)?;
        let value = if self.takes("?") {
            let yes = self.expression()?;
            self.mark(":")?;
            let no = self.expression()?;
            Expr::Choose(Box::new(condition), Box::new(yes), Box::new(no))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(value)
    }

    fn binary(&mut self, level: usize) -> Result<Expr> {
        // From what binds least to what binds most.
        const LEVELS: [&[&str]; 10] = [
            &["||"],
            &["&&"],
            &["|"],
            &["^"],
            &["&"],
            &["==", "!="],
            &["<", "<=", ">", ">="],
            &["<<", ">>"],
            &["+", "-"],
            &["*", "/"],
        ];
        let Some(marks) = LEVELS.get(level) else { return self.unary() };
        let mut value = self.binary(level + 1)?;
        while let Some(mark) = marks.iter().find(|mark| self.peek() == Some(&Token::Mark(mark))) {
            self.at += 1;
            let other = self.binary(level + 1)?;
            value = Expr::Binary(mark, Box::new(value), Box::new(other));
        }
        Ok(value)
    }

    fn unary(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("an expression that is not nested so deep"));
        }
        for mark in ["-", "~", "!", "&", "|", "^"] {
            if self.takes(mark) {
                let value = Expr::Unary(mark, Box::new(self.unary()?));
                self.depth -= 1;
                return Ok(value);
            }
        }
        let value = self.primary();
        self.depth -= 1;
        value
    }

    fn primary(&mut self) -> Result<Expr> {
        if self.takes("(") {
            let value = self.expression()?;
            self.mark(")")?;
            return Ok(value);
        }
        if self.takes("{") {
            let first = self.expression()?;
            if self.takes("{") {
                let items = self.items()?;
                self.mark("}")?;
                return Ok(Expr::Repeat(Box::new(first), items));
            }
            let mut items = vec![first];
            if self.takes(",") {
                items.extend(self.items()?);
            } else {
                self.mark("}")?;
            }
            return Ok(Expr::Concat(items));
        }
        if let Some(Token::Number { bits, sized }) = self.peek() {
            let number = Expr::Number { bits: bits.clone(), sized: *sized };
            self.at += 1;
            return Ok(number);
        }
        let name = self.name()?;
        if let "$signed" | "$unsigned" = name.as_str() {
            self.mark("(")?;
            let value = self.expression()?;
            self.mark(")")?;
            return Ok(Expr::Sign(name == "$signed", Box::new(value)));
        }
        self.named(name)
    }

    /// Expressions until the closing brace.
    fn items(&mut self) -> Result<Vec<Expr>> {
        let mut items = vec![self.expression()?];
        while self.takes(",") {
            items.push(self.expression()?);
        }
        self.mark("}")?;
        Ok(items)
    }
}
