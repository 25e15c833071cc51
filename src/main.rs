//! The `sordino` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Whatever went wrong was said where it did; what is left is the code.
    match sordino::cli::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.0),
    }
}
