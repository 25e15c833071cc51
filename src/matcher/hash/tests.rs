//! That the hash is what it is said to be, and good.

use std::collections::HashSet;

use super::super::trail::Marks;
use super::super::trail::Trail;
use super::*;
use crate::base::Domain;
use proptest::prelude::*;

const KEY: Key = Key([1, 2]);

#[test]
fn the_hash_is_the_same_everywhere() {
    let name: Domain = "tracker.a-label-of-sixteen.example.com".parse().unwrap();
    assert_eq!(hash_of(KEY, name.as_wire()), SAME);
    assert_eq!(Key::from_bytes(KEY.to_bytes()), KEY);
    assert_eq!(KEY.to_bytes()[..9], [1, 0, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!(format!("{KEY:?}"), "Key(…)");
}

#[test]
fn a_process_has_one_key() {
    let ours = Key::ours();
    assert!(Key::adopt(ours));
    assert!(!Key::adopt(Key([ours.0[0] ^ 1, 0])));
    assert_eq!(Key::ours(), ours);
}

#[test]
fn steps_climb_and_leave_out_the_root() {
    let name: Domain = "a.bc.d".parse().unwrap();
    let trail = Trail::of(name.borrowed());
    let steps: Vec<_> = trail.steps().map(|step| (step.wire.to_vec(), step.labels)).collect();
    let suffixes = name.suffixes().map(<[u8]>::to_vec);
    assert_eq!(steps, suffixes.zip([3, 2, 1]).collect::<Vec<_>>());
    assert_eq!(trail.steps_to_root().last().unwrap().wire, [0]);
    assert_eq!(Trail::of(Domain::root().borrowed()).steps().count(), 0);
    let most: Domain = ["a"; 127].join(".").parse().unwrap();
    let most = Trail::of(most.borrowed());
    let steps: Vec<_> = most.steps().collect();
    assert_eq!((steps.len(), steps[0].labels, steps[39].labels), (40, 40, 1));
    // What stands above is what it would be by itself.
    assert!(steps.iter().all(|step| !step.whole && step.hash == hash_of(Key::ours(), step.wire)));
}

#[test]
fn all_bits_of_a_hash_are_good() {
    // Names that differ in little, as in lists.
    let all: Vec<_> = (0..20_000)
        .map(|nth| hash_of(KEY, format!("ads{nth}.example.com").parse::<Domain>().unwrap().as_wire()))
        .collect();
    for bit in 0..64 {
        let set = all.iter().filter(|hash| *hash >> bit & 1 == 1).count();
        assert!((9_600..10_400).contains(&set), "bit {bit}: {set}");
    }
    let mut buckets = [0; 256];
    for hash in &all {
        buckets[(hash >> 56) as usize] += 1;
    }
    assert!(buckets.iter().all(|&count| (35..130).contains(&count)), "{buckets:?}");
    let tags: HashSet<_> = all.iter().map(|hash| hash & ((1 << 44) - 1)).collect();
    assert_eq!(tags.len(), all.len());
}

proptest! {
    #[test]
    fn every_suffix_has_the_hash_it_has_alone(labels in proptest::collection::vec("[a-z0-9]{1,40}", 1..6)) {
        let name: Domain = labels.join(".").parse().unwrap();
        for step in Trail::with(KEY, name.borrowed()).steps_to_root() {
            prop_assert_eq!(step.hash, hash_of(KEY, step.wire));
            prop_assert_eq!(usize::from(step.labels), crate::base::labels::labels(step.wire).count());
            prop_assert_eq!(step.hash, plain(step.wire));
        }
    }

    #[test]
    fn no_octets_are_too_strange(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let marks = Marks::of(KEY, &octets);
        if let Some(step) = marks.step(&octets, marks.labels) {
            prop_assert!(step.whole);
            prop_assert_eq!(step.hash, hash_of(KEY, &octets));
        }
    }

    #[test]
    fn short_labels_are_no_strange_octets_either(octets in proptest::collection::vec(0..3u8, 0..600)) {
        let marks = Marks::of(KEY, &octets);
        if let Some(step) = marks.step(&octets, marks.labels) {
            prop_assert!(step.whole);
            prop_assert_eq!(step.hash, hash_of(KEY, &octets));
        }
    }
}

/// The hash as it would be told to somebody.
fn plain(wire: &[u8]) -> u64 {
    let labels: Vec<_> = crate::base::labels::labels(wire).collect();
    let mut state = KEY.root();
    for label in labels.iter().rev() {
        let octets = [&[u8::try_from(label.len()).unwrap()], *label].concat();
        for lane in octets.chunks(8) {
            let mut eight = [0; 8];
            eight[..lane.len()].copy_from_slice(lane);
            state = fold(state ^ u64::from_le_bytes(eight), KEY.lane());
        }
    }
    KEY.end(state)
}

/// The hash of a name under a key, for ever: files have it.
const SAME: u64 = 0xbeb0_c0ee_2ddc_dfb5;
