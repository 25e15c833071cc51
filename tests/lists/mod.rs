//! The lists: every researched name is there for what it is, other people's
//! lists mean what they mean to their own programs, and lints say what they
//! should.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use sordino::base::Domain;
use sordino::catalog::Catalog;
use sordino::catalog::Lists;
use sordino::catalog::Purpose;
use sordino::catalog::foreign::About;
use sordino::catalog::foreign::Format;
use sordino::policy::Builtin;

/// Returns a file that is shared and not part of the project, if it is there.
fn shared(path: &str) -> Option<String> {
    let base = std::env::var_os("SORDINO_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let text = fs::read_to_string(base.join(path)).ok();
    if text.is_none() {
        eprintln!("skipped: no ../shared/{path}");
    }
    text
}

fn catalog() -> Catalog {
    Catalog::build(&sordino::source::families(None, None).unwrap()).unwrap()
}

/// The family a row of the research went to.
fn family_of(row: &str) -> &str {
    match row.split(';').next().unwrap() {
        "echo" => "amazon-echo",
        "nest" => "google-nest",
        "homepod" => "apple-homepod",
        "portal" => "meta-portal",
        "any:podcast" => "podcasts",
        "any:audio-ads" => "audio-ads",
        "any:skills" => "skills",
        "any:tunein" | "any:radio" => "radio",
        other if other.starts_with("any:") => "music",
        other => other,
    }
}

#[test]
fn every_researched_name_is_there_for_what_it_is() {
    let Some(table) = shared("research/speakers-domains.tsv") else { return };
    let catalog = catalog();
    let mut rows = 0;
    let mut wrong = Vec::new();
    for row in table.lines().skip(1) {
        let columns: Vec<_> = row.split('\t').collect();
        let (family, name, level) = (family_of(columns[1]), columns[2], columns[10]);
        let name: Domain = name.trim_start_matches('.').parse().unwrap();
        let Some(rule) = catalog.rule(catalog.family_named(family), &name) else {
            wrong.push(format!("{family} {name}: not there"));
            continue;
        };
        let function = rule.purpose.function().is_some();
        let blocked_by = |policy: Builtin| {
            let policy = policy.policy();
            policy.block.contains(&rule.purpose)
                && rule.strength().is_some_and(|strength| strength >= policy.require)
                && (policy.disputed || !rule.is_disputed())
        };
        let right = match level {
            "light" | "balanced" => blocked_by(Builtin::Balanced) && blocked_by(Builtin::Strict),
            // What would break connectivity checks stays open at every level.
            "strict" => function || (!blocked_by(Builtin::Balanced) && blocked_by(Builtin::Strict)),
            "observe" => rule.purpose == Purpose::Unknown && !blocked_by(Builtin::Strict),
            _ => function,
        };
        if !right {
            wrong.push(format!("{family} {name}: {level}, and is {} ({})", rule.purpose, rule.place));
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(rows, 680);
}

#[test]
fn updates_time_and_connectivity_stay_open_at_every_level() {
    let catalog = catalog();
    for policy in Builtin::ALL.map(Builtin::policy) {
        assert!(policy.off.is_empty(), "{}", policy.name);
        assert!(policy.block.iter().all(|purpose| purpose.function().is_none()), "{}", policy.name);
    }
    for (family, name) in [
        ("amazon-echo", "softwareupdates.amazon.com"),
        ("amazon-echo", "spectrum.s3.amazonaws.com"),
        ("google-nest", "time.google.com"),
        ("google-nest", "connectivitycheck.gstatic.com"),
        ("sonos", "0.sonostime.pool.ntp.org"),
    ] {
        let rule = catalog.rule(catalog.family_named(family), &name.parse::<Domain>().unwrap()).unwrap();
        assert!(rule.purpose.function().is_some(), "{family} {name} is {}", rule.purpose);
    }
}

/// Wide parents that no list may block for a speaker, and children of theirs
/// that are blocked all the same.
#[test]
fn wide_parents_are_guarded_and_their_children_are_not() {
    let catalog = catalog();
    for (family, parent, child) in [
        ("amazon-echo", "amazonaws.com", Some("dataplane.rum.us-east-1.amazonaws.com")),
        ("amazon-echo", "cloudfront.net", None),
        ("amazon-echo", "a2z.com", Some("x.advertising.a2z.com")),
        ("amazon-echo", "devices.a2z.com", Some("x.minerva.devices.a2z.com")),
        ("google-nest", "googleapis.com", None),
        ("google-nest", "gstatic.com", None),
        ("sonos", "sonos.com", Some("msmetrics.ws.sonos.com")),
        ("apple-homepod", "icloud.com", None),
        ("apple-homepod", "smoot.apple.com", None),
        ("roku", "roku.com", Some("x.logs.roku.com")),
        ("xiaomi-xiaoai", "io.mi.com", None),
        ("yandex-station", "yandex.net", Some("x.appmetrica.yandex.net")),
        ("samsung-soundbar", "samsungcloudsolution.com", None),
    ] {
        let id = catalog.family_named(family);
        for name in [parent.to_owned(), format!("anything.{parent}")] {
            let rule = catalog.rule(id, &name.parse::<Domain>().unwrap());
            let open = rule.is_some_and(|rule| rule.purpose.function().is_some());
            assert!(open, "{family} {name}: {:?}", rule.map(|rule| rule.place.to_string()));
        }
        if let Some(child) = child {
            let rule = catalog.rule(id, &child.parse::<Domain>().unwrap()).unwrap();
            assert!(rule.purpose.function().is_none(), "{family} {child}: {}", rule.place);
        }
    }
}

#[test]
fn the_readme_shows_the_line_that_is_there() {
    let catalog = catalog();
    let name = "device-metrics-us.amazon.com".parse().unwrap();
    let rule = catalog.rule(catalog.family_named("amazon-echo"), &name).unwrap();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let ground = format!("; EDE: 15 (Blocked): ({} {})", rule.place, rule.purpose);
    assert!(readme.contains(&ground), "README.md should show {ground}");
}

//----------- Lints ------------------------------------------------------------

/// Each file in `lint/` shows one thing to remark, and beside it what is said.
/// `UPDATE=1` writes that anew.
#[test]
fn every_lint_says_what_it_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lists/lint");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "txt") {
            continue;
        }
        let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
            .current_dir(&folder)
            .args(["lists", "check"])
            .arg(path.file_name().unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        let expected = path.with_extension("expected");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(expected, said).unwrap();
        } else {
            assert_eq!(said, fs::read_to_string(&expected).unwrap_or_default(), "{}", path.display());
        }
        count += 1;
    }
    assert!(count >= 8);
}

//----------- Other people's lists ---------------------------------------------

/// Counts the names of a list by another method: what is left of a line when
/// all that is not a name is taken away.
fn count(format: Format, text: &str) -> [HashSet<String>; 3] {
    let (mut exact, mut subtree, mut pass) = (HashSet::new(), HashSet::new(), HashSet::new());
    let machine = ["localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"];
    for line in text.lines().map(str::trim) {
        let body = line.split('#').next().unwrap().trim();
        let mut put = |set: u8, name: &str| {
            let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
            let fine = name.contains('.') && !machine.contains(&name.as_str()) && !name.starts_with("ip6-");
            if fine && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) {
                match set {
                    0 => exact.insert(name),
                    1 => subtree.insert(name),
                    _ => pass.insert(name),
                };
            }
        };
        match format {
            Format::Hosts if body.starts_with(|c: char| c.is_ascii_digit()) => {
                body.split_whitespace().skip(1).for_each(|name| put(0, name));
            }
            Format::Domains if !body.contains(' ') => put(0, body),
            Format::Wildcard => put(1, body.trim_start_matches("*.")),
            Format::Adblock => {
                let line = line.strip_suffix('^').unwrap_or(" ");
                // What is to pass has its place in the table, and no verdict.
                if let Some(name) = line.strip_prefix("@@||") {
                    put(2, name);
                } else if let Some(name) = line.strip_prefix("||") {
                    put(1, name);
                } else if let Some(name) = line.strip_prefix('|') {
                    put(0, name);
                }
            }
            Format::Dnsmasq => {
                let rest = body.strip_prefix("local=/").or_else(|| body.strip_prefix("address=/"));
                if let Some(names) = rest.and_then(|rest| rest.strip_suffix('/')) {
                    names.split('/').for_each(|name| put(1, name));
                }
            }
            Format::Unbound => {
                if let Some(name) = body.split('"').nth(1).filter(|_| body.starts_with("local-zone:")) {
                    put(1, name);
                }
            }
            _ => {}
        }
    }
    [exact, subtree, pass]
}

#[test]
fn other_peoples_lists_mean_what_they_say() {
    let lists = [
        ("1hosts-lite.hosts.txt", Format::Hosts),
        ("blp-smart-tv.hosts.txt", Format::Hosts),
        ("hagezi-light.adblock.txt", Format::Adblock),
        ("hagezi-light.wildcard.txt", Format::Wildcard),
        ("stevenblack.dnsmasq.txt", Format::Dnsmasq),
        ("easylist.unbound.conf", Format::Unbound),
        ("nextdns-alexa.txt", Format::Domains),
        ("nextdns-sonos.txt", Format::Domains),
        ("nextdns-apple.txt", Format::Domains),
        ("nextdns-roku.txt", Format::Domains),
        ("nextdns-samsung.txt", Format::Domains),
        ("nextdns-xiaomi.txt", Format::Domains),
        ("perflyst-amazonfiretv.txt", Format::Domains),
        ("perflyst-smarttv.txt", Format::Domains),
        ("perflyst-smarttv.adguard.txt", Format::Adblock),
    ];
    for (file, format) in lists {
        let Some(text) = shared(&format!("lists/{file}")) else { return };
        let about = About {
            name: Arc::from("test"),
            file: Arc::from(file),
            format: None,
            family: None,
            purpose: Purpose::Unknown,
        };
        assert_eq!(Format::detect(&text), format, "{file}");
        let lists = Lists::of_texts(&[(about, &text)]).unwrap();
        let list = &lists.all()[0];
        let [exact, subtree, pass] = count(format, &text);
        // A name that is to pass and to be blocked is to pass, and has one place.
        let both = pass.iter().filter(|name| subtree.contains(*name)).count();
        assert_eq!(list.rules, (exact.len() + subtree.len() + pass.len() - both) as u64, "{file}");
        let blocks = |name: &str| {
            name.parse().is_ok_and(|name: Domain| lists.blocks(&name, lists.concerned(None)).is_some())
        };
        let covered = |name: &str| {
            let mut above = name;
            exact.contains(name)
                || std::iter::from_fn(|| {
                    let this = above;
                    above = above.split_once('.')?.1;
                    Some(this)
                })
                .any(|name| subtree.contains(name))
        };
        let all: Vec<_> = exact.iter().chain(&subtree).collect();
        let step = (all.len() / 1000).max(1);
        let passes = |name: &str| pass.iter().any(|other| name.ends_with(other.as_str()));
        for name in &pass {
            assert!(!blocks(name), "{file}: {name} is to pass");
        }
        for name in all.into_iter().step_by(step).filter(|name| !passes(name)) {
            assert!(blocks(name), "{file}: {name}");
            let (first, parent) = name.split_once('.').unwrap();
            for near in [
                format!("child.{name}"),
                parent.to_owned(),
                format!("sibling-of-{first}.{parent}"),
                format!("x{name}"),
                format!("{name}.example"),
                name.replace('.', "-") + ".example",
            ] {
                assert_eq!(blocks(&near), covered(&near), "{file}: {near}, near {name}");
            }
        }
        eprintln!("{file}: {} rules, {} lines not understood", list.rules, list.facts.not_understood);
    }
}
