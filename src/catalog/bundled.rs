//! The lists that come with Sordino, kept inside the program so that it works
//! without any file beside it.
