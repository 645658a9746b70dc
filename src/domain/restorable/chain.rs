//! The sets that one restore needs together.

use super::{BackupSet, SetKind};

/// The reason why a set and the sets it is based on cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokenChain {
    /// A set of the chain is in no view any more.
    #[error("backup set {missing}, which set {needed_by} stands on, is gone")]
    Missing {
        /// The set that is gone.
        missing: u64,
        /// The set that needs it.
        needed_by: u64,
    },
    /// A set of the chain is there, but not complete.
    #[error("backup set {id} of the chain is {status}, and its files are {file_status}")]
    NotGood {
        /// The set.
        id: u64,
        /// Its STATUS.
        status: String,
        /// Its `FILE_STATUS`.
        file_status: String,
    },
    /// A set of the chain has a data version that no cluster of this version restores.
    #[error(
        "backup set {id} was made at data version {data_version}, and V4.1 and later restore none below 4.1 (4179)"
    )]
    TooOld {
        /// The set.
        id: u64,
        /// Its `TENANT_COMPATIBLE`.
        data_version: String,
    },
    /// The references between the sets lead to no full.
    #[error("the sets before backup set {0} do not lead to a full backup")]
    NoFull(u64),
}

/// Returns the sets that a restore of `set` needs, the full first, `set` last: along `PREV_INC_BACKUP_SET_ID`, down to
/// `PREV_FULL_BACKUP_SET_ID`. Every one of them is good and has a data version that is restored here.
///
/// # Errors
/// A set is gone, not good or too old, or the sets lead to no full.
pub fn chain(set: &BackupSet, all: &[BackupSet]) -> Result<Vec<u64>, BrokenChain> {
    let mut ids = Vec::new();
    let mut at = set;
    loop {
        if !at.is_good() {
            let (status, file_status) = (at.status.to_string(), at.file_status.to_string());
            return Err(BrokenChain::NotGood { id: at.id, status, file_status });
        }
        if at.restores_here == Some(false) {
            let data_version = at.data_version.clone().unwrap_or_default();
            return Err(BrokenChain::TooOld { id: at.id, data_version });
        }
        ids.push(at.id);
        match at.kind {
            SetKind::Full => break,
            SetKind::Incremental => {}
            SetKind::Other(_) => return Err(BrokenChain::NoFull(at.id)),
        }
        let before = if at.prev_inc == 0 { at.prev_full } else { at.prev_inc };
        // Ids only grow, so a set that names itself or a later one would lead to an endless loop.
        if before == 0 || before >= at.id {
            return Err(BrokenChain::NoFull(at.id));
        }
        let missing = BrokenChain::Missing { missing: before, needed_by: at.id };
        at = all.iter().find(|other| other.id == before).ok_or(missing)?;
    }
    if set.kind == SetKind::Incremental && at.id != set.prev_full {
        return Err(BrokenChain::NoFull(set.id));
    }
    ids.reverse();
    Ok(ids)
}

/// Returns the sets of these ids, in their order; one that is in no view is left out.
#[must_use]
pub fn sets_of<'a>(ids: &[u64], all: &'a [BackupSet]) -> Vec<&'a BackupSet> {
    ids.iter().filter_map(|id| all.iter().find(|set| set.id == *id)).collect()
}
