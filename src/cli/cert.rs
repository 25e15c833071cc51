//! `sordino cert`: a certificate for encrypted queries, and what to do with it.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use super::args::Cert;
use crate::app::authority;
use crate::app::load::Options;
use crate::app::offer;
use crate::base::Clock;
use crate::base::time::SystemClock;

/// Makes a certificate and says how it is used.
pub fn cert(options: &Options, args: &Cert, out: &mut dyn Write) -> io::Result<u8> {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    let addresses = if args.address.is_empty() { offer::own_addresses() } else { args.address.clone() };
    let now = SystemClock::new(options.clock_offset).now();
    let made = match authority::make(&args.name, &addresses, &folder, now) {
        Ok(made) => made,
        Err(error) => {
            writeln!(out, "no certificate was made: {error}")?;
            return Ok(1);
        }
    };
    let name = args.name.to_string();
    let name = name.trim_end_matches('.');
    let shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    writeln!(out, "{}", made.certificate.display())?;
    writeln!(out, "  holds two years, for {name}, *.{name} and {}", shown.join(", "))?;
    writeln!(out, "{}", made.key.display())?;
    writeln!(out, "  its key; whoever runs Sordino must be able to read it")?;
    writeln!(out, "{}", made.authority.display())?;
    let authority = if made.known { "the authority, as before" } else { "a new authority" };
    writeln!(out, "  {authority}; it can vouch for {name} and private addresses only\n")?;
    writeln!(out, "In the config:\n")?;
    writeln!(out, "  [listen]\n  tls = [\"0.0.0.0\", \"[::]\"]\n  https = [\"0.0.0.0\", \"[::]\"]")?;
    writeln!(out, "  name = \"{name}\"")?;
    writeln!(out, "  certificate = \"{}\"", made.certificate.display())?;
    writeln!(out, "  key = \"{}\"\n", made.key.display())?;
    writeln!(out, "On each client, trust {}:\n", made.authority.display())?;
    writeln!(
        out,
        "  Debian     copy it to /usr/local/share/ca-certificates/{name}.crt, then update-ca-certificates"
    )?;
    writeln!(out, "  Windows    certutil -addstore Root {}", made.authority.display())?;
    writeln!(out, "  macOS, iOS open it, then trust it in the settings")?;
    writeln!(
        out,
        "  Android    Settings, Security, install a certificate; Private DNS only takes public ones\n"
    )?;
    writeln!(out, "Try it:\n")?;
    let ca = made.authority.display();
    writeln!(out, "  kdig @SERVER +tls-ca={ca} +tls-host={name} example.com")?;
    writeln!(out, "  curl --cacert {ca} --doh-url https://{name}/dns-query https://example.com")?;
    Ok(0)
}
