//! A house in a box: network namespaces with an Echo, a laptop and a resolver
//! on one link, and a small signed Internet behind it.
//!
//! Each test runs itself again inside `unshare`, as root of a user namespace,
//! so nothing needs real root, nothing leaves the box, and everything in it
//! ends with it.  Without the tools for it a test says so and is skipped.

mod announcements;
mod asked_address;
mod blocking;
mod bypass;
mod clock;
mod dnssec;
mod doctor;
mod downloads;
mod encrypted;
mod explaining;
mod faults;
mod faulty;
mod first_answer;
mod floods;
mod forwarders;
mod grafana;
mod health;
mod identity;
mod leases;
mod leaving;
mod life;
mod noise;
mod prometheus;
mod proxies;
mod pushes;
mod querylog;
mod report;
mod resolved;
mod robust;
mod silence;
mod spoofing;
mod storms;
mod streams;
mod support;
mod surroundings;
mod syscalls;
mod upstreams;
mod wear;

pub(crate) use support::House;
pub(crate) use support::eventually;
pub(crate) use support::in_house;
