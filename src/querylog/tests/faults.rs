//! What a disk may do to the query log, and what is not to be on it any more.

use std::fs;
use std::time::Duration;

use super::Fixture;
use super::ON_DISK;
use crate::querylog::FILE;
use crate::querylog::Filter;
use crate::querylog::Settings;
use crate::querylog::is_left;
use crate::querylog::lock;

#[test]
fn what_is_not_to_be_on_disk_any_more_is_removed() {
    let mut fixture = Fixture::new(ON_DISK);
    fixture.ask(0, "a-secret.example", true);
    fixture.minute();
    fixture.log.set(Settings::default()).unwrap();
    assert!(!is_left(&fixture.folder) && !fixture.on_disk("secret"));
    assert_eq!(fixture.names(&Filter::default()), ["kitchen a-secret.example 1"], "it is in memory still");
}

#[test]
fn a_broken_file_begins_anew() {
    for damage in [
        &b"this is no database, and never was one, whatever its name may say"[..],
        &[0; 5_000],
        &[0xff; 5_000],
    ] {
        let mut fixture = Fixture::new(Settings::default());
        fs::write(fixture.folder.join(FILE), damage).unwrap();
        // The log opens it with the next row.
        lock(&fixture.log.inner).settings = ON_DISK;
        fixture.ask(0, "a.example", true);
        fixture.minute();
        assert!(fixture.on_disk("a.example") && fixture.log.facts().disk_ok);
    }
}

#[test]
fn a_file_that_breaks_while_it_is_open_begins_anew() {
    let mut fixture = Fixture::new(ON_DISK);
    fixture.ask(0, "a.example", true);
    fixture.minute();
    for file in [FILE, "query-log.db-wal"] {
        let path = fixture.folder.join(file);
        let length = usize::try_from(fs::metadata(&path).map_or(0, |file| file.len())).unwrap();
        fs::write(path, vec![0x5a; length.max(8_192)]).unwrap();
    }
    for _ in 0..5 {
        fixture.ask(0, "b.example", true);
        fixture.clock.advance(Duration::from_hours(1));
        fixture.minute();
    }
    assert!(fixture.on_disk("b.example") && fixture.log.facts().disk_ok, "{:?}", fixture.log.facts());
}

#[test]
fn where_nothing_can_be_written_it_goes_on_in_memory_and_on_disk_once_it_can() {
    let mut fixture = Fixture::new(Settings::default());
    // A folder stands where the file is to be.
    fs::create_dir(fixture.folder.join(FILE)).unwrap();
    assert!(fixture.log.set(Settings::default()).is_err(), "what can't be removed is told of");
    fixture.log.set(ON_DISK).unwrap();
    fixture.ask(0, "a.example", true);
    fixture.minute();
    assert!(!fixture.log.facts().disk_ok);
    assert_eq!(fixture.names(&Filter::default()), ["kitchen a.example 1"]);
    fs::remove_dir(fixture.folder.join(FILE)).unwrap();
    fixture.minute();
    assert!(fixture.log.facts().disk_ok && fixture.on_disk("a.example"));
}
