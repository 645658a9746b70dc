//! Tests of R7, R11 and R15.

use super::*;
use crate::domain::choices::StorageSource;
use crate::domain::cluster_backup::CompactionRule;
use crate::domain::competing_load::{CompetingLoad, ManagingPlatform, TransparentEncryption};
use crate::domain::facts::{Facts, Known};
use crate::domain::plan::plan;
use crate::domain::restorable::{BackupSet, FileStatus};
use crate::domain::samples::{archive, choose, full, legacy, prod, wanted};
use crate::domain::secret::SecretSource;

fn of(facts: &Facts, choices: &Choices, check: CheckId) -> Vec<Check> {
    let mut checks = cluster_checks(facts, choices);
    checks.extend(tenant_checks(facts, &facts.tenants[2], choices));
    checks.retain(|found| found.check == check);
    checks
}

fn managed() -> Facts {
    let mut facts = prod();
    let signs = vec!["the user ocp_monitor is logged in".to_owned()];
    facts.cluster.managers = Known::Known(vec![ManagingPlatform { name: "OCP".into(), signs }]);
    facts
}

#[test]
fn a_managed_cluster_may_be_backed_up_to_what_it_has() {
    let facts = managed();
    let choices = choose(&["prod/pay"], Mode::Full);
    let found = of(&facts, &choices, CheckId::Managed);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].result, CheckResult::Warn);
    assert_eq!(found[0].found, "probably managed by OCP (the user ocp_monitor is logged in)");
    assert!(plan(&facts, &choices).is_ok());
    assert!(of(&prod(), &choices, CheckId::Managed).is_empty(), "nothing is said where no sign was seen");
}

#[test]
fn what_another_program_manages_is_not_changed_unless_that_is_said() {
    type Change = fn(&mut Facts, &mut Choices);
    let changes: [(Change, &str); 3] = [
        (
            |_, choices| choices.storage = Some(wanted(Some("file:///new"), None, StorageSource::Given)),
            "sets its destinations",
        ),
        (|facts, _| facts.tenants[2].archive = archive(Some("STOP")), "switches its log archiving"),
        (|facts, _| facts.tenants[2].archive = archive(Some("SUSPEND")), "switches its log archiving"),
    ];
    for (change, said) in changes {
        let (mut facts, mut choices) = (managed(), choose(&["prod/pay"], Mode::Full));
        change(&mut facts, &mut choices);
        let refusal = plan(&facts, &choices).unwrap_err();
        assert!(refusal.fault.why.contains(said), "{}", refusal.fault);
        assert!(refusal.fault.next.ends_with("override this with --skip managed."), "{}", refusal.fault);
        choices.skip.insert(CheckId::Managed);
        choices.check().unwrap();
        let made = plan(&facts, &choices).unwrap();
        assert!(made.overridden().any(|check| check.found.starts_with("overridden: probably managed by OCP")));
    }
}

#[test]
fn a_directory_that_would_mix_passwords_is_a_warning() {
    let set = |id, mode: &str, status, path: &str| BackupSet {
        encryption_mode: mode.into(),
        file_status: status,
        path: path.into(),
        ..full(id)
    };
    let here = "file:///own/data";
    let mut facts = prod();
    let mut choices = choose(&["prod/pay"], Mode::Full);
    for (sets, encrypt, expected) in [
        (vec![set(1, "NONE", FileStatus::Available, here)], true, None),
        (vec![set(1, "PASSWORD", FileStatus::Deleted, here)], true, None),
        (vec![set(1, "PASSWORD", FileStatus::Available, "file:///other")], true, None),
        (
            vec![set(1, "PASSWORD", FileStatus::Available, here)],
            true,
            Some("set 1 there is encrypted: with another password"),
        ),
        (
            vec![set(1, "PASSWORD", FileStatus::Available, here), set(2, "PASSWORD", FileStatus::Expired, here)],
            false,
            Some("sets 1, 2 there are encrypted and this backup will not be"),
        ),
    ] {
        facts.tenants[2].sets = sets;
        choices.encrypt = encrypt.then_some(SecretSource::Stdin);
        let found = of(&facts, &choices, CheckId::Passwords);
        match expected {
            None => assert!(found.is_empty(), "{found:?}"),
            Some(expected) => {
                assert_eq!(found[0].result, CheckResult::Warn);
                assert!(found[0].found.starts_with(expected), "{}", found[0].found);
            }
        }
    }
}

#[test]
fn the_keys_of_transparent_encryption_are_not_in_a_backup() {
    let mut facts = prod();
    let choices = choose(&["prod/pay"], Mode::Full);
    assert!(of(&facts, &choices, CheckId::EncryptionKeys).is_empty());
    let statement = "ALTER SYSTEM BACKUP KEY TENANT = `pay` TO '<uri>' ENCRYPTED BY '<password>'";
    let on = |backup_keys| Known::Known(Some(TransparentEncryption { method: "internal".into(), backup_keys }));
    facts.tenants[2].transparent_encryption = on(Some(statement.to_owned()));
    let found = of(&facts, &choices, CheckId::EncryptionKeys);
    assert_eq!(found[0].result, CheckResult::Warn);
    assert_eq!(
        found[0].found,
        format!(
            "transparent encryption is on (tde_method is internal): a restore needs its keys, which are not in the backup; back \
             them up, for example with {statement}"
        )
    );
    facts.tenants[2].transparent_encryption = on(None);
    assert!(of(&facts, &choices, CheckId::EncryptionKeys)[0].found.ends_with("keep those of its key service"));
    facts.tenants[2].transparent_encryption = Known::NotChecked("nobody says".into());
    assert_eq!(of(&facts, &choices, CheckId::EncryptionKeys)[0].result, CheckResult::NotChecked);
    let below_v4 = legacy("3.1.2", CompactionRule::NotAsked, 0);
    let checks = cluster_checks(&below_v4, &choose(&["legacy"], Mode::Full));
    let found = checks.iter().filter(|check| check.check == CheckId::EncryptionKeys).collect::<Vec<_>>();
    assert_eq!((found.len(), found[0].result), (1, CheckResult::NotChecked), "it is not known where they show it");
}

#[test]
fn what_the_backup_competes_with_is_said_as_it_is() {
    let mut facts = prod();
    let choices = choose(&["prod/pay"], Mode::Full);
    let notes = |facts: &Facts, choices: &Choices| plan(facts, choices).unwrap().targets[0].notes.join(" ");
    let said = "Load beside the backup: ha_low_thread_score is 0; no major compaction runs.";
    assert!(notes(&facts, &choices).ends_with(said), "{}", notes(&facts, &choices));
    facts.tenants[2].load = CompetingLoad {
        compaction: Known::Known(Some(
            "a major compaction runs since 2026-11-20 02:00:00 (server time), COMPACTING".into(),
        )),
        settings: vec![("ha_low_thread_score", None)],
    };
    let found = of(&facts, &choices, CheckId::Load);
    assert_eq!(found[0].result, CheckResult::Warn);
    assert!(found[0].found.starts_with("a major compaction runs since 2026-11-20 02:00:00"));
    assert!(notes(&facts, &choices).contains("ha_low_thread_score was not read; a major compaction runs since"));
    facts.tenants[2].load = CompetingLoad::unknown("nobody says");
    assert!(of(&facts, &choices, CheckId::Load).is_empty());
    assert!(notes(&facts, &choices).ends_with("whether a major compaction runs was not read."));
    facts.cluster.version = crate::domain::version::Detected::read("OceanBase_CE 4.0.0.0").unwrap().version;
    assert!(notes(&facts, &choices).ends_with("DDL and index builds may wait behind it."));
}
