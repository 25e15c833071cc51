//! Hooks of DHCP servers on other machines, over HTTP.

use std::fs;
use std::process::Command;

use super::House;
use super::in_house;
use super::leases::behind_a_router;
use super::leases::dhcp_host;
use super::leases::lease_for;
use super::support::Program;
use super::support::Server;
use super::support::eventually;
use super::support::sordino;
use super::support::source;

/// The speaker, and whom to believe.
const CONFIG: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n\
                      [identify]\npush-token-file = \"push.token\"\n\
                      [web]\nlisten = \"192.168.178.2:8053\"\n";

/// A token, and who has it.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Starts Sordino with a token.
fn with_token(house: &House) -> Server {
    house.write("push.token", TOKEN);
    house.sordino(CONFIG)
}

/// Sends a request from the laptop; returns its status.
fn push(args: &[&str]) -> String {
    let line = ["netns", "exec", "laptop", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"];
    let done = Command::new("ip").args(line).args(args).output().unwrap();
    String::from_utf8(done.stdout).unwrap()
}

/// Says what comes of asking from behind a router for what the speaker may not have.
fn ask(house: &House) -> String {
    house.dig("guest", "@192.168.178.2 device-metrics-us.amazon.com").status
}

#[test]
fn who_has_the_token_tells_who_is_behind_a_router() {
    in_house("house::pushes::who_has_the_token_tells_who_is_behind_a_router", |house| {
        behind_a_router("10.9.0.7");
        let server = with_token(house);
        let url = "http://192.168.178.2:8053/api/v1/identity/10.9.0.7";
        let key = format!("Authorization: Bearer {TOKEN}");
        let body = "{\"mac\": \"44:65:0d:12:34:56\", \"name\": \"Echo Dot\", \"expires\": \"12h\"}";
        let kind = "Content-Type: application/json";
        let put = ["-X", "PUT", "-H", kind, "-d", body, url];
        assert_eq!(push(&put), "401");
        assert_eq!(push(&[&["-H", "Authorization: Bearer x"], &put[..]].concat()), "401");
        assert_eq!(push(&[&["-H", &key], &put[..1], &["POST"], &put[2..]].concat()), "405");
        assert_eq!(push(&["-H", &key, "-X", "PUT", "-d", body, url]), "415", "what a form can send");
        let large = "x".repeat(2000);
        assert_eq!(push(&["-H", &key, "-X", "PUT", "-H", kind, "-d", &large, url]), "413");
        assert_eq!(ask(house), "NOERROR", "nothing of it was heard");
        assert_eq!(push(&[&["-H", &key], &put[..]].concat()), "204");
        assert_eq!(ask(house), "NXDOMAIN", "at once");
        let shown = sordino(house, &["devices"]);
        assert!(shown.contains("pushed, for ") && shown.contains("called \"Echo Dot\""), "{shown}");
        assert_eq!(push(&["-H", &key, "-X", "DELETE", url]), "204");
        assert_eq!(ask(house), "NOERROR");
        assert_eq!(push(&["-H", &key, "-X", "DELETE", url]), "404");
        // A new token counts once it is saved.
        house.write("push.token", "another-token-altogether\n");
        eventually("the old one is nothing any more", || {
            (push(&["-H", &key, "-X", "DELETE", url]) == "401").then_some(())
        });
        // One that is no good is said where, and changes nothing.
        house.write("push.token", "short\n");
        eventually("it is said", || server.log().contains("a token has 16 to 256 characters").then_some(()));
        assert!(!server.log().contains(TOKEN), "{}", server.log());
        let key = "Authorization: Bearer another-token-altogether";
        assert_eq!(push(&["-H", key, "-X", "DELETE", url]), "404");
    });
}

#[test]
fn without_a_token_nobody_is_listened_to() {
    in_house("house::pushes::without_a_token_nobody_is_listened_to", |house| {
        let _server = house.sordino("[web]\nlisten = \"192.168.178.2:8053\"\n");
        let url = "http://192.168.178.2:8053/api/v1/identity/10.9.0.7";
        for key in ["Authorization: Bearer ", "Authorization: Bearer x"] {
            assert_eq!(push(&["-X", "DELETE", "-H", key, url]), "404");
        }
        assert_eq!(push(&["-X", "POST", "http://192.168.178.2:8053/healthz"]), "405");
    });
}

/// The hook, as a DHCP server in the box is told of it.
fn hook(house: &House) -> String {
    let conf = house.write("push.conf", &format!("URL=http://192.168.178.2:8053\nTOKEN={TOKEN}\n"));
    let script = source("deploy/dhcp/sordino-push");
    let text = format!(
        "#!/bin/sh\nexec env PATH=/usr/sbin:/usr/bin:/sbin:/bin SORDINO_PUSH_CONF={} {} \"$@\"\n",
        conf.display(),
        script.display()
    );
    let path = house.write("hook", &text);
    Command::new("chmod").arg("+x").arg(&path).status().unwrap();
    path.display().to_string()
}

/// The speaker gets an address of a DHCP server that has a hook: it is told of, with
/// its name, and once the lease is over it is not.
fn the_hook_tells(house: &House) {
    let Some(got) = lease_for(house, "echo", "192.168.178.101") else { return };
    let told = || fs::read_to_string(house.folder.join("pushed.jsonl")).unwrap_or_default();
    let line =
        eventually("it is told", || told().lines().find(|line| line.contains(&got)).map(str::to_owned));
    assert!(line.contains("44:65:0d:12:34:56"), "{line}");
    super::leases::give_back(house, &got, "echo");
    eventually("it is told that it is over", || (!told().contains(&got)).then_some(()));
}

#[test]
fn dnsmasq_calls_the_hook() {
    in_house("house::pushes::dnsmasq_calls_the_hook", |house| {
        dhcp_host();
        let _server = with_token(house);
        let args = format!(
            "--no-daemon --conf-file=/dev/null --no-hosts --no-resolv --port=0 --pid-file= --interface=eth0 \
             --dhcp-authoritative --no-ping --dhcp-range=192.168.178.100,192.168.178.120,1h --leasefile-ro \
             --dhcp-script={} --user=root",
            hook(house)
        );
        let Some(_running) = Program::start(house, "box", "dnsmasq", &args) else { return };
        the_hook_tells(house);
    });
}

#[test]
fn kea_calls_the_hook() {
    let libraries = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(Result::ok);
    let mut libraries = libraries.map(|folder| folder.path().join("kea/hooks/libdhcp_run_script.so"));
    let Some(library) = libraries.find(|path| path.exists()) else {
        eprintln!("skipped: Kea has no hook for scripts here (Debian: kea-common)");
        return;
    };
    in_house("house::pushes::kea_calls_the_hook", |house| {
        dhcp_host();
        let _server = with_token(house);
        let config = format!(
            r#"{{"Dhcp4": {{
                "interfaces-config": {{"interfaces": ["eth0"]}},
                "lease-database": {{"type": "memfile", "persist": false}},
                "valid-lifetime": 3600,
                "hooks-libraries": [{{
                    "library": "{}",
                    "parameters": {{"name": "{}", "sync": false}}
                }}],
                "subnet4": [{{
                    "subnet": "192.168.178.0/24",
                    "pools": [{{"pool": "192.168.178.100 - 192.168.178.120"}}]
                }}],
                "loggers": [{{"name": "kea-dhcp4", "severity": "ERROR"}}]
            }}}}"#,
            library.display(),
            hook(house)
        );
        let config = house.write("kea.json", &config);
        fs::create_dir_all("/run/kea").unwrap();
        let args = format!("-c {}", config.display());
        let Some(_running) = Program::start(house, "box", "kea-dhcp4", &args) else { return };
        the_hook_tells(house);
    });
}
