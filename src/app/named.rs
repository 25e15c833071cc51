//! [`NamedFiles`]: files that an option or the config names: root hints, trust anchors,
//! certificates, keys, tokens.
//
//  Apart from `load`, which says which of them there are.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::Diagnostic;
use crate::config::ConfigText;
use crate::config::Written;
use crate::resolve::File;
use crate::source;
use crate::source::identity::pushed::Token;

/// The largest of them, in octets.
const MAX_FILE: usize = 1 << 20;

//----------- NamedFiles -------------------------------------------------------

/// Reads such files, and keeps what is wrong with them.
pub(super) struct NamedFiles<'a> {
    /// The folder from where paths in the config are meant.
    pub(super) base: &'a Path,
    /// The config, to show where a file is named.
    pub(super) text: Arc<ConfigText>,
    /// What was read before, and stays in effect where it can't be read again.
    pub(super) known: &'a [File],
    /// Every file that was looked for.
    pub(super) looked_for: Vec<PathBuf>,
    /// What is wrong.
    pub(super) faults: Vec<Diagnostic>,
}

impl NamedFiles<'_> {
    /// Reads the file that an option names, or else the config; nothing if neither
    /// does.
    pub(super) fn read(
        &mut self,
        option: Option<&PathBuf>,
        written: Option<Written<PathBuf>>,
    ) -> Option<File> {
        let path =
            option.cloned().or_else(|| written.as_ref().map(|written| self.base.join(&written.value)))?;
        let shown = path.display().to_string();
        self.looked_for.push(path.clone());
        match source::read_text(&path, &shown, MAX_FILE) {
            Ok(text) => Some(File { name: Arc::from(shown), text }),
            Err(fault) => {
                let fault = match written {
                    Some(written) if option.is_none() => self.text.fault(&written.span, fault.to_string()),
                    _ => fault,
                };
                let known = self.known.iter().find(|known| *known.name == *shown).cloned();
                self.faults.push(if known.is_some() { fault.warning() } else { fault });
                known
            }
        }
    }

    /// Returns the token in a file, if it is one.
    pub(super) fn token(&mut self, file: &File) -> Option<Arc<Token>> {
        match Token::read(&file.text) {
            Ok(token) => Some(Arc::new(token)),
            Err(say) => {
                self.faults.push(Diagnostic::of_file(Arc::clone(&file.name), say));
                None
            }
        }
    }
}
