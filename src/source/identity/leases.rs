//! [`LeaseFile`]: a lease file of whichever DHCP server wrote it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Teller;
use super::Told;
use super::dhcpd;
use super::dnsmasq;
use super::kea;
use crate::base::Diagnostic;
use crate::base::Now;
use crate::base::Source;
use crate::device::Feed;
use crate::source::read_text;

/// The largest lease file, in octets: some hundred thousand leases.
const MAX_LEASES: usize = 16 << 20;

/// How often it is looked at although nobody said that it was written: the
/// folder may be another machine's.
const LOOK: Duration = Duration::from_mins(1);

/// A lease file.
#[derive(Clone, Debug)]
pub struct LeaseFile {
    /// Where it is.
    path: PathBuf,
    /// Who it is.
    feed: Feed,
}

impl LeaseFile {
    /// Reads the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        let name = Arc::from(path.display().to_string());
        Self { feed: Feed { source: Source::Lease, name }, path }
    }

    /// Returns the files that Kea leaves beside its own while it cleans up, the
    /// oldest first.
    fn beside(&self) -> Vec<PathBuf> {
        let with = |end: &str| {
            let mut name = self.path.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        };
        // What is completed holds all that was in the others.
        let completed = with(".completed");
        let all = if completed.exists() { vec![completed] } else { vec![with(".2"), with(".1")] };
        all.into_iter().filter(|path| path.exists()).collect()
    }
}

impl Teller for LeaseFile {
    fn feed(&self) -> &Feed {
        &self.feed
    }

    fn ask(&mut self, now: Now) -> Result<Told, Diagnostic> {
        self.read(now).map(with_hosts)
    }

    fn again(&self) -> (Vec<PathBuf>, Duration) {
        (vec![self.path.clone()], LOOK)
    }
}

impl LeaseFile {
    /// Reads the file.
    fn read(&self, now: Now) -> Result<Told, Diagnostic> {
        let shown = &*self.feed.name;
        let text = read_text(&self.path, shown, MAX_LEASES)?;
        if !kea::fits(&text) {
            return understood(parse(shown, &text, now), &text);
        }
        // The last word about an address counts, so all of them are one text.
        let mut whole = String::new();
        for path in self.beside() {
            whole.push_str(&read_text(&path, shown, MAX_LEASES)?);
        }
        if !whole.is_empty() {
            let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
            if whole.lines().next() == Some(head) {
                let older = whole.lines().skip(1).filter(|line| *line != head);
                let older = older.fold(String::new(), |all, line| all + line + "\n");
                let told = kea::parse(shown, &format!("{head}\n{older}{rest}"));
                return Ok(told);
            }
        }
        understood(kea::parse(shown, &text), &text)
    }
}

/// Adds what devices are called: in a lease that is what they call themselves.
fn with_hosts(told: Told) -> Told {
    let hosts = told.bindings.iter().filter_map(|lease| Some((lease.mac, lease.name.clone()?))).collect();
    Told { hosts, ..told }
}

/// Reads the leases in a text, in whichever format it is.
pub fn parse(file: &str, text: &str, now: Now) -> Told {
    if kea::fits(text) {
        kea::parse(file, text)
    } else if dhcpd::fits(text) {
        dhcpd::parse(file, text)
    } else {
        dnsmasq::parse(file, text, now)
    }
}

/// Returns what was told, unless nothing of it was understood.
fn understood(told: Told, text: &str) -> Result<Told, Diagnostic> {
    match told {
        Told { bindings, doubt: Some(doubt), .. } if bindings.is_empty() && !text.trim().is_empty() => {
            Err(doubt)
        }
        told => Ok(told),
    }
}

/// Returns whether a lease file can be read, or says why not.
pub fn check(path: &Path, shown: &str) -> Result<(), Diagnostic> {
    match fs::metadata(path) {
        // A DHCP server that has given no lease yet has written none.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        _ => read_text(path, shown, MAX_LEASES).map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;

    #[test]
    fn every_format_is_told_by_its_content() {
        let now = ManualClock::at(1_800_000_000).now();
        for text in [
            "1800003600 44:65:0d:12:34:56 192.0.2.1 echo *\n",
            "address,hwaddr,valid_lifetime,expire\n192.0.2.1,44:65:0d:12:34:56,60,1800003600\n",
            "lease 192.0.2.1 { binding state active; hardware ethernet 44:65:0d:12:34:56; }\n",
        ] {
            let told = parse("leases", text, now);
            assert_eq!((told.bindings.len(), told.doubt), (1, None), "{text}");
        }
        assert_eq!(parse("leases", "", now), Told::default());
    }

    #[test]
    fn a_file_that_makes_no_sense_is_refused_whole() {
        let folder = std::env::temp_dir().join(format!("sordino-leases-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let now = ManualClock::at(1_800_000_000).now();
        let mut file = LeaseFile::new(folder.join("leases"));
        assert!(file.ask(now).unwrap_err().to_string().ends_with("there is no such file"));
        fs::write(&file.path, "one two three\nfour\n").unwrap();
        let fault = file.ask(now).unwrap_err().to_string();
        assert!(fault.contains("leases:1:1: warning: not a time"), "{fault}");
        fs::write(&file.path, "").unwrap();
        assert_eq!(file.ask(now), Ok(Told::default()));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_kea_has_set_aside_while_it_cleans_up_is_read_too() {
        let folder = std::env::temp_dir().join(format!("sordino-kea-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let now = ManualClock::at(1_800_000_000).now();
        let write = |name: &str, lines: &str| {
            let text = format!("address,hwaddr,valid_lifetime,expire\n{lines}");
            fs::write(folder.join(name), text).unwrap();
        };
        let line = |host: u8, mac: u8| format!("192.0.2.{host},00:00:5e:00:53:0{mac},60,1800003600\n");
        write("leases.2", &line(1, 1));
        write("leases.1", &(line(1, 2) + &line(2, 3)));
        write("leases", &line(2, 4));
        let mut file = LeaseFile::new(folder.join("leases"));
        let macs = |told: Told| told.bindings.iter().map(|b| b.mac.0[5]).collect::<Vec<_>>();
        assert_eq!(macs(file.ask(now).unwrap()), [2, 4]);
        write("leases.completed", &line(1, 5));
        assert_eq!(macs(file.ask(now).unwrap()), [5, 4]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
