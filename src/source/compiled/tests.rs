//! The table in the state folder is used while it fits, and only then.

use std::fs;

use super::*;
use crate::base::Domain;
use crate::base::Place;
use crate::catalog::Purpose;
use crate::source::store::Header;
use crate::source::store::MAX_DOWNLOAD;
use std::os::unix::fs::MetadataExt;

/// A household's folder, with two lists of its own and one that is downloaded.
struct House {
    folder: PathBuf,
    sources: Vec<Source>,
}

impl House {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sordino-compiled-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let about = |name: &str| About {
            name: Arc::from(name),
            file: Arc::from(format!("{name}.txt")),
            format: None,
            family: None,
            purpose: Purpose::Unknown,
        };
        let file = |name: &str| Source { about: about(name), from: From::File(folder.join(name)) };
        let kept = Source { about: about("kept"), from: From::Kept };
        let sources = vec![file("one"), file("two"), kept];
        let house = Self { folder, sources };
        house.write("one", "# one\na.example\n");
        house.write("two", "||b.example^\nwhat is this\n@@||x.b.example^\n");
        house
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    fn store(&self) -> Store {
        Store::new(&self.folder, MAX_DOWNLOAD)
    }

    fn save(&self, text: &str) {
        let url = "https://lists.example/kept".to_owned();
        let header = Header { url, etag: None, last_modified: None, fetched: 1, rules: 1 };
        self.store().save("kept", &header, text).unwrap();
    }

    fn open(&self, keep: bool) -> Result<Compiled, CompileError> {
        open(&self.sources, &self.folder, &self.store(), keep)
    }

    /// Returns the number of the file that the table is in.
    fn table(&self) -> Option<u64> {
        fs::metadata(self.folder.join(NAME)).ok().map(|about| about.ino())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn blocks(lists: &Lists, name: &str) -> Option<String> {
    let name: Domain = name.parse().unwrap();
    lists.blocks(&name, lists.concerned(None)).as_ref().map(Place::to_string)
}

#[test]
fn a_table_is_made_once_and_then_used_as_it_is() {
    let house = House::new("once");
    house.save("c.example\n");
    let compiled = house.open(true).unwrap();
    assert!(compiled.unkept.is_none() && compiled.damages.is_empty() && compiled.missing.is_empty());
    let made = house.table();
    assert!(made.is_some());
    let again = house.open(true).unwrap();
    assert_eq!(house.table(), made);
    for lists in [&compiled.lists, &again.lists, &house.open(false).unwrap().lists] {
        assert_eq!(blocks(lists, "a.example").as_deref(), Some("one.txt:2"));
        assert_eq!(blocks(lists, "y.b.example").as_deref(), Some("two.txt:1"));
        assert_eq!(blocks(lists, "x.b.example"), None);
        assert_eq!(blocks(lists, "c.example").as_deref(), Some("kept.txt:1"));
        let rules: Vec<_> = lists.all().iter().map(|list| list.rules).collect();
        assert_eq!(rules, [1, 2, 1]);
        assert_eq!(lists.all()[1].facts.shown, [(2, "what is this".to_owned())]);
    }
}

#[test]
fn other_lists_make_another_table_and_the_old_one_stays_good() {
    let mut house = House::new("other");
    let before = house.open(true).unwrap();
    assert_eq!(before.missing, [2]);
    house.write("one", "# two\nd.example\n");
    let after = house.open(true).unwrap();
    assert_eq!(
        (blocks(&after.lists, "a.example"), blocks(&after.lists, "d.example").is_some()),
        (None, true)
    );
    assert_eq!(blocks(&before.lists, "a.example").as_deref(), Some("one.txt:2"));
    house.save("c.example\n");
    assert_eq!(blocks(&house.open(true).unwrap().lists, "c.example").as_deref(), Some("kept.txt:1"));
    house.save("e.example\n");
    assert_eq!(blocks(&house.open(true).unwrap().lists, "c.example"), None);
    house.sources.swap(0, 1);
    let swapped = house.open(true).unwrap().lists;
    assert_eq!(blocks(&swapped, "d.example").as_deref(), Some("one.txt:2"));
}

#[test]
fn that_the_server_has_the_same_makes_no_other_table() {
    let house = House::new("same");
    house.save("c.example\n");
    house.open(true).unwrap();
    let made = house.table();
    house.store().confirm("kept", 1_800_000_000).unwrap();
    house.open(true).unwrap();
    assert_eq!(house.table(), made);
}

#[test]
fn whoever_changes_nothing_leaves_no_table() {
    let house = House::new("nothing");
    let lists = house.open(false).unwrap().lists;
    assert_eq!(blocks(&lists, "a.example").as_deref(), Some("one.txt:2"));
    assert_eq!(house.table(), None);
}

#[test]
fn a_damaged_table_is_made_anew_wherever_the_damage_is() {
    let house = House::new("damage");
    house.open(true).unwrap();
    let path = house.folder.join(NAME);
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::remove_file(&path).unwrap();
        fs::write(&path, damaged).unwrap();
        let lists = house.open(true).unwrap().lists;
        assert_eq!(blocks(&lists, "a.example").as_deref(), Some("one.txt:2"), "{at}");
        assert_eq!(fs::read(&path).unwrap(), whole, "{at}");
    }
    fs::write(&path, "").unwrap();
    assert!(house.open(true).is_ok());
}

#[test]
fn a_damaged_copy_is_set_aside_and_its_list_empty() {
    let house = House::new("copy");
    house.save("c.example\n");
    let copy = house.store().path("kept").unwrap();
    let text = fs::read_to_string(&copy).unwrap().replace("c.example", "evil.test");
    fs::write(&copy, text).unwrap();
    let compiled = house.open(true).unwrap();
    assert_eq!(compiled.damages.len(), 1);
    assert_eq!(blocks(&compiled.lists, "evil.test"), None);
    assert_eq!(blocks(&compiled.lists, "a.example").as_deref(), Some("one.txt:2"));
    assert!(!copy.exists() && copy.with_extension("bad").exists());
    // And once that was said, the list is one without a copy.
    let compiled = house.open(true).unwrap();
    assert_eq!((compiled.damages.len(), compiled.missing), (0, vec![2]));
}

#[test]
fn a_folder_that_cannot_be_written_is_no_reason_to_be_without() {
    let house = House::new("unwritable");
    let file = house.folder.join("one");
    let compiled = open(&house.sources, &file, &house.store(), true).unwrap();
    assert!(compiled.unkept.is_some());
    assert_eq!(blocks(&compiled.lists, "a.example").as_deref(), Some("one.txt:2"));
}

#[test]
fn faults_name_their_list() {
    let house = House::new("faults");
    house.write("two", "<html>\n");
    let Err(CompileError::List(1, fault)) = house.open(true) else { panic!("no fault") };
    assert!(fault.to_string().starts_with("two.txt: read as"), "{fault}");
    fs::remove_file(house.folder.join("one")).unwrap();
    let Err(CompileError::List(0, fault)) = house.open(true) else { panic!("no fault") };
    assert_eq!(fault.to_string(), "one.txt: there is no such file");
}
