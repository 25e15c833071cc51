//! Giving up root once the ports are bound.
//!
//! Under systemd the unit does this better (`DynamicUser=`), and then there is
//! nothing to give up.  This is for whoever starts Sordino as root by hand or
//! in a container.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use nix::unistd::Gid;
use nix::unistd::Uid;
use nix::unistd::User;
use nix::unistd::geteuid;
use nix::unistd::setgid;
use nix::unistd::setgroups;
use nix::unistd::setuid;

/// The users to become, the first that exists: one of our own, or nobody.
const USERS: [&str; 2] = ["sordino", "nobody"];

/// What became of the privileges.
#[derive(Debug, Eq, PartialEq)]
pub enum Dropped {
    /// We are not root.
    NotNeeded,
    /// We are this user now.
    Became(String),
    /// We are root of a user namespace that has no other users, as in a
    /// rootless container or a test: outside of it we are nobody special.
    Confined,
}

/// Becomes a user without rights, if we are root.  The folders in `ours` become
/// that user's.
pub fn drop_root(ours: &[PathBuf]) -> Result<Dropped, PrivilegeError> {
    if !geteuid().is_root() {
        return Ok(Dropped::NotNeeded);
    }
    let found = USERS.into_iter().find_map(|name| User::from_name(name).ok().flatten());
    let Some(user) = found else {
        return Err(PrivilegeError {
            step: "finding the user sordino or nobody",
            errno: nix::errno::Errno::ENOENT,
        });
    };
    for folder in ours {
        // Where it fails, writing fails later, and says so then.
        let _ = std::os::unix::fs::chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()));
    }
    match become_user(user.uid, user.gid) {
        Ok(()) => Ok(Dropped::Became(user.name)),
        Err(error) if is_confined(user.uid) => {
            tracing::debug!(%error, "no other user in this namespace");
            Ok(Dropped::Confined)
        }
        Err(error) => Err(error),
    }
}

/// Goes into a state folder and becomes whoever it belongs to, if we are root: what is
/// written there is for the Sordino that runs, and root follows no links of others.
/// Returns where the folder is from then on.
pub(super) fn enter(folder: &Path) -> io::Result<PathBuf> {
    match fs::metadata(folder) {
        Ok(there) if geteuid().is_root() && there.uid() != 0 => {
            std::env::set_current_dir(folder)?;
            let (owner, group) = (Uid::from_raw(there.uid()), Gid::from_raw(there.gid()));
            become_user(owner, group).map_err(io::Error::other)?;
            Ok(PathBuf::from("."))
        }
        _ => Ok(folder.to_owned()),
    }
}

/// Gives up groups before the group, and the group before the user: each step
/// takes the rights that the next one gives away.
fn become_user(uid: Uid, gid: Gid) -> Result<(), PrivilegeError> {
    let step = |step| move |errno| PrivilegeError { step, errno };
    setgroups(&[]).map_err(step("giving up groups"))?;
    setgid(gid).map_err(step("changing the group"))?;
    setuid(uid).map_err(step("changing the user"))?;
    if setuid(Uid::from_raw(0)).is_ok() {
        return Err(PrivilegeError {
            step: "making sure that root is gone",
            errno: nix::errno::Errno::EPERM,
        });
    }
    Ok(())
}

/// Returns whether `uid` does not exist in our user namespace.
fn is_confined(uid: Uid) -> bool {
    let Ok(map) = fs::read_to_string("/proc/self/uid_map") else {
        return false;
    };
    let covers = |line: &str| {
        let mut words = line.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
        let (first, _, count) = (words.next()??, words.next()??, words.next()??);
        let uid = u64::from(uid.as_raw());
        Some(first <= uid && uid - first < count)
    };
    !map.lines().any(|line| covers(line).unwrap_or(true))
}

/// Root could not be given up.
#[derive(Debug)]
pub struct PrivilegeError {
    /// What was tried.
    step: &'static str,
    /// What the system said.
    errno: nix::errno::Errno,
}

impl fmt::Display for PrivilegeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot give up root ({}): {}", self.step, self.errno.desc())
    }
}

impl std::error::Error for PrivilegeError {}
