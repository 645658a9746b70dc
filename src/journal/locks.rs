//! Locks on clusters and tenants: advisory locks on files named by their ids. A runner, or the dump process that inherited them,
//! holds them until it ends, however it ends.
//!
//! The owner file of a lock (`.owner`) names its holder. It is only a hint: whether the owner lives is decided by its process id
//! together with its start time. Watchers read it and never try a lock, because a try holds the lock for a moment.

use std::fs::{File, TryLockError};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state_files;
use super::tasks::TaskId;
use crate::domain::fault::{Cause, Fault};
use crate::domain::identity::Created;
use crate::process::started;

/// A cluster, or tenants of it, that a task wants to lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The name of the cluster in lock files: letters, digits, `-` and `_`. [`Claim::known`] builds it.
    pub cluster: String,
    /// Its name without the creation time, as older releases use it: their locks are respected too.
    pub less_known: Option<String>,
    /// The ids of the tenants; empty for the whole cluster.
    pub tenants: Vec<u64>,
}

/// Separates the name from the creation time.
const CREATION_INFIX: &str = "-created-";

impl Claim {
    /// Returns a claim on a cluster with this name and, where it was read, its creation time.
    #[must_use]
    pub fn known(name: String, created: Option<Created>, tenants: Vec<u64>) -> Self {
        let Some(Created { tenant, at }) = created else { return Self { cluster: name, less_known: None, tenants } };
        let micros = at.as_microsecond();
        Self { cluster: format!("{name}{CREATION_INFIX}{micros}-of-{tenant}"), less_known: Some(name), tenants }
    }
}

/// The holder of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Start time of that process in the system's format; empty where it is not known.
    pub started: String,
    /// Id of its task.
    pub task: TaskId,
    /// When it acquired the lock.
    pub at: Timestamp,
}

impl Owner {
    /// Returns this process as the owner for `task` since `at`.
    #[must_use]
    pub fn here(task: &TaskId, at: Timestamp) -> Self {
        let pid = std::process::id();
        Self { pid, started: started(pid).unwrap_or_default(), task: task.clone(), at }
    }

    /// Returns whether that process still lives; another process that got its id later does not count.
    #[must_use]
    pub fn alive(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }
}

/// The result of trying to lock.
#[derive(Debug)]
pub enum LockResult {
    /// All locks are held until this is dropped.
    Held(HeldLocks),
    /// No lock is held.
    Busy(Busy),
}

/// Another process holds one of the claimed locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// Name of that lock: `cluster-1` or `cluster-1.tenant-1002`.
    pub lock: String,
    /// Its owner, if that can be read. An owner that is not [`Owner::alive`] left a dump process behind that still runs.
    pub owner: Option<Owner>,
}

impl Busy {
    /// Returns the fault of a start that was prevented by it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let (why, next) = match &self.owner {
            Some(owner) if owner.alive() => (
                format!("The task {}, process {} on this host, works on it.", owner.task, owner.pid),
                format!("Watch it: `obnow watch {}`.", owner.task),
            ),
            Some(owner) => (
                format!("The runner of the task {} has ended, and what it started still runs.", owner.task),
                format!("Watch it: `obnow watch {}`.", owner.task),
            ),
            None => (
                format!("Another process on this host has the lock {}.", self.lock),
                "List the tasks with `obnow tasks`, and try again.".into(),
            ),
        };
        Fault::new(Cause::Busy, "The target is taken.", why, next)
    }
}

/// Held locks; they are released when this is dropped or the process ends.
#[derive(Debug)]
pub struct HeldLocks {
    files: Vec<File>,
    owners: Vec<PathBuf>,
    shared: AtomicBool,
}

impl HeldLocks {
    /// Returns copies of the locks' descriptors that a child process inherits: the locks are then also held as long as the child
    /// lives. Every process started while the copies exist inherits them: drop them right after the spawn.
    ///
    /// # Errors
    /// The process has too many open files.
    pub fn inheritable(&self) -> Result<Vec<OwnedFd>, Fault> {
        self.shared.store(true, Ordering::Relaxed);
        // A plain dup stays open across exec, unlike std's clone; both refer to the same lock.
        let copies: Result<_, _> = self.files.iter().map(rustix::io::dup).collect();
        copies.map_err(|error| {
            let why = format!("The system says: {error}.");
            Fault::new(
                Cause::Internal,
                "The lock cannot be handed to the dump tool.",
                why,
                "Raise the limit of open files.",
            )
        })
    }
}

impl Drop for HeldLocks {
    fn drop(&mut self) {
        // A child that inherited the locks may still live: then the owner files stay, as the locks do.
        if !*self.shared.get_mut() {
            self.files.iter().for_each(release);
            for path in &self.owners {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Tries to lock everything claimed, without waiting: first the lock of each cluster, exclusive for the whole cluster and shared
/// for tenants, then the exclusive locks of tenants. Every process uses the same order.
///
/// # Errors
/// A cluster's name cannot be part of a file name, or a file cannot be written.
pub fn take(state: &Path, claims: &[Claim], owner: &Owner) -> Result<LockResult, Fault> {
    let folder = state.join("locks");
    state_files::directory(&folder)?;
    let word = serde_json::to_vec(owner).map_err(std::io::Error::from);
    let word = word.map_err(|error| state_files::fault("write into", &folder, &error))?;
    let mut held = HeldLocks { files: Vec::new(), owners: Vec::new(), shared: AtomicBool::new(false) };
    let (mut named, mut leftover) = (Vec::new(), Vec::new());
    for (cluster, tenants) in merge_claims(claims)? {
        let whole = tenants.is_empty();
        let name = format!("cluster-{cluster}");
        let Some(file) = try_lock_file(&folder, &name, !whole)? else {
            return Ok(LockResult::Busy(Busy { owner: find_holder(&folder, &cluster, None, owner), lock: name }));
        };
        held.files.push(file);
        // Owner files of killed runners, which this lock proves to be stale.
        if whole {
            leftover.extend(tenant_owner_files(&folder, &cluster));
            named.push(name);
        } else {
            leftover.push(owner_file(&folder, &name));
        }
        for tenant in tenants {
            let name = format!("cluster-{cluster}.tenant-{tenant}");
            let Some(file) = try_lock_file(&folder, &name, false)? else {
                return Ok(LockResult::Busy(Busy {
                    owner: find_holder(&folder, &cluster, Some(tenant), owner),
                    lock: name,
                }));
            };
            held.files.push(file);
            named.push(name);
        }
    }
    // The own locks first, then those under other names: of two simultaneous processes at least one sees the other.
    for claim in claims {
        if let Some(busy) = find_conflict_under_other_name(&folder, claim, owner)? {
            return Ok(LockResult::Busy(busy));
        }
    }
    for path in leftover {
        let _ = std::fs::remove_file(path);
    }
    // Only now, when nothing can fail any more: an owner file means that the lock is held.
    for name in named {
        let path = owner_file(&folder, &name);
        state_files::replace(&path, &word)
            .map_err(|error| state_files::fault("write the owner of a lock into", &path, &error))?;
        held.owners.push(path);
    }
    Ok(LockResult::Held(held))
}

/// Returns a process that locks the same cluster under another name, with or without the creation time. Its locks are tried and
/// released again.
fn find_conflict_under_other_name(folder: &Path, claim: &Claim, me: &Owner) -> Result<Option<Busy>, Fault> {
    let others = match &claim.less_known {
        Some(name) => vec![name.clone()],
        None => names_with_creation(folder, &claim.cluster),
    };
    let whole = claim.tenants.is_empty();
    for cluster in others {
        let locks = std::iter::once((format!("cluster-{cluster}"), None))
            .chain(claim.tenants.iter().map(|tenant| (format!("cluster-{cluster}.tenant-{tenant}"), Some(*tenant))));
        for (name, tenant) in locks.filter(|(name, _)| folder.join(name).exists()) {
            match try_lock_file(folder, &name, !(whole || tenant.is_some()))? {
                Some(file) => release(&file),
                None => return Ok(Some(Busy { owner: find_holder(folder, &cluster, tenant, me), lock: name })),
            }
        }
    }
    Ok(None)
}

/// Returns the names with creation time under which clusters of this name were locked.
fn names_with_creation(folder: &Path, name: &str) -> Vec<String> {
    let start = format!("cluster-{name}{CREATION_INFIX}");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<String> = names
        .filter(|lock| lock.starts_with(&start))
        .filter_map(|lock| Some(lock.strip_prefix("cluster-")?.split('.').next()?.to_owned()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The lock that allows one storage proof per cluster at a time; it is released when this is dropped.
#[derive(Debug)]
pub struct ProofLock {
    lock: File,
}

impl Drop for ProofLock {
    fn drop(&mut self) {
        release(&self.lock);
    }
}

/// Tries to lock the storage proof of a cluster; `None` where another process on this host holds the lock.
///
/// # Errors
/// The lock file cannot be opened.
pub fn turn(state: &Path, cluster: &str) -> Result<Option<ProofLock>, Fault> {
    let folder = state.join("locks");
    state_files::directory(&folder)?;
    let name: String = cluster.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(try_lock_file(&folder, &format!("look-{name}"), false)?.map(|lock| ProofLock { lock }))
}

/// Returns the living owner of a cluster or any of its tenants (`tenant` is `None`), or of a tenant or its whole cluster. Tries
/// no lock, so watchers may call it.
#[must_use]
pub fn owner(state: &Path, cluster: &str, tenant: Option<u64>) -> Option<Owner> {
    owners(&state.join("locks"), cluster, tenant).into_iter().find(Owner::alive)
}

/// Merges claims by cluster, sorted and without duplicates; a claim on the whole cluster includes its tenants.
fn merge_claims(claims: &[Claim]) -> Result<Vec<(String, Vec<u64>)>, Fault> {
    let mut clusters = std::collections::BTreeMap::<&str, Vec<&Claim>>::new();
    for claim in claims {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if claim.cluster.is_empty() || claim.cluster.len() > 100 || !claim.cluster.chars().all(plain) {
            return Err(Fault::new(
                Cause::Internal,
                format!("The cluster {:?} cannot be locked.", claim.cluster),
                "Its id is not made of letters and digits.",
                "Check what the server answers as its cluster id.",
            ));
        }
        clusters.entry(&claim.cluster).or_default().push(claim);
    }
    let all = clusters.into_iter().map(|(cluster, claims)| {
        let whole = claims.iter().any(|claim| claim.tenants.is_empty());
        let mut tenants: Vec<u64> = claims.iter().flat_map(|claim| claim.tenants.iter().copied()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        (cluster.to_owned(), if whole { Vec::new() } else { tenants })
    });
    Ok(all.collect())
}

/// Tries a lock and returns its open file, or `None` where another process holds it. The file is never removed: removing one
/// that another process is about to lock would make two locks of one name.
fn try_lock_file(folder: &Path, name: &str, shared: bool) -> Result<Option<File>, Fault> {
    let path = folder.join(name);
    let file = state_files::open(&path, state_files::private().create(true))
        .map_err(|error| state_files::fault("open the lock", &path, &error))?;
    match if shared { file.try_lock_shared() } else { file.try_lock() } {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(state_files::fault("take the lock", &path, &error)),
    }
}

/// Releases a lock at once. Closing its file alone would leave it with a child process that another thread is starting: until
/// its `exec` it has a copy of every open file.
fn release(lock: &File) {
    let _ = lock.unlock();
}

fn owner_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.owner"))
}

/// Returns the owner files of a cluster's tenants.
fn tenant_owner_files(folder: &Path, cluster: &str) -> Vec<PathBuf> {
    let start = format!("cluster-{cluster}.tenant-");
    let ours = |name: &str| name.strip_suffix(".owner").is_some_and(|lock| lock.starts_with(&start));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_str().is_some_and(ours)).map(|entry| entry.path()).collect()
}

/// Returns the owner that conflicts with `me`: a living one before a dead one, the latest first.
fn find_holder(folder: &Path, cluster: &str, tenant: Option<u64>, me: &Owner) -> Option<Owner> {
    let mut found = owners(folder, cluster, tenant);
    found.retain(|owner| (owner.pid, &owner.task) != (me.pid, &me.task));
    found.into_iter().max_by_key(|owner| (owner.alive(), owner.at))
}

/// Reads the owner files of a cluster, or of a tenant and its whole cluster.
fn owners(folder: &Path, cluster: &str, tenant: Option<u64>) -> Vec<Owner> {
    let whole = format!("cluster-{cluster}");
    let mut paths = vec![owner_file(folder, &whole)];
    if let Some(tenant) = tenant {
        paths.push(owner_file(folder, &format!("{whole}.tenant-{tenant}")));
    } else {
        paths.extend(tenant_owner_files(folder, cluster));
    }
    let read = |path: PathBuf| serde_json::from_slice(&state_files::read_small(&path).ok()?).ok();
    paths.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests;
