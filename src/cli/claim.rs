//! `sordino claim`: how to answer in place of resolvers that speakers have built
//! in, without a firewall.
//!
//! The router sends what goes to 8.8.8.8 to this machine, which has that address
//! too, and Sordino answers from it.  No address is translated on the way, so
//! the asker's own stays, and its MAC with it.  Nothing is applied: what is
//! printed is for the household to do.

use std::fmt;
use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::SocketAddr;

use crate::app::load::Loaded;
use crate::app::load::Options;
use crate::base::diagnostic::there_are;
use crate::listen::neighbor::around;
use crate::listen::neighbor::around::Around;
use crate::listen::neighbor::around::Own;

/// Says how to claim addresses, or why not to.
pub fn claim(options: &Options, claimed: &[IpAddr], out: &mut dyn Write) -> io::Result<u8> {
    let Some(loaded) = super::load(options, out)? else {
        return Ok(1);
    };
    let mut wrong = Vec::new();
    for address in claimed {
        wrong.extend(refused(*address).map(|why| format!("{address}: {why}")));
        wrong.extend(asked_by_us(&loaded, *address).map(|why| format!("{address}: {why}")));
        wrong.extend(unheard(&loaded, *address).map(|why| format!("{address}: {why}")));
    }
    if !wrong.is_empty() {
        for wrong in wrong {
            writeln!(out, "{wrong}")?;
        }
        return Ok(1);
    }
    // What can't be seen is said to be missing.
    let around = around::look().unwrap_or_default();
    let hosts = [true, false].map(|ipv4| Host::of(&around, &loaded.config.listen.dns, claimed, ipv4));
    on_this_machine(claimed, out)?;
    on_the_router(claimed, &hosts, out)?;
    writeln!(out, "#\n# 3. Try it from another machine:")?;
    for address in claimed {
        writeln!(out, "#        dig @{address} localhost")?;
    }
    writeln!(out, "#\n# All devices of the house get Sordino at these addresses then, and this machine")?;
    writeln!(out, "# itself, too.  To undo it, take the routes away first.")?;
    Ok(0)
}

/// Returns an address as a network of one.
fn prefixed(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

/// Says how to have the addresses.
fn on_this_machine(claimed: &[IpAddr], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# 1. On this machine, as root.  Sordino listens there at once.")?;
    for address in claimed {
        writeln!(out, "ip address add {} dev lo", prefixed(*address))?;
    }
    // A unit, since who sets up networks is another one on every system.
    writeln!(out, "#    To keep that over a restart: into /etc/systemd/system/sordino-claim.service")?;
    writeln!(out, "#        [Service]\n#        Type=oneshot")?;
    for address in claimed {
        writeln!(out, "#        ExecStart=ip address replace {} dev lo", prefixed(*address))?;
    }
    writeln!(out, "#        [Install]\n#        WantedBy=multi-user.target")?;
    writeln!(out, "#    and then: systemctl enable sordino-claim")?;
    Ok(())
}

/// Says how to have what goes to them come here.
fn on_the_router(claimed: &[IpAddr], [v4, v6]: &[Host; 2], out: &mut dyn Write) -> io::Result<()> {
    let host = |address: &IpAddr| if address.is_ipv4() { v4 } else { v6 };
    writeln!(out, "#\n# 2. On the router: routes to this machine.")?;
    for (host, ipv4) in [(v4, true), (v6, false)] {
        let doubt = host.doubt(ipv4).filter(|_| claimed.iter().any(|address| address.is_ipv4() == ipv4));
        doubt.map_or(Ok(()), |doubt| writeln!(out, "#    {doubt}"))?;
    }
    writeln!(out, "#    FRITZ!Box: Heimnetz > Netzwerk > Netzwerkeinstellungen > Statische Routingtabelle")?;
    for address in claimed {
        let (version, mask) = if address.is_ipv4() { ("IPv4", "255.255.255.255") } else { ("IPv6", "128") };
        writeln!(out, "#        {version}: {address}, {mask}, gateway {}", host(address))?;
    }
    writeln!(out, "#    OpenWrt:")?;
    for address in claimed {
        let section = if address.is_ipv4() { "route" } else { "route6" };
        let target = prefixed(*address);
        writeln!(
            out,
            "#        uci add network {section}; uci set network.@{section}[-1].interface=lan; \
             uci set network.@{section}[-1].target={target}; uci set network.@{section}[-1].gateway={}",
            host(address)
        )?;
    }
    writeln!(out, "#        uci commit network; service network reload")?;
    writeln!(out, "#    Others:")?;
    for address in claimed {
        writeln!(out, "#        ip route add {} via {}", prefixed(*address), host(address))?;
    }
    Ok(())
}

//----------- Host -------------------------------------------------------------

/// The address of this machine, of one family, that a router is to send to: the only
/// one there is, or else those that may be.
#[derive(Debug)]
struct Host(Vec<Own>);

impl Host {
    /// Finds it: one that Sordino listens on by name, towards the routers, in the
    /// house, and there to stay; each as far as there is such a one.
    fn of(around: &Around, listens: &[SocketAddr], claimed: &[IpAddr], ipv4: bool) -> Self {
        let is_reachable = |own: &Own| {
            let local = match own.address {
                IpAddr::V4(v4) => v4.is_link_local(),
                IpAddr::V6(v6) => v6.is_unicast_link_local(),
            };
            !local && !claimed.contains(&own.address)
        };
        let mut own = around.reachable();
        own.retain(|own| own.address.is_ipv4() == ipv4 && is_reachable(own));
        let better: [&dyn Fn(&Own) -> bool; 4] = [
            &|own| listens.iter().any(|at| at.ip() == own.address),
            &|own| around.outward.contains(&own.link),
            &|own| is_inside(own.address),
            &|own| own.permanent,
        ];
        for better in better {
            if own.iter().any(better) {
                own.retain(better);
            }
        }
        Self(own)
    }

    /// Says what the household has to find out about it.
    fn doubt(&self, ipv4: bool) -> Option<String> {
        let version = if ipv4 { "IPv4" } else { "IPv6" };
        match &*self.0 {
            [one] if one.permanent => None,
            [one] => {
                Some(format!("{} was lent to this machine: it has to get the same one always.", one.address))
            }
            [] => Some(format!("{self} is its {version} address in the router's network; it has none yet.")),
            some => {
                let all: Vec<_> = some.iter().map(|own| own.address.to_string()).collect();
                Some(format!(
                    "{self} is its {version} address in the router's network: one of {}.",
                    all.join(", ")
                ))
            }
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            [one] => one.address.fmt(f),
            _ => f.write_str("HOST"),
        }
    }
}

/// Returns whether an address is one of the house.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Says why nobody should claim an address, whatever the config says.
fn refused(address: IpAddr) -> Option<&'static str> {
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        Some("no resolver has that address")
    } else if is_inside(address) {
        Some("an address of the house; claim those of public resolvers, like 8.8.8.8")
    } else {
        None
    }
}

/// Says for what Sordino itself asks an address: it would ask itself.
fn asked_by_us(loaded: &Loaded, address: IpAddr) -> Option<String> {
    let settings = &loaded.config.resolve;
    let has = |servers: &[SocketAddr]| servers.iter().any(|server| server.ip() == address);
    if settings.forward_to.iter().any(|server| server.address().ip() == address) {
        return Some("it is in `forward-to`, and Sordino would ask itself".to_owned());
    }
    let zones = settings.zones.iter().chain(&settings.stubs);
    let asked = zones.filter(|(_, servers)| has(servers)).map(|(zone, _)| zone.to_string());
    let asked: Vec<_> = asked.collect();
    (!asked.is_empty()).then(|| {
        format!(
            "it is a server of a zone, and Sordino would ask itself{}",
            there_are(asked.iter().map(String::as_str))
        )
    })
}

/// Says why Sordino would not hear what comes for an address.
fn unheard(loaded: &Loaded, address: IpAddr) -> Option<String> {
    let hears = |at: &SocketAddr| {
        at.port() == 53
            && at.is_ipv4() == address.is_ipv4()
            && (at.ip() == address || at.ip().is_unspecified())
    };
    if loaded.config.listen.dns.iter().any(hears) {
        return None;
    }
    let anywhere = if address.is_ipv4() { "0.0.0.0" } else { "::" };
    Some(format!("Sordino does not listen there; put \"{anywhere}\" or it into `dns` of [listen]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claims an address in a house with this config.
    fn claim_in(config: &str, address: &str) -> (u8, String) {
        let path = std::env::temp_dir().join(format!("sordino-claim-{}-{address}.toml", std::process::id()));
        std::fs::write(&path, config).unwrap();
        let options = Options { config: Some(path.clone()), ..Options::default() };
        let mut out = Vec::new();
        let code = claim(&options, &[address.parse().unwrap()], &mut out).unwrap();
        std::fs::remove_file(path).unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_router_is_told_the_address_that_stays_in_its_network_or_which_there_are() {
        let own = |(address, link, permanent): (&str, u32, bool)| Own {
            address: address.parse().unwrap(),
            link,
            permanent,
        };
        let around = Around {
            outward: vec![2],
            own: [
                ("127.0.0.1", 1, true),
                ("8.8.8.8", 1, true),
                ("192.168.178.2", 2, false),
                ("172.17.0.1", 3, true),
                ("fe80::1", 2, true),
                ("2001:db8::2", 2, false),
                ("fd00::2", 2, false),
                ("fd00::7777", 2, false),
            ]
            .map(own)
            .to_vec(),
            ..Around::default()
        };
        let host = |listens: &[&str], ipv4| {
            let listens: Vec<_> = listens.iter().map(|at| at.parse().unwrap()).collect();
            let host = Host::of(&around, &listens, &["8.8.8.8".parse().unwrap()], ipv4);
            (host.to_string(), host.doubt(ipv4).unwrap_or_default())
        };
        let (v4, doubt) = host(&["0.0.0.0:53"], true);
        assert!(v4 == "192.168.178.2" && doubt.contains("the same one always"), "{v4}: {doubt}");
        assert_eq!(host(&["172.17.0.1:53"], true), ("172.17.0.1".to_owned(), String::new()));
        let (v6, doubt) = host(&[], false);
        assert!(v6 == "HOST" && doubt.contains("IPv6") && doubt.ends_with("one of fd00::2, fd00::7777."));
        assert_eq!(host(&["[fd00::2]:53"], false).0, "fd00::2");
        let nowhere = Host::of(&Around::default(), &[], &[], true);
        assert!(nowhere.doubt(true).unwrap().contains("it has none yet"));
    }

    #[test]
    fn what_we_ask_ourselves_or_do_not_hear_is_not_claimed() {
        let forward = "[resolve]\nmode = \"forward\"\nforward-to = [\"8.8.8.8\"]\n";
        let narrow = "[listen]\ndns = [\"127.0.0.1\"]\n";
        for (config, address, say) in [
            (forward, "8.8.8.8", "Sordino would ask itself"),
            ("[resolve.zone]\n\"a.example\" = \"8.8.4.4\"\n", "8.8.4.4", "there are: a.example"),
            (narrow, "8.8.8.8", "put \"0.0.0.0\""),
            (narrow, "2001:4860:4860::8888", "put \"::\""),
            ("", "192.168.178.1", "an address of the house"),
            ("", "127.0.0.1", "no resolver has that address"),
        ] {
            let (code, shown) = claim_in(config, address);
            assert!(code == 1 && shown.contains(say), "{address}: {shown}");
        }
        let (code, shown) = claim_in(forward, "8.8.4.4");
        assert!(code == 0 && shown.contains("ip address add 8.8.4.4/32 dev lo"), "{shown}");
        let (code, shown) = claim_in("", "2001:4860:4860::8844");
        assert!(code == 0 && shown.contains("2001:4860:4860::8844/128"), "{shown}");
    }
}
