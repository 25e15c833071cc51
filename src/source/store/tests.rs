//! A copy is whole or it is not used; and being killed leaves one.

use super::header::MAGIC;
use super::*;

use std::io::BufRead;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;

use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::proptest;

/// Tells the child in which folder to save.
const CHILD: &str = "SORDINO_TEST_STORE_CHILD";

/// How many times the child is killed; `SORDINO_TEST_KILLS` says otherwise.
const KILLS: usize = 25;

/// A folder of its own for a test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sordino-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> Store {
        Store::new(&self.0, 4 << 20)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the header of edition `number`.
fn header(number: u64) -> Header {
    Header {
        url: "https://lists.example/a.txt".to_owned(),
        etag: Some(format!("\"{number}\"")),
        last_modified: None,
        fetched: 1_700_000_000,
        rules: number,
    }
}

/// Returns the text of edition `number`; its length differs from edition to edition.
fn text(number: u64) -> String {
    let lines = 2_000 + (number * 7_919) % 20_000;
    format!("ads-{number}.example\n").repeat(usize::try_from(lines).unwrap())
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = Folder::new("round");
    let store = folder.store();
    assert_eq!(store.load("a").unwrap(), None);
    store.save("a", &header(1), "").unwrap();
    store.save("a", &header(2), "\u{feff}0.0.0.0 ads.example\r\n").unwrap();
    let saved = store.load("a").unwrap().unwrap();
    assert_eq!((saved.header, saved.text.as_str()), (header(2), "\u{feff}0.0.0.0 ads.example\r\n"));
    assert_eq!(saved.confirmed, 1_700_000_000);
    assert_eq!(store.load("b").unwrap(), None);
}

#[test]
fn confirming_moves_the_time_and_nothing_else() {
    let folder = Folder::new("confirm");
    let store = folder.store();
    assert!(store.confirm("a", 1).is_err());
    store.save("a", &header(1), &text(1)).unwrap();
    store.confirm("a", 1_700_090_000).unwrap();
    let saved = store.load("a").unwrap().unwrap();
    assert_eq!((saved.confirmed, saved.text), (1_700_090_000, text(1)));
}

#[test]
fn only_the_name_of_a_list_becomes_a_file() {
    let folder = Folder::new("names");
    let store = folder.store();
    for name in ["", "..", "a/b", "/etc/passwd", ".lock", "a.b", "ä", &"a".repeat(65)] {
        assert_eq!(store.path(name), None, "{name}");
        assert!(store.save(name, &header(1), "x").is_err(), "{name}");
        assert_eq!(store.load(name).unwrap(), None, "{name}");
    }
    assert!(!folder.0.join("lists").exists());
}

#[test]
fn a_torn_copy_is_set_aside_and_said() {
    let folder = Folder::new("torn");
    let store = folder.store();
    let path = store.path("a").unwrap();
    store.save("a", &header(1), "ads.example\n").unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let damage = store.load("a").unwrap_err();
        assert_eq!(damage.aside, Some(path.with_extension("bad")), "{length}");
        assert_eq!(store.load("a").unwrap(), None, "{length}");
    }
    fs::write(&path, &whole).unwrap();
    assert!(store.load("a").unwrap().is_some());
}

#[test]
fn a_copy_with_one_wrong_bit_is_not_used() {
    let folder = Folder::new("bits");
    let store = folder.store();
    let path = store.path("a").unwrap();
    store.save("a", &header(1), "ads.example\n").unwrap();
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut wrong = whole.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &wrong).unwrap();
        assert!(store.load("a").is_err(), "bit {bit}");
    }
}

#[test]
fn a_copy_that_is_too_large_is_not_read_whole() {
    let folder = Folder::new("large");
    folder.store().save("a", &header(1), &"x".repeat(100_000)).unwrap();
    let damage = Store::new(&folder.0, 1_000).load("a").unwrap_err();
    assert_eq!(damage.why, "it is too large");
}

#[test]
fn a_full_or_forbidden_folder_is_an_error_and_keeps_the_copy() {
    let folder = Folder::new("forbidden");
    let store = folder.store();
    store.save("a", &header(1), &text(1)).unwrap();
    // A folder where the temporary file should be.
    fs::create_dir(folder.0.join("lists/a.tmp")).unwrap();
    assert!(store.save("a", &header(2), &text(2)).is_err());
    assert_eq!(store.load("a").unwrap().unwrap().header, header(1));
}

/// Reads a copy that was written by somebody else.
fn read_back(test: &str, octets: &[u8]) -> Result<(Header, String), Damage> {
    let folder = Folder::new(test);
    fs::create_dir_all(folder.0.join("lists")).unwrap();
    fs::write(folder.0.join("lists/a.txt"), octets).unwrap();
    folder.store().load("a").map(|saved| saved.map(|saved| (saved.header, saved.text)).unwrap())
}

proptest! {
    #[test]
    fn any_octets_are_a_copy_or_not(octets in any::<Vec<u8>>()) {
        let _ = read_back("octets", &octets);
    }

    #[test]
    fn any_line_after_the_magic_is_borne(line in "[0-9a-f]{8} [ -~\\n]{0,60}") {
        let _ = read_back("line", format!("{MAGIC}{line}").as_bytes());
    }

    #[test]
    fn any_header_survives_packing(
        url in any::<String>(), etag in any::<Option<String>>(), fetched in any::<i64>(),
        rules in any::<u64>(), text in any::<String>(),
    ) {
        let header = Header { url, etag, last_modified: None, fetched, rules };
        let packed = pack(&header, &text).unwrap() + &text;
        assert_eq!(read_back("header", packed.as_bytes()), Ok((header, text)));
    }

    #[test]
    fn any_change_is_noticed(
        at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<bool>(),
    ) {
        let whole = (pack(&header(7), "a.example\nb.example\n").unwrap() + "a.example\nb.example\n").into_bytes();
        let at = at.index(whole.len());
        let mut changed = whole.clone();
        if cut { changed.truncate(at) } else { changed[at] = to }
        assert_eq!(read_back("change", &changed).is_ok(), changed == whole);
    }
}

/// Saves edition after edition, saying each when it is on the disk.
#[test]
#[ignore = "the child of `being_killed_at_any_point_leaves_a_whole_copy`"]
fn child_saves_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let store = Store::new(Path::new(&folder), 4 << 20);
    let first = store.load("a").unwrap().map_or(0, |saved| saved.header.rules) + 1;
    for number in first.. {
        store.save("a", &header(number), &text(number)).unwrap();
        // To the pipe itself: the harness keeps what `println!` says.
        let mut out = io::stdout();
        if writeln!(out, "\nsaved {number}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

/// Waits this long: nothing is ever sent.
fn pause(time: Duration) {
    let (_sender, receiver) = mpsc::channel::<()>();
    assert_eq!(receiver.recv_timeout(time), Err(RecvTimeoutError::Timeout));
}

#[test]
fn being_killed_at_any_point_leaves_a_whole_copy() {
    let folder = Folder::new("kill");
    let store = folder.store();
    let kills = std::env::var("SORDINO_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let mut last = 0;
    let mut chance = 0x9e37_79b9_u64;
    for _ in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "source::store::tests::child_saves_until_it_is_killed"])
            .args(["--ignored", "--nocapture"])
            .env(CHILD, &folder.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || {
            lines
                .by_ref()
                .map_while(Result::ok)
                .find_map(|line| line.strip_prefix("saved ")?.parse::<u64>().ok())
        };
        last = last.max(next().unwrap());
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        pause(Duration::from_micros((chance >> 33) % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(number) = next() {
            last = last.max(number);
        }
        let saved = store.load("a").unwrap().unwrap();
        assert!(saved.header.rules >= last, "{last} was on the disk");
        assert_eq!(saved.header, header(saved.header.rules));
        assert!(saved.text == text(saved.header.rules), "the text is that of its header");
        last = saved.header.rules;
    }
    assert!(last > kills as u64, "the child was killed while it worked");
}
