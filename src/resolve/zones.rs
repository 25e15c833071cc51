//! [`Zones`]: what the household has said of some names and all below them, and
//! which of it is nearest to a name.
//
//  Apart, because a house may have thousands of them, and every query asks.

use crate::base::Domain;

//----------- Zones ------------------------------------------------------------

/// Something for each of some names, in the order of their octets.
#[derive(Clone, Debug)]
pub(super) struct Zones<T>(Vec<(Domain, T)>);

impl<T> Zones<T> {
    /// Returns these.  Of several for one name the first counts.
    pub(super) fn new(mut zones: Vec<(Domain, T)>) -> Self {
        zones.sort_by(|(one, _), (other, _)| one.cmp(other));
        zones.dedup_by(|(later, _), (first, _)| later == first);
        zones.shrink_to_fit();
        Self(zones)
    }

    /// Returns whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Domain, T)> {
        self.0.iter()
    }

    /// Returns the one nearest to a name, at it or above.  The name is given as
    /// itself and all names above it, on the wire and in lower case.
    pub(super) fn nearest<'n>(&self, mut suffixes: impl Iterator<Item = &'n [u8]>) -> Option<&T> {
        if self.is_empty() {
            return None;
        }
        suffixes.find_map(|suffix| {
            let at = self.0.binary_search_by(|(zone, _)| zone.as_wire().cmp(suffix)).ok()?;
            self.0.get(at).map(|(_, value)| value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_wins_and_of_two_for_one_name_the_first() {
        let all = [("example", 1), ("b.example", 2), ("b.example", 3), ("bb.example", 4), ("home", 5)];
        let zones = Zones::new(all.map(|(name, value)| (name.parse().unwrap(), value)).into());
        let of = |name: &str| zones.nearest(name.parse::<Domain>().unwrap().suffixes()).copied();
        assert_eq!((of("a.b.example"), of("b.example"), of("abb.example")), (Some(2), Some(2), Some(1)));
        assert_eq!((of("a.bb.example"), of("home"), of("."), of("xhome")), (Some(4), Some(5), None, None));
    }

    #[test]
    fn the_root_is_above_all() {
        let zones = Zones::new(vec![(Domain::root(), ())]);
        assert!(zones.nearest("a.example".parse::<Domain>().unwrap().suffixes()).is_some());
        assert!(zones.nearest(Domain::root().suffixes()).is_some());
    }
}
