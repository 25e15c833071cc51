//! What is exported means the same to others: read back by our own reader, and
//! looked at by the programs it is for.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use sordino::base::Domain;
use sordino::catalog::Catalog;
use sordino::catalog::FamilyId;
use sordino::catalog::Lists;
use sordino::catalog::Purpose;
use sordino::catalog::foreign::About;
use sordino::catalog::foreign::Format;
use sordino::policy::Builtin;
use sordino::policy::export::Target;
use sordino::policy::export::export;

fn catalog() -> Catalog {
    Catalog::build(&sordino::source::families(None, None).unwrap()).unwrap()
}

/// Reads an export as a household would subscribe to it.
fn read_back(text: &str, target: Target) -> Lists {
    let about = About {
        name: Arc::from("export"),
        file: Arc::from("export"),
        format: Some(target.as_str().parse::<Format>().unwrap_or(Format::Domains)),
        family: None,
        purpose: Purpose::Unknown,
    };
    let lists = Lists::of_texts(&[(about, text)]).unwrap();
    let facts = &lists.all()[0].facts;
    assert_eq!(facts.not_understood, 0, "{target}: {:?}", facts.shown);
    lists
}

#[test]
fn what_is_exported_is_what_is_blocked() {
    let catalog = catalog();
    let policy = Builtin::Strict.policy();
    for (at, family) in catalog.families().iter().enumerate().filter(|(_, family)| family.has_devices()) {
        let id = FamilyId(u16::try_from(at).unwrap());
        for target in Target::ALL {
            let list = read_back(&export(&catalog, &[id], &policy, target, "a test", 1), target);
            for rule in family.rules().iter().filter(|rule| !rule.pattern.has_digits()) {
                for name in rule.pattern.names() {
                    let winner = family.rule(name).unwrap();
                    let blocks = policy.block.contains(&winner.purpose) && winner.strength().is_some();
                    let here = |name: &Domain| list.blocks(name, list.concerned(None)).is_some();
                    if winner.pattern.has_digits() {
                        continue;
                    }
                    if blocks {
                        assert!(here(name), "{target} {}: {name} ({})", family.name(), winner.place);
                        let child: Domain = format!("child.{name}").parse().unwrap();
                        let subtree = winner.pattern.is_subtree();
                        let says_so = matches!(target, Target::Adblock | Target::Rpz);
                        if says_so && family.rule(&child).is_some_and(|rule| Arc::ptr_eq(rule, winner)) {
                            assert_eq!(here(&child), subtree, "{target}: {child}");
                        }
                    } else if !matches!(target, Target::Hosts | Target::Domains) {
                        assert!(!here(name), "{target} {}: {name} is {}", family.name(), winner.purpose);
                    }
                    let beside: Domain = format!("x{name}").parse().unwrap();
                    if matches!(target, Target::Adblock | Target::Rpz) && family.rule(&beside).is_none() {
                        assert!(!here(&beside), "{target}: {beside}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_programs_it_is_for_take_it() {
    let catalog = catalog();
    let all: Vec<_> = (0u16..)
        .map(FamilyId)
        .zip(catalog.families())
        .filter(|(_, f)| f.has_devices())
        .map(|(id, _)| id)
        .collect();
    let folder = std::env::temp_dir().join(format!("sordino-export-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("list");
    for (target, program, arguments) in [
        (Target::Unbound, "unbound-checkconf", &["FILE"][..]),
        (Target::Dnsmasq, "dnsmasq", &["--test", "-C", "FILE"]),
        (Target::Rpz, "named-checkzone", &["rpz.example", "FILE"]),
    ] {
        fs::write(&file, export(&catalog, &all, &Builtin::Balanced.policy(), target, "a test", 1)).unwrap();
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        let shown = file.to_str().unwrap();
        let arguments = arguments.iter().map(|argument| if *argument == "FILE" { shown } else { argument });
        match Command::new(program).env("PATH", path).args(arguments).output() {
            Err(_) => eprintln!("skipped: no `{program}`"),
            Ok(done) => {
                let said = format!(
                    "{}{}",
                    String::from_utf8_lossy(&done.stdout),
                    String::from_utf8_lossy(&done.stderr)
                );
                assert!(done.status.success(), "{program}: {said}");
            }
        }
    }
    fs::remove_dir_all(folder).unwrap();
}
