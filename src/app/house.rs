//! Builds the [`Household`]: what the config says, meeting what the lists say.

use std::collections::BTreeMap;
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
use crate::source::fetch;
use crate::source::store::Store;

/// A household, and what there is to say about it.
pub struct Built {
    /// The household.
    pub house: Household,
    /// What is odd and does no harm.
    pub warnings: Vec<Diagnostic>,
    /// How many rules of each foreign list are set aside, by list.
    pub set_aside: Vec<(Arc<str>, usize)>,
}

/// Where lists are.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The folder of the config, from where its paths are meant.
    pub base: &'a Path,
    /// The state folder, with the last good copies of what was downloaded.
    pub state: &'a Path,
}

/// Builds a household.  The list files that were read are added to `files`.
pub fn build(
    config: &Config,
    families: &[FamilyFile],
    places: &Files<'_>,
    files: &mut Vec<PathBuf>,
) -> Result<Built, Vec<Diagnostic>> {
    let catalog = Catalog::build(families)?;
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let mut lists = Vec::new();
    let mut aside_counts = Vec::new();
    for list in &config.lists {
        match read_list(list, config, &catalog, places, files, &mut warnings) {
            Ok(list) => {
                if let Some((line, text)) = list.not_understood.first() {
                    let say =
                        format!("{} lines are not understood, the first: {text}", list.not_understood_count);
                    let warning = Diagnostic::of_file(Arc::clone(&list.file), say).warning();
                    warnings.push(Diagnostic { line: *line, ..warning });
                }
                let aside = set_aside(&list, &catalog);
                aside_counts.push((Arc::clone(&list.name), aside.len()));
                warnings.extend(aside.into_iter().take(SHOWN));
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
        outside_networks: config.resolve.allow_servers.clone(),
        house_zones: config.resolve.zones.iter().map(|(zone, _)| zone.clone()).collect(),
    };
    let house = Household { devices, catalog, policies, blocked: config.blocked };
    Ok(Built { house, warnings, set_aside: aside_counts })
}

/// Finds a family by its name.
fn family(written: &Written<String>, config: &Config, catalog: &Catalog) -> Result<FamilyId, Diagnostic> {
    catalog.family_named(&written.value).ok_or_else(|| {
        let with_devices = catalog.families().iter().filter(|family| family.has_devices());
        let known = there_are(with_devices.map(|family| &**family.name()));
        config.text.fault(&written.span, format!("no family is named `{}`{known}", written.value))
    })
}

/// Reads one foreign list: its file, or the last good copy of what was
/// downloaded.
fn read_list(
    list: &List,
    config: &Config,
    catalog: &Catalog,
    places: &Files<'_>,
    files: &mut Vec<PathBuf>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<ForeignList, Diagnostic> {
    let family = list.family.as_ref().map(|family| self::family(family, config, catalog)).transpose()?;
    let (shown, text) = match (&list.path, &list.url) {
        (Some(written), _) => {
            let path = places.base.join(&written.value);
            let shown = written.value.display().to_string();
            files.push(path.clone());
            let text = source::read_text(&path, &shown, foreign::MAX_FOREIGN)
                .map_err(|fault| config.text.fault(&written.span, fault.to_string()))?;
            (shown, text)
        }
        (None, Some(url)) => (list.name.to_string(), kept_copy(list, url, config, places, warnings)?),
        (None, None) => (list.name.to_string(), String::new()),
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

/// Reads the last good copy of a list that is downloaded; without one the list
/// is empty until the first download.
fn kept_copy(
    list: &List,
    url: &Written<String>,
    config: &Config,
    places: &Files<'_>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<String, Diagnostic> {
    fetch::check_url(&url.value, config.download.http)
        .map_err(|error| config.text.fault(&url.span, error.to_string()))?;
    match Store::new(places.state, foreign::MAX_FOREIGN as u64).load(&list.name) {
        Ok(Some(saved)) => Ok(saved.text),
        Ok(None) => {
            let say = format!("list `{}` has not been downloaded yet and is empty until then", list.name);
            warnings.push(config.text.fault(&url.span, say).warning());
            Ok(String::new())
        }
        Err(damage) => {
            warnings.push(config.text.fault(&url.span, damage.to_string()).warning());
            Ok(String::new())
        }
    }
}

/// How many rules of a list that are set aside are shown.
const SHOWN: usize = 10;

/// Returns a remark for each rule of a foreign list that would take a name
/// from a function of a family the list is for.  `judge` never lets it; this
/// is to tell the household.
pub fn set_aside(list: &ForeignList, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut told = BTreeMap::new();
    let all = (0u16..).map(FamilyId).zip(catalog.families());
    let concerned =
        all.filter(|(id, family)| family.has_devices() && list.family.is_none_or(|only| only == *id));
    for (_, family) in concerned {
        for rule in family.rules().iter().filter(|rule| rule.purpose.function().is_some()) {
            for name in rule.pattern.examples() {
                // What a more specific rule of ours says of the name, goes.
                let ours = family.rule(&name).is_some_and(|winner| Arc::ptr_eq(winner, rule));
                if let Some(place) = list.blocks(&name).filter(|_| ours) {
                    told.entry(place.line).or_insert_with(|| {
                        let say = format!(
                            "set aside for {}: it would block `{name}`, which is for function {} ({})",
                            family.name(),
                            rule.purpose,
                            rule.place
                        );
                        Diagnostic { line: place.line, ..Diagnostic::of_file(place.file, say).warning() }
                    });
                }
            }
        }
    }
    told.into_values().collect()
}
