//! Who asks: from a client's address and MAC to a device and its policy.
//!
//! [`Registry::identify`] is a plain function of its arguments; it neither
//! waits nor asks the system.  What it believes, in this order: a listed MAC,
//! a listed address, the longest listed network, the maker's prefix of the
//! MAC.  A device that nothing is known of gets the policy `[unlisted]` names.

pub mod registry;

use std::fmt;
use std::sync::Arc;

use crate::base::Place;
use crate::catalog::FamilyId;
use crate::catalog::Sign;

pub use registry::Listing;
pub use registry::Registry;
pub use registry::RegistryError;
pub use registry::Unlisted;

//----------- PolicyId ---------------------------------------------------------

/// A policy, by its place in the policies of the same household.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PolicyId(pub u16);

//----------- Device -----------------------------------------------------------

/// The thing in the house behind a client.
#[derive(Clone, Debug)]
pub struct Device {
    /// The configured name, or a slug that stays the same; `household` for
    /// whatever is neither listed nor recognized.
    pub name: Arc<str>,
    /// Its family, where known.
    pub family: Option<FamilyId>,
    /// The policy it is under.
    pub policy: PolicyId,
    /// How it is known.
    pub standing: Standing,
}

/// The name of everything that is neither listed nor recognized.
pub const HOUSEHOLD: &str = "household";

//----------- Standing ---------------------------------------------------------

/// How a device is known.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It has a `[device.NAME]`.
    Listed {
        /// What of it fitted.
        by: ListedBy,
        /// Where it is listed.
        place: Place,
    },
    /// Its MAC prefix speaks for a family.
    Recognized {
        /// The line that says so.
        sign: Arc<Sign>,
    },
    /// Neither.
    Unknown,
}

impl Standing {
    /// Returns the word for it in the label `identified_by`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Listed { by, .. } => by.as_str(),
            Self::Recognized { .. } => "mac-prefix",
            Self::Unknown => "nothing",
        }
    }
}

/// What of a listing fitted a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListedBy {
    /// One of its MAC addresses.
    Mac,
    /// One of its addresses.
    Address,
    /// One of its networks.
    Network,
}

impl ListedBy {
    /// Returns the word for it in the label `identified_by`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Address => "address",
            Self::Network => "network",
        }
    }
}

impl fmt::Display for ListedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
