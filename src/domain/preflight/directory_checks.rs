//! The checks of a directory that is to be set, by what a Test has found in it (R1).

use std::collections::BTreeMap;

use super::{Check, CheckId, CheckList};
use crate::domain::choices::{Choices, InspectedDirectory};
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::Cause;
use crate::domain::listed_media::media_at_risk;
use crate::domain::plan::{wanted_archive_destination, wanted_data_destination};
use crate::domain::storage_check::Fit;
use crate::domain::template::DirKind;
use crate::domain::version::Method;

/// What was found in directories without a Test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryFindings {
    /// The directories that were inspected.
    pub seen: Vec<InspectedDirectory>,
    /// The other directories, by their URIs, and why they were not inspected.
    pub unseen: BTreeMap<String, String>,
}

/// Returns the directories that a plan for this tenant would set; none where nothing is set, and none below V4 or for a dump.
#[must_use]
pub fn directories_to_set(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Vec<(DirKind, Destination)> {
    if facts.cluster.method == Method::Logical || facts.cluster.cluster_backup.is_some() {
        return Vec::new();
    }
    let data = wanted_data_destination(facts, tenant, choices);
    let data = data.filter(|wanted| tenant.data_destination.as_ref().is_none_or(|own| !own.already_is(wanted)));
    let archive = wanted_archive_destination(facts, tenant, choices);
    let own = tenant.archive.destination.as_ref();
    let archive = archive.filter(|wanted| own.is_none_or(|own| !own.location.already_is(wanted)));
    let both = [(DirKind::Data, data), (DirKind::Clog, archive)];
    both.into_iter().filter_map(|(kind, wanted)| Some((kind, wanted?))).collect()
}

/// Returns the checks of the directories that a plan for this tenant would set: one that was not inspected refuses where the
/// server lists something in it.
#[must_use]
pub fn proof_checks(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Vec<Check> {
    let mut sheet = CheckList::new(facts.target(tenant));
    for (kind, wanted) in directories_to_set(facts, tenant, choices) {
        proven(&mut sheet, (tenant, kind), &wanted, choices);
    }
    sheet.checks
}

/// Returns these checks for a backup that is not started now: a directory that could not be inspected is not checked, with the
/// reason.
#[must_use]
pub fn inspected_checks(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &Choices,
    unseen: &BTreeMap<String, String>,
) -> Vec<Check> {
    let mut sheet = CheckList::new(facts.target(tenant));
    for (kind, wanted) in directories_to_set(facts, tenant, choices) {
        let bare = wanted.uri_without_attributes();
        match unseen.get(&bare) {
            None => proven(&mut sheet, (tenant, kind), &wanted, choices),
            Some(why) => {
                if let Some(lost) = media_at_risk(tenant, kind, &wanted) {
                    let found = format!("whether {lost} are in {bare}, where the server lists them: {why}");
                    sheet.not_checked(CheckId::DestinationProven, found, "");
                }
                sheet.not_checked(CheckId::Owner, format!("whose {bare} is: {why}"), "");
            }
        }
    }
    sheet.checks
}

/// Returns the checks of the one destination below V4 that a plan for these tenants would set: no file in it tells its owner, and
/// without a destination nothing is decided.
#[must_use]
pub fn checks_below_v4(facts: &Facts, tenants: &[&TenantFacts], choices: &Choices) -> Vec<Check> {
    let mut sheet = CheckList::new(facts.cluster.target.clone());
    let own = facts.cluster.cluster_backup.as_ref().and_then(|whole| whole.destination());
    let wanted = tenants.first().and_then(|tenant| wanted_data_destination(facts, tenant, choices));
    let differs = wanted.filter(|wanted| own.is_none_or(|own| !own.already_is(wanted)));
    if let (Some(wanted), true) = (differs, facts.cluster.cluster_backup.is_some()) {
        let bare = wanted.uri_without_attributes();
        let why =
            "below V4 a directory has no format file that says so; the server refuses one that holds an archive (9026)";
        sheet.not_checked(CheckId::DestinationProven, format!("what is in {bare}: {why}"), "");
        sheet.not_checked(CheckId::Owner, format!("whose {bare} is: {why}"), "");
    }
    sheet.checks
}

fn proven(sheet: &mut CheckList, (tenant, kind): (&TenantFacts, DirKind), wanted: &Destination, choices: &Choices) {
    let bare = wanted.uri_without_attributes();
    let seen = choices.seen.iter().find(|seen| seen.uri == bare).map(|seen| seen.seen);
    match (media_at_risk(tenant, kind, wanted), seen) {
        (Some(lost), Some(seen)) if seen.format && (seen.doubted || seen.fit != Fit::Unfit) => {
            sheet.pass(CheckId::DestinationProven, format!("{bare} was seen, where the server lists {lost}"));
        }
        (Some(lost), _) => sheet.refuse_unless_skipped(
            CheckId::DestinationProven,
            choices,
            &format!(
                "{bare} was not seen with its format file, and the server lists {lost} there: set while it is not mounted \
                 or empty, it marks them all DELETED"
            ),
            "Mount it on this host and on every server, the RootService leader first, and let it be tested.",
        ),
        (None, _) => {}
    }
    match seen {
        None => {}
        Some(seen) if seen.doubted => sheet.refuse_unless_skipped(
            CheckId::Owner,
            choices,
            &format!(
                "{bare} has the ids of this tenant and the names or the DEST_ID of another, and nothing in it proves whose it is"
            ),
            "Choose an empty directory for this tenant and this kind.",
        ),
        Some(seen) => match seen.fit {
            Fit::Fit => sheet.pass(CheckId::Owner, format!("{bare} is empty, or this tenant's own")),
            Fit::Unknown => {
                sheet.not_checked(CheckId::Owner, format!("whose {bare} is: its format file cannot be read"), "");
            }
            Fit::Unfit => sheet.refuse(
                CheckId::Owner,
                Cause::Storage,
                format!("{bare} is not empty and not this tenant's own: the server would answer 9080 or 9081"),
                "Choose an empty directory for this tenant and this kind.",
            ),
        },
    }
}

/// Returns whether a check waits for a Test of a directory.
#[must_use]
pub fn is_unseen(check: &Check) -> bool {
    check.check == CheckId::DestinationProven && check.refuses()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;
    use crate::domain::choices::{Mode, StorageSource};
    use crate::domain::plan::plan;
    use crate::domain::preflight::CheckResult;
    use crate::domain::restorable::BackupSet;
    use crate::domain::samples::{choose, cluster, full, tenant, wanted};
    use crate::domain::storage_check::OwnerFinding;

    const OLD: &str = "file:///old/data";

    /// pay, whose sets 3 and 4 are in a directory that it had before the one it has.
    fn moved() -> Facts {
        let mut pay = tenant(1002, "pay");
        pay.sets = [3, 4].map(|id| BackupSet { path: OLD.into(), ..full(id) }).into();
        cluster(vec![pay])
    }

    fn back() -> Choices {
        let storage = Some(wanted(Some(OLD), Some("file:///own/clog"), StorageSource::Given));
        Choices { storage, ..choose(&["prod/pay"], Mode::Full) }
    }

    fn seen(format: bool, doubted: bool) -> Vec<InspectedDirectory> {
        vec![InspectedDirectory { uri: OLD.into(), seen: OwnerFinding { format, doubted, fit: Fit::Fit } }]
    }

    fn of(checks: &[Check], id: CheckId) -> Vec<&Check> {
        checks.iter().filter(|check| check.check == id).collect()
    }

    /// Set while it is empty, the server would mark the sets DELETED.
    #[test]
    fn a_directory_with_listed_sets_is_set_again_only_once_its_format_file_was_seen() {
        for choices in [back(), Choices { seen: seen(false, false), ..back() }] {
            let refusal = plan(&moved(), &choices).unwrap_err();
            assert_eq!(
                refusal.fault.why,
                "file:///old/data was not seen with its format file, and the server lists sets 4, 3 of pay there: set while it \
                 is not mounted or empty, it marks them all DELETED."
            );
            assert!(
                refusal.fault.next.ends_with("or override this with --skip destination_proven."),
                "{}",
                refusal.fault
            );
            assert!(is_unseen(of(&refusal.checks, CheckId::DestinationProven)[0]));
        }
        let proven = plan(&moved(), &Choices { seen: seen(true, false), ..back() }).unwrap();
        assert_eq!(of(&proven.checks, CheckId::DestinationProven)[0].result, CheckResult::Pass);
        let skipped = plan(&moved(), &Choices { skip: [CheckId::DestinationProven].into(), ..back() }).unwrap();
        let overridden: Vec<&Check> = skipped.overridden().collect();
        assert!(overridden[0].found.starts_with("overridden: file:///old/data was not seen"), "{overridden:?}");
    }

    #[test]
    fn what_is_not_set_or_holds_nothing_that_is_listed_needs_no_proof() {
        let mut there = moved();
        there.tenants[2].data_destination = Some(crate::domain::samples::place(OLD));
        let plan_of = |facts: &Facts, choices: &Choices| plan(facts, choices).unwrap();
        assert!(of(&plan_of(&there, &back()).checks, CheckId::DestinationProven).is_empty(), "it is set already");
        let fresh = Some(wanted(Some("file:///new/data"), Some("file:///own/clog"), StorageSource::Given));
        let fresh = Choices { storage: fresh, ..back() };
        assert!(of(&plan_of(&moved(), &fresh).checks, CheckId::DestinationProven).is_empty());
        let mut deleted = moved();
        for set in &mut deleted.tenants[2].sets {
            set.file_status = crate::domain::restorable::FileStatus::Deleted;
        }
        assert!(of(&plan_of(&deleted, &back()).checks, CheckId::DestinationProven).is_empty(), "nothing is lost");
    }

    #[test]
    fn a_directory_that_may_be_another_clusters_is_refused_unless_that_is_overridden() {
        let doubted = Choices { seen: seen(true, true), ..back() };
        let refusal = plan(&moved(), &doubted).unwrap_err();
        assert!(of(&refusal.checks, CheckId::Owner)[0].refuses());
        assert!(refusal.fault.next.ends_with("or override this with --skip owner."), "{}", refusal.fault);
        let skipped = plan(&moved(), &Choices { skip: [CheckId::Owner].into(), ..doubted }).unwrap();
        assert_eq!(of(&skipped.checks, CheckId::Owner)[0].result, CheckResult::Warn);
    }

    /// Its format file is another tenant's: nothing of this one was seen there, and nothing overrides that.
    #[test]
    fn a_directory_of_somebody_else_proves_nothing_and_is_refused() {
        let mut seen = seen(true, false);
        seen[0].seen.fit = Fit::Unfit;
        let choices = Choices { seen, skip: [CheckId::Owner].into(), ..back() };
        let checks = plan(&moved(), &choices).unwrap_err().checks;
        for check in [CheckId::Owner, CheckId::DestinationProven] {
            assert!(of(&checks, check)[0].refuses(), "{check:?}");
        }
    }

    #[test]
    fn whose_a_directory_is_is_told_as_it_was_seen() {
        for (fit, result) in
            [(Fit::Fit, CheckResult::Pass), (Fit::Unknown, CheckResult::NotChecked), (Fit::Unfit, CheckResult::Fail)]
        {
            let mut seen = seen(true, false);
            seen[0].seen.fit = fit;
            let facts = moved();
            let checks = proof_checks(&facts, &facts.tenants[2], &Choices { seen, ..back() });
            assert_eq!(of(&checks, CheckId::Owner)[0].result, result, "{checks:?}");
        }
        let facts = moved();
        assert!(of(&proof_checks(&facts, &facts.tenants[2], &back()), CheckId::Owner).is_empty(), "nobody looked");
    }

    #[test]
    fn what_could_not_be_looked_into_is_not_checked_and_says_why() {
        let facts = moved();
        let unseen = BTreeMap::from([(OLD.to_owned(), "its key is not at hand".to_owned())]);
        let checks = inspected_checks(&facts, &facts.tenants[2], &back(), &unseen);
        let told: Vec<_> = checks.iter().map(|check| (check.check, check.result, check.found.as_str())).collect();
        assert_eq!(
            told,
            [
                (
                    CheckId::DestinationProven,
                    CheckResult::NotChecked,
                    "whether sets 4, 3 of pay are in file:///old/data, where the server lists them: its key is not at hand"
                ),
                (CheckId::Owner, CheckResult::NotChecked, "whose file:///old/data is: its key is not at hand"),
            ]
        );
        let looked = Choices { seen: seen(false, false), ..back() };
        let checks = inspected_checks(&facts, &facts.tenants[2], &looked, &BTreeMap::new());
        assert!(
            is_unseen(of(&checks, CheckId::DestinationProven)[0]),
            "an empty mount point was looked into: {checks:?}"
        );
    }
}
