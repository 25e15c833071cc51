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
use crate::catalog::Lists;
use crate::catalog::foreign::About;
use crate::config::Config;
use crate::config::List;
use crate::config::Written;
use crate::device::Listing;
use crate::device::Recognizer;
use crate::device::Registry;
use crate::pipeline::Household;
use crate::policy::Policies;
use crate::policy::Word;
use crate::source::compiled;
use crate::source::compiled::CompileError;
use crate::source::compiled::From;
use crate::source::compiled::Source;
use crate::source::fetch;
use crate::source::store::MAX_DOWNLOAD;
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
    /// Whether what is made of the lists is kept there.
    pub keep: bool,
    /// Who knows what unlisted devices seem to be.
    pub recognizer: &'a Arc<Recognizer>,
}

/// Builds a household.  The list files that were read are added to `files`.
pub fn build(
    config: &Config,
    families: &[FamilyFile],
    places: &Files<'_>,
    files: &mut Vec<PathBuf>,
) -> Result<Built, Vec<Diagnostic>> {
    compiled::adopt_key(places.state);
    let catalog = Catalog::build(families)?;
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let lists = Arc::new(read_lists(config, &catalog, places, files, &mut warnings, &mut faults));
    let aside_counts = remark(&lists, &catalog, &mut warnings);
    let mut listings = Vec::new();
    for device in &config.devices {
        let family = device.family.as_ref().and_then(|family| {
            self::family(family, config, &catalog).map_err(|fault| faults.push(fault)).ok()
        });
        listings.push(Listing {
            name: Arc::clone(&device.name),
            place: device.place.clone(),
            macs: device.macs.iter().map(|mac| mac.value).collect(),
            id: device.id,
            networks: device.networks.iter().map(|network| network.value).collect(),
            family,
            policy: device.policy,
            logged: device.log,
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
        exceptions: config.exceptions.iter().cloned().collect(),
        lists,
        outside_networks: config.resolve.allow_servers.clone(),
        house_zones: config.resolve.zones.iter().map(|(zone, _)| zone.clone()).collect(),
    };
    let unknown = devices.unlisted(None);
    let speakers = (0..).zip(catalog.families()).map(|(id, _)| devices.unlisted(Some(FamilyId(id))));
    let only_restricts =
        speakers.into_iter().all(|speaker| policies.is_as_strict(&speaker, &unknown, Word::Own));
    let devices = devices.recognizing(Arc::clone(places.recognizer), only_restricts);
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

/// Reads all foreign lists: their files, or the last good copies of what was
/// downloaded.  Without a good copy a list is empty until the first download.
fn read_lists(
    config: &Config,
    catalog: &Catalog,
    places: &Files<'_>,
    files: &mut Vec<PathBuf>,
    warnings: &mut Vec<Diagnostic>,
    faults: &mut Vec<Diagnostic>,
) -> Lists {
    let mut sources = Vec::new();
    for list in &config.lists {
        match source(list, config, catalog, places, files) {
            Ok(source) => sources.push(source),
            Err(fault) => faults.push(fault),
        }
    }
    if sources.len() < config.lists.len() {
        return Lists::default();
    }
    // Where the config says where a list is.
    let span = |position: usize| {
        let list = config.lists.get(position)?;
        list.path.as_ref().map(|path| &path.span).or_else(|| list.url.as_ref().map(|url| &url.span))
    };
    let store = Store::new(places.state, MAX_DOWNLOAD);
    match compiled::open(&sources, places.state, &store, places.keep) {
        Ok(compiled) => {
            for position in compiled.missing {
                let name = config.lists.get(position).map(|list| &*list.name).unwrap_or_default();
                let say = format!("list `{name}` has not been downloaded yet and is empty until then");
                warnings.extend(span(position).map(|span| config.text.fault(span, say).warning()));
            }
            for (position, damage) in compiled.damages {
                let say = damage.to_string();
                warnings.extend(span(position).map(|span| config.text.fault(span, say).warning()));
            }
            if let Some(why) = compiled.unkept {
                let say = format!("the table of lists cannot be kept for the next start: {why}");
                warnings.push(Diagnostic::of_file(places.state.display().to_string(), say).warning());
            }
            compiled.lists
        }
        Err(CompileError::List(position, fault)) => {
            let said = fault.to_string();
            faults.push(span(position).map_or(fault, |span| config.text.fault(span, said)));
            Lists::default()
        }
        Err(CompileError::Together(say)) => {
            faults.push(Diagnostic::of_file(Arc::clone(&config.text.file), say));
            Lists::default()
        }
    }
}

/// Says where a list is, and what the config says of it.
fn source(
    list: &List,
    config: &Config,
    catalog: &Catalog,
    places: &Files<'_>,
    files: &mut Vec<PathBuf>,
) -> Result<Source, Diagnostic> {
    let family = list.family.as_ref().map(|family| self::family(family, config, catalog)).transpose()?;
    let (shown, from) = match (&list.path, &list.url) {
        (Some(written), _) => {
            let path = places.base.join(&written.value);
            files.push(path.clone());
            (written.value.display().to_string(), From::File(path))
        }
        (None, url) => {
            if let Some(url) = url {
                fetch::check_url(&url.value, config.download.http)
                    .map_err(|error| config.text.fault(&url.span, error.to_string()))?;
            }
            (list.name.to_string(), From::Kept)
        }
    };
    let about = About {
        name: Arc::clone(&list.name),
        file: Arc::from(shown),
        format: list.format,
        family,
        purpose: list.purpose,
    };
    Ok(Source { about, from })
}

/// Remarks on what is odd about lists.  Returns how many rules of each are set
/// aside.
fn remark(lists: &Lists, catalog: &Catalog, warnings: &mut Vec<Diagnostic>) -> Vec<(Arc<str>, usize)> {
    let mut counts = Vec::new();
    for (list, aside) in lists.all().iter().zip(set_aside(lists, catalog)) {
        if let Some((line, text)) = list.facts.shown.first() {
            let say = format!("{} lines are not understood, the first: {text}", list.facts.not_understood);
            let warning = Diagnostic::of_file(Arc::clone(&list.about.file), say).warning();
            warnings.push(Diagnostic { line: *line, ..warning });
        }
        counts.push((Arc::clone(&list.about.name), aside.len()));
        warnings.extend(aside.into_values().take(SHOWN));
    }
    counts
}

/// How many rules of a list that are set aside are shown.
const SHOWN: usize = 10;

/// Returns a remark for each rule of a foreign list that would take a name
/// from a function of a family the list is for, by list and line.  `judge` never
/// lets it; this is to tell the household.
fn set_aside(lists: &Lists, catalog: &Catalog) -> Vec<BTreeMap<u32, Diagnostic>> {
    let mut told = vec![BTreeMap::new(); lists.all().len()];
    let all = (0u16..).map(FamilyId).zip(catalog.families());
    for (id, family) in all.filter(|(_, family)| family.has_devices()) {
        for rule in family.rules().iter().filter(|rule| rule.purpose.function().is_some()) {
            for name in rule.pattern.examples() {
                // What a more specific rule of ours says of the name, goes.
                let ours = || family.rule(&name).is_some_and(|winner| Arc::ptr_eq(winner, rule));
                for (list, place) in lists.all_that_block(&name, lists.concerned(Some(id))) {
                    let Some(told) = told.get_mut(list).filter(|_| ours()) else { continue };
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
    told
}
