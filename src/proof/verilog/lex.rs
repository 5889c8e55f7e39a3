//! Verilog text to tokens: names, numbers, strings of punctuation; comments are gone.

use crate::error::{At, Error, Result};
use std::rc::Rc;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A name or a keyword; system functions with their `$`.
    Name(String),
    /// A number: its bits, lowest first; without a size it is signed and has 32.
    Number {
        /// The bits.
        bits: Rc<Vec<bool>>,
        /// Whether a size was given.
        sized: bool,
    },
    /// Punctuation, the longest that there is.
    Mark(&'static str),
}

/// A token with the line that it is on.
pub type Placed = (u32, Token);

const MARKS: [&str; 40] = [
    "<<<", ">>>", "===", "!==", "<=", ">=", "==", "!=", "&&", "||", "<<", ">>", "+:", "-:", "(", ")", "[", "]", "{",
    "}", ",", ";", ":", "=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "?", "<", ">", ".", "#", "@",
];
/// Bits of the longest number: tables have 2^20 entries.
const LONGEST: usize = 1 << 21;

fn wrong(what: impl Into<String>) -> Error {
    Error::user(what, "the proof reads the Verilog that nanotrig writes, and edits of it in the same style")
}

/// The tokens of a file.
///
/// # Errors
/// A character that begins no token; the error names the line.
pub fn tokens(text: &str) -> Result<Vec<Placed>> {
    let bytes = text.as_bytes();
    let (mut at, mut line, mut found) = (0, 1, Vec::new());
    while at < bytes.len() {
        let rest = &text[at..];
        match bytes[at] {
            b'\n' => (at, line) = (at + 1, line + 1),
            byte if byte.is_ascii_whitespace() => at += 1,
            b'/' if rest.starts_with("//") => at += rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => {
                let end = rest.find("*/").ok_or_else(|| wrong("a comment does not end").at(format!("line {line}")))?;
                line += rest[..end].matches('\n').count() as u32;
                at += end + 2;
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
                found.push((line, Token::Name(rest[..end].into())));
                at += end;
            }
            b'0'..=b'9' => {
                let (token, length) = number(rest).at(format!("line {line}"))?;
                found.push((line, token));
                at += length;
            }
            _ => {
                let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
                let shown = || wrong(format!("`{}` is not expected", rest.chars().next().unwrap_or(' ')));
                let mark = mark.ok_or_else(|| shown().at(format!("line {line}")))?;
                found.push((line, Token::Mark(mark)));
                at += mark.len();
            }
        }
        // A character of more than one byte stands in comments only.
        if !text.is_char_boundary(at) {
            return Err(wrong("text that is no ASCII").at(format!("line {line}")));
        }
    }
    Ok(found)
}

fn number(text: &str) -> Result<(Token, usize)> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let first = digits(text);
    let leading: u128 = text[..first].replace('_', "").parse().map_err(|_| wrong("a number is too long"))?;
    let Some(rest) = text[first..].strip_prefix('\'') else {
        let bits = (0..32).map(|bit| leading >> bit & 1 == 1).collect();
        if leading >> 31 != 0 {
            return Err(wrong("a number without a size has at most 31 bits"));
        }
        return Ok((Token::Number { bits: Rc::new(bits), sized: false }, first));
    };
    let width = usize::try_from(leading).ok().filter(|width| (1..=LONGEST).contains(width));
    let width = width.ok_or_else(|| wrong("a number's size is out of range"))?;
    let base = rest.chars().next().unwrap_or(' ').to_ascii_lowercase();
    let body = rest.get(1..).unwrap_or("");
    let end = body.find(|c: char| !c.is_ascii_hexdigit() && c != '_').unwrap_or(body.len());
    let body: String = body[..end].chars().filter(|c| *c != '_').collect();
    let mut bits = match base {
        'd' => {
            let value: u128 = body.parse().map_err(|_| wrong("a decimal number is too long"))?;
            (0..128).map(|bit| value >> bit & 1 == 1).collect::<Vec<bool>>()
        }
        'b' | 'h' => {
            let each = if base == 'h' { 4 } else { 1 };
            let mut bits = Vec::with_capacity(body.len() * each);
            for digit in body.chars().rev() {
                let digit = digit.to_digit(1 << each).ok_or_else(|| wrong("a digit does not fit its base"))?;
                bits.extend((0..each).map(|bit| digit >> bit & 1 == 1));
            }
            bits
        }
        _ => return Err(wrong(format!("a number's base is `{base}`"))),
    };
    if body.is_empty() || bits.iter().skip(width).any(|bit| *bit) {
        return Err(wrong("a number does not fit its size"));
    }
    bits.resize(width, false);
    Ok((Token::Number { bits: Rc::new(bits), sized: true }, first + 2 + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_comments() {
        let tokens = tokens("a /* x\n */ 4'd10 // no\n 12'h0f3 <= 7").expect("tokens");
        let value = |token: &Token| match token {
            Token::Number { bits, .. } => bits.iter().rev().fold(0, |value, bit| value << 1 | *bit as u32),
            _ => 0,
        };
        assert_eq!(tokens.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3, 3, 3]);
        assert_eq!((value(&tokens[1].1), value(&tokens[2].1), value(&tokens[4].1)), (10, 0xf3, 7));
        assert_eq!(tokens[3].1, Token::Mark("<="));
        for bad in ["3'd9", "4'o7", "`", "5'hzz", "/* no end", "99999999999"] {
            assert!(super::tokens(bad).is_err(), "{bad}");
        }
    }
}
