//! Who may work on a cluster and its tenants: advisory locks on files named by their ids, held by a runner for as long as
//! it, or the dump tool it handed them to, lives. They end with the process, however it ends.
//!
//! A lock's side file (`.owner`) says who holds it. It is only a word: whether the owner lives is seen by its process
//! id together with its start time. Watchers read it and never try a lock, because a try takes the lock for a moment.

use std::fs::{File, TryLockError};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk;
use super::tasks::TaskId;
use crate::domain::fault::{Cause, Fault};
use crate::domain::identity::Created;
use crate::process::started;

/// What a task works on in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What the cluster is called: letters, digits, `-` and `_`. [`Claim::known`] makes it of all that it is known by.
    pub cluster: String,
    /// What it is called by those who know less of it, such as older releases: their locks are respected too.
    pub less_known: Option<String>,
    /// The ids of the tenants; none: the whole cluster.
    pub tenants: Vec<u64>,
}

/// Between what is known by few and the creation that tells it apart.
const CREATED: &str = "-created-";

impl Claim {
    /// Of a cluster that is known by `name` and, where that was read, by its creation.
    #[must_use]
    pub fn known(name: String, created: Option<Created>, tenants: Vec<u64>) -> Self {
        let Some(Created { tenant, at }) = created else { return Self { cluster: name, less_known: None, tenants } };
        let micros = at.as_microsecond();
        Self { cluster: format!("{name}{CREATED}{micros}-of-{tenant}"), less_known: Some(name), tenants }
    }
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process.
    pub pid: u32,
    /// When that process started, as the system counts; empty where the system does not say.
    pub started: String,
    /// The task it works on.
    pub task: TaskId,
    /// When it took the lock.
    pub at: Timestamp,
}

impl Owner {
    /// This process, working on `task` since `at`.
    #[must_use]
    pub fn here(task: &TaskId, at: Timestamp) -> Self {
        let pid = std::process::id();
        Self { pid, started: started(pid).unwrap_or_default(), task: task.clone(), at }
    }

    /// True while that very process lives; another one that got its id later does not count.
    #[must_use]
    pub fn alive(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }
}

/// The answer to a try.
#[derive(Debug)]
pub enum Taken {
    /// Everything claimed is ours until this is dropped.
    Held(Held),
    /// Nothing is ours.
    Busy(Busy),
}

/// Somebody else has what was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// The lock that was not to be had: `cluster-1` or `cluster-1.tenant-1002`.
    pub lock: String,
    /// Who holds it, if that can be read. One that is not [`Owner::alive`] has left a dump tool behind that still runs.
    pub owner: Option<Owner>,
}

impl Busy {
    /// The fault of a start that met this.
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

/// Locks that are ours; they are given back when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct Held {
    files: Vec<File>,
    owners: Vec<PathBuf>,
    shared: AtomicBool,
}

impl Held {
    /// Copies of the locks' descriptors that a child process inherits: the locks then last as long as the child too.
    /// Every process started while these live inherits them: drop them right after the spawn.
    ///
    /// # Errors
    /// The process has too many open files.
    pub fn inheritable(&self) -> Result<Vec<OwnedFd>, Fault> {
        self.shared.store(true, Ordering::Relaxed);
        // A plain dup is open across exec, where std's clone is not; the lock belongs to what both refer to.
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

impl Drop for Held {
    fn drop(&mut self) {
        // A child that was given the locks may live on: then the word of who took them stays, and the locks with it.
        if !*self.shared.get_mut() {
            self.files.iter().for_each(release);
            for path in &self.owners {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Tries to take all that is claimed, and waits for nothing: per cluster its lock, exclusively for the whole cluster and
/// shared for tenants, then the tenants' exclusively; all in the same order for everybody.
///
/// # Errors
/// A cluster's id cannot be part of a file name, or the disk refuses.
pub fn take(state: &Path, claims: &[Claim], owner: &Owner) -> Result<Taken, Fault> {
    let folder = state.join("locks");
    disk::directory(&folder)?;
    let word = serde_json::to_vec(owner).map_err(std::io::Error::from);
    let word = word.map_err(|error| disk::fault("write into", &folder, &error))?;
    let mut held = Held { files: Vec::new(), owners: Vec::new(), shared: AtomicBool::new(false) };
    let (mut named, mut leftover) = (Vec::new(), Vec::new());
    for (cluster, tenants) in merged(claims)? {
        let whole = tenants.is_empty();
        let name = format!("cluster-{cluster}");
        let Some(file) = attempt(&folder, &name, !whole)? else {
            return Ok(Taken::Busy(Busy { owner: holder(&folder, &cluster, None, owner), lock: name }));
        };
        held.files.push(file);
        // Words that killed runners left, which this lock proves to be of nobody any more.
        if whole {
            leftover.extend(tenant_words(&folder, &cluster));
            named.push(name);
        } else {
            leftover.push(side(&folder, &name));
        }
        for tenant in tenants {
            let name = format!("cluster-{cluster}.tenant-{tenant}");
            let Some(file) = attempt(&folder, &name, false)? else {
                return Ok(Taken::Busy(Busy { owner: holder(&folder, &cluster, Some(tenant), owner), lock: name }));
            };
            held.files.push(file);
            named.push(name);
        }
    }
    // Its own first and then those of the others: of two who come at once at least one meets the other.
    for claim in claims {
        if let Some(busy) = known_otherwise(&folder, claim, owner)? {
            return Ok(Taken::Busy(busy));
        }
    }
    for path in leftover {
        let _ = std::fs::remove_file(path);
    }
    // Only now, when nothing can be refused any more: a word that is there says that the lock was taken.
    for name in named {
        let path = side(&folder, &name);
        disk::replace(&path, &word).map_err(|error| disk::fault("write the owner of a lock into", &path, &error))?;
        held.owners.push(path);
    }
    Ok(Taken::Held(held))
}

/// Who works on what is claimed and knows the cluster by more or by less than the claim does. Their locks are tried and given
/// back.
fn known_otherwise(folder: &Path, claim: &Claim, me: &Owner) -> Result<Option<Busy>, Fault> {
    let others = match &claim.less_known {
        Some(name) => vec![name.clone()],
        None => better_known(folder, &claim.cluster),
    };
    let whole = claim.tenants.is_empty();
    for cluster in others {
        let locks = std::iter::once((format!("cluster-{cluster}"), None))
            .chain(claim.tenants.iter().map(|tenant| (format!("cluster-{cluster}.tenant-{tenant}"), Some(*tenant))));
        for (name, tenant) in locks.filter(|(name, _)| folder.join(name).exists()) {
            match attempt(folder, &name, !(whole || tenant.is_some()))? {
                Some(file) => release(&file),
                None => return Ok(Some(Busy { owner: holder(folder, &cluster, tenant, me), lock: name })),
            }
        }
    }
    Ok(None)
}

/// The clusters of this name that were locked by those who know their creation.
fn better_known(folder: &Path, name: &str) -> Vec<String> {
    let start = format!("cluster-{name}{CREATED}");
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

/// The turn to have the servers of a cluster look at a storage; it ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    lock: File,
}

impl Drop for Turn {
    fn drop(&mut self) {
        release(&self.lock);
    }
}

/// Takes the turn to have the servers of a cluster look at a storage. None: another process on this host has it.
///
/// # Errors
/// The disk refuses.
pub fn turn(state: &Path, cluster: &str) -> Result<Option<Turn>, Fault> {
    let folder = state.join("locks");
    disk::directory(&folder)?;
    let name: String = cluster.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(attempt(&folder, &format!("look-{name}"), false)?.map(|lock| Turn { lock }))
}

/// The living process that works on a cluster (`None`: on it as a whole, or on any of its tenants) or on a tenant (or
/// on its whole cluster). Tries no lock, so watchers may ask.
#[must_use]
pub fn owner(state: &Path, cluster: &str, tenant: Option<u64>) -> Option<Owner> {
    owners(&state.join("locks"), cluster, tenant).into_iter().find(Owner::alive)
}

/// Claims by cluster and tenant, sorted, each once; a claim of the whole cluster swallows those of its tenants.
fn merged(claims: &[Claim]) -> Result<Vec<(String, Vec<u64>)>, Fault> {
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

/// The lock's open file, or `None` where somebody else has it. The file stays for ever: removing one that somebody is
/// about to lock would make two locks of one name.
fn attempt(folder: &Path, name: &str, shared: bool) -> Result<Option<File>, Fault> {
    let path = folder.join(name);
    let file =
        disk::open(&path, disk::private().create(true)).map_err(|error| disk::fault("open the lock", &path, &error))?;
    match if shared { file.try_lock_shared() } else { file.try_lock() } {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(disk::fault("take the lock", &path, &error)),
    }
}

/// Gives a lock back at once. Closing its file alone would leave it with a child process that another thread is about to start:
/// until its `exec` it has a copy of every open file.
fn release(lock: &File) {
    let _ = lock.unlock();
}

fn side(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.owner"))
}

/// The side files of a cluster's tenants.
fn tenant_words(folder: &Path, cluster: &str) -> Vec<PathBuf> {
    let start = format!("cluster-{cluster}.tenant-");
    let ours = |name: &str| name.strip_suffix(".owner").is_some_and(|lock| lock.starts_with(&start));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_str().is_some_and(ours)).map(|entry| entry.path()).collect()
}

/// Whoever is in the way of `me`: a living owner before one that left something behind, the latest of those.
fn holder(folder: &Path, cluster: &str, tenant: Option<u64>, me: &Owner) -> Option<Owner> {
    let mut found = owners(folder, cluster, tenant);
    found.retain(|owner| (owner.pid, &owner.task) != (me.pid, &me.task));
    found.into_iter().max_by_key(|owner| (owner.alive(), owner.at))
}

/// All that is written about who holds a cluster, or about a tenant and its whole cluster.
fn owners(folder: &Path, cluster: &str, tenant: Option<u64>) -> Vec<Owner> {
    let whole = format!("cluster-{cluster}");
    let mut paths = vec![side(folder, &whole)];
    if let Some(tenant) = tenant {
        paths.push(side(folder, &format!("{whole}.tenant-{tenant}")));
    } else {
        paths.extend(tenant_words(folder, cluster));
    }
    let read = |path: PathBuf| serde_json::from_slice(&disk::read_small(&path).ok()?).ok();
    paths.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests;
