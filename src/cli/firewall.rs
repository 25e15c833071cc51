//! `sordino firewall print`: rules for a gateway that bring the queries of
//! speakers here which ask a resolver of their own.
//!
//! Nothing is applied.  What is printed holds MAC addresses, networks, and names
//! of devices and families, which are made of letters, digits, `-` and `_`, so
//! that nothing in it has to be quoted.
//
//  REJECT and not DROP: a Google speaker that hears that 8.8.8.8 can't be
//  reached asks the resolver of the network; one that hears nothing waits.

mod iptables;
mod nft;
mod uci;

use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::SocketAddr;

use ipnet::IpNet;

use super::args::FirewallPrint;
use crate::app::load::Options;
use crate::base::MacAddr;
use crate::device::Who;
use crate::listen::neighbor::around;
use crate::pipeline::Household;

/// Resolvers that anybody may ask, over any protocol.  Speakers are kept from
/// reaching them over HTTPS; over DNS and TLS they are kept from reaching any.
const PUBLIC: [&str; 24] = [
    // Google
    "8.8.8.8",
    "8.8.4.4",
    "2001:4860:4860::8888",
    "2001:4860:4860::8844",
    // Cloudflare
    "1.1.1.1",
    "1.0.0.1",
    "2606:4700:4700::1111",
    "2606:4700:4700::1001",
    // Quad9
    "9.9.9.9",
    "149.112.112.112",
    "2620:fe::fe",
    "2620:fe::9",
    // OpenDNS
    "208.67.222.222",
    "208.67.220.220",
    "2620:119:35::35",
    "2620:119:53::53",
    // AdGuard
    "94.140.14.14",
    "94.140.15.15",
    "2a10:50c0::ad1:ff",
    "2a10:50c0::ad2:ff",
    // AliDNS
    "223.5.5.5",
    "223.6.6.6",
    "2400:3200::1",
    "2400:3200:baba::1",
];

//----------- Rules ------------------------------------------------------------

/// What the rules are about.
struct Rules {
    /// The speakers.
    speakers: Vec<Speaker>,
    /// Where Sordino answers: whatever goes there is left alone.
    here: Vec<IpAddr>,
    /// Whether there is a DNS server on the gateway to which queries are brought;
    /// otherwise they are only rejected.
    redirect: bool,
}

/// A speaker, as a gateway sees it.
struct Speaker {
    /// Its name.
    name: String,
    /// Its MAC addresses.
    macs: Vec<MacAddr>,
    /// Its networks, if no MAC address is known.
    networks: Vec<IpNet>,
}

impl Rules {
    /// Returns the speakers' MAC addresses, with their names.
    fn macs(&self) -> impl Iterator<Item = (&str, MacAddr)> {
        self.speakers.iter().flat_map(|speaker| speaker.macs.iter().map(|mac| (&*speaker.name, *mac)))
    }

    /// Returns the speakers' networks, with their names.
    fn networks(&self) -> impl Iterator<Item = (&str, IpNet)> {
        self.speakers.iter().flat_map(|speaker| speaker.networks.iter().map(|net| (&*speaker.name, *net)))
    }

    /// Returns where Sordino answers, of one version of IP.
    fn here(&self, ipv4: bool) -> impl Iterator<Item = IpAddr> {
        self.here.iter().copied().filter(move |address| address.is_ipv4() == ipv4)
    }
}

/// Returns public resolvers with addresses of one family.
fn public(ipv4: bool) -> impl Iterator<Item = IpAddr> {
    PUBLIC.iter().filter_map(|text| text.parse::<IpAddr>().ok()).filter(move |addr| addr.is_ipv4() == ipv4)
}

/// Prints the rules.
pub fn print(options: &Options, ask: &FirewallPrint, out: &mut dyn Write) -> io::Result<u8> {
    let Some(loaded) = super::load(options, out)? else {
        return Ok(1);
    };
    let speakers = speakers(&loaded.house, options);
    if speakers.is_empty() {
        writeln!(io::stderr(), "no speaker is known: see `sordino devices`, and list them in the config")?;
        return Ok(1);
    }
    let rules = Rules { speakers, here: here(&loaded.config.listen.dns), redirect: !ask.reject };
    let text = if ask.kind.nft {
        nft::write(&rules)
    } else if ask.kind.iptables {
        iptables::write(&rules)
    } else {
        uci::write(&rules)
    };
    out.write_all(text.as_bytes())?;
    Ok(0)
}

/// Returns where Sordino listens and others reach it, as far as can be seen here.
fn here(listens: &[SocketAddr]) -> Vec<IpAddr> {
    let is_heard = |address: IpAddr| {
        let hears = |at: &SocketAddr| {
            at.ip() == address || at.ip().is_unspecified() && at.is_ipv4() == address.is_ipv4()
        };
        listens.iter().any(hears)
    };
    // What is on this link only does not come by way of a gateway.
    let passes = |address: &IpAddr| match address {
        IpAddr::V4(v4) => !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    };
    let around = around::look().unwrap_or_default();
    let own = around.reachable().into_iter().map(|own| own.address);
    own.filter(|address| passes(address) && is_heard(*address)).collect()
}

/// Returns the devices of a family: those that are listed, and those that signs
/// have decided about.
fn speakers(house: &Household, options: &Options) -> Vec<Speaker> {
    let mut speakers = Vec::new();
    for listing in house.devices.listings() {
        let family = house.devices.named(&listing.name, &house.catalog).and_then(|device| device.family);
        if family.is_none() {
            continue;
        }
        // A MAC address is stronger, and stays.
        let networks = if listing.macs.is_empty() { listing.networks.clone() } else { Vec::new() };
        speakers.push(Speaker { name: listing.name.to_string(), macs: listing.macs.clone(), networks });
    }
    let seen = options.recognizer.all();
    let mut recognized: Vec<_> = seen
        .iter()
        .filter(|(_, found)| found.decides)
        .filter_map(|(who, found)| match who {
            Who::Mac(mac) if who.lasts() => Some((*mac, found)),
            _ => None,
        })
        .filter(|(mac, _)| !speakers.iter().any(|speaker| speaker.macs.contains(mac)))
        .collect();
    recognized.sort_by_key(|(mac, _)| *mac);
    speakers.extend(recognized.into_iter().map(|(mac, found)| Speaker {
        name: found.family.to_string(),
        macs: vec![mac],
        networks: Vec::new(),
    }));
    speakers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two speakers: one with two MAC addresses, one known by its addresses.
    fn rules(redirect: bool) -> Rules {
        let kitchen = Speaker {
            name: "kitchen".to_owned(),
            macs: ["44:65:0d:12:34:56", "44:65:0d:12:34:57"].map(|mac| mac.parse().unwrap()).to_vec(),
            networks: Vec::new(),
        };
        let study = Speaker {
            name: "study".to_owned(),
            macs: Vec::new(),
            networks: ["192.0.2.0/28", "2001:db8::7/128"].map(|net| net.parse().unwrap()).to_vec(),
        };
        let here = ["192.168.178.2", "fd00::2"].map(|address| address.parse().unwrap()).to_vec();
        Rules { speakers: vec![kitchen, study], here, redirect }
    }

    #[test]
    fn every_public_resolver_is_an_address() {
        assert_eq!(public(true).count() + public(false).count(), PUBLIC.len());
    }

    #[test]
    fn every_syntax_holds_every_speaker_and_every_resolver() {
        for write in [nft::write, iptables::write, uci::write] {
            let text = write(&rules(true));
            let lower = text.to_ascii_lowercase();
            for (_, mac) in rules(true).macs() {
                assert!(lower.contains(&mac.to_string()), "{mac} is missing in\n{text}");
            }
            for net in ["192.0.2.0/28", "2001:db8::7"] {
                assert!(text.contains(net), "{net} is missing in\n{text}");
            }
            for resolver in PUBLIC {
                assert!(text.contains(resolver), "{resolver} is missing in\n{text}");
            }
            assert!(!text.to_ascii_lowercase().contains("drop"), "{text}");
        }
    }

    #[test]
    fn what_goes_to_sordino_comes_first_and_is_left_alone() {
        for (write, first, then) in [
            (nft::write as fn(&Rules) -> String, "daddr @here", " reject "),
            (iptables::write, "RETURN", "REJECT"),
        ] {
            for redirect in [true, false] {
                let text = write(&rules(redirect));
                for here in ["192.168.178.2", "fd00::2"] {
                    assert!(text.contains(here), "{here} is missing in\n{text}");
                }
                let at =
                    |word: &str| text.find(word).unwrap_or_else(|| panic!("{word} is missing in\n{text}"));
                assert!(at(first) < at(then) && (!redirect || at(first) < at("dport 53")), "{text}");
            }
            let nowhere = write(&Rules { here: Vec::new(), ..rules(true) });
            assert!(!nowhere.contains(first), "{nowhere}");
        }
    }

    #[test]
    fn openwrt_reads_every_option_as_it_is_written() {
        // What firewall4 and firewall3 take as a list; anything else is one value.
        let lists = |kind: &str| match kind {
            "redirect" => &["src_mac", "proto"][..],
            _ => &["src_mac", "src_ip", "dest_ip", "dest_port", "proto"],
        };
        let ones = ["name", "family", "src", "dest", "src_ip", "src_dport", "dest_port", "proto", "target"];
        let text = uci::write(&rules(true));
        let mut kinds = std::collections::HashMap::new();
        let mut set = std::collections::HashSet::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("uci ")) {
            let Some((what, value)) = line.split_once('=') else { continue };
            let (word, path) = what.split_once(' ').unwrap();
            let parts: Vec<_> = path.split('.').collect();
            match (word, &parts[..]) {
                ("set", ["firewall", section]) => assert_eq!(kinds.insert(*section, value), None, "{line}"),
                ("set", ["firewall", section, option]) => {
                    assert!(kinds.contains_key(section) && ones.contains(option), "{line}");
                    assert!(set.insert((*section, *option)), "twice: {line}");
                }
                ("add_list", ["firewall", section, option]) => {
                    assert!(lists(kinds[section]).contains(option), "{line}");
                }
                _ => panic!("{line}"),
            }
        }
        let redirects = kinds.values().filter(|kind| **kind == "redirect").count();
        assert_eq!(redirects, 3, "one for all MAC addresses, and one for each network");
    }

    #[test]
    fn without_a_server_on_the_gateway_nothing_is_redirected() {
        for write in [nft::write, iptables::write, uci::write] {
            let word = |text: &str| text.to_ascii_lowercase().contains("redirect");
            assert!(word(&write(&rules(true))));
            assert!(!word(&write(&rules(false))), "{}", write(&rules(false)));
        }
    }
}
