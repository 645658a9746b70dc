//! The checks of one tenant.

use super::{Check, CheckId, CheckList, FULL_NEEDED};
use crate::domain::archiving::{self, Archiving};
use crate::domain::choices::{Choices, Mode, NoFullPolicy};
use crate::domain::facts::{CompatibilityMode, Facts, Known, Role, Scope, TenantFacts, TenantKind};
use crate::domain::fault::Cause;
use crate::domain::incremental_base::{data_version_unread, incremental_base};
use crate::domain::plan::{OWN_DIRECTORY, covers_cluster};
use crate::domain::restorable::{BackupSet, RoundStatus, SetKind, chain, encryption_of, sets_of};
use crate::domain::sql::quoted_name;
use crate::domain::version::Method;

/// Returns the checks of one tenant.
#[must_use]
pub fn tenant_checks(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Vec<Check> {
    let mut sheet = CheckList::new(facts.target(tenant));
    if facts.cluster.method == Method::Logical {
        logical_mode(&mut sheet, choices);
        return sheet.checks;
    }
    who_may(&mut sheet, facts, tenant);
    if tenant.in_recycle_bin || matches!(tenant.role, Role::Other(_)) {
        // It is not backed up at all, so no other check matters.
        return sheet.checks;
    }
    if facts.cluster.cluster_backup.is_some() {
        super::cluster_backup::tenant(&mut sheet, facts, tenant, choices);
    }
    another_backup(&mut sheet, facts, tenant);
    if choices.mode == Mode::Incremental && !super::cluster_backup::is_of_tenants(facts, choices) {
        check_incremental_base(&mut sheet, facts, tenant, choices);
    }
    destination(&mut sheet, facts, tenant, choices);
    archive(&mut sheet, facts, tenant);
    retention(&mut sheet, facts, tenant);
    super::competing_load::tenant(&mut sheet, facts, tenant, choices);
    sheet.checks
}

fn logical_mode(sheet: &mut CheckList, choices: &Choices) {
    if choices.mode == Mode::Incremental {
        sheet.refuse(
            CheckId::Mode,
            Cause::Precondition,
            "a logical backup is always full: the dump has no incremental form",
            "Choose a full backup.",
        );
    } else {
        sheet.pass(CheckId::Mode, "full");
    }
}

fn who_may(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts) {
    let name = quoted_name(&tenant.name);
    let refusal = match tenant.kind {
        TenantKind::Sys | TenantKind::Meta if facts.cluster.method == Method::Physical => {
            Some(("sys and meta tenants are never backed up", "Back up the user tenants instead.".to_owned()))
        }
        _ if tenant.in_recycle_bin => Some((
            "the tenant is in the recycle bin",
            format!("Take it out of the recycle bin first: FLASHBACK TENANT {name} TO BEFORE DROP."),
        )),
        _ => None,
    };
    if let Some((found, fix)) = refusal {
        sheet.refuse(CheckId::Tenant, Cause::Precondition, found, &fix);
    } else if tenant.status != "NORMAL" {
        sheet.refuse(
            CheckId::Tenant,
            Cause::Precondition,
            format!("the tenant's status is {}, and only NORMAL can be backed up", tenant.status),
            "Wait until the server lists it as NORMAL.",
        );
    } else if facts.cluster.scope == Scope::Tenant && tenant.mode == CompatibilityMode::Oracle {
        sheet.refuse(
            CheckId::Tenant,
            Cause::Precondition,
            "an Oracle-mode tenant cannot be logged in to with this protocol",
            "Log in as root@sys: Oracle-mode tenants are backed up from there.",
        );
    } else if !tenant.unread.is_empty() {
        sheet.refuse(
            CheckId::Tenant,
            Cause::Precondition,
            format!("{} cannot be read, and a backup would be planned from it", tenant.unread.join(" and ")),
            "Look at it as root@sys: CDB_OB_BACKUP_PARAMETER, CDB_OB_ARCHIVE_DEST. Set it anew if it is not what it should be.",
        );
    } else if !tenant.name_is_exact {
        sheet.refuse(
            CheckId::Tenant,
            Cause::Precondition,
            "the tenant's name holds characters that cannot be written into a statement safely",
            "Rename the tenant first: ALTER TENANT <tenant> RENAME GLOBAL_NAME TO <new_name>.",
        );
    } else if facts.cluster.method == Method::Physical
        && facts.cluster.scope == Scope::Sys
        && is_word_for_many(&tenant.name)
    {
        sheet.refuse(
            CheckId::Tenant,
            Cause::Precondition,
            format!("the server takes the name {} for many tenants, quoted or not", tenant.name),
            &format!("Rename the tenant first: ALTER TENANT {name} RENAME GLOBAL_NAME TO <new_name>."),
        );
    } else {
        let read_only = if tenant.read_only { ", read only" } else { "" };
        sheet.pass(CheckId::Tenant, format!("tenant {}, {}{read_only}", tenant.id, tenant.status));
    }
    if facts.cluster.cluster_backup.is_some() {
        // Before V4 the role is the cluster's.
        return;
    }
    match &tenant.role {
        Role::Primary => sheet.pass(CheckId::Role, "PRIMARY"),
        Role::Standby => sheet.warn(
            CheckId::Role,
            "STANDBY: the window ends where the standby has replayed, and it needs its own archive destination",
            "Back up the primary if the window must reach now.",
        ),
        Role::Other(word) => sheet.refuse(
            CheckId::Role,
            Cause::Precondition,
            format!("the tenant's role is {word}, and only PRIMARY and STANDBY can be backed up"),
            "Wait until the tenant has become PRIMARY or STANDBY.",
        ),
    }
}

/// Returns whether a list with this single name means every tenant (V4.3.5: ARCHIVELOG, MAJOR FREEZE and parameters).
fn is_word_for_many(name: &str) -> bool {
    ["all", "all_user", "all_meta"].iter().any(|word| word.eq_ignore_ascii_case(name))
}

fn another_backup(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts) {
    match tenant.running.first() {
        None if facts.cluster.scope == Scope::Tenant => sheet.not_checked(
            CheckId::AnotherBackup,
            "none runs on the tenant; one that sys has accepted and not yet begun is seen from sys only",
            "Ask who runs the cluster whether it is being backed up.",
        ),
        None => sheet.pass(CheckId::AnotherBackup, "none runs"),
        Some(job) => sheet.refuse(
            CheckId::AnotherBackup,
            Cause::Busy,
            format!(
                "job {} runs on it: a backup ({}) since {} (server time), started by {}",
                job.job_id,
                job.kind.word(),
                // Seconds are exact enough to be shown.
                job.started.split_once('.').map_or(job.started.as_str(), |(seconds, _)| seconds),
                job.owner()
            ),
            &format!("Watch it with: obnow watch {}, or wait for its end with --wait-lock.", facts.target(tenant)),
        ),
    }
}

/// Checks the destination of the data: without one nothing is planned, which is said before a start is confirmed.
fn destination(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts, choices: &Choices) {
    match crate::domain::plan::wanted_data_destination(facts, tenant, choices) {
        // The server has accepted its own destination.
        Some(place) if tenant.data_destination.as_ref().is_none_or(|own| !own.is_same_path(&place)) => {
            match place.kind().supported_by(&facts.cluster.version) {
                Ok(()) => sheet.pass(CheckId::Destination, place.uri_without_attributes()),
                Err(why) => sheet.refuse(
                    CheckId::Destination,
                    Cause::Precondition,
                    format!("{}: {}", place.uri_without_attributes(), why.trim_end_matches('.')),
                    "Choose a storage this version can write to.",
                ),
            }
        }
        Some(place) => sheet.pass(CheckId::Destination, place.uri_without_attributes()),
        None if facts.cluster.cluster_backup.is_some() && !covers_cluster(choices) => sheet.warn(
            CheckId::Destination,
            format!("{OWN_DIRECTORY}: none was given, and no strategy of the inventory names one"),
            "Give one with --storage URI, for example --storage file:///backup/tenants.",
        ),
        None => sheet.warn(
            CheckId::Destination,
            "none that can be used: not set, not given, not in a strategy of the inventory",
            "Give one with --storage URI, for example --storage file:///backup.",
        ),
    }
}

fn check_incremental_base(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts, choices: &Choices) {
    let destination = crate::domain::plan::wanted_data_destination(facts, tenant, choices);
    let reason = match incremental_base(tenant, destination.as_ref()) {
        Ok(base) => return base_found(sheet, tenant, base),
        Err(reason) => reason,
    };
    match choices.no_full {
        NoFullPolicy::Fail => sheet.warn(
            CheckId::UsableFull,
            format!("step 2 will fail: {FULL_NEEDED}: {reason}"),
            "Choose a full backup, or let these tenants have one with --no-full full.",
        ),
        NoFullPolicy::Full => sheet.warn(CheckId::UsableFull, format!("a full is made instead: {reason}"), ""),
        NoFullPolicy::Skip => sheet.warn(
            CheckId::UsableFull,
            format!("it is left out: {FULL_NEEDED}: {reason}"),
            "Choose a full backup, or let these tenants have one with --no-full full.",
        ),
    }
}

fn base_found(sheet: &mut CheckList, tenant: &TenantFacts, base: &BackupSet) {
    let from = base.kind.mode().map_or_else(|| base.kind.to_string(), |mode| mode.word().to_owned());
    let chain = match chain(base, &tenant.sets) {
        Ok(chain) => chain,
        Err(broken) => {
            let found = format!("the chain of set {} is broken: {broken}", base.id);
            return sheet.warn(CheckId::UsableFull, found, "Choose a full backup.");
        }
    };
    // R11: an incremental shows the mode of its chain.
    let mode = encryption_of(&sets_of(&chain, &tenant.sets)).map(|modes| format!("; its chain is encrypted: {modes}"));
    let found = format!("set {} ({from}) on this path{}", base.id, mode.unwrap_or_default());
    if data_version_unread(tenant, base) {
        let found = format!("{found}; whether it is of the tenant's present data version was not read");
        let fix = "From V4.2.0 on the server refuses an incremental across data versions (9040): a full is safe.";
        return sheet.warn(CheckId::UsableFull, found, fix);
    }
    let new_round = match tenant.archive.latest() {
        Some(round) if tenant.archive.times.get().is_some() && round.start > base.start_replay => {
            Some(format!("log archive round {} began after it", round.round_id))
        }
        _ => match archiving::archiving_state(&tenant.archive) {
            Archiving::Off | Archiving::Stopping(_) | Archiving::Interrupted => {
                Some("a new log archive round begins before the backup".to_owned())
            }
            _ => None,
        },
    };
    match new_round {
        Some(why) => sheet.warn(
            CheckId::UsableFull,
            format!(
                "{found}; {why}: nothing between the end of the old round and the end of this backup can be restored"
            ),
            "The incremental is taken all the same; a full backup would leave the same gap.",
        ),
        None => sheet.pass(CheckId::UsableFull, found),
    }
}

fn archive(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts) {
    match tenant.archive.latest() {
        Some(round) if round.status == RoundStatus::Doing => {
            sheet.pass(CheckId::LogArchiving, format!("DOING, round {}", round.round_id));
            let behind = (tenant.archive.behind(facts.server_now()), tenant.archive.lag_target);
            match (behind, &tenant.archive.times) {
                ((Some(lag), Some(target)), _) if lag > target.saturating_mul(3) => sheet.warn(
                    CheckId::ArchiveLag,
                    format!("the archive is {lag} s behind; its target is {target} s"),
                    "Look at the archive's destination; the backup is restorable only once the log has passed it.",
                ),
                ((Some(lag), Some(_)), _) => sheet.pass(CheckId::ArchiveLag, format!("{lag} s behind")),
                ((Some(lag), None), _) => sheet.not_checked(
                    CheckId::ArchiveLag,
                    format!("whether the archive is late: it is {lag} s behind, and its target was not read"),
                    "",
                ),
                ((None, _), Known::NotChecked(why)) => sheet.not_checked(CheckId::ArchiveLag, why.clone(), ""),
                ((None, _), Known::Known(())) if tenant.archive.contradicts_clock(facts.server_now()) => sheet
                    .not_checked(
                        CheckId::ArchiveLag,
                        "how far the archive is behind: its checkpoint is later than the server's clock",
                        "Check the clocks of the servers: chronyc tracking.",
                    ),
                ((None, _), Known::Known(())) => {
                    sheet.not_checked(CheckId::ArchiveLag, "the round has no checkpoint yet".to_owned(), "");
                }
            }
        }
        _ => not_archiving(sheet, tenant),
    }
}

/// Adds what the step `Start log archiving` will do about an archive that does not run (R2).
fn not_archiving(sheet: &mut CheckList, tenant: &TenantFacts) {
    let (word, will) = match archiving::archiving_state(&tenant.archive) {
        Archiving::Off => match tenant.archive.latest() {
            Some(round) => (round.status.to_string(), "the backup starts a new round first"),
            None => ("archiving does not run".to_owned(), "the backup starts it first"),
        },
        Archiving::Suspended(word) => {
            (word, "archiving was suspended on purpose; the backup lets the same round go on first")
        }
        Archiving::Interrupted => (
            RoundStatus::Interrupted.to_string(),
            "the backup stops this round and starts a new one first; the log in between is lost for restore",
        ),
        Archiving::Starting(word) | Archiving::Stopping(word) => (word, "the backup waits for it first"),
        Archiving::Unrecognized(word) => {
            let found = format!("step 4 will fail: archiving is {word}, which obnow does not know");
            let fix = "Look the state up in the server's manual, and start the backup once it is DOING.";
            return sheet.warn(CheckId::LogArchiving, found, fix);
        }
        Archiving::Running => return,
    };
    let fix = "See what is sent for that with --dry-run.";
    sheet.warn(CheckId::LogArchiving, format!("{word}: {will}"), fix);
}

fn retention(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts) {
    match &tenant.recovery_window {
        Known::NotChecked(why) => sheet.not_checked(CheckId::DeletePolicy, why.clone(), ""),
        Known::Known(None) => {
            sheet.warn(CheckId::DeletePolicy, "none: nothing is ever removed", "Watch the room on the destination.");
        }
        Known::Known(Some(window)) => match older_than_window(facts, tenant, window) {
            Some(set) => sheet.warn(
                CheckId::DeletePolicy,
                format!("recovery window {window}; full {set} is older: this chain may be deleted"),
                "Make a full backup now.",
            ),
            None => sheet.pass(CheckId::DeletePolicy, format!("recovery window {window}")),
        },
    }
    match &tenant.cleanup {
        // Where it is the cluster's, the check of the cluster reports it.
        Known::NotChecked(_) if facts.cluster.cluster_backup.is_some() => {}
        Known::NotChecked(why) => sheet.not_checked(CheckId::Cleanup, why.clone(), ""),
        Known::Known(None) => sheet.pass(CheckId::Cleanup, "none runs"),
        // R15: the server answers 9044.
        Known::Known(Some(sentence)) if facts.cluster.cluster_backup.is_some() => sheet.refuse(
            CheckId::Cleanup,
            Cause::Precondition,
            sentence.clone(),
            "Wait until the cleanup has ended, or end it with ALTER SYSTEM CANCEL DELETE BACKUP.",
        ),
        Known::Known(Some(sentence)) => {
            sheet.warn(CheckId::Cleanup, sentence.clone(), "It may remove sets while this backup runs.");
        }
    }
}

/// Returns the latest full set, if it ended before the recovery window began.
fn older_than_window(facts: &Facts, tenant: &TenantFacts, window: &str) -> Option<u64> {
    let days: i64 = window.strip_suffix('d')?.parse().ok()?;
    let full = tenant.sets.iter().rev().find(|set| set.kind == SetKind::Full && set.is_good())?;
    let edge = i64::try_from(facts.server_now().0).ok()?.checked_sub(days.checked_mul(86_400_000_000_000)?)?;
    (i64::try_from(full.min_restore.0).ok()? < edge).then_some(full.id)
}
