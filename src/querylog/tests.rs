//! What is kept, and what is forgotten.

mod faults;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;
use crate::base::Clock;
use crate::base::Domain;
use crate::base::time::ManualClock;
use crate::catalog::Purpose;
use crate::pipeline::Mark;
use crate::pipeline::Retry;
use crate::pipeline::Scribe;
use crate::query::Rtype;
use crate::query::Transport;
use crate::resolve::Origin;

/// A minute, in seconds.
const MINUTE: u64 = 60;

/// On disk, for a day.
const ON_DISK: Settings =
    Settings { level: Level::Full, store: Place::Disk, keep: Duration::from_hours(24), memory: 1 << 20 };

/// Two devices.
struct Two;

impl Askers for Two {
    fn asker(&self, page: u16) -> Option<Asker> {
        let device = ["kitchen", "bath"].get(usize::from(page)).copied()?;
        Some(Asker { device: Arc::from(device), family: Arc::from("amazon-echo") })
    }
}

/// A log in a folder of its own.
struct Fixture {
    folder: PathBuf,
    clock: Arc<ManualClock>,
    log: QueryLog,
    scribe: Scribe,
}

impl Fixture {
    fn new(settings: Settings) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sordino-querylog-{}-{nth}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self::at(folder, settings, 1_800_000_000)
    }

    fn at(folder: PathBuf, settings: Settings, unix: i64) -> Self {
        let clock = Arc::new(ManualClock::at(unix));
        let log = QueryLog::new(&folder, Arc::new(Two), Arc::clone(&clock) as Arc<dyn Clock>);
        log.set(settings).unwrap();
        let scribe = log.scribe();
        Self { folder, clock, log, scribe }
    }

    fn ask(&mut self, page: u16, name: &str, blocked: bool) {
        let mark = Mark {
            page,
            logged: true,
            purpose: if blocked { Purpose::Analytics } else { Purpose::Unknown },
            ground: if blocked { 3 } else { 8 },
            blocked,
            held_back: false,
            retry: Retry::No,
            origin: Origin::Policy,
            rcode: 0,
            transport: Transport::Udp,
        };
        let name: Domain = name.parse().unwrap();
        self.scribe.note(&mark, self.clock.now().unix, name.borrowed(), Rtype::A);
    }

    /// Lets a minute pass, and writes what there is.
    fn minute(&self) {
        self.clock.advance(Duration::from_secs(MINUTE));
        self.log.drain();
        self.log.write();
    }

    fn names(&self, filter: &Filter) -> Vec<String> {
        self.log
            .rows(filter, 0)
            .into_iter()
            .map(|row| format!("{} {} {}", row.device, row.name, row.times))
            .collect()
    }

    /// Returns whether any file in the folder holds a text.
    fn on_disk(&self, text: &str) -> bool {
        let files = fs::read_dir(&self.folder).unwrap();
        let octets = files.map(|file| fs::read(file.unwrap().path()).unwrap());
        octets.into_iter().any(|octets| octets.windows(text.len()).any(|window| window == text.as_bytes()))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn alike_queries_within_a_minute_are_one_row() {
    let mut fixture = Fixture::new(Settings::default());
    for _ in 0..3 {
        fixture.ask(0, "a.example", true);
        fixture.ask(1, "a.example", true);
    }
    fixture.ask(0, "b.example", false);
    fixture.clock.advance(Duration::from_secs(MINUTE));
    fixture.ask(0, "a.example", true);
    let all = ["kitchen a.example 3", "bath a.example 3", "kitchen b.example 1", "kitchen a.example 1"];
    assert_eq!(fixture.names(&Filter::default()), all);
    let blocked = Filter { device: Some("kitchen".to_owned()), blocked: true, ..Filter::default() };
    assert_eq!(fixture.names(&blocked), [all[0], all[3]]);
    let since = Filter { since: Some(fixture.clock.now().unix), ..Filter::default() };
    assert_eq!(fixture.names(&since), [all[3]]);
    assert_eq!(fixture.log.rows(&Filter::default(), 1).len(), 3);
    assert!(!fixture.on_disk("example"), "nobody asked for it on disk");
}

#[test]
fn memory_is_bounded_in_octets_and_in_time() {
    let mut fixture = Fixture::new(Settings { memory: 10_000, ..Settings::default() });
    for nth in 0..1_000 {
        fixture.ask(0, &format!("n{nth}.example"), false);
        fixture.log.drain();
    }
    let facts = fixture.log.facts();
    assert!(facts.bytes <= 10_000 && facts.rows > 20, "{facts:?}");
    assert_eq!((facts.lost, facts.dropped), (0, 0), "in memory, the oldest go");
    assert_eq!(fixture.names(&Filter::default()).last().unwrap(), "kitchen n999.example 1");
    fixture.clock.advance(Duration::from_hours(24) + Duration::from_secs(1));
    assert!(fixture.names(&Filter::default()).is_empty());
}

#[test]
fn without_clients_there_are_no_devices_and_off_is_nothing() {
    let mut fixture = Fixture::new(Settings { level: Level::NoClient, ..Settings::default() });
    fixture.ask(0, "a.example", true);
    fixture.ask(1, "a.example", true);
    assert_eq!(fixture.names(&Filter::default()), [" a.example 2"]);
    fixture.log.leave_out([Arc::from("kitchen")].into());
    fixture.ask(0, "c.example", true);
    assert_eq!(fixture.names(&Filter::default()), [" a.example 2"]);
    fixture.log.set(Settings { level: Level::Off, ..Settings::default() }).unwrap();
    fixture.ask(0, "b.example", true);
    assert!(fixture.names(&Filter::default()).is_empty());
}

#[test]
fn rows_survive_a_restart_on_disk_and_go_on_where_they_ended() {
    let mut fixture = Fixture::new(ON_DISK);
    fixture.ask(0, "a.example", true);
    fixture.log.drain();
    fixture.log.write();
    assert!(!fixture.on_disk("a.example"), "the present minute is not over");
    fixture.minute();
    assert!(fixture.on_disk("a.example"));
    fixture.ask(0, "b.example", true);
    fixture.log.close();
    assert_eq!(fixture.names(&Filter::default()), ["kitchen a.example 1", "kitchen b.example 1"]);
    assert_eq!(left(&fixture.folder, &Filter::default(), 0).unwrap().len(), 2);
    let folder = fixture.folder.clone();
    let mut again = Fixture::at(folder, ON_DISK, fixture.clock.now().unix);
    again.ask(1, "c.example", true);
    let ids: Vec<_> = again.log.rows(&Filter::default(), 0).into_iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(again.folder.join(FILE)).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn of_what_is_erased_no_octet_is_left() {
    let mut fixture = Fixture::new(ON_DISK);
    for nth in 0..200 {
        fixture.ask(0, &format!("kitchen-secret-{nth}.example"), true);
        fixture.ask(1, &format!("bath-secret-{nth}.example"), true);
        fixture.log.drain();
    }
    fixture.minute();
    fixture.ask(0, "kitchen-secret-late.example", true);
    assert!(fixture.on_disk("kitchen-secret") && fixture.on_disk("bath-secret"));
    assert_eq!(fixture.log.erase(Some("kitchen")).unwrap(), 201);
    fixture.minute();
    assert!(!fixture.on_disk("kitchen-secret") && !fixture.on_disk("kitchen"));
    assert!(fixture.on_disk("bath-secret"));
    assert_eq!(fixture.names(&Filter::default()).len(), 200);
    assert_eq!(fixture.log.erase(None).unwrap(), 200);
    assert!(!fixture.on_disk("secret"));
    // Its pages went back to the file system.
    assert!(fs::metadata(fixture.folder.join(FILE)).unwrap().len() <= 16_384);
}

#[test]
fn of_a_device_that_is_left_out_no_octet_is_left_and_none_comes() {
    let mut fixture = Fixture::new(ON_DISK);
    for nth in 0..200 {
        fixture.ask(0, &format!("kitchen-secret-{nth}.example"), true);
        fixture.ask(1, &format!("bath-{nth}.example"), true);
        fixture.log.drain();
    }
    fixture.minute();
    assert!(fixture.on_disk("kitchen-secret"));
    // In memory alone, and not even there.
    fixture.ask(0, "kitchen-secret-late.example", true);
    fixture.log.drain();
    fixture.ask(0, "kitchen-secret-later.example", true);
    fixture.log.leave_out([Arc::from("kitchen")].into());
    assert!(!fixture.on_disk("kitchen"));
    // A thread that has not heard of it yet.
    fixture.ask(0, "kitchen-secret-last.example", true);
    fixture.minute();
    assert!(!fixture.on_disk("kitchen") && fixture.on_disk("bath-199"));
    assert_eq!(fixture.names(&Filter { device: Some("kitchen".to_owned()), ..Filter::default() }).len(), 0);
    assert_eq!(fixture.names(&Filter::default()).len(), 200);

    fixture.log.leave_out(BTreeSet::new());
    fixture.ask(0, "kitchen-again.example", true);
    fixture.minute();
    assert!(fixture.on_disk("kitchen-again"));
    let restarted = Fixture::at(fixture.folder.clone(), ON_DISK, fixture.clock.now().unix);
    restarted.log.leave_out([Arc::from("kitchen")].into());
    assert!(!fixture.on_disk("kitchen") && fixture.on_disk("bath-199"));
}

#[test]
fn what_is_older_than_was_said_is_gone_from_disk_within_an_hour() {
    let mut fixture = Fixture::new(Settings { keep: Duration::from_hours(1), ..ON_DISK });
    fixture.ask(0, "old-secret.example", true);
    fixture.minute();
    assert!(fixture.on_disk("old-secret"));
    fixture.clock.advance(Duration::from_hours(1));
    fixture.ask(0, "young.example", true);
    fixture.minute();
    assert!(!fixture.on_disk("old-secret") && fixture.on_disk("young"));
}

#[test]
fn what_is_old_is_forgotten_though_nobody_asks_anything() {
    let mut fixture = Fixture::new(ON_DISK);
    fixture.ask(0, "old-secret.example", true);
    fixture.minute();
    fixture.clock.advance(Duration::from_hours(25));
    assert!(fixture.on_disk("old-secret"));
    fixture.log.drain();
    fixture.log.write();
    assert!(!fixture.on_disk("old-secret"));
    assert_eq!(fixture.log.facts().rows, 0);
}

#[test]
fn a_clock_that_is_wrong_at_start_erases_nothing_and_one_that_was_wrong_keeps_nothing() {
    let mut fixture = Fixture::new(ON_DISK);
    fixture.ask(0, "a-secret.example", true);
    fixture.minute();
    let now = fixture.clock.now().unix;
    let early = Fixture::at(fixture.folder.clone(), ON_DISK, 1_000);
    early.minute();
    assert!(fixture.on_disk("a-secret"), "the clock was not set yet");
    let late = Fixture::at(fixture.folder.clone(), ON_DISK, now - 100_000);
    late.minute();
    assert!(fixture.on_disk("a-secret"));
    late.clock.advance(Duration::from_hours(1));
    late.minute();
    assert!(!fixture.on_disk("a-secret"), "it was noted in a future that has not come");
}

#[test]
fn who_asked_is_forgotten_when_that_is_not_to_be_known_any_more() {
    let mut fixture = Fixture::new(ON_DISK);
    fixture.ask(0, "a.example", true);
    fixture.minute();
    fixture.ask(1, "b.example", true);
    fixture.log.drain();
    fixture.log.set(Settings { level: Level::NoClient, ..ON_DISK }).unwrap();
    assert_eq!(fixture.names(&Filter::default()), [" a.example 1", " b.example 1"]);
    fixture.minute();
    for gone in ["kitchen", "bath", "amazon-echo"] {
        assert!(!fixture.on_disk(gone), "{gone}");
    }
}

#[test]
fn a_file_that_grows_too_large_loses_its_oldest_rows() {
    let mut fixture = Fixture::new(ON_DISK);
    for nth in 0..400 {
        fixture.ask(0, &format!("n{nth}.example"), false);
        fixture.log.drain();
    }
    fixture.minute();
    let disk = Disk::open_left(&fixture.folder.join(FILE)).unwrap();
    disk.shrink(1 << 20).unwrap();
    assert_eq!(disk.rows(&Filter::default(), 0).unwrap().len(), 400);
    disk.shrink(8_192).unwrap();
    let rows = disk.rows(&Filter::default(), 0).unwrap();
    assert_eq!((rows.len(), rows[0].name.as_str()), (300, "n100.example"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_day_of_a_house_is_few_megabytes_on_disk() {
    let written = || {
        let io = fs::read_to_string("/proc/thread-self/io").unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
        line.parse::<u64>().unwrap()
    };
    let mut fixture = Fixture::new(ON_DISK);
    let before = written();
    let every = keeper::WRITE.as_secs() / MINUTE;
    let mut queries = 0;
    for minute in 0..24 * 60 {
        for nth in 0..35 {
            let name = format!("n{}.of-usual-length.example.com", (minute * 7 + nth / 2) % 997);
            fixture.ask(0, &name, nth < 9);
            queries += 1;
        }
        fixture.clock.advance(Duration::from_secs(MINUTE));
        fixture.log.drain();
        if minute % every == 0 {
            fixture.log.write();
        }
    }
    let (octets, rows) =
        (written() - before, left(&fixture.folder, &Filter::default(), 20_000).unwrap().len());
    assert!(octets < 20_000_000, "{octets} octets for {queries} queries");
    assert!(rows > 2_000, "half of the queries are rows");
}

#[cfg(target_os = "linux")]
#[test]
fn in_a_day_of_a_house_the_disk_is_waited_for_a_few_times_an_hour() {
    let traced = std::env::temp_dir().join(format!("sordino-querylog-waits-{}", std::process::id()));
    let done = std::process::Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(&traced)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "querylog::tests::a_day_of_a_house_is_few_megabytes_on_disk"])
        .output();
    let Ok(done) = done else { return eprintln!("skipped: no `strace` (Debian: strace)") };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = fs::read_to_string(&traced).unwrap();
    let waits = text.lines().filter(|line| line.contains("sync(")).count();
    // All of Sordino may have 1,500.
    assert!((24..=24 * 10).contains(&waits), "{waits} times");
    fs::remove_file(traced).unwrap();
}
