//! [`Recognition`]: what a device that nobody listed seems to be, and why.
//!
//! One sign proposes.  Two independent ones that make us sure enough decide,
//! unless one speaks against it: then the device gets the policy of speakers
//! without being asked about.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use crate::base::Client;
use crate::base::MacAddr;
use crate::catalog::Catalog;
use crate::catalog::Family;
use crate::catalog::Sign;
use crate::catalog::SignKind;
use crate::catalog::Spot;

/// Signs that have to be there before a recognition decides.
const ENOUGH_SIGNS: usize = 2;

/// How sure they have to make us, in percent: a prefix of MAC addresses that
/// phones have too, and names that phones ask for too, are not enough.
const ENOUGH: u8 = 75;

//----------- Who --------------------------------------------------------------

/// What a device that nobody listed is told from others by.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Who {
    /// Its MAC address.
    Mac(MacAddr),
    /// Its address, where the network does not show the MAC behind it.
    Address(IpAddr),
}

impl Who {
    /// Returns what a client is told by.
    pub fn of(client: &Client) -> Self {
        client.mac.map_or(Self::Address(client.addr), Self::Mac)
    }

    /// Returns whether it stays with the device: addresses change hands, and so
    /// do MAC addresses that are made up.
    pub fn lasts(self) -> bool {
        matches!(self, Self::Mac(mac) if !mac.is_locally_administered())
    }

    /// Returns the MAC address, if it is one.
    pub fn mac(self) -> Option<MacAddr> {
        match self {
            Self::Mac(mac) => Some(mac),
            Self::Address(_) => None,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => mac.fmt(f),
            Self::Address(addr) => addr.fmt(f),
        }
    }
}

impl FromStr for Who {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Mac).or_else(|_| text.parse().map(Self::Address))
    }
}

//----------- Recognition ------------------------------------------------------

/// What a device seems to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognition {
    /// The family's name.
    pub family: Arc<str>,
    /// How sure we are, in percent.
    pub confidence: u8,
    /// The signs that speak for it; at least one.
    pub signs: Vec<Arc<Sign>>,
    /// How many of them are independent of each other.
    pub independent: usize,
    /// Whether that is enough to put it under the policy of speakers.
    pub decides: bool,
    /// Whether it is told by what stays with it.
    pub lasts: bool,
}

impl Recognition {
    /// Returns what a device seems to be of which these facts were `seen`.
    pub fn of(who: Who, seen: &dyn Fn(&str) -> bool, catalog: &Catalog) -> Option<Self> {
        let prefix = who.mac().and_then(|mac| catalog.family_by_mac(mac));
        // A prefix of one family only speaks against all others: Alexa on a
        // Sonos asks for what an Echo asks for.
        let only = prefix.filter(|(_, sign)| matches!(sign.kind, SignKind::Mac(_)));
        let mut found: Vec<Self> = Vec::new();
        for family in catalog.families().iter().filter(|family| family.has_devices()) {
            let is = |id| catalog.family(id).is_some_and(|other| other.name() == family.name());
            if only.is_some_and(|(id, _)| !is(id)) {
                continue;
            }
            let link = prefix.filter(|(id, _)| is(*id)).map(|(_, sign)| Arc::clone(sign));
            found.extend(Self::of_family(family, link, seen, who.lasts()));
        }
        found.sort_by_key(|one| std::cmp::Reverse((one.decides, one.independent, one.confidence)));
        let (mut first, second) = (found.first()?.clone(), found.get(1));
        let rivals = |second: &Self| {
            second.decides && (second.independent, second.confidence) == (first.independent, first.confidence)
        };
        // As when several speakers are behind one address.
        if second.is_some_and(rivals) {
            first.decides = false;
        }
        Some(first)
    }

    /// Returns what speaks for one family, if anything does and nothing against.
    fn of_family(
        family: &Family,
        link: Option<Arc<Sign>>,
        seen: &dyn Fn(&str) -> bool,
        lasts: bool,
    ) -> Option<Self> {
        let holds = |sign: &&Arc<Sign>| sign.facts().iter().all(|fact| seen(fact));
        let (against, signs): (Vec<_>, Vec<_>) = family.signs().iter().filter(holds).partition(|s| s.against);
        let signs: Vec<_> = link.into_iter().chain(signs.into_iter().cloned()).collect();
        if signs.is_empty() || !against.is_empty() {
            return None;
        }
        let (independent, confidence) = weigh(&signs);
        let decides = independent >= ENOUGH_SIGNS && confidence >= ENOUGH;
        Some(Self { family: Arc::clone(family.name()), confidence, signs, independent, decides, lasts })
    }

    /// Returns whether what the network says of it is among the signs, and not
    /// only what it says of itself.
    pub fn is_by_link(&self) -> bool {
        self.signs.iter().any(|sign| sign.kind.spot() == Spot::Link)
    }

    /// Returns the reasons in words.
    pub fn reasons(&self) -> impl Iterator<Item = String> {
        self.signs.iter().map(|sign| format!("{} ({})", sign.kind, sign.place))
    }
}

/// Returns how many of these signs are independent of each other, and how sure
/// they make us, in percent: the strongest seen at each spot; but names asked
/// for count once each, so that two signatures without a name in common are two.
fn weigh(signs: &[Arc<Sign>]) -> (usize, u8) {
    let mut strongest: BTreeMap<Spot, u8> = BTreeMap::new();
    let mut weights = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for sign in signs {
        if sign.kind.spot() == Spot::Names {
            let facts = sign.facts();
            if !facts.iter().any(|fact| names.contains(fact)) {
                names.extend(facts);
                weights.push(sign.weight);
            }
        } else {
            let there = strongest.entry(sign.kind.spot()).or_default();
            *there = sign.weight.max(*there);
        }
    }
    weights.extend(strongest.into_values());
    let doubt = weights.iter().fold(1.0, |doubt, weight| doubt * (1.0 - f64::from(*weight) / 100.0));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 100")]
    let confidence = ((1.0 - doubt) * 100.0).round() as u8;
    (weights.len(), confidence.min(99))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::parse::parse;

    /// Returns the bundled catalog.
    fn bundled() -> Catalog {
        let files: Vec<_> =
            crate::catalog::bundled::FILES.iter().map(|(name, text)| parse(name, text).unwrap()).collect();
        Catalog::build(&files).unwrap()
    }

    /// Recognizes a device that asked for these names and announced this.
    fn recognize(who: &str, names: &[&str], said: &[&str]) -> Option<Recognition> {
        let catalog = bundled();
        let mut facts: Vec<String> = said.iter().map(ToString::to_string).collect();
        for name in names {
            let name: crate::base::Domain = name.parse().unwrap();
            facts.extend(catalog.facts(name.borrowed()));
        }
        Recognition::of(who.parse().unwrap(), &|fact| facts.iter().any(|seen| seen == fact), &catalog)
    }

    /// Returns the family that two signs decide for.
    fn decided(who: &str, names: &[&str], said: &[&str]) -> Option<String> {
        recognize(who, names, said).filter(|found| found.decides).map(|found| found.family.to_string())
    }

    const ECHO: &str = "44:65:0d:12:34:56";
    const SONOS: &str = "94:9f:3e:00:00:01";
    const NEST: &str = "f4:f5:d8:00:00:01";
    const VOICE: &str = "avs-alexa-14-eu.amazon.com";

    #[test]
    fn one_sign_proposes_and_two_decide() {
        let alone = recognize(ECHO, &["www.example.com"], &[]).unwrap();
        assert_eq!((&*alone.family, alone.confidence, alone.decides), ("amazon-echo", 60, false));
        assert_eq!(decided(ECHO, &[VOICE], &[]).as_deref(), Some("amazon-echo"));
        let both = recognize(ECHO, &["api.amazonalexa.com", "fos5echocaptiveportal.com"], &[]).unwrap();
        assert_eq!((both.confidence, both.independent, both.decides), (80, 2, true));
        let reasons: Vec<_> = both.reasons().collect();
        assert!(reasons[0].starts_with("mac 44:65:0d (blocklists/amazon-echo.txt:"), "{reasons:?}");
        assert!(reasons[1].starts_with("asks api.amazonalexa.com {mmecho,"), "{reasons:?}");
        assert!(recognize("192.0.2.1", &["www.example.com"], &[]).is_none());
    }

    #[test]
    fn what_it_asks_for_is_enough_where_no_mac_is_seen() {
        assert_eq!(decided("192.0.2.1", &[VOICE], &[]), None);
        let both = [VOICE, "bob-dispatch-prod-eu.amazon.com"];
        assert_eq!(decided("192.0.2.1", &both, &[]).as_deref(), Some("amazon-echo"));
        let sonos = ["0.sonostime.pool.ntp.org", "msmetrics.ws.sonos.com"];
        assert_eq!(decided("2001:db8::1", &sonos, &[]).as_deref(), Some("sonos"));
        // Two signatures with a name in common are one.
        let twice = ["api.amazonalexa.com", "fos5echocaptiveportal.com", "dcape-na.amazon.com"];
        assert_eq!(recognize("192.0.2.1", &twice, &[]).unwrap().independent, 1);
    }

    #[test]
    fn a_made_up_mac_is_no_sign() {
        assert!(recognize("46:65:0d:12:34:56", &[], &[]).is_none());
        assert!(!"46:65:0d:12:34:56".parse::<Who>().unwrap().lasts());
        assert!(ECHO.parse::<Who>().unwrap().lasts());
    }

    #[test]
    fn a_fire_tv_is_no_echo() {
        for name in ["firetvcaptiveportal.com", "tabletcaptiveportal.com", "fw.prod.gws.ring.amazon.dev"] {
            assert!(recognize(ECHO, &[VOICE, name], &[]).is_none(), "{name}");
        }
        assert!(recognize(ECHO, &[VOICE], &["host firetv"]).is_none());
    }

    #[test]
    fn alexa_on_a_sonos_is_a_sonos() {
        let names = [VOICE, "bob-dispatch-prod-eu.amazon.com", "1.sonostime.pool.ntp.org"];
        assert_eq!(decided(SONOS, &names, &[]).as_deref(), Some("sonos"));
    }

    #[test]
    fn a_phone_with_the_makers_app_is_only_a_proposal() {
        let names = ["googlehomefoyer-pa.googleapis.com", "connectivitycheck.gstatic.com"];
        let names = [&names[..], &["clients3.google.com", "time.google.com"]].concat();
        let phone = recognize(NEST, &names, &[]).unwrap();
        assert!(phone.independent >= 2 && !phone.decides, "{phone:?}");
        let nest = ["mdns _googlecast._tcp md=Google Home*"];
        assert_eq!(decided(NEST, &names, &nest).as_deref(), Some("google-nest"));
    }

    #[test]
    fn two_speakers_behind_one_address_are_neither() {
        let names = [VOICE, "bob-dispatch-prod-eu.amazon.com"];
        let names = [&names[..], &["0.sonostime.pool.ntp.org", "msmetrics.ws.sonos.com"]].concat();
        assert_eq!(decided("192.0.2.1", &names, &[]), None);
    }
}
