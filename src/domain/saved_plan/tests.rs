#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::choices::Mode;
use crate::domain::facts::Known;
use crate::domain::plan::plan;
use crate::domain::samples::{NOW, choose, cluster, other_tenant, target, tenant};
use crate::domain::step::StepKind;

/// Prepares a plan as the program does, with statements that only name their action and targets.
fn prepared(facts: &Facts, choices: &Choices, task: &str) -> Prepared {
    let plan = plan(facts, choices).unwrap();
    let group = |of: &crate::domain::plan::TargetPlan| {
        let names =
            plan.targets.iter().filter(|target| target.mode == of.mode).map(|target| target.tenant.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let steps = plan.targets.iter().flat_map(|target| target.steps.iter().map(move |step| (target, step)));
    let preview = steps
        .map(|(target, step)| PreviewStep {
            target: target.target.clone(),
            step: step.kind,
            needed: step.need == crate::domain::plan::Need::Needed,
            statements: step
                .actions
                .iter()
                .map(|action| match step.kind {
                    StepKind::StartBackup => format!("BACKUP {} DESCRIPTION = 'obnow {task}.1'", group(target)),
                    _ => format!("{} {}", word(action), target.tenant.name),
                })
                .collect(),
            effect: step.effect.clone(),
            interrupts: step.interrupts.clone(),
        })
        .collect();
    Prepared { task: task.to_owned(), plan, preview, digest: String::new() }
}

fn word(action: &crate::domain::plan::Action) -> String {
    let text = serde_json::to_string(action).unwrap();
    text.split('"').nth(1).unwrap().to_owned()
}

fn saved(facts: &Facts, choices: &Choices) -> SavedPlan {
    let at = Timestamp::from_second(i64::try_from(NOW).unwrap()).unwrap();
    SavedPlan::of(facts, &prepared(facts, choices, "1QJ45Y2V0ZZZ"), at)
}

fn two() -> Facts {
    cluster(vec![tenant(1002, "pay"), other_tenant(1004, "order")])
}

/// Returns the differences between the plan saved for `then` and the plan for `now`, one line each.
fn lines(then: (&Facts, &Choices), now: (&Facts, &Choices)) -> Vec<String> {
    let saved = saved(then.0, then.1);
    saved.differences(&prepared(now.0, now.1, "20000000000A")).iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_differs_for_another_task_of_the_same_plan() {
    let choices = choose(&["prod"], Mode::Full);
    assert_eq!(lines((&two(), &choices), (&two(), &choices)), Vec::<String>::new());
    let saved = saved(&two(), &choices);
    assert!(saved.shown.iter().any(|step| step.statements == ["BACKUP pay, order DESCRIPTION = 'obnow {task}.1'"]));
    assert!(!format!("{saved:?}").contains("1QJ45Y2V0ZZZ"));
}

#[test]
fn archiving_that_is_off_now_is_a_step_and_a_statement_more() {
    let choices = choose(&["prod/pay"], Mode::Full);
    let mut now = two();
    now.tenants[2].archive = crate::domain::samples::archive(Some("STOP"));
    let found = lines((&two(), &choices), (&now, &choices));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("prod/pay: Start log archiving: needed now: starts a new round."), "{found:#?}");
    assert_eq!(found[1], "prod/pay: Start log archiving: added: start_archiving pay");
    let back = lines((&now, &choices), (&two(), &choices));
    assert_eq!(
        back,
        [
            "prod/pay: Start log archiving: no longer needed: not needed: DOING",
            "prod/pay: Start log archiving: removed: start_archiving pay"
        ]
    );
}

#[test]
fn who_is_left_out_now_or_gone_or_new_is_said_and_the_common_statement_once() {
    let choices = choose(&["prod"], Mode::Full);
    let mut busy = two();
    busy.tenants[3].role = crate::domain::facts::Role::Other("RESTORE".into());
    let found = lines((&two(), &choices), (&busy, &choices));
    assert!(found[0].starts_with("prod/order: left out now: "), "{found:#?}");
    assert_eq!(
        found[1..],
        [
            "prod/pay, prod/order: Start data backup: removed: BACKUP pay, order DESCRIPTION = 'obnow {task}.1'",
            "prod/pay: Start data backup: added: BACKUP pay DESCRIPTION = 'obnow {task}.1'",
            "prod/order: Confirm restorable: removed: look_at_storage order",
        ]
    );
    let back = lines((&busy, &choices), (&two(), &choices));
    assert!(back[0].starts_with("prod/order: backed up now: it was left out then: "), "{back:#?}");
    let fewer = lines((&two(), &choices), (&two(), &choose(&["prod/pay"], Mode::Full)));
    assert_eq!(fewer[0], "prod/order: not asked for any more");
    let more = lines((&two(), &choose(&["prod/pay"], Mode::Full)), (&two(), &choices));
    assert_eq!(more[0], "prod/order: backed up now");
}

#[test]
fn another_cluster_tenant_or_version_is_refused_and_named() {
    let plan = saved(&two(), &choose(&["prod/pay"], Mode::Full));
    assert_eq!(plan.refuse_another(&two()), Ok(()));
    assert_eq!(plan.expect.tenant_ids, BTreeMap::from([(target("prod/pay"), 1002)]));
    let refused = |change: &dyn Fn(&mut Facts)| {
        let mut facts = two();
        change(&mut facts);
        let fault = plan.refuse_another(&facts).unwrap_err();
        assert_eq!(fault.cause, Cause::Precondition);
        (fault.what, fault.why)
    };
    let (what, why) = refused(&|facts| facts.cluster.id = Some(78));
    assert_eq!(what, "prod at 10.0.0.1:2881 is not the cluster the plan was saved for.");
    assert_eq!(why, "The plan expects cluster id 77, and this one has cluster id 78.");
    let (_, why) = refused(&|facts| facts.cluster.id = None);
    assert_eq!(why, "The plan expects cluster id 77, and this one has no cluster id.");
    let other = Created { tenant: 1, at: Timestamp::UNIX_EPOCH };
    let (what, why) = refused(&|facts| facts.cluster.created = Known::Known(other));
    assert_eq!(what, "prod at 10.0.0.1:2881 is not the cluster the plan was saved for.");
    assert_eq!(
        why,
        "The plan expects one created at 2026-10-01T03:31:40.123456Z, and this one was created at 1970-01-01T00:00:00Z."
    );
    let (what, why) = refused(&|facts| facts.tenants[2].id = 1010);
    assert_eq!(what, "prod/pay is not the tenant the plan was saved for.");
    assert_eq!(why, "The plan expects tenant 1002, and prod/pay is tenant 1010 now.");
    let (_, why) = refused(&|facts| facts.tenants[2].name = "pay2".into());
    assert_eq!(why, "Tenant 1002 is called pay2 now.");
    let (_, why) = refused(&|facts| drop(facts.tenants.remove(2)));
    assert_eq!(why, "There is no tenant of that name and none with the id 1002.");
    let (what, why) = refused(&|facts| facts.cluster.version.numbers = [4, 3, 5, 0]);
    assert_eq!(what, "prod at 10.0.0.1:2881 runs another version than the plan was saved for.");
    assert!(why.starts_with("The plan expects V4.2.5.1-101000012024") && why.contains("V4.3.5.0"), "{why}");
    // The cluster id alone, which an administrator chooses, does not prove that the cluster is the same.
    let (what, why) = refused(&|facts| facts.cluster.created = Known::NotChecked("it was not read".into()));
    assert_eq!(what, "Whether prod at 10.0.0.1:2881 is the cluster the plan was saved for is not known.");
    assert_eq!(why, "The plan expects one created at 2026-10-01T03:31:40.123456Z, and it was not read.");
    // A tenant that the plan does not cover may change.
    let mut facts = two();
    facts.tenants[3].id = 1099;
    assert_eq!(plan.refuse_another(&facts), Ok(()));
}

#[test]
fn a_whole_cluster_may_lose_a_tenant_but_not_have_it_replaced() {
    let plan = saved(&two(), &choose(&["prod"], Mode::Full));
    let mut facts = two();
    facts.tenants[3].id = 1099;
    assert!(plan.refuse_another(&facts).is_err());
    facts.tenants.remove(3);
    assert_eq!(plan.refuse_another(&facts), Ok(()));
}

#[test]
fn other_targets_than_those_whose_ids_are_kept_are_refused() {
    let refused = |plan: &SavedPlan| plan.refuse_another(&two()).map_err(|fault| (fault.cause, fault.why));
    let why = |text: &str| Err((Cause::Precondition, text.to_owned()));
    let pay = saved(&two(), &choose(&["prod/pay"], Mode::Full));
    let with = |targets: &[&str]| {
        let choices = choose(targets, Mode::Full);
        refused(&SavedPlan { choices, digest: FileDigest::Differs, ..pay.clone() })
    };
    assert_eq!(with(&["prod/pay"]), Ok(()));
    let added = "prod/order is among its targets, and its tenant_ids keep no id of it.";
    assert_eq!(with(&["prod/order"]), why(added));
    assert_eq!(with(&["prod/pay", "prod/order"]), why(added));
    assert_eq!(with(&["prod"]), why(added));
    let mut kept = pay.clone();
    kept.expect.tenant_ids = BTreeMap::new();
    assert_eq!(refused(&kept), why("prod/pay is among its targets, and its tenant_ids keep no id of it."));
    let both = saved(&two(), &choose(&["prod/pay", "prod/order"], Mode::Full));
    let one = SavedPlan { choices: choose(&["prod/pay"], Mode::Full), ..both };
    assert_eq!(refused(&one), why("Its tenant_ids keep the id of prod/order, which is not among its targets."));
    // A tenant that was created after a plan for the full cluster was saved.
    let earlier = cluster(vec![tenant(1002, "pay")]);
    let whole = saved(&earlier, &choose(&["prod"], Mode::Full));
    assert_eq!(refused(&whole), Ok(()));
    assert_eq!(refused(&SavedPlan { digest: FileDigest::Missing, ..whole }), why(added));
}

#[test]
fn what_interrupts_and_nobody_confirmed_is_refused_where_nobody_is_asked() {
    let choices = choose(&["prod/pay"], Mode::Full);
    let mut now = prepared(&two(), &choices, "T");
    let quiet = SavedPlan::of(&two(), &now, Timestamp::UNIX_EPOCH);
    let stale = |plan: &SavedPlan, digest| SavedPlan { digest, ..plan.clone() };
    for digest in [FileDigest::Matches, FileDigest::Differs, FileDigest::Missing] {
        assert_eq!(stale(&quiet, digest).refuse_unasked(&now), Ok(()), "nothing is interrupted");
    }
    now.preview[1].interrupts = "log archiving of pay".into();
    let fault = quiet.refuse_unasked(&now).unwrap_err();
    assert_eq!(fault.cause, Cause::Precondition);
    assert_eq!(fault.what, "The plan interrupts more than when it was saved: log archiving of pay.");
    // The interruption was shown when the plan was saved.
    let loud = SavedPlan::of(&two(), &now, Timestamp::UNIX_EPOCH);
    assert_eq!(loud.refuse_unasked(&now), Ok(()));
    let why = |digest| stale(&loud, digest).refuse_unasked(&now).unwrap_err().why;
    assert!(why(FileDigest::Differs).starts_with("Its digest differs"));
    assert!(why(FileDigest::Missing).starts_with("It has no digest"));
}
