//! A certificate authority for one house: makes the certificate for encrypted
//! queries, where nobody has one.
//!
//! What the authority may vouch for is written into it: one name, those below
//! it, and addresses of private networks.  Whoever gets hold of its key can play
//! this resolver and nobody else.

use std::fmt;
use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CidrSubnet;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::GeneralSubtree;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::NameConstraints;
use rcgen::SanType;
use rcgen::date_time_ymd;

use crate::base::Domain;
use crate::base::Now;

/// How long a certificate holds: what the pickiest systems take from a private
/// authority (Apple, 825 days), less a while to think of it.
const CERTIFICATE: Duration = Duration::from_hours(24 * 730);

/// How long the authority holds.
const AUTHORITY: Duration = Duration::from_hours(24 * 3_650);

/// By how much clocks of clients may be slow.
const SLOW: Duration = Duration::from_hours(24);

/// The addresses it may vouch for: those that nobody on the Internet has.
const PRIVATE: [&str; 8] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
];

/// What was made, and where it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Made {
    /// The authority's certificate, for clients to trust.
    pub authority: PathBuf,
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Whether the authority was there already.
    pub known: bool,
}

/// Makes a certificate for a name, those of devices below it, and addresses, in
/// a folder; and the authority that vouches for it, unless that is there.
pub fn make(name: &Domain, addresses: &[IpAddr], folder: &Path, now: Now) -> Result<Made, AuthorityError> {
    let name = name.to_string();
    let name = name.trim_end_matches('.');
    let private: Vec<IpNet> = PRIVATE.iter().filter_map(|network| network.parse().ok()).collect();
    if let Some(public) = addresses.iter().find(|address| !private.iter().any(|net| net.contains(*address))) {
        return Err(AuthorityError::Public(*public));
    }
    let file = |end: &str| folder.join(format!("{name}.{end}"));
    let made = Made {
        authority: file("ca.pem"),
        certificate: file("pem"),
        key: file("key"),
        known: file("ca.key").exists(),
    };
    let authority_key =
        if made.known { KeyPair::from_pem(&read(&file("ca.key"))?)? } else { KeyPair::generate()? };
    let params = authority(name, &private, now);
    if !made.known {
        write(&file("ca.key"), &authority_key.serialize_pem(), SECRET)?;
        write(&made.authority, &params.self_signed(&authority_key)?.pem(), OPEN)?;
    }
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate()?;
    let certificate = certificate(name, addresses, now)?.signed_by(&key, &issuer)?;
    write(&made.key, &key.serialize_pem(), SECRET)?;
    write(&made.certificate, &certificate.pem(), OPEN)?;
    Ok(made)
}

/// Describes the authority.  Its name says what it is for, to people who find it
/// among those they trust.
fn authority(name: &str, private: &[IpNet], now: Now) -> CertificateParams {
    let mut params = dated(AUTHORITY, now);
    params.distinguished_name.push(DnType::CommonName, format!("Sordino at {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let networks = private.iter().map(|network| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(network.addr(), network.prefix_len()))
    });
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: [GeneralSubtree::DnsName(name.to_owned())].into_iter().chain(networks).collect(),
        excluded_subtrees: Vec::new(),
    });
    params
}

/// Describes the certificate.
fn certificate(name: &str, addresses: &[IpAddr], now: Now) -> Result<CertificateParams, rcgen::Error> {
    let mut params = dated(CERTIFICATE, now);
    params.distinguished_name.push(DnType::CommonName, name);
    for text in [name.to_owned(), format!("*.{name}")] {
        params.subject_alt_names.push(SanType::DnsName(text.try_into()?));
    }
    params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Returns a description that holds from now on for some time.
fn dated(time: Duration, now: Now) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.unix.try_into().unwrap_or(0));
    params.not_before = now - SLOW;
    params.not_after = now + time;
    params
}

/// The mode of a file that only its owner may read.
const SECRET: u32 = 0o600;

/// The mode of a file that everybody may read.
const OPEN: u32 = 0o644;

/// Reads a file.
fn read(path: &Path) -> Result<String, AuthorityError> {
    fs::read_to_string(path).map_err(|error| AuthorityError::File(path.to_owned(), error))
}

/// Writes a file, whole or not at all.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), AuthorityError> {
    let failed = |error| AuthorityError::File(path.to_owned(), error);
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}

/// Why there is no certificate.
#[derive(Debug)]
pub enum AuthorityError {
    /// A file could not be read or written.
    File(PathBuf, io::Error),
    /// This address belongs to the Internet, and the authority vouches for a house.
    Public(IpAddr),
    /// Keys or certificates could not be made.
    Making(rcgen::Error),
}

impl From<rcgen::Error> for AuthorityError {
    fn from(error: rcgen::Error) -> Self {
        Self::Making(error)
    }
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Public(address) => write!(f, "{address} is no address of a private network"),
            Self::Making(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AuthorityError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::base::time::ManualClock;
    use crate::listen::tls::Tls;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_authority_stays_the_certificate_is_new_and_keys_are_secret() {
        let folder = std::env::temp_dir().join(format!("sordino-authority-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let now = ManualClock::at(1_800_000_000).now();
        let make =
            || make(&"dns.home.example".parse().unwrap(), &["192.168.178.2".parse().unwrap()], &folder, now);
        let first = make().unwrap();
        let text = |path: &Path| fs::read_to_string(path).unwrap();
        let (authority, certificate) = (text(&first.authority), text(&first.certificate));
        Tls::new(&certificate, &text(&first.key)).unwrap();
        let second = make().unwrap();
        assert!(!first.known && second.known);
        assert_eq!(text(&second.authority), authority);
        assert_ne!(text(&second.certificate), certificate);
        for secret in [second.key, folder.join("dns.home.example.ca.key")] {
            assert_eq!(fs::metadata(secret).unwrap().permissions().mode() & 0o777, SECRET);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn it_vouches_for_no_address_of_the_internet() {
        let now = ManualClock::at(0).now();
        let error = make(&"a.example".parse().unwrap(), &["192.0.2.1".parse().unwrap()], Path::new("/"), now);
        assert!(matches!(error, Err(AuthorityError::Public(_))));
    }
}
