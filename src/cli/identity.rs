//! `sordino identity`: tells a running Sordino who has an address.
//!
//! Made for hooks of DHCP servers: `dhcp-script` of dnsmasq, `run_script` of Kea,
//! `on commit` of ISC dhcpd.

use std::io;
use std::io::Write;

use super::args::Identity;
use crate::app::control;
use crate::app::control::Request;
use crate::app::control::Response;
use crate::app::load::Options;
use crate::base::Clock;
use crate::base::time::SystemClock;
use crate::source::identity::pushed;

/// Tells it.
pub fn identity(options: &Options, command: Identity, out: &mut dyn Write) -> io::Result<u8> {
    let request = match command {
        Identity::Add { mac, address, name, expires } => {
            let now = SystemClock::new(options.clock_offset).now();
            let until = match expires.as_deref().map(|text| pushed::until(text, now)).transpose() {
                Ok(until) => until,
                Err(say) => {
                    writeln!(out, "{say}")?;
                    return Ok(1);
                }
            };
            Request::IdentityAdd { mac, address, name, until }
        }
        Identity::Remove { address } => Request::IdentityRemove { address },
    };
    let say = match control::call(options, &request) {
        Ok(Response::Error(say)) => say,
        Ok(_) => return Ok(0),
        Err(error) => error.to_string(),
    };
    writeln!(out, "{say}")?;
    Ok(1)
}
