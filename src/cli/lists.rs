//! `sordino lists`: looking after the lists of families.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;

use super::args::Lists;
use crate::app::downloads;
use crate::app::downloads::Updated;
use crate::app::load::Options;
use crate::base::Clock;
use crate::base::Diagnostic;
use crate::base::diagnostic::there_are;
use crate::base::time::SystemClock;
use crate::catalog::Catalog;
use crate::catalog::FamilyId;
use crate::catalog::lint;
use crate::catalog::parse;
use crate::policy::export;
use crate::policy::export::Target;
use crate::source;
use crate::source::refresh::Doubt;

/// Carries out `sordino lists …`.
pub fn lists(options: &Options, command: &Lists, out: &mut dyn Write) -> io::Result<u8> {
    match command {
        Lists::Check { files } => check(options, files, out),
        Lists::Update { names, force } => update(options, names, *force, out),
        Lists::Export { format, family, policy } => export(options, *format, family.as_deref(), policy, out),
        Lists::Fmt { files, check } => fmt(files, *check, out),
    }
}

/// Shows what there is to remark.
fn check(options: &Options, files: &[impl AsRef<Path>], out: &mut dyn Write) -> io::Result<u8> {
    let read = if files.is_empty() {
        source::families(options.blocklists.as_deref(), None)
    } else {
        files
            .iter()
            .map(|path| {
                let shown = path.as_ref().display().to_string();
                let text =
                    source::read_text(path.as_ref(), &shown, parse::MAX_LIST).map_err(|fault| vec![fault])?;
                parse::parse(&shown, &text)
            })
            .collect()
    };
    let remarks = match read {
        Err(faults) => faults,
        Ok(lists) => {
            let mut remarks: Vec<_> = lists.iter().flat_map(lint::lint).collect();
            // What a list includes may be among those that come with Sordino.
            let beside = if files.is_empty() { Ok(Vec::new()) } else { source::families(None, None) };
            let others = beside.unwrap_or_default().into_iter();
            let others = others.filter(|other| lists.iter().all(|list| list.name != other.name));
            let together: Vec<_> = lists.iter().cloned().chain(others).collect();
            if let Err(faults) = Catalog::build(&together) {
                remarks.extend(faults);
            }
            if remarks.is_empty() {
                let rules: usize = lists.iter().map(|list| list.rules.len()).sum();
                writeln!(out, "{} lists with {rules} rules are fine", lists.len())?;
            }
            remarks
        }
    };
    for remark in &remarks {
        writeln!(out, "{remark}")?;
    }
    Ok(u8::from(remarks.iter().any(Diagnostic::is_fault)))
}

/// Downloads lists.
fn update(options: &Options, names: &[String], force: bool, out: &mut dyn Write) -> io::Result<u8> {
    let doubt = if force { Doubt::Waive } else { Doubt::Refuse };
    // On a terminal, where somebody waits; each line overwrites the one before.
    let shown = io::stderr().is_terminal();
    let mut progress = |name: &str, nth: usize, count: usize| {
        if shown {
            let done = "#".repeat(nth - 1) + &"-".repeat(count + 1 - nth);
            let _ = write!(io::stderr(), "\r[{done:.60}] {nth}/{count} {name:<32}");
        }
    };
    let done = downloads::update(options, names, doubt, &mut progress);
    if shown {
        let _ = write!(io::stderr(), "\r{:100}\r", "");
    }
    match done {
        Err(faults) => {
            for fault in faults {
                writeln!(out, "{fault}")?;
            }
            Ok(1)
        }
        Ok(outcomes) => {
            for Updated { name, say, .. } in &outcomes {
                writeln!(out, "{name}: {say}")?;
            }
            let hint = if outcomes.is_empty() {
                "no list of the config has a `url`"
            } else {
                "a running Sordino takes them over when it reloads: systemctl reload sordino, or kill -HUP"
            };
            writeln!(out, "{hint}")?;
            Ok(u8::from(outcomes.iter().any(|outcome| !outcome.fine)))
        }
    }
}

/// Writes what a policy blocks for other resolvers.
fn export(
    options: &Options,
    target: Target,
    family: Option<&str>,
    policy: &str,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let Some(loaded) = super::load(options, out)? else {
        return Ok(1);
    };
    let (catalog, policies) = (&loaded.house.catalog, &loaded.house.policies);
    let with_devices =
        (0u16..).map(FamilyId).zip(catalog.families()).filter(|(_, known)| known.has_devices());
    let families: Vec<_> =
        with_devices.filter(|(_, known)| family.is_none_or(|name| **known.name() == *name)).collect();
    let found = policies.named(policy).and_then(|id| policies.policy(id));
    let (Some(policy), false) = (found, families.is_empty()) else {
        let names =
            catalog.families().iter().filter(|known| known.has_devices()).map(|known| &**known.name());
        let known = policies.policies.iter().map(|policy| &*policy.name);
        writeln!(out, "no such family or policy")?;
        writeln!(out, "families{}", there_are(names))?;
        writeln!(out, "policies{}", there_are(known))?;
        return Ok(2);
    };
    let now = SystemClock::new(options.clock_offset).now();
    let ids: Vec<_> = families.iter().map(|(id, _)| *id).collect();
    // Seconds since 1970 fit until 2106, and rise (RFC 1982).
    let serial = u32::try_from(now.unix).unwrap_or(u32::MAX);
    let version = concat!("Sordino ", env!("CARGO_PKG_VERSION"));
    write!(out, "{}", export::export(catalog, &ids, policy, target, version, serial))?;
    Ok(0)
}

/// Brings lists into their canonical form.
fn fmt(files: &[impl AsRef<Path>], only_check: bool, out: &mut dyn Write) -> io::Result<u8> {
    let mut code = 0;
    for path in files.iter().map(AsRef::as_ref) {
        let shown = path.display().to_string();
        let done = source::read_text(path, &shown, parse::MAX_LIST)
            .map_err(|fault| vec![fault])
            .and_then(|text| Ok((lint::fmt(&shown, &text)?, text)));
        match done {
            Err(faults) => {
                code = 1;
                for fault in faults {
                    writeln!(out, "{fault}")?;
                }
            }
            Ok((new, old)) if new == old => {}
            Ok(_) if only_check => {
                code = 1;
                writeln!(out, "{shown}: not in canonical form; `sordino lists fmt` mends it")?;
            }
            Ok((new, _)) => {
                source::replace(path, &new)?;
                writeln!(out, "{shown}: changed")?;
            }
        }
    }
    Ok(code)
}
