//! Writes what the command line says of itself into a folder: man pages, and
//! completions for bash, zsh and fish.
//!
//!   cargo run --example generate -- target/generated
//
//  An example, so that the program need not carry what only packages want.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Command;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_complete::generate_to;
use sordino::cli::args::Cli;

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("usage: generate FOLDER"))?;
    fs::create_dir_all(&folder)?;
    let mut command = without_help(Cli::command());
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "sordino", &folder)?;
    }
    clap_mangen::generate_to(command, &folder)
}

/// Takes `sordino help …` away, which says what the pages say.
fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}
