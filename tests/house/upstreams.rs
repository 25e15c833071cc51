//! Asking other resolvers behind TLS and HTTPS, with the servers that people
//! have: unbound and dnsdist.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::House;
use super::in_house;
use super::support::Answer;
use super::support::delv;
use super::support::eventually;
use super::support::peer;

/// A program of others; ends with the value.
struct Running(Child);

impl Running {
    /// Starts it.
    fn start(house: &House, program: &str, args: &[&str]) -> Self {
        let quiet = || Stdio::null();
        Self(
            Command::new(peer(house, program).unwrap())
                .args(args)
                .stdout(quiet())
                .stderr(quiet())
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes an authority, and a certificate for `dns.example` that it has signed.
pub(super) fn certificates(folder: &Path) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, folder.display().to_string());
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = rcgen::CertifiedIssuer::self_signed(authority, key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["dns.example".to_owned()]).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    for (name, pem) in
        [("ca.pem", authority.pem()), ("cert.pem", server.pem()), ("key.pem", key.serialize_pem())]
    {
        fs::write(folder.join(name), pem).unwrap();
    }
}

/// Starts a resolver of the house's Internet: in the clear at 127.0.0.2 and .3,
/// over TLS at 127.0.0.2.
fn unbound(house: &House) -> Running {
    let (zones, folder) = (house.zones.display(), house.folder.display());
    let config = format!(
        "server:
  interface: 127.0.0.2
  interface: 127.0.0.2@853
  tls-service-key: \"{folder}/key.pem\"
  tls-service-pem: \"{folder}/cert.pem\"
  root-hints: \"{zones}/root.hints\"
  trust-anchor-file: \"{zones}/root.key\"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  username: \"\"
  chroot: \"\"
  directory: \"{folder}\"
  pidfile: \"\"
  use-syslog: no
  do-ip6: no
remote-control:
  control-enable: no
"
    );
    let config = house.write("unbound.conf", &config);
    let running = Running::start(house, "unbound", &["-d", "-c", config.to_str().unwrap()]);
    answers("127.0.0.2");
    running
}

/// Starts a proxy in front of it that speaks HTTPS at 127.0.0.3.
fn dnsdist(house: &House) -> Running {
    let folder = house.folder.display();
    let config = format!(
        "setLocal('127.0.0.3:53')
newServer('127.0.0.2:53')
addDOHLocal('127.0.0.3:443', '{folder}/cert.pem', '{folder}/key.pem', '/dns-query')
setSecurityPollSuffix('')
"
    );
    let config = house.write("dnsdist.conf", &config);
    let running = Running::start(
        house,
        "dnsdist",
        &["--supervised", "--disable-syslog", "-C", config.to_str().unwrap()],
    );
    answers("127.0.0.3");
    running
}

/// Waits until a server answers.
fn answers(address: &str) {
    eventually("a server answers", || {
        let answer = Answer::ask("resolver", &format!("+time=1 @{address} www.signed.org"));
        (answer.status == "NOERROR").then_some(())
    });
}

/// Returns a config that asks these servers.
fn forward_to(servers: &str) -> String {
    format!("[resolve]\nmode = \"forward\"\nforward-ca-file = \"ca.pem\"\nforward-to = [{servers}]\n")
}

/// Fails unless answers are fine, and came by this transport alone.
fn assert_asked_over(house: &House, servers: &str, transport: &str) {
    let server = house.sordino(&forward_to(servers));
    let signed = house.dig("laptop", "@192.168.178.2 +dnssec www.signed.org");
    signed.assert_resolved();
    assert!(signed.flag("ad"), "{}", signed.shown);
    for nth in 0..20 {
        house.dig("laptop", &format!("@192.168.178.2 load-{}.amazon.com", nth + 1)).assert_resolved();
    }
    let bogus = house.dig("laptop", "@192.168.178.2 www.bogus.org");
    assert_eq!(bogus.status, "SERVFAIL", "{}", bogus.shown);
    for other in ["udp", "tcp", "dot", "doh"] {
        let label = format!("transport=\"{other}\"");
        let count = server.metric("sordino_upstream_packets_total", &[&label]);
        assert_eq!(count > 0, other == transport, "{other}: {count}");
    }
}

#[test]
fn answers_come_over_tls_from_unbound_and_https_from_dnsdist() {
    in_house("house::upstreams::answers_come_over_tls_from_unbound_and_https_from_dnsdist", |house| {
        if peer(house, "unbound").is_none() {
            return;
        }
        certificates(&house.folder);
        let _unbound = unbound(house);
        assert_asked_over(house, "\"tls://dns.example@127.0.0.2\"", "dot");
        // Whoever has another name in his certificate learns nothing.
        {
            let server = house.sordino(&forward_to("\"tls://other.example@127.0.0.2\""));
            let refused = house.dig("laptop", "@192.168.178.2 www.signed.org");
            assert_eq!(refused.status, "SERVFAIL", "{}", refused.shown);
            let error = refused.error.unwrap_or_default();
            assert!(error.contains("certificate not valid for name"), "{error}");
            assert_eq!(server.metric("sordino_upstream_packets_total", &["result=\"answer\""]), 0);
        }
        if peer(house, "dnsdist").is_some() {
            let _dnsdist = dnsdist(house);
            assert_asked_over(house, "\"https://dns.example/dns-query@127.0.0.3\"", "doh");
        }
    });
}

#[test]
fn what_others_bring_is_checked_like_what_we_find() {
    in_house("house::upstreams::what_others_bring_is_checked_like_what_we_find", |house| {
        if peer(house, "unbound").is_none() {
            return;
        }
        certificates(&house.folder);
        let _unbound = unbound(house);
        let server = house.sordino(&forward_to("\"127.0.0.2\""));
        // Cold, and then from the cache.
        for _ in 0..2 {
            for name in ["www.signed.org", "alias.signed.org", "x.wild.signed.org"] {
                let signed = house.dig("laptop", &format!("@192.168.178.2 +dnssec {name}"));
                signed.assert_resolved();
                assert!(signed.flag("ad") && signed.shown.contains("RRSIG"), "{}", signed.shown);
            }
            for (name, status) in [("none.signed.org A", "NXDOMAIN"), ("www.signed.org MX", "NOERROR")] {
                let negative = house.dig("laptop", &format!("@192.168.178.2 +dnssec {name}"));
                assert_eq!(negative.status, status, "{}", negative.shown);
                assert!(negative.flag("ad") && negative.records.is_empty(), "{}", negative.shown);
            }
            for name in ["api.amazon.com", "avs-alexa-14-eu.amazon.com"] {
                let unsigned = house.dig("laptop", &format!("@192.168.178.2 +dnssec {name}"));
                unsigned.assert_resolved();
                assert!(!unsigned.flag("ad"), "{}", unsigned.shown);
            }
            let bogus = house.dig("laptop", "@192.168.178.2 www.bogus.org");
            assert_eq!(bogus.status, "SERVFAIL", "{}", bogus.shown);
            assert!(bogus.error.unwrap_or_default().starts_with("9 (DNSKEY Missing)"), "{}", bogus.shown);
            house.dig("laptop", "@192.168.178.2 +cd www.bogus.org").assert_resolved();
        }
        let said = delv(house, &["www.signed.org", "A"]);
        assert!(said.contains("; fully validated"), "{said}");
        assert!(server.metric("sordino_dnssec_total", &["result=\"secure\""]) > 0);
        assert!(server.metric("sordino_dnssec_total", &["result=\"bogus\""]) > 0);
    });
}

#[test]
fn connections_survive_the_other_side() {
    in_house("house::upstreams::connections_survive_the_other_side", |house| {
        if peer(house, "unbound").is_none() {
            return;
        }
        certificates(&house.folder);
        let unbound = unbound(house);
        let _server = house.sordino(&forward_to("\"tls://dns.example@127.0.0.2\""));
        house.dig("laptop", "@192.168.178.2 load-1.amazon.com").assert_resolved();
        drop(unbound);
        let gone = house.dig("laptop", "@192.168.178.2 load-2.amazon.com");
        assert_eq!(gone.status, "SERVFAIL", "{}", gone.shown);
        let _unbound = self::unbound(house);
        eventually("an answer", || {
            let answer = house.dig("laptop", "@192.168.178.2 load-3.amazon.com");
            (answer.status == "NOERROR").then_some(())
        });
        house.dig("laptop", "@192.168.178.2 load-4.amazon.com").assert_resolved();
    });
}

#[test]
fn who_says_http_500_or_nothing_at_all_is_passed_over() {
    let name = "house::upstreams::who_says_http_500_or_nothing_at_all_is_passed_over";
    in_house(name, |house| {
        if peer(house, "unbound").is_none() || peer(house, "dnsdist").is_none() {
            return;
        }
        certificates(&house.folder);
        let _unbound = unbound(house);
        let folder = house.folder.display();
        let config = format!(
            "setLocal('127.0.0.3:53')
newServer('127.0.0.2:53')
addDOHLocal('127.0.0.3:443', '{folder}/cert.pem', '{folder}/key.pem', '/dns-query')
getDOHFrontend(0):setResponsesMap({{newDOHResponseMapEntry('^/dns-query$', 500, 'no')}})
setSecurityPollSuffix('')
"
        );
        let config = house.write("dnsdist.conf", &config);
        let _dnsdist = Running::start(
            house,
            "dnsdist",
            &["--supervised", "--disable-syslog", "-C", config.to_str().unwrap()],
        );
        answers("127.0.0.3");
        // The kernel takes connections, and nobody speaks on them.
        let half_open = ["127.0.0.6:853", "127.0.0.6:443"].map(|at| TcpListener::bind(at).unwrap());
        let failing = "\"https://dns.example/dns-query@127.0.0.3\", \"tls://dns.example@127.0.0.6\", \
                       \"https://dns.example/dns-query@127.0.0.6\"";
        for choice in ["strict", "parallel"] {
            let servers = forward_to(&format!("{failing}, \"127.0.0.2\""));
            let server = house.sordino(&format!("{servers}forward-choice = \"{choice}\"\n"));
            for nth in 1..=10 {
                house.dig("laptop", &format!("@192.168.178.2 load-{nth}.amazon.com")).assert_resolved();
            }
            let labels = ["transport=\"doh\"", "result=\"answer\""];
            assert_eq!(server.metric("sordino_upstream_packets_total", &labels), 0, "{}", server.metrics());
        }
        // Where nobody is left, it is said why.
        for (servers, why) in [
            ("\"https://dns.example/dns-query@127.0.0.3\"", "HTTP 500"),
            ("\"tls://dns.example@127.0.0.6\"", "no name server answered in time"),
        ] {
            let _server = house.sordino(&forward_to(servers));
            let refused = house.dig("laptop", "@192.168.178.2 load-11.amazon.com");
            assert_eq!(refused.status, "SERVFAIL", "{}", refused.shown);
            let error = refused.error.unwrap_or_default();
            assert!(error.contains(why), "{error}");
        }
        drop(half_open);
    });
}

/// What a server made of those who came: of each why there was no handshake, or none.
type Handshakes = Arc<Mutex<Vec<Option<String>>>>;

/// Starts a server that is no more than its certificate, from a folder.
fn with_certificate(folder: &Path, address: &str) -> Handshakes {
    let certificate = CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"dot".to_vec(), b"h2".to_vec()];
    let (config, seen, listener) =
        (Arc::new(config), Handshakes::default(), TcpListener::bind(address).unwrap());
    let handshakes = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let refused = connection.complete_io(&mut stream.unwrap()).err();
            seen.lock().unwrap().push(refused.map(|error| error.to_string()));
        }
    });
    handshakes
}

#[test]
fn the_log_says_once_that_a_certificate_is_wrong_and_nothing_is_asked_there() {
    let name = "house::upstreams::the_log_says_once_that_a_certificate_is_wrong_and_nothing_is_asked_there";
    in_house(name, |house| {
        // The name is right where the authority is not ours.
        let strangers = house.folder.join("strangers");
        fs::create_dir(&strangers).unwrap();
        certificates(&house.folder);
        certificates(&strangers);
        let servers = [
            ("127.0.0.4:853", "tls://other.example@127.0.0.4", &house.folder, "not valid for name"),
            (
                "127.0.0.4:443",
                "https://other.example/dns-query@127.0.0.4",
                &house.folder,
                "not valid for name",
            ),
            ("127.0.0.5:853", "tls://dns.example@127.0.0.5", &strangers, "UnknownIssuer"),
            ("127.0.0.5:443", "https://dns.example/dns-query@127.0.0.5", &strangers, "UnknownIssuer"),
        ];
        let seen = servers.map(|(address, _, folder, _)| with_certificate(folder, address));
        let urls = servers.map(|(_, url, _, _)| format!("{url:?}"));
        let server = house.sordino(&forward_to(&urls.join(", ")));
        let mut asked = 0;
        eventually("everybody was tried after it had been said", || {
            asked += 1;
            let refused = house.dig("laptop", &format!("@192.168.178.2 load-{asked}.amazon.com"));
            assert_eq!(refused.status, "SERVFAIL", "{}", refused.shown);
            seen.iter().all(|seen| seen.lock().unwrap().len() > 4).then_some(())
        });
        let log = server.log();
        for ((address, _, _, why), seen) in servers.iter().zip(seen) {
            let is_said = |line: &&str| line.contains("is no help") && line.contains(address);
            let said: Vec<_> = log.lines().filter(is_said).collect();
            assert_eq!(said.len(), 1, "{address}: {log}");
            assert!(said[0].contains("certificate") && said[0].contains(why), "{}", said[0]);
            let seen = seen.lock().unwrap();
            assert!(seen.iter().all(Option::is_some), "{address} was believed: {seen:?}");
        }
        assert_eq!(server.metric("sordino_upstream_packets_total", &["result=\"answer\""]), 0);
    });
}
