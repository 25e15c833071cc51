//! Builds the [`Household`]: what the config says, meeting what the lists say.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::Diagnostic;
use crate::base::diagnostic::there_are;
use crate::catalog::Catalog;
use crate::catalog::FamilyFile;
use crate::catalog::FamilyId;
use crate::catalog::ForeignList;
use crate::catalog::foreign;
use crate::catalog::foreign::About;
use crate::config::Config;
use crate::config::List;
use crate::config::Written;
use crate::device::Listing;
use crate::device::Registry;
use crate::pipeline::Household;
use crate::policy::Policies;
use crate::source;

/// A household, and what is odd about it.
type Built = (Household, Vec<Diagnostic>);

/// Builds a household.  `base` is where the config is; the list files that
/// were read are added to `files`.
pub fn build(
    config: &Config,
    families: &[FamilyFile],
    base: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<Built, Vec<Diagnostic>> {
    let catalog = Catalog::build(families)?;
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let mut lists = Vec::new();
    for list in &config.lists {
        match read_list(list, config, &catalog, base, files) {
            Ok(list) => {
                if let Some((line, text)) = list.not_understood.first() {
                    let say =
                        format!("{} lines are not understood, the first: {text}", list.not_understood_count);
                    let warning = Diagnostic::of_file(Arc::clone(&list.file), say).warning();
                    warnings.push(Diagnostic { line: *line, ..warning });
                }
                lists.push(Arc::new(list));
            }
            Err(fault) => faults.push(fault),
        }
    }
    let mut listings = Vec::new();
    for device in &config.devices {
        let family = device.family.as_ref().and_then(|family| {
            self::family(family, config, &catalog).map_err(|fault| faults.push(fault)).ok()
        });
        listings.push(Listing {
            name: Arc::clone(&device.name),
            place: device.place.clone(),
            macs: device.macs.iter().map(|mac| mac.value).collect(),
            networks: device.networks.iter().map(|network| network.value).collect(),
            family,
            policy: device.policy,
        });
    }
    let devices = Registry::new(listings, config.unlisted).map_err(|clash| {
        let say = format!("`{}` and `{}` both claim {}", clash.first, clash.second, clash.claim);
        let place = Diagnostic::of_file(Arc::clone(&clash.place.file), say.clone());
        let claimed = config.devices.iter().find(|device| device.name == clash.second).and_then(|device| {
            let macs = device.macs.iter().map(|mac| (mac.value.to_string(), &mac.span));
            let networks = device.networks.iter().map(|net| (net.value.to_string(), &net.span));
            macs.chain(networks).find(|(claim, _)| *claim == clash.claim).map(|(_, span)| span)
        });
        faults.push(claimed.map_or(place, |span| config.text.fault(span, say)));
    });
    let Ok(devices) = devices else {
        return Err(faults);
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let policies = Policies {
        policies: config.policies.clone(),
        exceptions: config.exceptions.clone(),
        lists,
        house_zones: config.resolve.zones.iter().map(|(zone, _)| zone.clone()).collect(),
    };
    Ok((Household { devices, catalog, policies, blocked: config.blocked }, warnings))
}

/// Finds a family by its name.
fn family(written: &Written<String>, config: &Config, catalog: &Catalog) -> Result<FamilyId, Diagnostic> {
    catalog.family_named(&written.value).ok_or_else(|| {
        let with_devices = catalog.families().iter().filter(|family| family.has_devices());
        let known = there_are(with_devices.map(|family| &**family.name()));
        config.text.fault(&written.span, format!("no family is named `{}`{known}", written.value))
    })
}

/// Reads one foreign list.
fn read_list(
    list: &List,
    config: &Config,
    catalog: &Catalog,
    base: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<ForeignList, Diagnostic> {
    let family = list.family.as_ref().map(|family| self::family(family, config, catalog)).transpose()?;
    let (shown, text) = match &list.path {
        Some(written) => {
            let path = base.join(&written.value);
            let shown = written.value.display().to_string();
            files.push(path.clone());
            let text = source::read_text(&path, &shown, foreign::MAX_FOREIGN)
                .map_err(|fault| config.text.fault(&written.span, fault.to_string()))?;
            (shown, text)
        }
        // Said by the config already: it cannot be downloaded yet.
        None => (list.name.to_string(), String::new()),
    };
    let about = About {
        name: Arc::clone(&list.name),
        file: Arc::from(shown),
        format: list.format,
        family,
        purpose: list.purpose,
    };
    ForeignList::parse(about, &text)
}
