//! Statements that several targets share are written once, and read back completely.

use super::super::shared::{shared, unshared};
use super::super::{Event, Prepared, PreviewStep};
use super::created;
use crate::domain::step::StepKind;

/// Returns a plan that starts a backup of these tenants and has one step for each alone.
fn with_steps(tenants: usize) -> Prepared {
    let names: Vec<String> = (0..tenants).map(|number| format!("`tenant_{number:04}`")).collect();
    let start = format!("ALTER SYSTEM BACKUP TENANT = {}", names.join(", "));
    let Event::Created { mut prepared, .. } = created() else { unreachable!("it is made so") };
    prepared.preview = (0..tenants)
        .flat_map(|number| {
            let step = |step, statements: Vec<String>| PreviewStep {
                target: format!("demo/tenant_{number:04}").parse().unwrap(),
                step,
                needed: true,
                statements,
                effect: "e".into(),
                interrupts: String::new(),
            };
            let own = vec![format!("ALTER SYSTEM ARCHIVELOG TENANT = `tenant_{number:04}`")];
            [
                step(StepKind::CheckTarget, Vec::new()),
                step(StepKind::StartArchiving, own),
                step(StepKind::StartBackup, vec![start.clone()]),
            ]
        })
        .collect();
    *prepared
}

#[test]
fn a_start_of_many_is_written_once_and_read_for_each() {
    let prepared = with_steps(400);
    let text = serde_json::to_string(&prepared).unwrap();
    assert_eq!(text.matches("ALTER SYSTEM BACKUP").count(), 1);
    assert_eq!(text.matches("ALTER SYSTEM ARCHIVELOG").count(), 400, "each one's own stays with it");
    assert_eq!(text.matches(r#""statements_of":"demo/tenant_0000""#).count(), 399);
    assert_eq!(serde_json::from_str::<Prepared>(&text).unwrap(), prepared);
}

#[test]
fn what_an_older_release_wrote_for_each_is_read() {
    let prepared = with_steps(2);
    let mut text = serde_json::to_value(&prepared).unwrap();
    text["preview"] = serde_json::to_value(&prepared.preview).unwrap();
    assert_eq!(text.to_string().matches("ALTER SYSTEM BACKUP").count(), 2);
    assert_eq!(serde_json::from_value::<Prepared>(text).unwrap(), prepared);
}

#[test]
fn statements_of_nobody_are_no_plan() {
    let prepared = with_steps(2);
    let mut text = serde_json::to_value(&prepared).unwrap();
    text["preview"][5]["statements_of"] = "demo/nobody".into();
    let error = serde_json::from_value::<Prepared>(text).unwrap_err().to_string();
    assert!(error.contains("demo/nobody has no statements of that step"), "{error}");
    let lone = shared(&prepared.preview[5..]).map(|(step, owner)| (step.clone(), owner.cloned())).collect();
    assert_eq!(unshared(lone).unwrap(), prepared.preview[5..]);
}
