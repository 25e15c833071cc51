//! Lists as they are read: what they are made of, and the table of them.
//!
//! Apart from opening the table that is there already, which reads none of them.

use std::fmt;
use std::fs;
use std::fs::File;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use super::super::explain;
use super::super::store::Damage;
use super::super::store::Store;
use super::CompileError;
use super::Compiled;
use super::From;
use super::NAME;
use super::Source;
use super::UNFINISHED;
use super::map;
use crate::base::Diagnostic;
use crate::catalog::ForeignList;
use crate::catalog::Lists;
use crate::catalog::foreign;
use crate::catalog::foreign::About;
use crate::catalog::foreign::Facts;
use crate::catalog::foreign::ForeignError;
use crate::matcher;
use crate::matcher::BuildError;
use crate::matcher::Sink;
use crate::matcher::Table;

/// How much of a list is read at once, in octets.
const PIECE: usize = 64 << 10;

/// Writes a table into a file.
struct Octets(File);

impl matcher::Out for Octets {
    fn write_at(&mut self, at: u64, octets: &[u8]) -> io::Result<()> {
        self.0.write_all_at(octets, at)
    }
}

/// Lists that are being read.
pub(super) struct Reading<'a> {
    /// The lists.
    pub(super) sources: &'a [Source],
    /// Their copies.
    pub(super) store: &'a Store,
    /// Copies that are damaged.
    pub(super) damages: Vec<(usize, Damage)>,
    /// Lists without a copy.
    pub(super) missing: Vec<usize>,
    /// What reading brought to light.
    pub(super) facts: Vec<Facts>,
}

/// What went wrong with reading.
pub(super) enum Fault {
    /// The copy of a list.
    Damaged(usize, Damage),
    /// A list.
    List(usize, Diagnostic),
    /// All lists together.
    Together(String),
}

impl Reading<'_> {
    /// Returns what the lists are made of: two sets of lists have the same only
    /// if they say the same, read by the same version of the program.
    pub(super) fn fingerprint(&mut self) -> Result<[u8; 16], CompileError> {
        let mut hashers = [DefaultHasher::new(), DefaultHasher::new()];
        for (nth, hasher) in hashers.iter_mut().enumerate() {
            (nth, env!("CARGO_PKG_VERSION"), foreign::MAX_FOREIGN).hash(hasher);
        }
        self.missing.clear();
        for (position, source) in self.sources.iter().enumerate() {
            let About { name, file, format, .. } = &source.about;
            let made_of = match &source.from {
                From::File(path) => {
                    let about = fs::metadata(path).map_err(|error| {
                        let fault = Diagnostic::of_file(Arc::clone(file), explain(&error));
                        CompileError::List(position, fault)
                    })?;
                    // A change of the contents is one of the time of change,
                    // which nobody can set.
                    let times = [about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()];
                    format!("{} {} {} {times:?}", about.dev(), about.ino(), about.size())
                }
                From::Kept => match self.store.open(name) {
                    _ if self.is_damaged(position) => "damaged".to_owned(),
                    Ok(Some(copy)) => copy.identity(),
                    Ok(None) => {
                        self.missing.push(position);
                        "none".to_owned()
                    }
                    Err(damage) => {
                        self.damages.push((position, damage));
                        "damaged".to_owned()
                    }
                },
            };
            for hasher in &mut hashers {
                (name, format.map(foreign::Format::as_str), &made_of).hash(hasher);
            }
        }
        let [first, second] = hashers.map(|hasher| u128::from(hasher.finish()));
        Ok((first << 64 | second).to_be_bytes())
    }

    /// Returns whether the copy of a list turned out to be damaged.
    fn is_damaged(&self, position: usize) -> bool {
        self.damages.iter().any(|(damaged, _)| *damaged == position)
    }

    /// Makes a table anew, in the state folder if it is to be kept and can be.
    pub(super) fn build(
        &mut self,
        state: &Path,
        fingerprint: [u8; 16],
        keep: bool,
    ) -> Result<(Table, Option<String>), Fault> {
        let about = matcher::About { lists: self.sources.len(), fingerprint, most: matcher::MOST_MENTIONS };
        let mut unkept = None;
        if keep {
            match self.build_file(state, &about) {
                Ok(table) => return Ok((table, None)),
                Err(BuildError::Write(error)) => unkept = Some(error.to_string()),
                Err(error) => return Err(fault(error)),
            }
        }
        let mut image = Vec::new();
        matcher::build(&mut image, &about, &mut |sink| self.feed(sink)).map_err(fault)?;
        let table = Table::open(Arc::new(image)).map_err(|error| Fault::Together(error.to_string()))?;
        Ok((table, unkept))
    }

    /// Makes a table in the state folder and maps it.
    fn build_file(&mut self, state: &Path, about: &matcher::About) -> Result<Table, BuildError<Fault>> {
        fs::create_dir_all(state).map_err(BuildError::Write)?;
        let unfinished = state.join(UNFINISHED);
        // One that is left over may still be written by somebody.
        let _ = fs::remove_file(&unfinished);
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&unfinished);
        let mut out = Octets(file.map_err(BuildError::Write)?);
        matcher::build(&mut out, about, &mut |sink| self.feed(sink))?;
        // Not waited for until it is on the disk: after a fall of the power it
        // is whole, or known to be torn and made anew.
        fs::rename(&unfinished, state.join(NAME)).map_err(BuildError::Write)?;
        let map = map(&out.0).map_err(BuildError::Write)?;
        let open = Table::open(Arc::new(map));
        open.map_err(|error| BuildError::Feed(Fault::Together(error.to_string())))
    }

    /// Tells all names of all lists.  Returns what else was found, as it is kept
    /// in the table.
    fn feed(&mut self, sink: &mut Sink) -> Result<Vec<u8>, Fault> {
        self.facts.clear();
        for (position, source) in self.sources.iter().enumerate() {
            let facts = self.read(position, source, sink)?;
            self.facts.push(facts);
        }
        serde_json::to_vec(&self.facts).map_err(|error| Fault::Together(error.to_string()))
    }

    /// Reads one list.
    fn read(&self, position: usize, source: &Source, sink: &mut Sink) -> Result<Facts, Fault> {
        let Ok(list) = u8::try_from(position) else { return Ok(Facts::default()) };
        let fault = |error| {
            let file = Arc::clone(&source.about.file);
            Fault::List(
                position,
                match error {
                    ForeignError::Refused(fault) => fault,
                    ForeignError::Read(error) => Diagnostic::of_file(file, explain(&error)),
                },
            )
        };
        match &source.from {
            From::File(path) => {
                let file = File::open(path).map_err(|error| fault(ForeignError::Read(error)))?;
                let reader = BufReader::with_capacity(PIECE, file);
                foreign::read(reader, &source.about, list, sink).map_err(fault)
            }
            From::Kept if self.is_damaged(position) => Ok(Facts::default()),
            From::Kept => {
                let damaged = |damage| Fault::Damaged(position, damage);
                let Some(mut copy) = self.store.open(&source.about.name).map_err(damaged)? else {
                    return Ok(Facts::default());
                };
                let reader = BufReader::with_capacity(PIECE, copy.by_ref());
                let read = foreign::read(reader, &source.about, list, sink);
                // Whether it is whole comes first: what is torn is no list.
                match read {
                    Err(ForeignError::Read(error)) => {
                        copy.finish(Err(error)).map_err(damaged)?;
                        Ok(Facts::default())
                    }
                    read => {
                        copy.finish(Ok(())).map_err(damaged)?;
                        read.map_err(fault)
                    }
                }
            }
        }
    }

    /// Puts everything together.
    pub(super) fn done(self, table: Table, facts: Vec<Facts>, unkept: Option<String>) -> Compiled {
        let lists = self.sources.iter().zip(facts);
        let lists = lists.map(|(source, facts)| ForeignList { about: source.about.clone(), facts, rules: 0 });
        let lists = Lists::new(lists.collect(), table);
        Compiled { lists, damages: self.damages, missing: self.missing, unkept }
    }
}

/// Says what went wrong with building.
fn fault(error: BuildError<Fault>) -> Fault {
    match error {
        BuildError::Feed(fault) => fault,
        error => Fault::Together(error.to_string()),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(_, damage) => damage.fmt(f),
            Self::List(_, fault) => fault.fmt(f),
            Self::Together(say) => f.write_str(say),
        }
    }
}
