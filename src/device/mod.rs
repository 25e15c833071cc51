//! Who asks: from a client's address and MAC to a device and its policy.
//!
//! [`Registry::identify`] is a plain function of its arguments; it neither
//! waits nor asks the system.  What it believes, in this order: a listed MAC,
//! a listed id, a listed address, the longest listed network, and what the
//! [`Recognizer`] has concluded from signs.  A device that nothing is known of
//! gets the policy `[unlisted]` names.
//!
//! Which MAC is behind an address, where the network does not show it, is in
//! [`Addresses`].

pub mod addresses;
pub mod announcement;
pub mod findings;
pub mod recognition;
pub mod recognizer;
pub mod registry;
pub mod rooms;
pub mod silence;
pub mod visitors;

use std::fmt;
use std::sync::Arc;

use crate::base::Place;
use crate::catalog::FamilyId;

pub use addresses::Addresses;
pub use addresses::Binding;
pub use addresses::Feed;
pub use announcement::Announcement;
pub use findings::Finding;
pub use recognition::Recognition;
pub use recognition::Who;
pub use recognizer::Recognizer;
pub use registry::Listing;
pub use registry::Registry;
pub use registry::RegistryError;
pub use registry::Unlisted;
pub use visitors::Visitors;

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
    /// Whether the query log may hold what it asks.
    pub logged: bool,
}

impl Device {
    /// Returns whether what it asks for is watched for signs of what it is; or,
    /// if that is settled, for signs `against` it.
    pub fn is_watched(&self, against: bool) -> bool {
        match &self.standing {
            Standing::Listed { .. } => false,
            Standing::Recognized(recognition) => against || !recognition.lasts,
            Standing::Claimed | Standing::Unknown => true,
        }
    }
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
    /// Signs say what it is.
    Recognized(Arc<Recognition>),
    /// It says that it is a listed device, which may ask for no more than it may.
    Claimed,
    /// Neither.
    Unknown,
}

impl Standing {
    /// Returns the word for it in the label `identified_by`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Listed { by, .. } => by.as_str(),
            Self::Recognized(_) => "signs",
            Self::Claimed => "claim",
            Self::Unknown => "nothing",
        }
    }
}

/// What of a listing fitted a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListedBy {
    /// One of its MAC addresses.
    Mac,
    /// Its id, which a forwarder gave it.
    Id,
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
            Self::Id => "id",
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
