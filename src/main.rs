//! The `sordino` program: arguments in, exit code out.

fn main() {}
