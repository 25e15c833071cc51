//! [`Key`]: a name, or a name and a type, as the stores look it up.
//!
//! On the wire a name has the names above it at its end, so whoever looks for
//! the nearest one that is known makes one key and no names.

use hickory_proto::rr::Name;
use hickory_proto::rr::RecordType;

use crate::resolve::zones::Zones;

/// The longest name (RFC 1035 section 3.1) and a type behind it, in octets.
const MOST: usize = 255 + size_of::<u16>();

/// A name in lower case and on the wire, and a type behind it where a name has
/// several things to it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its octets, and room for more.
    octets: [u8; MOST],
    /// How many there are.
    length: usize,
}

impl Key {
    /// Returns the key of a name.
    pub(super) fn of(name: &Name) -> Self {
        let mut key = Self { octets: [0; MOST], length: 0 };
        for label in name {
            let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
            key.push(&[length]);
            key.push(label);
        }
        key.octets.make_ascii_lowercase();
        key.push(&[0]);
        key
    }

    /// Returns the key of a name and type.
    pub(super) fn with_type(name: &Name, rtype: RecordType) -> Self {
        let mut key = Self::of(name);
        key.push(&u16::from(rtype).to_be_bytes());
        key
    }

    /// Adds octets.  A name and a type always fit.
    fn push(&mut self, octets: &[u8]) {
        let end = self.length + octets.len();
        if let Some(room) = self.octets.get_mut(self.length..end) {
            room.copy_from_slice(octets);
            self.length = end;
        }
    }

    /// Returns its octets.
    pub(super) fn octets(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }

    /// Returns its octets to be kept.
    pub(super) fn kept(&self) -> Box<[u8]> {
        self.octets().into()
    }

    /// Returns the key itself and those of all names above, the nearest first and
    /// the root's last.
    pub(super) fn suffixes(&self) -> impl Iterator<Item = &[u8]> {
        self.upwards().chain([&[0][..]])
    }

    /// Returns the key itself and those of the names above, the nearest first
    /// and the root's excepted.
    pub(super) fn upwards(&self) -> impl Iterator<Item = &[u8]> {
        let length = |octets: &[u8]| octets.first().copied().map_or(0, usize::from);
        let here = Some(self.octets()).filter(|octets| length(octets) > 0);
        std::iter::successors(here, move |octets| {
            octets.get(length(octets) + 1..).filter(|above| length(above) > 0)
        })
    }
}

/// Returns what is nearest to a name, at it or above.
pub(super) fn nearest<'z, T>(zones: &'z Zones<T>, name: &Name) -> Option<&'z T> {
    // Most households have none, and a key is a copy.
    if zones.is_empty() { None } else { zones.nearest(Key::of(name).suffixes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    #[test]
    fn case_is_nothing_and_the_type_is_something() {
        let key = Key::with_type(&name("WWW.example."), RecordType::A);
        assert_eq!(key.octets(), b"\x03www\x07example\x00\x00\x01");
        assert_eq!(key.octets(), Key::with_type(&name("www.EXAMPLE."), RecordType::A).octets());
        assert_ne!(key.octets(), Key::with_type(&name("www.example."), RecordType::NS).octets());
    }

    #[test]
    fn upwards_are_the_names_above_and_not_the_root() {
        let key = Key::of(&name("a.b.example."));
        let above: Vec<&[u8]> = key.upwards().collect();
        assert_eq!(above, [&b"\x01a\x01b\x07example\x00"[..], b"\x01b\x07example\x00", b"\x07example\x00"]);
        assert_eq!(Key::of(&Name::root()).upwards().count(), 0);
        assert_eq!(Key::of(&Name::root()).octets(), [0]);
    }

    #[test]
    fn the_longest_name_has_room() {
        let longest = name(&format!("{0}.{0}.{0}.{1}.", "a".repeat(63), "b".repeat(61)));
        assert_eq!(Key::with_type(&longest, RecordType::A).octets().len(), MOST);
        assert_eq!(Key::of(&name(&"a.".repeat(127))).upwards().count(), 127);
    }
}
