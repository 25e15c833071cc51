//! parse (to come)
