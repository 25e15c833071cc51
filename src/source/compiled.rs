//! The table of all lists: from the file that was written last, if it was made
//! of the same lists, and else made anew.
//!
//! The file is mapped and not read, so that a start costs next to nothing and
//! what nobody asks for takes no memory.  It is checked whole before it is
//! used; one that is damaged, of another version or of other lists is made
//! anew and replaced, and never repaired.
//
//  One `unsafe` stands here: mapping a file is only sound while nobody changes
//  it.  Ours is written beside its place, renamed into it, and not touched
//  again; whoever can write to the state folder can harm us in simpler ways.

use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use memmap2::Mmap;
use reading::Fault;
use reading::Reading;

use super::store::Damage;
use super::store::Store;
use crate::base::Diagnostic;
use crate::catalog::Lists;
use crate::catalog::foreign::About;
use crate::catalog::foreign::Facts;
use crate::matcher;
use crate::matcher::Key;
use crate::matcher::Table;

mod reading;

/// The file of the table in the state folder.
const NAME: &str = "lists.table";

/// The file while it is written.
const UNFINISHED: &str = "lists.table.tmp";

//----------- Source -----------------------------------------------------------

/// A list, and where it is.
#[derive(Clone, Debug)]
pub struct Source {
    /// What the config says of it.
    pub about: About,
    /// Where it is.
    pub from: From,
}

/// Where a list is.
#[derive(Clone, Debug)]
pub enum From {
    /// In a file of the household.
    File(PathBuf),
    /// In the last good copy of what was downloaded, if there is one.
    Kept,
}

/// The lists, and what there is to say about reading them.
#[derive(Debug)]
pub struct Compiled {
    /// The lists.
    pub lists: Lists,
    /// Copies that were damaged, by the position of their list, which is empty.
    pub damages: Vec<(usize, Damage)>,
    /// Lists without a copy, which are empty.
    pub missing: Vec<usize>,
    /// Why the table could not be kept for the next start, if so.
    pub unkept: Option<String>,
}

/// Why there is no table.
#[derive(Debug)]
pub enum CompileError {
    /// The list at this position can't be used.
    List(usize, Diagnostic),
    /// All lists together can't.
    Together(String),
}

//----------- open() -----------------------------------------------------------

/// Makes the key of the table in a state folder the one of this process, so that
/// the table can be used: before anything else is hashed.
pub fn adopt_key(state: &Path) {
    let key = File::open(state.join(NAME)).ok().and_then(|mut file| matcher::key_of(&mut file));
    // Whoever has one already, as at a reload, keeps it.
    let _ = key.map(Key::adopt);
}

/// Opens the table of these lists.  Their copies are in `store`; the table is in
/// the folder `state`, and kept there if `keep` says so.
pub fn open(sources: &[Source], state: &Path, store: &Store, keep: bool) -> Result<Compiled, CompileError> {
    let mut reading = Reading { sources, store, damages: Vec::new(), missing: Vec::new(), facts: Vec::new() };
    let path = state.join(NAME);
    // A copy that turns out to be damaged is left out, and then it is a table
    // of other lists.  There are no more than that to be left out.
    for _ in 0..=sources.len() {
        let fingerprint = reading.fingerprint()?;
        if let Some((table, facts)) = existing(&path, fingerprint, sources.len()) {
            return Ok(reading.done(table, facts, None));
        }
        match reading.build(state, fingerprint, keep) {
            Ok((table, unkept)) => {
                let facts = std::mem::take(&mut reading.facts);
                return Ok(reading.done(table, facts, unkept));
            }
            Err(Fault::Damaged(position, damage)) => reading.damages.push((position, damage)),
            Err(Fault::List(position, fault)) => return Err(CompileError::List(position, fault)),
            Err(Fault::Together(say)) => return Err(CompileError::Together(say)),
        }
    }
    Err(CompileError::Together("the lists changed while they were read".to_owned()))
}

/// Opens the table that is there, if it is whole and made of the same.
fn existing(path: &Path, fingerprint: [u8; 16], lists: usize) -> Option<(Table, Vec<Facts>)> {
    let mut file = File::open(path).ok()?;
    let (key, made_of) = match matcher::verify(&mut file) {
        Ok(found) => found,
        Err(error) => {
            tracing::info!(file = %path.display(), %error, "the table of lists is made anew");
            return None;
        }
    };
    if made_of != fingerprint || !Key::adopt(key) {
        return None;
    }
    let table = Table::open(Arc::new(map(&file).ok()?)).ok()?;
    let facts: Vec<Facts> = serde_json::from_slice(table.facts()).ok()?;
    (facts.len() == lists).then_some((table, facts))
}

/// Maps a file.
#[expect(unsafe_code, reason = "mapping; see the top of this file")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file is a table that we wrote and that nobody writes to
    // again; a new one takes its name and leaves this one alone.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests;
