//! lint (to come)
