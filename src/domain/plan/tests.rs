#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::preflight::{CheckId, CheckResult};
use crate::domain::samples::{self, choose, full, prod, target, tenant};

mod archive;
mod look;
mod parts;
mod places;
mod who;
mod whole;

/// Returns the plan of the first target.
fn planned(facts: &Facts, choices: &Choices) -> TargetPlan {
    plan(facts, choices).unwrap().targets.remove(0)
}

fn refused(facts: &Facts, choices: &Choices) -> Fault {
    plan(facts, choices).unwrap_err().fault
}

/// Returns the actions of a step, one letter each.
fn letters(plan: &TargetPlan, kind: StepKind) -> String {
    let letter = |action: &Action| match action {
        Action::SetDataDestination { .. } => 'd',
        Action::SetArchiveDestination { .. } => 'a',
        Action::SetArchiveLagTarget { .. } => 'l',
        Action::StopArchiving => 'x',
        Action::StartArchiving => 's',
        Action::ResumeArchiving => 'r',
        Action::StartBackup { .. } => 'B',
        Action::Compact => 'c',
        Action::StartDump { .. } => 'D',
        Action::Upload { .. } => 'U',
        Action::ProveOnStorage { .. } => 'L',
    };
    plan.step(kind).unwrap().actions.iter().map(letter).collect()
}

#[test]
fn the_steps_come_in_their_order_and_the_first_two_only_read() {
    let plan = plan(&prod(), &choose(&["prod/pay"], Mode::Full)).unwrap();
    assert_eq!(plan.cluster.id, Some(77));
    assert_eq!(plan.cluster.version, "V4.2.5.1-101000012024");
    let target = &plan.targets[0];
    let kinds: Vec<StepKind> = target.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, samples::PHYSICAL);
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    assert_eq!(
        names,
        [
            "Check target",
            "Check if ready to data backup",
            "Set backup destination",
            "Start log archiving",
            "Start cluster compact if necessary",
            "Start data backup",
            "Wait for data backup",
            "Confirm restorable"
        ]
    );
    for kind in [StepKind::CheckTarget, StepKind::CheckReady, StepKind::WaitForBackup] {
        let step = target.step(kind).unwrap();
        assert_eq!((step.actions.len(), step.effect.as_str(), &step.need), (0, "reads only", &Need::Needed));
    }
    assert_eq!(letters(target, StepKind::ConfirmRestorable), "L", "the server looks for itself, which changes nothing");
    let compact = target.step(StepKind::Compact).unwrap();
    assert_eq!(compact.need, Need::NotNeeded("not needed on V4".into()));
    assert!(compact.actions.is_empty(), "V4 needs no compaction");
    assert!(target.steps.iter().all(|step| step.interrupts.is_empty()), "nothing is interrupted");
    assert_eq!((target.tenant.id, target.tenant.role.as_str()), (1002, "PRIMARY"));
}

#[test]
fn a_backup_carries_what_was_chosen() {
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.plus_archivelog = true;
    choices.encrypt = Some(SecretSource::Env("PW".into()));
    let plan = planned(&prod(), &choices);
    let start = plan.step(StepKind::StartBackup).unwrap();
    let encrypt = Some(SecretSource::Env("PW".into()));
    assert_eq!(start.actions, [Action::StartBackup { mode: Mode::Full, plus_archivelog: true, encrypt, to: None }]);
    assert_eq!(
        start.effect,
        "A full backup of pay to file:///own/data, encrypted with a password, which the server writes in clear into its \
         observer.log"
    );
    let mut facts = prod();
    facts.tenants[2].sets = vec![full(1)];
    let plan = planned(&facts, &choose(&["prod/pay"], Mode::Incremental));
    let start = plan.step(StepKind::StartBackup).unwrap();
    let expected = Action::StartBackup { mode: Mode::Incremental, plus_archivelog: false, encrypt: None, to: None };
    assert_eq!(start.actions, [expected]);
    assert_eq!(start.effect, "An incremental backup of pay to file:///own/data");
}

/// V4.0 and V4.1 parse the words, and refuse them after archiving has been switched on for them.
#[test]
fn plus_archivelog_is_refused_where_the_server_takes_none() {
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.plus_archivelog = true;
    for (numbers, taken) in [([4, 0, 0, 0], false), ([4, 1, 0, 2], false), ([4, 2, 0, 0], true), ([4, 3, 5, 0], true)] {
        let mut facts = prod();
        facts.cluster.version = Version::oceanbase(numbers, None);
        match plan(&facts, &choices) {
            Ok(_) => assert!(taken, "{numbers:?}"),
            Err(refusal) => {
                assert!(!taken, "{numbers:?}");
                let fault = refusal.fault;
                assert_eq!((fault.cause, fault.what.as_str()), (Cause::Usage, "prod has no PLUS ARCHIVELOG."));
                let version = facts.cluster.version;
                let why = format!("{version} cannot put the log into a set: that is there from V4.2.0 on.");
                assert_eq!(fault.why, why);
            }
        }
    }
}

#[test]
fn a_tenant_without_a_full_fails_gets_one_or_is_left_out() {
    let mut with = tenant(1002, "pay");
    with.sets = vec![full(1)];
    let without = crate::domain::samples::other_tenant(1004, "log");
    let facts = crate::domain::samples::cluster(vec![with, without]);
    let mut choices = choose(&["prod"], Mode::Incremental);
    let modes = |plan: &Plan| plan.targets.iter().map(|target| (target.tenant.id, target.mode)).collect::<Vec<_>>();
    let usable = |plan: &Plan, id: usize| {
        let of = &plan.targets[id].target;
        plan.checks.iter().find(|check| check.check == CheckId::UsableFull && check.target == *of).unwrap().clone()
    };

    let plan_fail = plan(&facts, &choices).unwrap();
    assert_eq!(modes(&plan_fail), [(1002, Mode::Incremental), (1004, Mode::Incremental)]);
    let check = usable(&plan_fail, 1);
    assert_eq!(
        check.found,
        "step 2 will fail: Full data backup needed before incremental data backup: the tenant has no backup set"
    );
    assert!(!check.refuses(), "the start is allowed, the step fails");

    choices.no_full = NoFullPolicy::Full;
    let plan_full = plan(&facts, &choices).unwrap();
    assert_eq!(modes(&plan_full), [(1002, Mode::Incremental), (1004, Mode::Full)]);
    assert_eq!(usable(&plan_full, 1).found, "a full is made instead: the tenant has no backup set");

    choices.no_full = NoFullPolicy::Skip;
    let plan_skip = plan(&facts, &choices).unwrap();
    assert_eq!(modes(&plan_skip), [(1002, Mode::Incremental)]);
    let reason = "Full data backup needed before incremental data backup: the tenant has no backup set";
    assert_eq!(plan_skip.left_out, [ExcludedTarget { target: target("prod/log"), reason: reason.into() }]);

    // With no tenant left there is no plan, and the refusal names what was left out.
    choices.targets = vec![target("prod/log")];
    let refusal = plan(&facts, &choices).unwrap_err();
    assert_eq!(refusal.fault.cause, Cause::Precondition);
    assert!(refusal.fault.why.contains(reason), "{}", refusal.fault.why);
    assert_eq!(refusal.left_out.len(), 1);
}

#[test]
fn another_data_destination_takes_the_base_away() {
    let mut facts = prod();
    facts.tenants[2].sets = vec![full(1)];
    let mut choices = choose(&["prod/pay"], Mode::Incremental);
    choices.storage = Some(crate::domain::samples::wanted(
        Some("file:///new/data"),
        Some("file:///own/clog"),
        crate::domain::choices::StorageSource::Given,
    ));
    let made = plan(&facts, &choices).unwrap();
    let check = made.checks.iter().find(|check| check.check == CheckId::UsableFull).unwrap();
    assert_eq!(check.result, CheckResult::Warn);
    assert!(check.found.ends_with("the good sets (latest: 1) are on another path than file:///new/data"));
    choices.no_full = NoFullPolicy::Full;
    assert_eq!(planned(&facts, &choices).mode, Mode::Full);
    choices.no_full = NoFullPolicy::Skip;
    assert!(refused(&facts, &choices).why.contains("on another path"));
}

/// The server takes no incremental across data versions: what the plan does for such a tenant is a choice.
#[test]
fn a_base_of_another_data_version_is_none() {
    let mut facts = prod();
    facts.tenants[2].sets = vec![full(1)];
    facts.tenants[2].data_version = Some("4.2.5.1".into());
    let mut choices = choose(&["prod/pay"], Mode::Incremental);
    assert_eq!(planned(&facts, &choices).mode, Mode::Incremental, "its step fails with the contract text");
    choices.no_full = NoFullPolicy::Full;
    assert_eq!(planned(&facts, &choices).mode, Mode::Full);
    choices.no_full = NoFullPolicy::Skip;
    let left_out = plan(&facts, &choices).unwrap_err().left_out;
    assert!(left_out[0].reason.contains("the server takes no incremental across that"), "{left_out:?}");
}

#[test]
fn a_plan_survives_its_journal() {
    let mut choices = choose(&["prod"], Mode::Full);
    choices.encrypt = Some(SecretSource::Stdin);
    let made = plan(&prod(), &choices).unwrap();
    let json = serde_json::to_string(&made).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), made);
    assert!(made.target(&target("prod/pay")).is_some());
    assert!(made.not_checked().all(|check| check.result == CheckResult::NotChecked));
    assert_eq!(made.not_checked().count(), 1, "that every server can write is not checked");
}
