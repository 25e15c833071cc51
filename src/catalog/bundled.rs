//! The lists that come with Sordino, inside the program, so that it works
//! without any file beside it.

/// The lists: how each is named in answers and messages, and its text.
pub const FILES: &[(&str, &str)] =
    &[("blocklists/amazon-echo.txt", include_str!("../../blocklists/amazon-echo.txt"))];
