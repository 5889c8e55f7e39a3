//! The command line: parse arguments, run, show an error; nothing else.

use std::process::ExitCode;

/// Compiling makes and drops many small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match nanotrig::cli::run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            nanotrig::cli::complain(&error);
            ExitCode::from(error.status())
        }
    }
}
