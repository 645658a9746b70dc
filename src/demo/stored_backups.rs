//! The files on the storage, apart from what the views list: the info files of the backup sets, written when each ends, and the
//! files of the archived pieces. A restore and `RESTORE .. PREVIEW` read only these.

mod legacy;
mod restore_source;
#[cfg(test)]
mod tests;

use serde::Serialize;
use sha1::{Digest, Sha1};

use super::alter::{Issuer, not_supported, server_error};
use super::clock::Micros;
use super::fault_injection::{ClusterFaults, MissingFile};
use super::fleet::{BackupSet, Cluster, Round, Tenant};
use super::release_line::Generation;
use super::simulation::archive;
use super::statement::{Preview, ServerError, Until, Value};
use super::view_rows::ViewContext;

/// The info files that the backups of a cluster wrote.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StoredBackups {
    /// The info files of its sets, by tenant and id.
    sets: Vec<SetInfo>,
    /// The passwords of backups that were started with one.
    starts: Vec<StartPassword>,
}

/// The info file of a backup set.
#[derive(Debug, Clone, Serialize)]
pub struct SetInfo {
    tenant_id: i64,
    /// The destination it lies in, without what follows `?`.
    path: String,
    id: i64,
    incremental: bool,
    prev_full: i64,
    prev_inc: i64,
    start_replay: Micros,
    min_restore: Micros,
    /// `STATUS` is SUCCESS, and `FILE_STATUS` AVAILABLE.
    good: bool,
    plus_archivelog: bool,
    /// The digest of the password; `None` if the set is not encrypted.
    #[serde(skip)]
    password: Option<String>,
}

/// The encryption password of a started backup.
#[derive(Debug, Clone, Serialize)]
struct StartPassword {
    /// The tenant that started it; 1 is sys.
    tenant_id: i64,
    job_id: i64,
    #[serde(skip)]
    password: String,
}

/// An archived piece, as its own info file and those of the pieces after it describe it.
struct PieceFile {
    dest_id: i64,
    id: i64,
    start: Micros,
    end: Micros,
    checkpoint: Micros,
    available: bool,
}

impl StoredBackups {
    /// Records the password that a job of a tenant was started with.
    pub fn record_password(&mut self, tenant_id: i64, job_id: i64, password: &str) {
        self.starts.push(StartPassword { tenant_id, job_id, password: password_digest(password) });
    }

    /// Returns the highest id of a tenant's sets on the storage; 0 without one.
    #[must_use]
    pub fn highest_set_id(&self, tenant_id: i64) -> i64 {
        self.sets.iter().filter(|set| set.tenant_id == tenant_id).map(|set| set.id).max().unwrap_or(0)
    }

    fn store_info(&mut self, tenant_id: i64, set: &BackupSet, password: Option<String>) {
        self.sets.retain(|known| known.tenant_id != tenant_id || known.id != set.id);
        self.sets.push(SetInfo {
            tenant_id,
            path: path_of_uri(&set.path).to_owned(),
            id: set.id,
            incremental: set.incremental,
            prev_full: set.prev_full,
            prev_inc: set.prev_inc,
            start_replay: set.start_replay,
            // A set that was not finished has none, which the server stores as 0.
            min_restore: set.min_restore.unwrap_or(0),
            good: set.status == "SUCCESS",
            plus_archivelog: set.plus_archivelog,
            password,
        });
    }
}

/// Writes the info file of the set of an ended job.
pub fn write_set_info(cluster: &mut Cluster, index: usize) {
    let job = &cluster.jobs[index];
    let own = job.initiator_tenant_id == job.tenant_id;
    let starter = if own { (job.tenant_id, job.id) } else { (job.initiator_tenant_id, job.initiator_job_id) };
    let (tenant_id, set_id) = (job.tenant_id, job.set_id);
    let start = cluster.stored_backups.starts.iter().find(|start| (start.tenant_id, start.job_id) == starter);
    let password = start.map(|start| start.password.clone()).filter(|_| job.encrypted);
    let set = cluster.tenant_by_id(tenant_id).and_then(|tenant| tenant.sets.iter().find(|set| set.id == set_id));
    if let Some(set) = set.cloned() {
        cluster.stored_backups.store_info(tenant_id, &set, password);
    }
}

/// Writes the info file of a set from before the scenario.
pub fn write_earlier_set_info(cluster: &mut Cluster, tenant_id: i64, set: &BackupSet, password: Option<&str>) {
    cluster.stored_backups.store_info(tenant_id, set, password.map(password_digest));
}

/// Returns the path of a destination, without what follows `?`.
fn path_of_uri(uri: &str) -> &str {
    uri.split('?').next().unwrap_or(uri).trim_end_matches('/')
}

/// Returns the digest of a password that a server stores and compares.
fn password_digest(password: &str) -> String {
    Sha1::digest(password).iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// Checks a PREVIEW when it is executed; the storage is read when its rows are asked for (V4.2.3 source,
/// `physical_restore_preview`).
///
/// # Errors
/// 1210, 1235, 4018, 4179.
pub(super) fn check_preview(cluster: &Cluster, issuer: Issuer, preview: &Preview) -> Result<(), ServerError> {
    if issuer.tenant_id != 1 {
        return Err(server_error(4179, "restore preview in user tenant not allowed"));
    }
    if cluster.line.generation == Generation::Legacy {
        return legacy::check_preview(cluster, preview);
    }
    if release_numbers(cluster) < [4, 2, 1] {
        return Err(not_supported("restore preview is not support now"));
    }
    match preview.until {
        Until::Scn(scn) if scn <= 1 => {
            Err(server_error(1210, "Incorrect arguments to until scn, it should be positive integer"))
        }
        _ => Ok(()),
    }
}

/// Returns the first three numbers of a cluster's version.
fn release_numbers(cluster: &Cluster) -> [u64; 3] {
    let mut numbers = [0; 3];
    for (number, text) in numbers.iter_mut().zip(cluster.version.split('.')) {
        *number = text.parse().unwrap_or(0);
    }
    numbers
}

/// Returns the rows of SHOW RESTORE PREVIEW.
///
/// # Errors
/// 1210, 1235, 4016, 4018, 5112, 9026, 9047, 9080.
pub(super) fn preview_rows(
    context: &ViewContext<'_>,
    preview: &Preview,
    passwords: &[String],
) -> Result<Vec<Vec<(&'static str, Value)>>, ServerError> {
    if context.cluster.line.generation == Generation::Legacy {
        return legacy::preview_rows(context, preview);
    }
    restore_source::preview_rows(context, preview, passwords)
}

/// Returns the sets of a path whose info files exist, by id.
fn stored_sets<'a>(context: &ViewContext<'a>, path: &str) -> Vec<&'a SetInfo> {
    let mut sets: Vec<&SetInfo> = context.cluster.stored_backups.sets.iter().filter(|set| set.path == path).collect();
    sets.sort_by_key(|set| set.id);
    let of_last = sets.last().and_then(|set| context.cluster.tenant_by_id(set.tenant_id));
    if of_last.is_some_and(|tenant| cluster_faults(context).lacks_file(&tenant.name, MissingFile::NewestSetInfo)) {
        sets.pop();
    }
    sets
}

fn cluster_faults<'a>(context: &ViewContext<'a>) -> ClusterFaults<'a> {
    ClusterFaults { all: &context.fleet.faults, cluster: &context.cluster.name }
}

/// Returns the pieces in a directory, as the last of them describes them, oldest first.
fn stored_pieces(context: &ViewContext<'_>, path: &str) -> Vec<PieceFile> {
    let mut files = Vec::new();
    for tenant in &context.cluster.tenants {
        for round in tenant.rounds.iter().filter(|round| path_of_uri(&round.path) == path) {
            files.extend(pieces_of_round(context, tenant, round));
        }
        let here = tenant.current_round().is_some_and(|round| path_of_uri(&round.path) == path);
        if here && cluster_faults(context).lacks_file(&tenant.name, MissingFile::NewestPiece) {
            let written = files.iter().rposition(|file| file.available);
            files.truncate(written.unwrap_or(0));
        }
    }
    files
}

fn pieces_of_round(context: &ViewContext<'_>, tenant: &Tenant, round: &Round) -> Vec<PieceFile> {
    let reached = archive::checkpoint(tenant, round, cluster_faults(context), context.fleet.speed, context.fleet.now);
    let Some((start, reached)) = round.start.zip(reached) else { return Vec::new() };
    let file = |id: i64| {
        let from = start + (id - round.base_piece) * round.piece_interval;
        let end = from + round.piece_interval;
        PieceFile {
            dest_id: round.dest_id,
            id,
            start: from,
            end,
            checkpoint: reached.min(end),
            available: reached > from,
        }
    };
    (round.base_piece..=archive::last_piece(round, reached)).map(file).collect()
}

fn not_enough_log() -> ServerError {
    server_error(4018, "No enough log for restore")
}
