//! The checks of a directory that is to be set, by what a Test has seen of it (R1).

use super::{Check, CheckId, Sheet};
use crate::domain::choices::Choices;
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::listed::at_stake;
use crate::domain::plan::{wanted_archive_destination, wanted_data_destination};
use crate::domain::template::DirKind;
use crate::domain::version::Method;

/// The checks of the directories that a plan for this tenant would set; none where nothing is set. Below V4 a directory has
/// no format file of a tenant.
#[must_use]
pub fn proof_checks(facts: &Facts, tenant: &TenantFacts, choices: &Choices) -> Vec<Check> {
    let mut sheet = Sheet::new(facts.target(tenant));
    if facts.cluster.method == Method::Logical || facts.cluster.whole.is_some() {
        return sheet.checks;
    }
    let data = wanted_data_destination(facts, tenant, choices);
    let data = data.filter(|wanted| tenant.data_destination.as_ref().is_none_or(|own| !own.already_is(wanted)));
    let archive = wanted_archive_destination(facts, tenant, choices);
    let own = tenant.archive.destination.as_ref();
    let archive = archive.filter(|wanted| own.is_none_or(|own| !own.location.already_is(wanted)));
    for (kind, wanted) in [(DirKind::Data, data), (DirKind::Clog, archive)] {
        if let Some(wanted) = wanted {
            proven(&mut sheet, (tenant, kind), &wanted, choices);
        }
    }
    sheet.checks
}

fn proven(sheet: &mut Sheet, (tenant, kind): (&TenantFacts, DirKind), wanted: &Destination, choices: &Choices) {
    let bare = wanted.bare();
    let seen = choices.seen.iter().find(|seen| seen.uri == bare).map(|seen| seen.seen);
    match (at_stake(tenant, kind, wanted), seen) {
        (Some(lost), Some(seen)) if seen.format => {
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
    if seen.is_some_and(|seen| seen.doubted) {
        sheet.refuse_unless_skipped(
            CheckId::Owner,
            choices,
            &format!(
                "{bare} has the ids of this tenant and the names of another, and nothing in it proves whose it is"
            ),
            "Choose an empty directory for this tenant and this kind.",
        );
    }
}

/// Whether a check waits for a Test of a directory.
#[must_use]
pub fn is_unseen(check: &Check) -> bool {
    check.check == CheckId::DestinationProven && check.refuses()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;
    use crate::domain::choices::{Mode, SeenDirectory, StorageSource};
    use crate::domain::plan::plan;
    use crate::domain::preflight::CheckResult;
    use crate::domain::restorable::BackupSet;
    use crate::domain::samples::{choose, cluster, full, tenant, wanted};
    use crate::domain::storage_test::Seen;

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

    fn seen(format: bool, doubted: bool) -> Vec<SeenDirectory> {
        vec![SeenDirectory { uri: OLD.into(), seen: Seen { format, doubted } }]
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
}
