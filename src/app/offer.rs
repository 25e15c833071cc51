//! What is offered besides plain DNS: from the config, its files and the addresses
//! of this machine to what listeners and resolver need of it.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use nix::ifaddrs::getifaddrs;

use crate::base::Diagnostic;
use crate::config::Config;
use crate::config::Listen;
use crate::listen::offer::Offer;
use crate::listen::tls::Tls;
use crate::resolve::Designated;
use crate::resolve::File;

/// Makes the offer of the config and the files it names.
pub(super) fn offer(
    config: &Config,
    certificate: Option<&File>,
    key: Option<&File>,
) -> Result<Offer, Diagnostic> {
    let listen = &config.listen;
    let tls = match (certificate, key, &listen.certificate) {
        (Some(certificate), Some(key), Some(written)) => {
            let tls = Tls::new(&certificate.text, &key.text);
            Some(tls.map_err(|error| config.text.fault(&written.span, error.to_string()))?)
        }
        _ => None,
    };
    let nsid = Arc::from(listen.nsid.as_deref().unwrap_or_default().as_bytes());
    Ok(Offer { tls, name: listen.name.clone(), nsid })
}

/// Returns what clients are told of it (RFC 9462); nothing without a name, or if
/// nothing encrypted is offered.
pub(super) fn designated(listen: &Listen) -> Option<Designated> {
    let is_encrypted = !listen.tls.is_empty() || !listen.https.is_empty();
    let name = listen.name.clone().filter(|_| is_encrypted)?;
    let port = |addresses: &[SocketAddr]| addresses.first().map(SocketAddr::port);
    let bound = listen.tls.iter().chain(&listen.https).map(SocketAddr::ip);
    let own = own_addresses();
    let mut addresses: Vec<IpAddr> = bound
        .flat_map(|bound| {
            let is_meant = |own: &&IpAddr| {
                if bound.is_unspecified() { own.is_ipv4() == bound.is_ipv4() } else { **own == bound }
            };
            own.iter().filter(is_meant).copied().collect::<Vec<_>>()
        })
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    Some(Designated { name, addresses, dot: port(&listen.tls), doh: port(&listen.https) })
}

/// Returns the addresses of this machine that others can reach.
pub fn own_addresses() -> Vec<IpAddr> {
    let all = getifaddrs().into_iter().flatten().filter_map(|interface| {
        let address = interface.address?;
        let v4 = || address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let v6 = || address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
        v4().or_else(v6)
    });
    let is_reachable = |address: &IpAddr| match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    };
    all.filter(is_reachable).collect()
}
