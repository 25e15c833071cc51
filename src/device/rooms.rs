//! Rooms: speakers that are one to those who listen, because they stand in the
//! same room: stereo pairs and bonded sets.
//!
//! Nothing follows from it by itself; the household is proposed to list them as
//! one device.

use std::collections::BTreeMap;

/// Words at the end of a name that tell one speaker of a room from another.
const PARTS: [&str; 12] =
    ["left", "right", "links", "rechts", "l", "r", "lf", "rf", "ls", "rs", "sub", "surround"];

/// Returns the name of a room without what tells one speaker in it from another:
/// `kitchen` of `Kitchen (2)` and of `Kitchen left`.
pub fn stem(name: &str) -> String {
    let lower = name.to_lowercase();
    let split = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '-' | '_' | ',' | '+');
    let mut words: Vec<&str> = lower.split(split).filter(|word| !word.is_empty()).collect();
    let is_part = |word: &&str| PARTS.contains(word) || word.bytes().all(|b| b.is_ascii_digit());
    while words.len() > 1 && words.last().is_some_and(is_part) {
        words.pop();
    }
    words.join(" ")
}

/// Returns whether a name that people gave tells one speaker of a room from another,
/// and by a word: `Kitchen left`.  Numbers tell nothing, for routers number whatever
/// calls itself the same.
pub fn is_part(name: &str) -> bool {
    let last = name.rsplit(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
    last.is_some_and(|last| PARTS.contains(&&*last.to_lowercase()) && stem(name) != last.to_lowercase())
}

/// Puts together who is of the same family and stands in the same room; whoever
/// stands there alone is left out.
pub fn together<T>(all: impl IntoIterator<Item = (T, String, String)>) -> Vec<Vec<T>> {
    let mut rooms: BTreeMap<(String, String), Vec<T>> = BTreeMap::new();
    for (one, family, room) in all {
        rooms.entry((family, stem(&room))).or_default().push(one);
    }
    rooms.into_values().filter(|room| room.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_one_speaker_of_a_room_from_another_is_left_out() {
        for (name, expected) in [
            ("Kitchen", "kitchen"),
            ("Küche links", "küche"),
            ("Küche - Rechts", "küche"),
            ("Kitchen (2)", "kitchen"),
            ("Living Room (L)", "living room"),
            ("Right", "right"),
            ("2", "2"),
            ("", ""),
        ] {
            assert_eq!(stem(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_is_that_of_a_part_by_a_word_and_not_by_a_number() {
        for name in ["Kitchen left", "Küche - Rechts", "living-room-l", "Bath (Sub)"] {
            assert!(is_part(name), "{name}");
        }
        for name in ["Kitchen", "SonosZP-2", "left", "Copyright", ""] {
            assert!(!is_part(name), "{name}");
        }
    }

    #[test]
    fn a_pair_is_of_one_family_and_in_one_room() {
        let speaker = |nth: u8, family: &str, room: &str| (nth, family.to_owned(), room.to_owned());
        let all = [
            speaker(1, "sonos", "Kitchen"),
            speaker(2, "sonos", "Kitchen"),
            speaker(3, "google-nest", "Kitchen"),
            speaker(4, "sonos", "Bath"),
            speaker(5, "apple-homepod", "Den"),
            speaker(6, "apple-homepod", "Den (2)"),
        ];
        assert_eq!(together(all), [vec![5, 6], vec![1, 2]]);
    }
}
