//! Finding and running other people's programs.

use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// A program that was found, with the arguments that come first.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// The program and its first arguments.
    pub words: Vec<OsString>,
    /// Its name and version, as in `Yosys 0.70`.
    pub version: String,
}

/// Lines of a failed program's output that an error shows.
const SHOWN: usize = 15;

/// A name in a folder, where one is given, or to be looked for on PATH.
pub fn named(folder: Option<&Path>, name: &str) -> PathBuf {
    folder.map_or_else(|| name.into(), |folder| folder.join(name))
}

/// What a program prints to a question for its version, if it is there and answers.
pub fn answer(words: &[OsString], question: &[&str]) -> Option<String> {
    let (program, rest) = words.split_first()?;
    let output = Command::new(program).args(rest).args(question).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    output.status.success().then(|| String::from_utf8_lossy(&text).trim().to_string())
}

/// The first word of a text that is a version, as numbers: `[0, 70]` in `Yosys 0.70 (git sha1 ...)`.
pub fn numbers(version: &str) -> Vec<u64> {
    let words = version.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    let parse = |word: &str| word.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>();
    words.filter(|word| word.contains('.')).find_map(parse).unwrap_or_default()
}

impl Tool {
    /// Runs the program in a folder, with more arguments; `seen` is shown each line that it prints.
    ///
    /// # Errors
    /// It cannot be started, or fails; the error shows the end of what it printed, and says what may `help`.
    pub fn run(&self, folder: &Path, arguments: &[OsString], help: &str, seen: &mut dyn FnMut(&str)) -> Result<()> {
        let failed =
            |what: &str, error: std::io::Error| Error::user(format!("cannot {what} {}: {error}", self.version), help);
        let Some((program, rest)) = self.words.split_first() else {
            return Err(Error::bug("a tool without a program"));
        };
        let mut command = Command::new(program);
        command.args(rest).args(arguments).current_dir(folder);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed("start", error))?;
        let (sender, lines) = channel();
        // Both streams at once: a full pipe would stop the program.
        let readers = [
            child.stdout.take().map(|stream| read(stream, sender.clone())),
            child.stderr.take().map(|stream| read(stream, sender)),
        ];
        let mut last = VecDeque::new();
        for line in lines {
            seen(&line);
            if !line.is_empty() {
                last.push_back(line);
            }
            if last.len() > SHOWN {
                last.pop_front();
            }
        }
        readers.into_iter().flatten().for_each(|reader| _ = reader.join());
        let status = child.wait().map_err(|error| failed("wait for", error))?;
        if status.success() {
            return Ok(());
        }
        let text: Vec<String> = last.into();
        Err(Error::user(format!("{} failed ({status}):\n{}", self.version, text.join("\n")), help))
    }
}

/// Sends each line of a stream.
fn read(stream: impl Read + Send + 'static, sender: Sender<String>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(|line| line.ok()) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_string()).is_err() {
                break;
            }
        }
    })
}
