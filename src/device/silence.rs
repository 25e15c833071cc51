//! [`Silence`]: speakers that are on the network and ask us nothing.
//!
//! A speaker with a resolver built in, as Google's have 8.8.8.8, is seen by its
//! neighbors and by nobody's list.  One that is reachable for ten minutes and
//! asks for no name in all that time does so elsewhere.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Device;
use crate::base::MacAddr;

/// How long a speaker has to be there and silent, in seconds.
pub const SILENT_AFTER: i64 = 10 * 60;

/// A speaker that asked within this time is only quiet, in seconds.
const ASKED_LATELY: i64 = 24 * 3600;

/// A neighbor that seems to be a speaker.
#[derive(Clone, Debug)]
pub struct Neighbor {
    /// Its MAC address.
    pub mac: MacAddr,
    /// One of its addresses.
    pub address: IpAddr,
    /// What it is, or seems to be.
    pub device: Device,
}

//----------- Silence ----------------------------------------------------------

/// Who is there, and who asked.
#[derive(Debug)]
pub struct Silence {
    /// How long a speaker has to be silent, in seconds.
    after: i64,
    /// Since when speakers are there without a gap, in seconds since 1970.
    there: HashMap<MacAddr, i64>,
}

impl Silence {
    /// Returns one that knows nobody.
    pub fn new(after: i64) -> Self {
        Self { after, there: HashMap::new() }
    }

    /// Looks at all speakers that are there at `unix` seconds since 1970, and
    /// returns those that are silent.  `asked` says when each last asked.
    pub fn look(
        &mut self,
        there: &[Neighbor],
        asked: impl Fn(&Neighbor) -> Option<i64>,
        unix: i64,
    ) -> Vec<Neighbor> {
        self.there.retain(|mac, _| there.iter().any(|neighbor| neighbor.mac == *mac));
        let mut silent: Vec<Neighbor> = Vec::new();
        for neighbor in there {
            let since = *self.there.entry(neighbor.mac).or_insert(unix);
            let quiet = asked(neighbor).is_some_and(|at| unix - at < ASKED_LATELY);
            let told = silent.iter().any(|other| other.mac == neighbor.mac);
            if !quiet && !told && unix - since >= self.after {
                silent.push(neighbor.clone());
            }
        }
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::PolicyId;
    use crate::device::Standing;

    fn nest(host: u8) -> Neighbor {
        let device = Device {
            name: "google-nest".into(),
            family: None,
            policy: PolicyId(0),
            standing: Standing::Unknown,
            logged: true,
        };
        let mac = MacAddr([0xf4, 0xf5, 0xd8, 0, 0, host]);
        Neighbor { mac, address: IpAddr::from([192, 168, 178, host]), device }
    }

    /// Looks once a minute, and returns the minute in which a speaker was flagged.
    fn flagged(
        silence: &mut Silence,
        minutes: i64,
        there: impl Fn(i64) -> bool,
        asked: Option<i64>,
    ) -> Option<i64> {
        (0..minutes).find(|minute| {
            let there = if there(*minute) { vec![nest(1)] } else { Vec::new() };
            !silence.look(&there, |_| asked, 1_000_000 + minute * 60).is_empty()
        })
    }

    #[test]
    fn a_silent_speaker_is_flagged_within_a_quarter_of_an_hour() {
        let mut silence = Silence::new(SILENT_AFTER);
        assert_eq!(flagged(&mut silence, 15, |_| true, None), Some(10));
    }

    #[test]
    fn who_comes_and_goes_is_not() {
        let mut silence = Silence::new(SILENT_AFTER);
        assert_eq!(flagged(&mut silence, 60, |minute| minute % 9 != 0, None), None);
    }

    #[test]
    fn who_asked_today_is_only_quiet() {
        let mut silence = Silence::new(SILENT_AFTER);
        assert_eq!(flagged(&mut silence, 60, |_| true, Some(999_000)), None);
        let yesterday = 1_000_000 - ASKED_LATELY;
        assert_eq!(flagged(&mut silence, 60, |_| true, Some(yesterday)), Some(10));
    }

    #[test]
    fn a_speaker_with_two_addresses_is_told_of_once() {
        let mut silence = Silence::new(SILENT_AFTER);
        let second = Neighbor { address: "fe80::1".parse().unwrap(), ..nest(1) };
        let there = [nest(1), second, nest(2)];
        silence.look(&there, |_| None, 0);
        let silent = silence.look(&there, |one| (one.mac == nest(2).mac).then_some(500), 700);
        let silent: Vec<_> = silent.iter().map(|one| (one.mac, one.address)).collect();
        assert_eq!(silent, [(nest(1).mac, nest(1).address)]);
    }
}
