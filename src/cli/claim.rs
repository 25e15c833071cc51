//! `sordino claim`: how to answer in place of resolvers that speakers have built
//! in, without a firewall.
//!
//! The router sends what goes to 8.8.8.8 to this machine, which has that address
//! too, and Sordino answers from it.  No address is translated on the way, so
//! the asker's own stays, and its MAC with it.  Nothing is applied: what is
//! printed is for the household to do.

use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::SocketAddr;

use crate::app::load::Loaded;
use crate::app::load::Options;
use crate::base::diagnostic::there_are;

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
    let prefixed = |address: &IpAddr| format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 });
    writeln!(out, "# 1. On this machine, as root.  Sordino listens there at once.")?;
    for address in claimed {
        writeln!(out, "ip address add {} dev lo", prefixed(address))?;
    }
    writeln!(out, "#    To keep that over a restart, with systemd-networkd: into the file")?;
    writeln!(out, "#    /etc/systemd/network/10-sordino-claim.network")?;
    writeln!(out, "#        [Match]\n#        Name=lo\n#        [Network]")?;
    for address in claimed {
        writeln!(out, "#        Address={}", prefixed(address))?;
    }
    writeln!(out, "#\n# 2. On the router: routes to this machine, whose address is HOST.")?;
    writeln!(out, "#    FRITZ!Box: Heimnetz > Netzwerk > Netzwerkeinstellungen > Statische Routingtabelle")?;
    for address in claimed {
        let (version, mask) = if address.is_ipv4() { ("IPv4", "255.255.255.255") } else { ("IPv6", "128") };
        writeln!(out, "#        {version}: {address}, {mask}, gateway HOST")?;
    }
    writeln!(out, "#    OpenWrt:")?;
    for address in claimed {
        let section = if address.is_ipv4() { "route" } else { "route6" };
        let target = prefixed(address);
        writeln!(
            out,
            "#        uci add network {section}; uci set network.@{section}[-1].interface=lan; \
             uci set network.@{section}[-1].target={target}; uci set network.@{section}[-1].gateway=HOST"
        )?;
    }
    writeln!(out, "#        uci commit network; service network reload")?;
    writeln!(out, "#    Others:")?;
    for address in claimed {
        writeln!(out, "#        ip route add {} via HOST", prefixed(address))?;
    }
    writeln!(out, "#\n# 3. Try it from another machine:")?;
    for address in claimed {
        writeln!(out, "#        dig @{address} localhost")?;
    }
    writeln!(out, "#\n# All devices of the house get Sordino at these addresses then, and this machine")?;
    writeln!(out, "# itself, too.  To undo it, take the routes away first.")?;
    Ok(0)
}

/// Says why nobody should claim an address, whatever the config says.
fn refused(address: IpAddr) -> Option<&'static str> {
    let inside = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        Some("no resolver has that address")
    } else if inside {
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
