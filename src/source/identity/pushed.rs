//! What was pushed to us, over a restart: one line of JSON for each address.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use super::Told;
use super::name;
use crate::base::Diagnostic;
use crate::base::MacAddr;
use crate::device::Binding;
use crate::source;

/// The file, in the state folder.
const FILE: &str = "pushed.jsonl";

/// The largest such file, in octets.
const MAX_PUSHED: usize = 1 << 20;

/// A line.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The MAC address.
    mac: String,
    /// The address.
    address: IpAddr,
    /// What the device is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Until when it holds, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

/// Keeps what was pushed in a state folder.
pub fn save(state: &Path, bindings: &[Binding]) -> io::Result<()> {
    let mut text = String::new();
    for Binding { addr, mac, name, until, .. } in bindings {
        let name = name.as_deref().map(str::to_owned);
        let line = Line { mac: mac.to_string(), address: *addr, name, until: *until };
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    source::replace(&state.join(FILE), &text)
}

/// Reads what was kept in a state folder.
pub fn load(state: &Path) -> Result<Told, Diagnostic> {
    let path = state.join(FILE);
    if !path.exists() {
        return Ok(Told::default());
    }
    let shown = path.display().to_string();
    Ok(parse(&shown, &source::read_text(&path, &shown, MAX_PUSHED)?))
}

/// Reads the lines.
pub fn parse(file: &str, text: &str) -> Told {
    let mut told = Told::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        match read(line) {
            Ok(binding) => told.bindings.push(binding),
            Err(say) => told.doubt(|| Diagnostic::at(file, text, start, start + line.trim_end().len(), say)),
        }
        start += line.len();
    }
    told
}

/// Reads one line.
fn read(line: &str) -> Result<Binding, String> {
    let Line { mac, address, name, until } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    binding(&mac, address, name.as_deref(), until)
}

/// Makes a binding of what somebody pushes, or says what is wrong with it.
pub fn binding(
    mac: &str,
    address: IpAddr,
    called: Option<&str>,
    until: Option<i64>,
) -> Result<Binding, String> {
    let mac: MacAddr = mac.parse().map_err(|error| format!("`{mac}`: {error}"))?;
    if !mac.is_one_device() {
        return Err(format!("`{mac}` is not the MAC address of one device"));
    }
    if !super::is_somebody(address) {
        return Err(format!("no device has the address {address}"));
    }
    Ok(Binding { addr: address.to_canonical(), mac, name: called.and_then(name), guest: false, until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_saved_is_read_again() {
        let folder = std::env::temp_dir().join(format!("sordino-pushed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(load(&folder), Ok(Told::default()));
        let mac = "44:65:0d:12:34:56";
        let bindings = vec![
            binding(mac, "192.0.2.1".parse().unwrap(), Some("Küche \"1\""), Some(1_800_000_000)).unwrap(),
            binding(mac, "2001:db8::1".parse().unwrap(), None, None).unwrap(),
        ];
        save(&folder, &bindings).unwrap();
        assert_eq!(load(&folder), Ok(Told { bindings, ..Told::default() }));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (mac, address) in [
            ("44:65:0d", "192.0.2.1"),
            ("00:00:00:00:00:00", "192.0.2.1"),
            ("44:65:0d:12:34:56", "127.0.0.1"),
            ("44:65:0d:12:34:56", "ff02::1"),
        ] {
            assert!(binding(mac, address.parse().unwrap(), None, None).is_err(), "{mac} {address}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n){0,200}") {
            let _ = parse("pushed", &text);
        }
    }
}
