//! What `judge` and `review` must never get wrong.

use super::*;
