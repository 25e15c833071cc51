//! [`Ground`]: what a verdict rests on, with enough to explain it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::Domain;
use crate::base::Place;
use crate::catalog::Function;
use crate::catalog::ListRule;
use crate::catalog::Rule;

//----------- Said -------------------------------------------------------------

/// What somebody said about a name, for which it is blocked or let pass.
#[derive(Clone, Debug)]
pub enum Said {
    /// An exception of the household.
    Exception {
        /// Where it is written.
        place: Place,
        /// Why the household made it.
        because: Arc<str>,
    },
    /// The household switched this function off.
    FunctionOff {
        /// The line that says what the name is for.
        rule: Arc<Rule>,
    },
    /// A rule of the catalog.
    Rule {
        /// The rule.
        rule: Arc<Rule>,
    },
    /// A rule of a foreign list.
    List {
        /// The rule.
        rule: ListRule,
    },
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exception { place, because } if because.is_empty() => write!(f, "{place} exception"),
            Self::Exception { place, because } => write!(f, "{place} exception: {because}"),
            Self::FunctionOff { rule } => write!(f, "{} function {}, switched off", rule.place, rule.purpose),
            Self::Rule { rule } => write!(f, "{} {}", rule.place, rule.purpose),
            Self::List { rule } => rule.fmt(f),
        }
    }
}

//----------- Ground -----------------------------------------------------------

/// What a verdict rests on.
//
//  Made for every query on the fast path, so everything in it is shared and
//  nothing allocated.
#[derive(Clone, Debug)]
pub enum Ground {
    /// What somebody said about the name.
    Said(Said),
    /// The device needs the name for what people bought it for.
    Function {
        /// The line that says so.
        rule: Arc<Rule>,
        /// The foreign rule that would have blocked it and was held back.
        held_back: Option<ListRule>,
    },
    /// The policy allows functions only, and this name is for none.
    EssentialOnly,
    /// The answer led to a name that is blocked.
    Chain {
        /// The name it led to.
        name: Domain,
        /// What was said about that.
        said: Said,
    },
    /// A name of the outside answered with an address of the house.
    Rebinding {
        /// The name that has the address.
        name: Domain,
        /// The address.
        address: IpAddr,
    },
    /// Nothing said anything; what the policy does then.
    Default,
}

impl Ground {
    /// The words for all grounds in metrics.
    pub const WORDS: [&'static str; 9] = [
        "exception",
        "function",
        "function-off",
        "rule",
        "list",
        "essential-only",
        "chain",
        "rebinding",
        "default",
    ];

    /// Returns its place in [`WORDS`](Self::WORDS).
    pub fn nth(&self) -> usize {
        match self {
            Self::Said(Said::Exception { .. }) => 0,
            Self::Function { .. } => 1,
            Self::Said(Said::FunctionOff { .. }) => 2,
            Self::Said(Said::Rule { .. }) => 3,
            Self::Said(Said::List { .. }) => 4,
            Self::EssentialOnly => 5,
            Self::Chain { .. } => 6,
            Self::Rebinding { .. } => 7,
            Self::Default => 8,
        }
    }

    /// Returns the word for it in metrics.
    pub fn as_str(&self) -> &'static str {
        Self::WORDS.get(self.nth()).copied().unwrap_or_default()
    }

    /// Returns the function that is defended, if the verdict rests on one.
    pub fn function(&self) -> Option<Function> {
        match self {
            Self::Function { rule, .. } => rule.purpose.function(),
            _ => None,
        }
    }
}

impl fmt::Display for Ground {
    /// Writes the ground as one line for people; this is the text of the
    /// extended DNS error, and it begins with file and line where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(said) => said.fmt(f),
            Self::Function { rule, .. } => write!(f, "{} function {}", rule.place, rule.purpose),
            Self::EssentialOnly => f.write_str("not needed for any function (policy essential-only)"),
            Self::Chain { name, said } => write!(f, "{said}, by way of {name}"),
            Self::Rebinding { name, address } => {
                write!(f, "{name} gave {address}, an address inside the house (DNS rebinding)")
            }
            Self::Default => f.write_str("no rule"),
        }
    }
}
