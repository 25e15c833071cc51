//! [`Case`]: something the hot path does, ready to be done again and again.
//
//  Apart, because the same cases are timed (`main.rs`), counted (`counts.rs`)
//  and tested for what they allocate (`tests/allocations.rs`).

use std::fmt;

/// Does it once.
pub(crate) type Run = Box<dyn FnMut()>;

/// Something the hot path does.
pub(crate) struct Case {
    /// What it is called, in its room.
    pub(crate) name: String,
    /// Makes all it needs.
    prepare: Box<dyn Fn() -> Run + Send + Sync>,
}

impl Case {
    /// Makes a case.  `prepare` may take its time; what it returns is measured.
    pub(crate) fn new<R: FnMut() + 'static>(
        name: impl Into<String>,
        prepare: impl Fn() -> R + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), prepare: Box::new(move || Box::new(prepare())) }
    }

    /// Makes all it needs, and does it a few times: what happens only once is
    /// not what is measured.
    pub(crate) fn prepare(&self) -> Run {
        let mut run = (self.prepare)();
        for _ in 0..16 {
            run();
        }
        run
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
