//! [`Store`]: the last good copy of each downloaded list, for the next start.
//!
//! One file for each list in `STATE/lists`, header and text together, so that
//! one rename replaces both: whenever the power goes, the old copy is there or
//! the new one, whole.  A copy that is not what was written is set aside, never
//! read.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use flate2::Crc;

mod damage;
mod header;

pub use damage::Damage;
pub use header::Header;

use damage::aside;
use header::MOST_HEADER;
use header::pack;
use header::unpack;

/// The largest list that is downloaded, in octets.
pub const MAX_DOWNLOAD: u64 = 64 << 20;

/// The longest name of a list.
const MOST_NAME: usize = 64;

//----------- Store ------------------------------------------------------------

/// A last good copy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Saved {
    /// What is known of it.
    pub header: Header,
    /// When it was last known to be what the server has, in seconds since 1970.
    pub confirmed: i64,
    /// The list itself.
    pub text: String,
}

/// The folder of the last good copies.
#[derive(Clone, Debug)]
pub struct Store {
    /// `STATE/lists`.
    folder: PathBuf,
    /// The largest text, in octets.
    most: u64,
}

impl Store {
    /// Returns the store below a state folder, for texts of at most `most`
    /// octets.  The folder is made when the first copy is saved.
    pub fn new(state: &Path, most: u64) -> Self {
        Self { folder: state.join("lists"), most }
    }

    /// Returns where the copy of a list is; `None` if the name is no name of a
    /// list: letters, digits, `-` and `_`.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.file(name, "txt")
    }

    /// Reads the last good copy of a list, if there is one.
    ///
    /// A copy that is not whole is renamed to `NAME.bad`.
    pub fn load(&self, name: &str) -> Result<Option<Saved>, Damage> {
        let Some(mut copy) = self.open(name)? else { return Ok(None) };
        let mut octets = Vec::new();
        let read = copy.read_to_end(&mut octets);
        let text = String::from_utf8(octets);
        let (header, confirmed) = copy.finish(read.map(drop))?;
        match text {
            Ok(text) => Ok(Some(Saved { header, confirmed, text })),
            Err(_) => Err(aside(self.path(name).unwrap_or_default(), "it is not text")),
        }
    }

    /// Opens the last good copy of a list, if there is one, to be read bit by
    /// bit.
    pub fn open(&self, name: &str) -> Result<Option<Copy>, Damage> {
        let Some(path) = self.path(name) else { return Ok(None) };
        let damage = |why: io::Error| Damage { path: path.clone(), why: why.to_string(), aside: None };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(damage(why)),
        };
        let changed = file.metadata().and_then(|about| about.modified()).map_err(damage)?;
        let mut reader = BufReader::with_capacity(MOST_HEADER, file);
        let front = reader.fill_buf().map_err(damage)?;
        let end = front.iter().position(|&octet| octet == b'\n');
        let line = front.get(..end.unwrap_or_default()).unwrap_or_default().to_vec();
        match (end, std::str::from_utf8(&line)) {
            (None, _) => Err(aside(path, "its header does not end")),
            (_, Err(_)) => Err(aside(path, "it is not text")),
            (Some(end), Ok(line)) => {
                reader.consume(end + 1);
                match unpack(line) {
                    Err(why) => Err(aside(path, why)),
                    Ok((header, sum, crc)) => {
                        let confirmed = unix(changed).max(header.fetched);
                        Ok(Some(Copy { path, header, confirmed, sum, crc, reader, left: self.most }))
                    }
                }
            }
        }
    }

    /// Replaces the copy of a list.  Afterwards it is on the disk.
    pub fn save(&self, name: &str, header: &Header, text: &str) -> io::Result<()> {
        let (path, temporary) = self.paths(name)?;
        fs::create_dir_all(&self.folder)?;
        // `sordino lists update` may save beside the running server.  The lock
        // goes with the process, however that ends.
        let lock = create(&self.folder.join(".lock"))?;
        lock.lock()?;
        let mut file = create(&temporary)?;
        file.write_all(pack(header, text)?.as_bytes())?;
        file.write_all(text.as_bytes())?;
        file.set_modified(moment(header.fetched))?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, &path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Notes that the server still has what the copy has.
    ///
    /// It is the time of the file that says so: a list that never changes is
    /// not written again each day, which flash would mind.
    pub fn confirm(&self, name: &str, unix: i64) -> io::Result<()> {
        let (path, _) = self.paths(name)?;
        File::options().write(true).open(path)?.set_modified(moment(unix))
    }

    /// Returns the file of a list with this extension, if it can have one.
    fn file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let fine = (1..=MOST_NAME).contains(&name.len()) && name.bytes().all(is_part);
        fine.then(|| self.folder.join(format!("{name}.{extension}")))
    }

    /// Returns the file of a list and the one beside it to write first.
    fn paths(&self, name: &str) -> io::Result<(PathBuf, PathBuf)> {
        let fault = || io::Error::new(ErrorKind::InvalidInput, "this is no name of a list");
        Ok((self.path(name).ok_or_else(fault)?, self.file(name, "tmp").ok_or_else(fault)?))
    }
}

/// Opens a file for writing that only we may read: a URL may hold a secret.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Returns seconds since 1970 as the time of a file.
fn moment(unix: i64) -> SystemTime {
    let since = Duration::from_secs(u64::try_from(unix).unwrap_or(0));
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Returns the time of a file as seconds since 1970.
fn unix(moment: SystemTime) -> i64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

//----------- Copy -------------------------------------------------------------

/// A last good copy that is being read.
#[derive(Debug)]
pub struct Copy {
    /// Its file.
    path: PathBuf,
    /// What is known of it.
    pub header: Header,
    /// When it was last known to be what the server has, in seconds since 1970.
    pub confirmed: i64,
    /// The CRC that it should have.
    sum: u32,
    /// The CRC until now.
    crc: Crc,
    /// The rest.
    reader: BufReader<File>,
    /// How many octets it may still have.
    left: u64,
}

impl Copy {
    /// Returns what tells it from every other copy: it says what it should be.
    pub fn identity(&self) -> String {
        format!("{:08x} {:?}", self.sum, self.header)
    }

    /// Ends reading, which came to this.  Fails if it was not whole.
    pub fn finish(mut self, read: io::Result<()>) -> Result<(Header, i64), Damage> {
        let rest = read.and_then(|()| io::copy(&mut self, &mut io::sink()));
        match rest {
            Err(why) if why.kind() == ErrorKind::FileTooLarge => Err(aside(self.path, "it is too large")),
            Err(why) => Err(Damage { path: self.path, why: why.to_string(), aside: None }),
            Ok(_) if self.crc.sum() != self.sum => Err(aside(self.path, "its checksum is wrong")),
            Ok(_) => Ok((self.header, self.confirmed)),
        }
    }
}

impl Read for Copy {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(room)?;
        self.crc.update(room.get(..read).unwrap_or_default());
        let too_large = || io::Error::from(ErrorKind::FileTooLarge);
        self.left = self.left.checked_sub(read as u64).ok_or_else(too_large)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
