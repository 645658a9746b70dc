//! The checks below V4, where the cluster has one destination, one archive and one job; single tenants can be backed up from
//! V3.2.2-20220304134610 on.

use super::{COMPACTION_NEEDED, CheckId, CheckList};
use crate::domain::choices::{Choices, CompactionChoice, Mode};
use crate::domain::cluster_backup::{ClusterBackupFacts, CompactionFacts};
use crate::domain::facts::{Facts, Known, TenantFacts};
use crate::domain::fault::Cause;
use crate::domain::plan::{CompactionOutlook, cluster_scope, compaction_outlook};
use crate::domain::version::{AtLeast, Version};

/// Returns whether tenants of such a cluster are requested, and not the cluster itself.
pub(super) fn is_of_tenants(facts: &Facts, choices: &Choices) -> bool {
    facts.cluster.cluster_backup.is_some() && choices.targets.iter().all(|target| target.tenant().is_some())
}

/// Adds the checks of the cluster.
pub(super) fn cluster(sheet: &mut CheckList, facts: &Facts, whole: &ClusterBackupFacts, choices: &Choices) {
    role(sheet, whole);
    if whole.destinations.len() > 1 {
        sheet.warn(
            CheckId::Destination,
            format!(
                "backup_dest differs between servers ({} values): a change of it is on its way",
                whole.destinations.len()
            ),
            "Check again in a few seconds; if it stays, look at SHOW PARAMETERS LIKE 'backup_dest'.",
        );
    }
    if let Known::NotChecked(why) = &whole.cleanup {
        sheet.not_checked(CheckId::Cleanup, why.clone(), "Look at CDB_OB_BACKUP_CLEAN_HISTORY.");
    }
    compaction(sheet, facts, whole, choices);
    match &whole.without_gts {
        Known::NotChecked(why) => sheet.not_checked(
            CheckId::TimestampService,
            why.clone(),
            "In each tenant: SHOW GLOBAL VARIABLES LIKE 'ob_timestamp_service' must say GTS or HA_GTS.",
        ),
        Known::Known(names) if names.is_empty() => sheet.pass(CheckId::TimestampService, "every tenant uses GTS"),
        Known::Known(names) => sheet.refuse(
            CheckId::TimestampService,
            Cause::Precondition,
            format!("without GTS no tenant can be backed up before V4: {}", names.join(", ")),
            "In those tenants: SET GLOBAL ob_timestamp_service = 'GTS'.",
        ),
    }
}

fn role(sheet: &mut CheckList, whole: &ClusterBackupFacts) {
    match &whole.role {
        Known::NotChecked(why) => {
            sheet.not_checked(CheckId::Role, why.clone(), "Only a primary cluster can be backed up before V4.");
        }
        Known::Known(role) if role.is_primary() => sheet.pass(CheckId::Role, "PRIMARY cluster"),
        Known::Known(role) => {
            let primary =
                role.primary.map_or_else(|| "its primary".to_owned(), |id| format!("the primary, cluster id {id}"));
            sheet.refuse(
                CheckId::Role,
                Cause::Precondition,
                format!("the cluster is {}, and before V4 only a primary can be backed up", role.word),
                &format!("Back up {primary}, to a directory of its own."),
            );
        }
    }
}

/// Checks R5: the age of the last major compaction, whether one is needed, and what prevents it.
fn compaction(sheet: &mut CheckList, facts: &Facts, whole: &ClusterBackupFacts, choices: &Choices) {
    let compaction = match &whole.compaction {
        Known::Known(compaction) => compaction,
        Known::NotChecked(why) => {
            return sheet.not_checked(CheckId::Compaction, why.clone(), "Look at oceanbase.__all_zone.");
        }
    };
    if choices.mode == Mode::Incremental {
        return sheet.pass(CheckId::Compaction, "an incremental never compacts");
    }
    let hint = format!(
        "Let obnow perform one with --compact auto (it may affect the business; {}), or later with obnow retry TASK --compact.",
        compaction.last_one()
    );
    match (compaction_outlook(facts, whole, choices), choices.compact) {
        (CompactionOutlook::Needed(why), CompactionChoice::Never) => {
            sheet.warn(CheckId::Compaction, format!("step 5 will fail: {COMPACTION_NEEDED}: {why}"), &hint);
        }
        (CompactionOutlook::Needed(why), CompactionChoice::Auto) => {
            let (found, fix) = if let Some((found, fix)) = obstacle(compaction) {
                (format!("step 5 will fail: {COMPACTION_NEEDED}: {why}, and {found}"), fix)
            } else {
                let (scope, last) = (cluster_scope(facts), compaction.last_one());
                let found = format!("step 5 performs a major compaction of {scope}: {why}; {last}");
                (found, "It may affect the business: choose the time, or --compact never.")
            };
            sheet.warn(CheckId::Compaction, found, fix);
        }
        (CompactionOutlook::IfAsked, _) => sheet.warn(
            CheckId::Compaction,
            "the last major freeze is older than the archive round: the server may ask for a major compaction",
            &hint,
        ),
        (CompactionOutlook::NotChecked(why), _) => sheet.not_checked(CheckId::Compaction, why, &hint),
        (CompactionOutlook::NotNeeded(_), _) => match obstacle(compaction) {
            Some((found, fix)) => sheet.warn(CheckId::Compaction, format!("none is needed now; {found}"), fix),
            None if compaction.backed_up_version.is_some_and(|version| version >= compaction.frozen_version) => sheet
                .warn(
                    CheckId::Compaction,
                    format!(
                        "frozen version {} is already backed up: this backup has the same base data",
                        compaction.frozen_version
                    ),
                    "Where a newer base matters, perform a major compaction first (ALTER SYSTEM MAJOR FREEZE).",
                ),
            None => sheet
                .pass(CheckId::Compaction, format!("none is needed; last freeze {}", last_freeze(facts, compaction))),
        },
    }
}

/// Returns what prevents the start or the end of a compaction.
fn obstacle(compaction: &CompactionFacts) -> Option<(String, &'static str)> {
    if compaction.has_error {
        let found = format!("the merge of version {} has met an error", compaction.broadcast_version);
        return Some((found, "Look at oceanbase.__all_zone (is_merge_error) and mend the cause."));
    }
    if !compaction.enabled {
        let fix = "ALTER SYSTEM SET enable_major_freeze = True.";
        return Some(("enable_major_freeze is off".to_owned(), fix));
    }
    None
}

fn last_freeze(facts: &Facts, compaction: &CompactionFacts) -> String {
    let at = compaction.frozen_at.to_local(&facts.cluster.time_zone);
    format!("{at} (server time), version {}, {}", compaction.frozen_version, compaction.status)
}

/// Adds the checks of one tenant that is backed up alone.
pub(super) fn tenant(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts, choices: &Choices) {
    if !is_of_tenants(facts, choices) {
        return;
    }
    let gate = Version::TENANT_BACKUP;
    let version = oldest_build(facts);
    let found = match version.reaches(&gate) {
        AtLeast::Yes => None,
        AtLeast::No => Some(format!(
            "{} cannot back up one tenant: that needs {} or later",
            version.with_build(),
            gate.with_build()
        )),
        AtLeast::BuildUnknown => Some(format!(
            "which build of {version} runs is not known, and backing up one tenant needs {} or later",
            gate.with_build()
        )),
    };
    if let Some(found) = found {
        let fix = format!("Back up the whole cluster, {}, or upgrade.", facts.cluster.target);
        return sheet.refuse(CheckId::Version, Cause::Precondition, found, &fix);
    }
    if choices.mode == Mode::Incremental {
        return sheet.refuse(
            CheckId::Mode,
            Cause::Precondition,
            "a backup of one tenant is always full before V4",
            &format!("Choose a full backup, or an incremental one of the whole cluster, {}.", facts.cluster.target),
        );
    }
    sheet.pass(CheckId::Mode, "full");
    let has_one = tenant.sets.iter().any(|set| set.is_good() && !set.tenant_level);
    if has_one {
        sheet.pass(CheckId::UsableFull, "a backup of the whole cluster exists");
    } else {
        sheet.refuse(
            CheckId::UsableFull,
            Cause::Precondition,
            "before one tenant can be backed up a backup of the whole cluster must exist, and it has none with this tenant",
            &format!("Back up the whole cluster first: obnow backup {} --mode full.", facts.cluster.target),
        );
    }
}

/// Returns the version of the cluster with the oldest build of its active servers.
fn oldest_build(facts: &Facts) -> Version {
    let own = facts.cluster.version;
    let builds = facts.cluster.servers.get().into_iter().flatten().filter(|server| server.status == "ACTIVE");
    let versions = builds.filter_map(|server| server.build.parse::<Version>().ok());
    let oldest = versions.min_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    oldest.unwrap_or(own)
}
