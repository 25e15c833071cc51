//! The leases of Kea, memfile: `/var/lib/kea/kea-leases4.csv` and
//! `kea-leases6.csv`.
//!
//! The first line names the columns, which grow with each version.  The file is
//! appended to: the last line about an address is right, and one with a lifetime
//! of 0 or another state than 0 (assigned) ends a lease.  While old lines are
//! cleaned up, some of them stand in files beside it; see `leases`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Told;
use super::is_somebody;
use super::mac_in_duid;
use super::name;
use super::octets;
use crate::base::Diagnostic;
use crate::base::MacAddr;
use crate::device::Binding;

/// Returns whether a text begins as a file of Kea does.
pub fn fits(text: &str) -> bool {
    text.lines().next().is_some_and(|line| {
        line.split(',').any(|column| column == "address")
            && line.split(',').any(|column| column == "valid_lifetime")
    })
}

/// Where the columns are.
struct Columns {
    address: usize,
    hwaddr: Option<usize>,
    duid: Option<usize>,
    lifetime: usize,
    expire: usize,
    hostname: Option<usize>,
    state: Option<usize>,
    prefix: Option<usize>,
}

impl Columns {
    /// Reads the first line.
    fn read(line: &str) -> Option<Self> {
        let names: Vec<&str> = line.split(',').map(str::trim).collect();
        let find = |name: &str| names.iter().position(|column| *column == name);
        Some(Self {
            address: find("address")?,
            hwaddr: find("hwaddr"),
            duid: find("duid"),
            lifetime: find("valid_lifetime")?,
            expire: find("expire")?,
            hostname: find("hostname"),
            state: find("state"),
            prefix: find("lease_type"),
        })
    }
}

/// Reads all leases.
pub fn parse(file: &str, text: &str) -> Told {
    let mut told = Told::default();
    let mut leases: BTreeMap<IpAddr, Option<Binding>> = BTreeMap::new();
    let mut start = 0;
    let mut columns = None;
    for whole in text.split_inclusive('\n') {
        let at = start;
        start += whole.len();
        // A line without an end is being written.
        let Some(line) = whole.strip_suffix('\n').map(|line| line.trim_end_matches('\r')) else { break };
        let Some(columns) = &columns else {
            columns = Columns::read(line);
            if columns.is_none() {
                let say = "not the columns of a lease file of Kea: address, valid_lifetime, expire, …";
                told.doubt(|| Diagnostic::at(file, text, at, at + line.len(), say));
                return told;
            }
            continue;
        };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match lease(line, columns) {
            Ok((addr, binding)) => {
                leases.insert(addr, binding);
            }
            Err((column, say)) => told.doubt(|| {
                let before: usize = line.split(',').take(column).map(|field| field.len() + 1).sum();
                let width = line.split(',').nth(column).map_or(1, str::len);
                let at = at + before.min(line.len());
                Diagnostic::at(file, text, at, at + width, say)
            }),
        }
    }
    told.bindings = leases.into_values().flatten().collect();
    told
}

/// Reads one line: which address it is about, and who has it; nobody if the lease
/// has ended.  Otherwise says which column is wrong, and how.
fn lease(line: &str, columns: &Columns) -> Result<(IpAddr, Option<Binding>), (usize, &'static str)> {
    let fields: Vec<&str> = line.split(',').collect();
    let field =
        |column: usize| fields.get(column).copied().ok_or((fields.len(), "there are columns missing"));
    let optional = |column: Option<usize>| column.and_then(|column| fields.get(column).copied());
    let addr: IpAddr = field(columns.address)?.parse().map_err(|_| (columns.address, "not an address"))?;
    let number = |column: usize| field(column)?.parse::<u64>().map_err(|_| (column, "not a number"));
    let (lifetime, expire) = (number(columns.lifetime)?, number(columns.expire)?);
    let state = optional(columns.state).unwrap_or("0");
    // A prefix that was delegated (2) is no address of a client.
    if lifetime == 0 || state != "0" || optional(columns.prefix) == Some("2") || !is_somebody(addr) {
        return Ok((addr, None));
    }
    let hardware = optional(columns.hwaddr).filter(|text| !text.is_empty());
    let mac = match (hardware, columns.hwaddr) {
        (Some(text), Some(column)) if text.len() == 17 => {
            let mac: MacAddr = text.parse().map_err(|_| (column, "not a MAC address"))?;
            mac.is_one_device().then_some(mac)
        }
        _ => optional(columns.duid).and_then(octets).and_then(|duid| mac_in_duid(&duid)),
    };
    // 0xffffffff seconds is for ever (RFC 2131 section 3.3).
    let until = if lifetime == u64::from(u32::MAX) { None } else { i64::try_from(expire).ok() };
    let host = optional(columns.hostname).unwrap_or_default().replace("&#x2c", ",");
    let host = name(host.trim_end_matches('.'));
    Ok((addr, mac.map(|mac| Binding { addr, mac, name: host, guest: false, until })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As Kea 2.2 writes it.
    const V4: &str = "\
address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context
192.168.178.20,44:65:0d:12:34:56,01:44:65:0d:12:34:56,3600,1800003600,1,0,0,echo.,0,
192.168.178.21,00:00:5e:00:53:30,,3600,1800003600,1,0,0,old,0,
192.168.178.22,00:00:5e:00:53:31,,3600,1800003600,1,0,0,gone,0,
192.168.178.21,00:00:5e:00:53:32,,3600,1800007200,1,0,0,a&#x2cb,0,{ \"x\": 1&#x2c \"y\": 2 }
192.168.178.22,00:00:5e:00:53:31,,0,1800003600,1,0,0,gone,0,
192.168.178.23,00:00:5e:00:53:33,,3600,1800003600,1,0,0,declined,1,
192.168.178.24,00:00:5e:00:53:34,,4294967295,1800003600,1,0,0,,0,
192.168.178.25,00:00:5e:00:53";

    fn shown(told: &Told) -> Vec<String> {
        let show =
            |b: &Binding| format!("{} {} {} {:?}", b.addr, b.mac, b.name.as_deref().unwrap_or("-"), b.until);
        told.bindings.iter().map(show).collect()
    }

    #[test]
    fn the_last_line_about_an_address_is_right() {
        assert!(fits(V4) && !fits("1800003600 44:65:0d:12:34:56 192.168.178.20 echo *\n"));
        let told = parse("leases", V4);
        assert_eq!(
            shown(&told),
            [
                "192.168.178.20 44:65:0d:12:34:56 echo Some(1800003600)",
                "192.168.178.21 00:00:5e:00:53:32 a,b Some(1800007200)",
                "192.168.178.24 00:00:5e:00:53:34 - None",
            ]
        );
        assert_eq!(told.doubt, None);
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "pool_id,hostname,state,expire,valid_lifetime,lease_type,hwaddr,duid,address\n\
                    1,echo,0,1800003600,60,0,,00:03:00:01:44:65:0d:12:34:56,fd00:178::20\n\
                    1,part,0,1800003600,60,2,,00:03:00:01:44:65:0d:12:34:56,fd00:179::\n";
        let shown = shown(&parse("leases", text));
        assert_eq!(shown, ["fd00:178::20 44:65:0d:12:34:56 echo Some(1800003600)"]);
        let told = parse("leases", "address,hwaddr\n");
        assert!(told.doubt.unwrap().to_string().starts_with("leases:1:1: warning: not the columns"));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_column() {
        let head = "address,hwaddr,valid_lifetime,expire\n";
        for (line, say) in [
            ("192.168.178.20,44:65:0d:12:34:5g,60,1800003600\n", "leases:2:16: warning: not a MAC address"),
            ("192.168.178.20,44:65:0d:12:34:56,x,1800003600\n", "leases:2:34: warning: not a number"),
            ("192.168.178,44:65:0d:12:34:56,60,1800003600\n", "leases:2:1: warning: not an address"),
            ("192.168.178.20,44:65:0d:12:34:56\n", "leases:2:33: warning: there are columns missing"),
        ] {
            let doubt = parse("leases", &format!("{head}{line}")).doubt.unwrap().to_string();
            assert!(doubt.starts_with(say), "{doubt}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n|,){0,200}") {
            let _ = parse("leases", &text);
            let _ = parse("leases", &format!("address,hwaddr,valid_lifetime,expire\n{text}\n"));
        }
    }
}
