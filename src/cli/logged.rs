//! Where the query log is read and erased: the Sordino that runs, or the file that
//! one has left.

use std::io;
use std::iter;
use std::path::Path;

use crate::app::control;
use crate::app::control::Request;
use crate::app::control::Response;
use crate::app::load::Options;
use crate::querylog;
use crate::querylog::DiskError;
use crate::querylog::Filter;
use crate::querylog::Row;

/// Returns all rows that fit, the oldest first; where they can't be had, why not,
/// as the last.
///
/// They are fetched a page at a time, so that a year of them needs no more memory
/// than an hour.
pub(super) fn rows(options: &Options, filter: Filter) -> impl Iterator<Item = Result<Row, String>> {
    let mut next = Some(0);
    let pages = iter::from_fn(move || {
        let page = page(options, &filter, next?);
        let full = page.as_ref().ok().filter(|rows| rows.len() >= querylog::PAGE);
        next = full.and_then(|rows| rows.last()).map(|row| row.id);
        Some(page)
    });
    pages.flat_map(|page| {
        let (rows, fault) = page.map_or_else(|fault| (Vec::new(), Some(fault)), |rows| (rows, None));
        rows.into_iter().map(Ok).chain(fault.map(Err))
    })
}

/// Returns a page of rows after one.
fn page(options: &Options, filter: &Filter, after: i64) -> Result<Vec<Row>, String> {
    let request = Request::LogRows { filter: filter.clone(), after };
    match ask(options, &request, |state| querylog::left(state, filter, after).map(Response::Rows))? {
        Response::Rows(rows) => Ok(rows),
        _ => Err(MISUNDERSTOOD.to_owned()),
    }
}

/// Erases what is known of a device, or all of it.  Returns how many rows there
/// were.
pub(super) fn erase(options: &Options, device: Option<&str>) -> Result<u64, String> {
    let request = Request::LogErase { device: device.map(str::to_owned) };
    match ask(options, &request, |state| querylog::erase_left(state, device).map(Response::Erased))? {
        Response::Erased(rows) => Ok(rows),
        _ => Err(MISUNDERSTOOD.to_owned()),
    }
}

/// What is said where a response fits no request of ours.
const MISUNDERSTOOD: &str = "the Sordino that runs is of another version; restart it";

/// Asks the Sordino that runs, or else what one has left.
fn ask(
    options: &Options,
    request: &Request,
    left: impl FnOnce(&Path) -> Result<Response, DiskError>,
) -> Result<Response, String> {
    match control::call(options, request) {
        Ok(Response::Error(say)) => Err(say),
        Ok(response) => Ok(response),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => match control::with_log(options) {
            Some(state) => left(&state).map_err(|error| format!("{}: {error}", state.display())),
            None => Err(format!(
                "{error}; and none has left a query log on disk.  Is it another `--state-dir`, or another user's?"
            )),
        },
        Err(error) => Err(format!("the Sordino that runs can't be asked: {error}")),
    }
}
