//! Queries under TLS and HTTPS, with the clients that people have: the same
//! verdicts, and what a client says of itself only ever adds blocks.

use std::process::Command;

use super::House;
use super::in_house;
use super::support::Server;
use super::support::eventually;
use super::support::ip;
use super::support::sordino;

/// A house that offers everything.
const CONFIG: &str = r#"
[listen]
dns = ["192.168.178.2", "fd00:178::2", "127.0.0.1"]
tls = ["192.168.178.2", "fd00:178::2"]
https = ["192.168.178.2", "fd00:178::2"]
name = "dns.home.example"
certificate = "dns.home.example.pem"
key = "dns.home.example.key"
nsid = "one"

[device.kitchen]
mac = "44:65:0d:12:34:56"

# Known by nothing but what it says.
[device.desk]
policy = "open"
"#;

const METRICS: &str = "device-metrics-us.amazon.com";
const VOICE: &str = "avs-alexa-14-eu.amazon.com";

/// Runs a program in one of the hosts and returns all that it says.
fn run(host: &str, program: &str, args: &str) -> String {
    let done = Command::new("ip")
        .args(["netns", "exec", host, program])
        .args(args.split_whitespace())
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

/// Makes a certificate, as a user would.
fn certify(house: &House) {
    let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
        .args([
            "cert",
            "dns.home.example",
            "--address",
            "192.168.178.2",
            "--address",
            "fd00:178::2",
            "--folder",
        ])
        .arg(&house.folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("tls = "), "{said}");
}

/// Starts a house that offers everything.
pub(super) fn start(house: &House) -> Server {
    certify(house);
    house.sordino(CONFIG)
}

/// Asks with kdig, which checks the certificate.
pub(super) fn kdig(house: &House, host: &str, way: &str, name: &str) -> String {
    let ca = house.folder.join("dns.home.example.ca.pem");
    run(host, "kdig", &format!("+tls-ca={} +timeout=8 +retry=0 {way} {name}", ca.display()))
}

#[test]
fn the_same_verdicts_come_over_tls_and_https() {
    in_house("house::encrypted::the_same_verdicts_come_over_tls_and_https", |house| {
        let server = start(house);
        for at in ["@192.168.178.2", "@fd00:178::2"] {
            for way in ["+tls", "+https", "+https-get"] {
                let way = format!("{at} +tls-host=dns.home.example {way}");
                for _ in 0..2 {
                    let echo = kdig(house, "echo", &way, METRICS);
                    assert!(echo.contains("status: NXDOMAIN"), "{way}: {echo}");
                    assert!(kdig(house, "echo", &way, VOICE).contains("203.0.113.20"), "{way}");
                    let laptop = kdig(house, "laptop", &way, METRICS);
                    assert!(laptop.contains("203.0.113.10"), "{way}: {laptop}");
                }
            }
        }
        for transport in ["dot", "doh"] {
            let label = format!("transport=\"{transport}\"");
            assert!(server.metric("sordino_responses_total", &[&label]) >= 12, "{}", server.metrics());
        }
    });
}

#[test]
fn an_answer_says_who_gave_it_and_its_length_says_little() {
    in_house("house::encrypted::an_answer_says_who_gave_it_and_its_length_says_little", |house| {
        let _server = start(house);
        for way in ["+tls", "+https"] {
            for name in [METRICS, VOICE] {
                let way = format!("@192.168.178.2 +tls-host=dns.home.example {way} +padding +nsid");
                let said = kdig(house, "echo", &way, name);
                // RFC 8467 section 4.1
                assert!(said.contains(";; Received 468 B"), "{said}");
                assert!(said.contains("NSID:") && said.contains("\"one\""), "{said}");
            }
        }
        let plain = house.dig("echo", &format!("@192.168.178.2 +nsid {METRICS}"));
        assert!(plain.shown.contains("(\"one\")"), "{}", plain.shown);
        let unasked = house.dig("echo", &format!("@192.168.178.2 {METRICS}"));
        assert!(!unasked.shown.contains("NSID"), "{}", unasked.shown);
    });
}

#[test]
fn a_browser_finds_its_way() {
    in_house("house::encrypted::a_browser_finds_its_way", |house| {
        let _server = start(house);
        let ca = house.folder.join("dns.home.example.ca.pem");
        let ca = ca.display();
        // There is no web server; that curl tries the right address is enough.
        let curl = |doh: &str| {
            let args = format!(
                "-sv -m 5 --connect-timeout 1 --cacert {ca} --doh-url {doh} http://plain.innocent.com/"
            );
            run("laptop", "curl", &args)
        };
        let said = curl("https://192.168.178.2/dns-query");
        assert!(said.contains("203.0.113.40"), "{said}");
        assert!(!curl("https://192.168.178.2/elsewhere").contains("203.0.113.40"));
        // A GET may be kept for as long as the answer holds (RFC 8484 section 5.1).
        let get = |protocol: &str, path: &str| {
            run(
                "laptop",
                "curl",
                &format!("-s -i -m 5 --{protocol} --cacert {ca} https://192.168.178.2{path}"),
            )
        };
        let query = "AAABAAABAAAAAAAABXBsYWluCGlubm9jZW50A2NvbQAAAQAB";
        for protocol in ["http2", "http1.1"] {
            let said = get(protocol, &format!("/dns-query?dns={query}"));
            assert!(said.contains("application/dns-message"), "{said}");
            let age = said.split("max-age=").nth(1).and_then(|rest| rest.lines().next()).unwrap();
            assert!((1..=300).contains(&age.trim().parse::<u32>().unwrap()), "{said}");
            assert!(get(protocol, "/").contains(" 404"));
            assert!(get(protocol, "/dns-query").contains(" 400"));
            assert!(get(protocol, "/dns-query?dns=%").contains(" 400"));
            assert!(get(protocol, "/dns-query?dns=AAAA").contains(" 400"));
            assert!(get(protocol, "/dns-query -d x -H content-type:text/plain").contains(" 415"));
            assert!(get(protocol, "/dns-query -X DELETE").contains(" 405"));
        }
    });
}

#[test]
fn a_claim_adds_blocks_and_takes_none_away() {
    in_house("house::encrypted::a_claim_adds_blocks_and_takes_none_away", |house| {
        let server = start(house);
        let blocked = |said: String| said.contains("status: NXDOMAIN");
        let claims = |device: &str| {
            [
                format!("@192.168.178.2 +tls +tls-host={device}.dns.home.example"),
                format!("@192.168.178.2 +tls-host=dns.home.example +https=/dns-query/{device}"),
            ]
        };
        for way in claims("Kitchen") {
            assert!(blocked(kdig(house, "laptop", &way, METRICS)), "what the kitchen may not, {way}");
            assert!(!blocked(kdig(house, "laptop", &way, VOICE)), "{way}");
        }
        for way in claims("desk").into_iter().chain(claims("nobody")) {
            assert!(blocked(kdig(house, "echo", &way, METRICS)), "the Echo is known by its MAC, {way}");
            assert!(!blocked(kdig(house, "laptop", &way, METRICS)), "{way}");
        }
        let info = server.metrics();
        assert!(
            info.lines().any(|line| line.contains("device=\"desk\"") && line.contains("\"claim\"")),
            "{info}"
        );
    });
}

#[test]
fn clients_are_told_of_what_is_offered_and_of_nothing_else() {
    in_house("house::encrypted::clients_are_told_of_what_is_offered_and_of_nothing_else", |house| {
        let server = start(house);
        let asked = house.dig("laptop", "@192.168.178.2 _dns.resolver.arpa SVCB +nsid");
        assert_eq!(asked.records.len(), 2, "{}", asked.shown);
        for part in [
            "alpn=\"dot\" port=853",
            "alpn=\"h2,http/1.1\" port=443",
            "192.168.178.2",
            "fd00:178::2",
            "dns-query{?dns}",
        ] {
            assert!(asked.records.iter().any(|record| record.contains(part)), "{part}: {}", asked.shown);
        }
        assert!(asked.shown.contains("NSID: 6f 6e 65"), "{}", asked.shown);
        let own = house.dig("laptop", "@192.168.178.2 kitchen.dns.home.example A");
        assert_eq!(own.records, ["A 192.168.178.2"], "{}", own.shown);
        let said = sordino(house, &["explain", "kitchen.dns.home.example"]);
        assert!(said.contains("origin    local") && said.contains("answer    192.168.178.2"), "{said}");
        drop(server);
        let _plain = house.sordino("");
        let asked = house.dig("laptop", "@192.168.178.2 _dns.resolver.arpa SVCB");
        assert_eq!((asked.status.as_str(), asked.records.len()), ("NOERROR", 0), "{}", asked.shown);
    });
}

#[test]
fn an_address_that_comes_later_is_told_too() {
    in_house("house::encrypted::an_address_that_comes_later_is_told_too", |house| {
        certify(house);
        let everywhere = "tls = [\"0.0.0.0\", \"[::]\"]";
        let _server =
            house.sordino(&CONFIG.replace("tls = [\"192.168.178.2\", \"fd00:178::2\"]", everywhere));
        let told = || house.dig("laptop", "@192.168.178.2 dns.home.example AAAA").records;
        assert!(!told().iter().any(|record| record.ends_with("fd00:178::9")));
        ip("addr add fd00:178::9/64 dev house nodad");
        eventually("the new address", || {
            told().iter().any(|record| record.ends_with("fd00:178::9")).then_some(())
        });
    });
}

#[test]
fn a_new_certificate_is_taken_up_and_a_bad_one_is_not() {
    in_house("house::encrypted::a_new_certificate_is_taken_up_and_a_bad_one_is_not", |house| {
        let server = start(house);
        let way = "@192.168.178.2 +tls +tls-host=dns.home.example";
        let works = || kdig(house, "laptop", way, VOICE).contains("203.0.113.20");
        let pin = || {
            let said = run("laptop", "kdig", &format!("-d {way} {VOICE}"));
            said.lines().find(|line| line.contains("SHA-256 PIN")).map(str::to_owned).unwrap_or(said)
        };
        let (first, key) = (pin(), house.folder.join("dns.home.example.key"));
        let good = std::fs::read_to_string(&key).unwrap();
        house.write("dns.home.example.key", "no key\n");
        eventually("the refusal", || server.log().contains("reload refused").then_some(()));
        assert!(server.log().contains("config.toml:7:"), "{}", server.log());
        assert!(works() && pin() == first, "the old one stays in effect");
        house.write("dns.home.example.key", &good);
        certify(house);
        eventually("the new certificate", || (pin() != first).then_some(()));
        assert!(works());
    });
}
