//! [`build`]: mentions of names to the image of a [`Table`](super::Table),
//! with as little memory as one likes.
//
//  Mentions are sorted by the hash of their name, and since buckets are in the
//  order of hashes too, the image is written from front to back and never
//  held.  If there are more mentions than may be held, they are asked for
//  again, for one range of hashes after the other: first to count the names,
//  which the size of the table depends on, and then to write them.

use std::fmt;
use std::io;

use super::hash::Key;
use super::layout::MOST_LINE;
use super::plan::Plan;
use super::sets::MOST_LISTS;
use super::sink::Fault;
use super::write::Writer;

pub use super::sink::Sink;
pub use super::write::Out;

/// How many mentions are held at once by whoever has no reason to hold fewer:
/// 92 MiB of them.
pub const MOST_MENTIONS: usize = 6_000_000;

//----------- About ------------------------------------------------------------

/// What is known of a table before it is built.
#[derive(Clone, Debug)]
pub struct About {
    /// How many lists there are, at most [`MOST_LISTS`].
    pub lists: usize,
    /// What it is made of: sources that are the same have the same.
    pub fingerprint: [u8; 16],
    /// How many mentions are held at once, of 16 octets each.
    pub most: usize,
}

/// What is known of it afterwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Built {
    /// How many names it has.
    pub names: u64,
    /// How many rules each list has: words about a name, each name with its
    /// subtree or without.
    pub rules: Vec<u64>,
    /// How large it is.
    pub octets: u64,
    /// How often the mentions were asked for.
    pub rounds: u32,
}

//----------- build() ----------------------------------------------------------

/// Builds a table with the key of this process.
///
/// `feed` is called once or several times, and must say the same each time:
/// it tells the sink every mention of a name, and returns what whoever opens
/// the table shall know besides.
pub fn build<E>(
    out: &mut impl Out,
    about: &About,
    feed: &mut dyn FnMut(&mut Sink) -> Result<Vec<u8>, E>,
) -> Result<Built, BuildError<E>> {
    build_as(out, about, feed, Key::ours(), Plan::of)
}

/// Builds a table with any key and any plan.
pub(super) fn build_as<E>(
    out: &mut impl Out,
    about: &About,
    feed: &mut dyn FnMut(&mut Sink) -> Result<Vec<u8>, E>,
    key: Key,
    plan: fn(u64) -> Plan,
) -> Result<Built, BuildError<E>> {
    if about.lists > MOST_LISTS {
        return Err(BuildError::Lists(about.lists));
    }
    let mut rounds = 0;
    let mut run = |sink: &mut Sink| -> Result<Vec<u8>, BuildError<E>> {
        rounds += 1;
        let facts = feed(sink).map_err(BuildError::Feed)?;
        sink.close()?;
        Ok(facts)
    };
    let mut sink = Sink::new(key, about.lists, about.most);
    let facts = run(&mut sink)?;
    let ranges = sink.ranges();
    let mut names = sink.names();
    // The first range comes last, because it is the first to be written.
    for range in ranges.iter().rev() {
        sink.only(range);
        run(&mut sink)?;
        names += sink.names();
    }
    let mut writer = Writer::new(&plan(names), about.lists).ok_or(BuildError::Names)?;
    writer.take(out, sink.mentions())?;
    for range in ranges.iter().skip(1) {
        sink.only(range);
        run(&mut sink)?;
        writer.take(out, sink.mentions())?;
    }
    if writer.names() != names {
        return Err(BuildError::Changed);
    }
    let (rules, octets) = writer.finish(out, key, about.fingerprint, sink.depths(), &facts)?;
    Ok(Built { names, rules, octets, rounds })
}

//----------- BuildError -------------------------------------------------------

/// Why a table was not built.
#[derive(Debug)]
pub enum BuildError<E> {
    /// What the feed returned.
    Feed(E),
    /// The image cannot be written.
    Write(io::Error),
    /// So many lists, which is more than [`MOST_LISTS`].
    Lists(usize),
    /// A mention by a list at this position, where there is none.
    List(u8),
    /// A mention at this line, which is too large a number.
    Line(u32),
    /// More names than a table can have.
    Names,
    /// More than 2^20 - 1 different things that lists say of a name.
    Sets,
    /// More octets of sets or facts than their size has bits for.
    Large,
    /// Far more names than usual met in one place.
    Crowded,
    /// The feed did not say the same each time.
    Changed,
}

impl<E> From<Fault> for BuildError<E> {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::List(list) => Self::List(list),
            Fault::Line(line) => Self::Line(line),
            Fault::Sets => Self::Sets,
            Fault::Large => Self::Large,
            Fault::Crowded => Self::Crowded,
            Fault::Write(error) => Self::Write(error),
        }
    }
}

impl<E: fmt::Display> fmt::Display for BuildError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed(error) => error.fmt(f),
            Self::Write(error) => write!(f, "the table of names cannot be written: {error}"),
            Self::Lists(lists) => write!(f, "{lists} lists, and there can be {MOST_LISTS}"),
            Self::List(list) => write!(f, "a name of list {list}, which there is none"),
            Self::Line(line) => write!(f, "a name at line {line}, and lists can have {MOST_LINE} lines"),
            Self::Names => f.write_str("more names than a table can have"),
            Self::Sets => f.write_str("the lists overlap in too many ways"),
            Self::Large => f.write_str("more about the lists than a table can keep"),
            Self::Crowded => f.write_str("the names do not spread over the table; another key would help"),
            Self::Changed => f.write_str("the lists changed while they were read"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for BuildError<E> {}
