//! DHCP servers that are asked by their lease files, and by hooks.

use std::fs;
use std::process::Command;

use super::House;
use super::in_house;
use super::support::Program;
use super::support::Server;
use super::support::eventually;
use super::support::ip;
use super::support::source;

/// What only the speaker may not have.
const NAME: &str = "device-metrics-us.amazon.com";

/// The speaker.
const CONFIG: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n";

/// Says what comes of asking from a host.
fn ask(house: &House, host: &str) -> String {
    house.dig(host, &format!("@192.168.178.2 {NAME}")).status
}

/// Runs `sordino` with arguments, beside a server.
fn sordino(house: &House, server: &Server, args: &[&str]) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
        .args(args)
        .arg("--config")
        .arg(&server.config)
        .arg("--state-dir")
        .arg(&house.folder)
        .output()
        .unwrap();
    (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned())
}

/// Adds a router with a network behind it, in which the address `inner` is.
/// What comes from there cannot be seen by its MAC.
pub(super) fn behind_a_router(inner: &str) {
    ip("netns add guest");
    ip("link add eth1 netns laptop type veth peer name eth0 netns guest");
    ip("-n laptop addr add 10.9.0.1/24 dev eth1");
    ip("-n laptop link set eth1 up");
    ip(&format!("-n guest addr add {inner}/24 dev eth0"));
    ip("-n guest link set eth0 up");
    ip("-n guest route add default via 10.9.0.1");
    ip("netns exec laptop sysctl -qw net.ipv4.ip_forward=1");
    ip("route add 10.9.0.0/24 via 192.168.178.30");
}

#[test]
fn a_lease_tells_who_is_behind_a_router() {
    in_house("house::leases::a_lease_tells_who_is_behind_a_router", |house| {
        behind_a_router("10.9.0.7");
        let file = house.write("leases", "");
        let mut server = house.sordino(&format!("{CONFIG}[identify]\nleases = [\"leases\"]\n"));
        assert_eq!(ask(house, "guest"), "NOERROR");
        let lease = |mac: &str| format!("0 {mac} 10.9.0.7 echo *\n");
        fs::write(&file, lease("44:65:0d:12:34:56")).unwrap();
        eventually("the lease is read", || (ask(house, "guest") == "NXDOMAIN").then_some(()));
        fs::write(&file, "no lease at all\n").unwrap();
        eventually("it is said where", || {
            server.log().contains("leases:1:1: warning: not a time").then_some(())
        });
        assert_eq!(ask(house, "guest"), "NXDOMAIN", "the last good one holds");
        let (fine, text) = sordino(house, &server, &["devices"]);
        let line = text.lines().find(|line| line.contains("10.9.0.7")).unwrap_or_else(|| panic!("{text}"));
        assert!(fine && line.contains("lease, for ") && line.contains("called \"echo\""), "{text}");
        // Somebody else gets the address.
        fs::write(&file, lease("00:00:5e:00:53:77")).unwrap();
        eventually("the new lease is read", || (ask(house, "guest") == "NOERROR").then_some(()));
        assert_eq!(server.metric("sordino_identify_wait_seconds_count", &[]), 0);
        server.signal("TERM");
        assert!(server.wait().success());
    });
}

#[test]
fn what_a_device_calls_itself_is_a_sign() {
    let name = "house::leases::what_a_device_calls_itself_is_a_sign";
    in_house(name, |house| {
        let leases = "0 44:65:0d:12:34:56 192.168.178.20 amazon-0a1b2c *\n\
                      0 00:00:5e:00:53:30 192.168.178.30 amazon-laptop *\n";
        house.write("leases", leases);
        let server = house.sordino("[identify]\nleases = [\"leases\"]\n");
        eventually("the Echo is recognized", || {
            server.log().contains("a device that is not listed is recognized").then_some(())
        });
        assert_eq!(ask(house, "echo"), "NXDOMAIN", "with its first query");
        // A name alone only proposes.
        assert_eq!(ask(house, "laptop"), "NOERROR");
        // What was seen is written every few seconds.
        let text = eventually("it is shown", || {
            let (_, text) = sordino(house, &server, &["devices"]);
            text.contains("amazon-echo, 76 %: mac 44:65:0d").then_some(text)
        });
        assert!(text.contains("perhaps amazon-echo, 40 %: host amazon-"), "{text}");
    });
}

#[test]
fn a_router_tells_what_addresses_are_called() {
    in_house("house::leases::a_router_tells_what_addresses_are_called", |house| {
        dhcp_host();
        let args = "--no-daemon --conf-file=/dev/null --no-hosts --no-resolv --pid-file= \
                    --host-record=echo-kitchen.home.arpa,192.168.178.20";
        let Some(_running) = Program::start(house, "box", "dnsmasq", args) else { return };
        eventually("the router answers", || {
            house.dig("box", "@192.168.178.1 -x 192.168.178.20").shown.contains("echo-kitchen").then_some(())
        });
        house.dig("echo", "@192.168.178.1 -x 192.168.178.20");
        super::support::run(&[
            "ip",
            "neigh",
            "replace",
            "192.168.178.20",
            "lladdr",
            "44:65:0d:12:34:56",
            "dev",
            "house",
        ]);
        let server = house.sordino("[identify]\nnames-from = \"192.168.178.1\"\n");
        assert_eq!(ask(house, "echo"), "NOERROR", "a name is no sign");
        eventually("the name is shown", || {
            server.signal("HUP");
            let (_, text) = sordino(house, &server, &["devices"]);
            text.contains("called \"echo-kitchen.home.arpa\"").then_some(())
        });
        assert!(!server.log().contains("does not say"), "{}", server.log());
    });
}

#[test]
fn a_hook_tells_who_has_an_address() {
    in_house("house::leases::a_hook_tells_who_has_an_address", |house| {
        behind_a_router("10.9.0.7");
        let mut server = house.sordino(CONFIG);
        assert_eq!(ask(house, "guest"), "NOERROR");
        let add =
            ["identity", "add", "44:65:0d:12:34:56", "10.9.0.7", "--name", "Echo Dot", "--expires", "12h"];
        assert_eq!(sordino(house, &server, &add), (true, String::new()));
        assert_eq!(ask(house, "guest"), "NXDOMAIN", "at once");
        let (_, text) = sordino(house, &server, &["devices"]);
        assert!(text.contains("pushed, for ") && text.contains("called \"Echo Dot\""), "{text}");
        let (fine, say) = sordino(house, &server, &["identity", "add", "44:65:0d", "10.9.0.7"]);
        assert!(!fine && say.contains("not a MAC address"), "{say}");
        server.signal("TERM");
        assert!(server.wait().success());
        let (fine, say) = sordino(house, &server, &add);
        assert!(!fine && say.contains("no running Sordino"), "{say}");
        let server = house.sordino(CONFIG);
        assert_eq!(ask(house, "guest"), "NXDOMAIN", "after a restart");
        assert_eq!(sordino(house, &server, &["identity", "remove", "10.9.0.7"]), (true, String::new()));
        assert_eq!(ask(house, "guest"), "NOERROR");
        // On our own link the kernel knows better than any hook.
        let lie = ["identity", "add", "00:00:5e:00:53:99", "192.168.178.20"];
        assert_eq!(sordino(house, &server, &lie), (true, String::new()));
        assert_eq!(ask(house, "echo"), "NXDOMAIN");
    });
}

/// A host's DHCP client asks once; the host has the address it got from then on.
pub(super) fn lease_for(house: &House, host: &str, wish: &str) -> Option<String> {
    let script = house.write(
        "udhcpc.sh",
        "#!/bin/sh\n[ \"$1\" = bound ] || exit 0\nip -4 addr flush dev $interface\n\
         ip addr add $ip/24 dev $interface\necho $ip > \"$(dirname $0)/got\"\n",
    );
    Command::new("chmod").arg("+x").arg(&script).status().unwrap();
    let got = house.folder.join("got");
    let _ = fs::remove_file(&got);
    let args = format!("-i eth0 -q -n -f -t 5 -T 1 -r {wish} -s {}", script.display());
    let client = Program::start(house, host, "udhcpc", &args)?;
    let addr = eventually("a lease", || fs::read_to_string(&got).ok().filter(|text| text.ends_with('\n')));
    drop(client);
    Some(addr.trim().to_owned())
}

/// A host's DHCP client gives its address back.
pub(super) fn give_back(house: &House, addr: &str, host: &str) {
    let args = format!("-i eth0 -n -f -r {addr} -s /bin/true");
    let Some(client) = Program::start(house, host, "udhcpc", &args) else { return };
    let log = || fs::read_to_string(house.folder.join("udhcpc.log")).unwrap_or_default();
    eventually("a lease", || log().contains("obtained").then_some(()));
    client.signal("USR2");
    eventually("its release", || log().contains("entering released state").then_some(()));
}

/// The speaker gets an address, and another one later; and the laptop gets the
/// first.  Each has its own policy at every moment.
fn addresses_change_hands(house: &House, lease_file: &str) {
    let server = house.sordino(&format!("{CONFIG}[identify]\nleases = [\"{lease_file}\"]\n"));
    let Some(first) = lease_for(house, "echo", "192.168.178.101") else { return };
    assert_eq!(ask(house, "echo"), "NXDOMAIN", "{first}");
    give_back(house, &first, "echo");
    let Some(second) = lease_for(house, "echo", "192.168.178.102") else { return };
    assert_ne!(first, second);
    assert_eq!(ask(house, "echo"), "NXDOMAIN", "{second}");
    // The kernel believes a MAC for a second after it changed
    // (net.ipv4.neigh.*.locktime); a lease takes longer to change hands.
    super::support::pause(std::time::Duration::from_millis(1200));
    let Some(taken) = lease_for(house, "laptop", &first) else { return };
    assert_eq!(taken, first);
    assert_eq!(ask(house, "laptop"), "NOERROR", "who takes over an address does not inherit its policy");
    assert_eq!(ask(house, "echo"), "NXDOMAIN");
    eventually("the leases are read", || {
        let (_, text) = sordino(house, &server, &["devices", "--json"]);
        (text.contains(&first) && text.contains(&second)).then_some(())
    });
    // A server that has given no lease yet may have written no file.
    let odd = |line: &&str| line.contains("WARN") && !line.contains("there is no such file");
    assert_eq!(server.log().lines().find(odd), None);
}

/// Adds a host for a DHCP server.
pub(super) fn dhcp_host() {
    ip("netns add box");
    ip("link add to-box type veth peer name eth0 netns box address 00:00:5e:00:53:01");
    ip("link set to-box master house up");
    ip("-n box link set lo up");
    ip("-n box link set eth0 up");
    ip("-n box addr add 192.168.178.1/24 dev eth0");
}

#[test]
fn addresses_change_hands_under_dnsmasq() {
    in_house("house::leases::addresses_change_hands_under_dnsmasq", |house| {
        dhcp_host();
        let file = house.folder.join("dnsmasq.leases");
        let args = format!(
            "--no-daemon --conf-file=/dev/null --no-hosts --no-resolv --port=0 --pid-file= --interface=eth0 \
             --dhcp-authoritative --no-ping --dhcp-range=192.168.178.100,192.168.178.120,1h \
             --dhcp-option=option:dns-server,192.168.178.2 --dhcp-leasefile={}",
            file.display()
        );
        let Some(_running) = Program::start(house, "box", "dnsmasq", &args) else { return };
        addresses_change_hands(house, "dnsmasq.leases");
    });
}

#[test]
fn addresses_change_hands_under_kea() {
    in_house("house::leases::addresses_change_hands_under_kea", |house| {
        dhcp_host();
        let file = house.folder.join("kea.csv");
        let config = format!(
            r#"{{"Dhcp4": {{
                "interfaces-config": {{"interfaces": ["eth0"]}},
                "lease-database": {{"type": "memfile", "name": "{}", "lfc-interval": 0}},
                "valid-lifetime": 3600,
                "subnet4": [{{
                    "subnet": "192.168.178.0/24",
                    "pools": [{{"pool": "192.168.178.100 - 192.168.178.120"}}]
                }}],
                "loggers": [{{"name": "kea-dhcp4", "severity": "ERROR"}}]
            }}}}"#,
            file.display()
        );
        let config = house.write("kea.json", &config);
        fs::create_dir_all("/run/kea").unwrap();
        let args = format!("-c {}", config.display());
        let Some(_running) = Program::start(house, "box", "kea-dhcp4", &args) else { return };
        addresses_change_hands(house, "kea.csv");
    });
}

#[test]
fn addresses_change_hands_under_isc_dhcpd() {
    in_house("house::leases::addresses_change_hands_under_isc_dhcpd", |house| {
        dhcp_host();
        let file = house.write("dhcpd.leases", "");
        let config = "authoritative; default-lease-time 3600; ping-check false;\n\
                      subnet 192.168.178.0 netmask 255.255.255.0 { range 192.168.178.100 192.168.178.120; }\n";
        let config = house.write("dhcpd.conf", config);
        let args = format!("-f -4 -cf {} -lf {} --no-pid eth0", config.display(), file.display());
        let Some(_running) = Program::start(house, "box", "dhcpd", &args) else { return };
        addresses_change_hands(house, "dhcpd.leases");
    });
}

/// Has a program of others, made for real boxes, ask ours for its hosts.
fn fritzconnection_takes_it_for_one(house: &House) {
    let library = source("target/peers/python");
    if !library.join("fritzconnection").exists() {
        eprintln!("skipped: no `fritzconnection` in target/peers/python (PyPI)");
        return;
    }
    let script = house.write(
        "ask.py",
        "from fritzconnection.lib.fritzhosts import FritzHosts\n\
         box = FritzHosts(address='192.168.178.1', port=49000, user='sordino', password='geheim')\n\
         print(box.get_hosts_attributes())\n",
    );
    let ask = || {
        let mut python = Command::new("python3");
        let done = python.arg(&script).env("PYTHONPATH", &library).output().unwrap();
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        done.status.success().then_some(said)
    };
    // Until the box is there.
    let said = eventually("fritzconnection understands the box", ask);
    for part in ["'MACAddress': '44:65:0D:12:34:56'", "Echo Küche"] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
}

#[test]
fn a_fritz_box_tells_who_is_where_and_what_they_are_called() {
    in_house("house::leases::a_fritz_box_tells_who_is_where_and_what_they_are_called", |house| {
        behind_a_router("10.9.0.7");
        dhcp_host();
        let hosts = |active: u8| {
            let item = format!(
                "<Item><Index>1</Index><IPAddress>10.9.0.7</IPAddress><MACAddress>44:65:0D:12:34:56</MACAddress>\
                 <Active>{active}</Active><HostName>amazon-1</HostName><X_AVM-DE_Guest>1</X_AVM-DE_Guest>\
                 <X_AVM-DE_FriendlyName>Echo Küche</X_AVM-DE_FriendlyName></Item>"
            );
            house
                .write("hosts.xml", &format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><List>{item}</List>"))
        };
        let list = hosts(1);
        house.write("password", "geheim\n");
        let script = source("tests/house/fritzbox.py");
        let args = format!("{} 49000 sordino geheim {}", script.display(), list.display());
        let Some(_running) = Program::start(house, "box", "python3", &args) else { return };
        fritzconnection_takes_it_for_one(house);
        let fritzbox = "[identify.fritzbox]\naddress = \"192.168.178.1\"\nuser = \"sordino\"\n\
                        password-file = \"password\"\nevery = \"10s\"\n";
        let server = house.sordino(&format!("{CONFIG}{fritzbox}"));
        eventually("the box is asked", || {
            server.signal("HUP");
            (ask(house, "guest") == "NXDOMAIN").then_some(())
        });
        let (_, text) = sordino(house, &server, &["devices"]);
        assert!(
            text.contains("fritzbox, for ") && text.contains("called \"Echo Küche\", in the guest network"),
            "{text}"
        );
        // A box that is gone, or does not let us in, changes nothing.
        house.write("password", "falsch\n");
        server.signal("HUP");
        eventually("it is said", || {
            server.log().contains("it does not accept the user or the password").then_some(())
        });
        assert_eq!(ask(house, "guest"), "NXDOMAIN");
        assert!(!server.log().contains("geheim") && !server.log().contains("falsch"), "{}", server.log());
    });
}
