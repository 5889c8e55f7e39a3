//! The command line: parse arguments, run, show an error; nothing else.

fn main() {}
