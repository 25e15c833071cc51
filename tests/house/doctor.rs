//! `sordino doctor` beside a server, without one, and behind a router that asks us.

use std::process::Command;

use super::House;
use super::in_house;
use super::support::Program;
use super::support::eventually;
use super::support::ip;
use super::support::sordino;

/// Runs `doctor`, and returns how it exits and what it says, each check on a line.
fn doctor(house: &House) -> (i32, String) {
    doctor_with(house, &[])
}

/// The same with more on the command line.
fn doctor_with(house: &House, more: &[&str]) -> (i32, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
        .args(["doctor", "--config"])
        .arg(house.folder.join("config.toml"))
        .arg("--state-dir")
        .arg(&house.folder)
        .args(more)
        .output()
        .unwrap();
    (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap())
}

/// Fails unless there is such a check, with this in what it says.
fn assert_says(shown: &str, check: &str, says: &str) {
    let found = shown.lines().any(|line| line.starts_with(check) && line.contains(says));
    assert!(found, "{check} … {says} is missing in\n{shown}");
}

#[test]
fn a_house_in_order_is_well_with_a_server_and_without() {
    in_house("house::doctor::a_house_in_order_is_well_with_a_server_and_without", |house| {
        {
            let _server = house.sordino("");
            let (code, shown) = doctor(house);
            assert_says(&shown, "ok       config", "is fine");
            assert_says(&shown, "ok       port", "Sordino answers on 192.168.178.2:53");
            assert_says(&shown, "ok       resolve", "the root zone was found");
            assert_says(&shown, "skipped  network", "no device had asked");
            assert_says(&shown, "ok       clock", "plausible");
            assert_eq!(code, 0, "{shown}");
            let json = sordino(house, &["doctor", "--json"]);
            assert!(json.contains("\"check\": \"port\"") && json.contains("\"outcome\": \"ok\""), "{json}");
        }
        let house_config = std::fs::read_to_string(house.folder.join("config.toml")).unwrap();
        let (code, shown) = doctor(house);
        assert_says(&shown, "ok       port", "192.168.178.2:53 is free; Sordino does not run");
        assert_says(&shown, "ok       resolve", "the root zone was found");
        assert_says(&shown, "skipped  network", "only a running Sordino");
        assert_eq!(code, 0, "{shown}");
        // One that does not let this machine ask is no other server.
        {
            let shut = "[listen]\ndns = [\"192.168.178.2\"]\nallow = [\"192.168.178.20\"]\n";
            let _server = house.sordino(shut);
            let (code, shown) = doctor(house);
            assert_says(&shown, "warning  port", "192.168.178.2:53 answers nobody on this machine");
            assert_says(&shown, "ok       resolve", "the root zone was found");
            assert_says(&shown, "skipped  network", "no device had asked");
            assert_eq!(code, 0, "{shown}");
        }
        house.write("config.toml", &house_config);
        // A clock that is two months ahead looks plausible, but for what is signed.
        let (code, shown) = doctor_with(house, &["--clock-offset=5184000"]);
        assert_says(&shown, "wrong    resolve", "by this machine's clock the root's signatures");
        assert_eq!(code, 1, "{shown}");
        let (_, shown) = doctor_with(house, &["--clock-offset=-100000000"]);
        assert_says(&shown, "wrong    clock", "before that of this program");
        // Where a name server of the house's Internet listens.
        house.write("config.toml", "[listen]\ndns = [\"198.41.0.4\"]\n");
        let (code, shown) = doctor(house);
        assert_says(&shown, "wrong    port", "another DNS server answers on 198.41.0.4:53");
        assert_eq!(code, 1, "{shown}");
        house.write("config.toml", "[listen]\nport = 5\n");
        let (code, shown) = doctor(house);
        assert_says(&shown, "wrong    config", "`port`");
        assert_eq!(code, 1, "{shown}");
    });
}

#[test]
fn a_router_that_asks_us_is_found_and_so_is_a_loop() {
    in_house("house::doctor::a_router_that_asks_us_is_found_and_so_is_a_loop", |house| {
        ip("netns add router");
        ip("link add to-router type veth peer name eth0 netns router");
        ip("link set to-router master house up");
        ip("-n router link set lo up");
        ip("-n router link set eth0 up");
        ip("-n router addr add 192.168.178.1/24 dev eth0");
        ip("route add default via 192.168.178.1");
        // As a router announces itself.
        ip("-n router addr add fe80::1/64 dev eth0 nodad");
        ip("route add default via fe80::1 dev house");
        let args =
            "--no-daemon --no-resolv --no-hosts --server=192.168.178.2 --conf-file=/dev/null --pid-file=";
        let Some(_dnsmasq) = Program::start(house, "router", "dnsmasq", args) else { return };
        {
            let _server = house.sordino("");
            let shown = eventually("the router asks Sordino", || {
                let (code, shown) = doctor(house);
                let asks = |router: &str| shown.contains(&format!("{router} asks Sordino itself"));
                // The second once our own such address is ready.
                (code == 0 && asks("192.168.178.1") && asks("fe80::1")).then_some(shown)
            });
            assert_says(&shown, "warning  router", "the router at 192.168.178.1 asks Sordino itself");
        }
        let _server = house.sordino("[resolve]\nmode = \"forward\"\nforward-to = [\"192.168.178.1\"]\n");
        let (code, shown) = doctor(house);
        assert_says(&shown, "wrong    loop", "names go round in circles");
        assert_eq!(code, 1, "{shown}");
    });
}
