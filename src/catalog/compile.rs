//! compile (to come)
