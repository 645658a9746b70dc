#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::choices::Mode;
use crate::domain::plan::plan;
use crate::domain::samples::{choose, cluster, job, other_tenant, tenant};

#[test]
fn a_cancel_is_confirmed_by_the_name_of_what_it_hits() {
    let facts = cluster(vec![tenant(1002, "pay"), other_tenant(1004, "log")]);
    let name = |targets: &[&str]| hit_by_name(&plan(&facts, &choose(targets, Mode::Full)).unwrap());
    assert_eq!(name(&["prod/pay"]), "prod/pay");
    assert_eq!(name(&["prod/pay", "prod/log"]), "prod");
    assert_eq!(name(&["prod"]), "prod");
    // One job covers everybody: a cancel ends the backup of all.
    let mut one_job = plan(&facts, &choose(&["prod/pay"], Mode::Full)).unwrap();
    one_job.is_per_cluster = true;
    assert_eq!(hit_by_name(&one_job), "prod");
}

#[test]
fn the_question_names_every_job_and_its_owner() {
    let mut pay = tenant(1002, "pay");
    let made =
        plan(&cluster(vec![pay.clone(), other_tenant(1004, "log")]), &choose(&["prod/pay"], Mode::Full)).unwrap();
    let parent = JobFacts { tenant_id: 1, job_id: 80, set_id: None, ..job("nightly") };
    let mut log = other_tenant(1004, "log");
    log.running = vec![job("not of this task")];
    pay.running = vec![job("obnow t1.1"), parent.clone()];
    let lines = affected_jobs(&cluster(vec![pay.clone(), log.clone()]), &made, false);
    assert_eq!(
        lines,
        [
            "CANCEL BACKUP stops every backup job of these tenants, whoever started it:",
            "  prod/pay  job 7, full, by obnow task t1.1, since 2026-11-20 10:59:00 (server time)",
            "A job that somebody starts there just before the statement arrives is hit too.",
            "What is written by then stays on the destination, and nothing can be restored from it.",
        ]
    );
    // Before the tenant has a job of its own, nothing is hit.
    pay.running = vec![parent];
    let lines = affected_jobs(&cluster(vec![pay.clone(), log.clone()]), &made, false);
    assert_eq!(
        lines[..2],
        [
            "These have no job of their own yet, and CANCEL BACKUP hits nothing before it is there: it is waited for.",
            "  prod/pay  job 80, full, by \"nightly\", since 2026-11-20 10:59:00 (server time)",
        ]
    );
    pay.running = Vec::new();
    // Where nobody knows of a start, what it may hit is said.
    let lines = affected_jobs(&cluster(vec![pay.clone(), log.clone()]), &made, true);
    assert_eq!(
        lines[0],
        "A start of this task got no answer. Once its job is seen CANCEL BACKUP is sent, and may hit every backup job of \
         these tenants, whoever started it."
    );
    let lines = affected_jobs(&cluster(vec![pay, log]), &made, false);
    assert_eq!(lines, ["Nothing of it runs on the server: the task ends before its start."]);
}
