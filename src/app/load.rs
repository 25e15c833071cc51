//! From command-line options and files to a [`Household`] and settings.
//!
//! One function for `run`, reload, `check` and `explain`, so that what is
//! checked is what runs.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use nix::unistd::geteuid;

use super::house;
use super::house::Built;
use super::identity;
use super::named::NamedFiles;
use super::offer;
use super::seen;
use crate::base::Diagnostic;
use crate::config;
use crate::config::Config;
use crate::device::Recognizer;
use crate::listen::offer::Offer;
use crate::pipeline::Household;
use crate::resolve;
use crate::source;
use crate::source::identity::pushed::Token;

/// The config of an installed Sordino.
pub const INSTALLED: &str = "/etc/sordino/config.toml";

/// The state folder of an installed Sordino.
pub(super) const INSTALLED_STATE: &str = "/var/lib/sordino";

/// The folder of the household's own lists, beside the config.
const OWN_LISTS: &str = "blocklists";

//----------- Options ----------------------------------------------------------

/// What the command line says; stronger than the config.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The config.
    pub config: Option<PathBuf>,
    /// In place of `listen.dns`.
    pub listen: Vec<SocketAddr>,
    /// In place of `resolve.root-hints`.
    pub root_hints: Option<PathBuf>,
    /// In place of `resolve.trust-anchor`.
    pub trust_anchor: Option<PathBuf>,
    /// The folder for what is to survive a restart.
    pub state_dir: Option<PathBuf>,
    /// The folder of lists, in place of those that come with Sordino.
    pub blocklists: Option<PathBuf>,
    /// Seconds by which the wall clock is shifted.
    pub clock_offset: i64,
    /// Whether the table that is made of lists is kept in the state folder, as
    /// whoever serves does; the others change nothing.
    pub keep: bool,
    /// Root hints, trust anchors, certificate and key that were read before: where
    /// one can't be read again, as when root was given up since, it stays in effect.
    pub known: Vec<resolve::File>,
    /// Who knows what unlisted devices seem to be; the same over reloads.
    pub recognizer: Arc<Recognizer>,
}

//----------- Loaded -----------------------------------------------------------

/// Everything that files say.
#[derive(Debug)]
pub struct Loaded {
    /// The config, options applied.
    pub config: Config,
    /// The household.
    pub house: Arc<Household>,
    /// What is odd and does no harm.
    pub warnings: Vec<Diagnostic>,
    /// Whether there was no config.
    pub trial: bool,
    /// How many rules of each foreign list are set aside, by list.
    pub set_aside: Vec<(Arc<str>, usize)>,
    /// Certificate authorities for downloads, where the config names a file.
    pub ca: Option<String>,
    /// What is offered besides plain DNS.
    pub offer: Offer,
    /// Whom to believe who pushes over HTTP.
    pub push_token: Option<Arc<Token>>,
    /// Root hints, trust anchors, the certificate and its key, that token: for the
    /// next time.
    pub known: Vec<resolve::File>,
    /// The folder from where paths in the config are meant.
    pub base: PathBuf,
    /// Every file and folder that was read, for whoever wants to notice changes.
    pub files: Vec<PathBuf>,
}

/// Reads everything.
pub fn load(options: &Options) -> Result<Loaded, Vec<Diagnostic>> {
    let path = options.config.clone().or_else(|| {
        let installed = PathBuf::from(INSTALLED);
        installed.exists().then_some(installed)
    });
    let (shown, text) = match &path {
        Some(path) => {
            let shown = path.display().to_string();
            let text = source::read_text(path, &shown, config::MAX_CONFIG).map_err(|fault| vec![fault])?;
            (shown, text)
        }
        None => (config::TRIAL_FILE.to_owned(), config::TRIAL.to_owned()),
    };
    let mut config = config::load(&shown, &text)?;
    let mut files: Vec<PathBuf> = path.iter().chain(&options.blocklists).cloned().collect();
    // Paths in a config are meant from where the config is.
    let base = path.as_deref().and_then(Path::parent).unwrap_or_else(|| Path::new("")).to_owned();
    if !options.listen.is_empty() {
        config.listen.dns.clone_from(&options.listen);
    }
    let (text, known) = (Arc::clone(&config.text), &options.known);
    let mut named = NamedFiles { base: &base, text, known, looked_for: Vec::new(), faults: Vec::new() };
    config.resolve.root_hints = named.read(options.root_hints.as_ref(), config.root_hints.take());
    config.resolve.trust_anchor = named.read(options.trust_anchor.as_ref(), config.trust_anchor.take());
    config.resolve.forward_ca = named.read(None, config.forward_ca.take());
    let ca = named.read(None, config.download.ca_file.take()).map(|file| file.text);
    let certificate = named.read(None, config.listen.certificate.clone());
    let key = named.read(None, config.listen.key.clone());
    let token = named.read(None, config.identify.push_token.clone());
    let push_token = token.as_ref().and_then(|file| named.token(file));
    let NamedFiles { looked_for, mut faults, .. } = named;
    files.extend(looked_for);
    let offer = offer::offer(&config, certificate.as_ref(), key.as_ref()).unwrap_or_else(|fault| {
        faults.push(fault);
        Offer::default()
    });
    config.resolve.designated = offer::designated(&config.listen);
    let known = config.resolve.files().chain(&certificate).chain(&key).chain(&token).cloned().collect();
    // The household's own lists join those that come with Sordino.
    let own = path.is_some().then(|| base.join(OWN_LISTS)).filter(|own| own.is_dir());
    files.extend(own.clone());
    let families = source::families(options.blocklists.as_deref(), own.as_deref());
    let (families, found) = families.map_or_else(|faults| (Vec::new(), faults), |files| (files, Vec::new()));
    faults.extend(found);
    if faults.iter().any(Diagnostic::is_fault) {
        return Err(faults);
    }
    config.warnings.append(&mut faults);
    let (state, recognizer) = (state_dir(options), &options.recognizer);
    let places = house::Files { base: &base, state: &state, keep: options.keep, recognizer };
    let Built { house, mut warnings, set_aside } = house::build(&config, &families, &places, &mut files)?;
    warnings.append(&mut config.warnings);
    warnings.extend(seen::load(&state, recognizer, &house.catalog, options.clock_offset));
    warnings.append(&mut identity::check(&config, &base));
    Ok(Loaded {
        config,
        house: Arc::new(house),
        warnings,
        trial: path.is_none(),
        ca,
        set_aside,
        offer,
        push_token,
        known,
        base,
        files,
    })
}

/// Returns the folder for what is to survive a restart: the option's, or
/// systemd's, or that of an installed Sordino, or the user's own (XDG Base
/// Directory Specification).
pub fn state_dir(options: &Options) -> PathBuf {
    let named = || options.state_dir.clone().or_else(|| variable("STATE_DIRECTORY"));
    let installed = || is_installed(options).then(|| PathBuf::from(INSTALLED_STATE));
    named().or_else(installed).unwrap_or_else(own_state_dir)
}

/// Returns the folder of whoever starts Sordino by hand.
pub(super) fn own_state_dir() -> PathBuf {
    variable("XDG_STATE_HOME")
        .map(|base| base.join("sordino"))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/sordino")))
        .unwrap_or_else(|| PathBuf::from(INSTALLED_STATE))
}

/// Returns a variable of the environment that is a path.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Returns whether the installed Sordino is meant: its config, and a folder that is
/// there, or that root would make.
fn is_installed(options: &Options) -> bool {
    let config = Path::new(INSTALLED);
    let is_meant = options.config.as_deref().map_or_else(|| config.exists(), |path| path == config);
    is_meant && (geteuid().is_root() || Path::new(INSTALLED_STATE).symlink_metadata().is_ok())
}
