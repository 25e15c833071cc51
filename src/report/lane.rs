//! [`Lane`]: what look-ups are for, as pictures tell it apart; [`Count`] and
//! [`Lanes`]: how many there were.

use std::iter::Sum;
use std::ops::AddAssign;

use crate::catalog::Function;
use crate::catalog::Purpose;
use crate::querylog::Row;

//----------- Lane -------------------------------------------------------------

/// What look-ups are for, as pictures tell it apart.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Lane {
    /// Voice and everything else the speaker was bought for.
    Function,
    /// Music, radio, film.
    Content,
    /// Clock, updates, certificates, "am I online?".
    Upkeep,
    /// Nobody knows.
    Unknown,
    /// Advertising, and measuring what people do.
    Tracking,
}

impl Lane {
    /// All of them, as they are shown.
    pub(super) const ALL: [Self; 5] =
        [Self::Function, Self::Content, Self::Upkeep, Self::Unknown, Self::Tracking];

    /// Returns the lane of a purpose.
    pub(super) fn of(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Function(Function::Media) => Self::Content,
            Purpose::Function(
                Function::Update | Function::Time | Function::Connectivity | Function::Certificates,
            ) => Self::Upkeep,
            Purpose::Function(_) => Self::Function,
            Purpose::Unknown => Self::Unknown,
            _ => Self::Tracking,
        }
    }

    /// Returns its name in style sheets.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Content => "content",
            Self::Upkeep => "upkeep",
            Self::Unknown => "unknown",
            Self::Tracking => "tracking",
        }
    }
}

/// Returns the purpose that a row names.
pub(super) fn purpose(row: &Row) -> Purpose {
    Purpose::all().find(|purpose| purpose.as_str() == row.purpose).unwrap_or(Purpose::Unknown)
}

//----------- Count ------------------------------------------------------------

/// Look-ups.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Count {
    /// That were answered.
    pub(super) reached: u64,
    /// That were prevented.
    pub(super) prevented: u64,
}

impl Count {
    /// Returns how many a row stands for.
    pub(super) fn of(row: &Row) -> Self {
        let times = u64::from(row.times);
        let (reached, prevented) = if row.blocked { (0, times) } else { (times, 0) };
        Self { reached, prevented }
    }

    /// Returns all of them.
    pub(super) fn all(self) -> u64 {
        self.reached + self.prevented
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.reached += other.reached;
        self.prevented += other.prevented;
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |mut sum, count| {
            sum += count;
            sum
        })
    }
}

//----------- Lanes ------------------------------------------------------------

/// Look-ups by lane.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Lanes([Count; 5]);

impl Lanes {
    /// Adds look-ups.
    pub(super) fn add(&mut self, lane: Lane, count: Count) {
        if let Some(sum) = self.0.get_mut(lane as usize) {
            *sum += count;
        }
    }

    /// Returns those of a lane.
    pub(super) fn get(&self, lane: Lane) -> Count {
        self.0.get(lane as usize).copied().unwrap_or_default()
    }

    /// Returns those of all lanes.
    pub(super) fn total(&self) -> Count {
        self.0.into_iter().sum()
    }
}

impl Sum for Lanes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, lanes| {
            for lane in Lane::ALL {
                sum.add(lane, lanes.get(lane));
            }
            sum
        })
    }
}
