//! Tests of a cancel whose statement is answered with an error although it was executed.

use obnow::demo::control::ControlRequest;
use obnow::demo::fault_injection::{FaultEffect, InjectedFault};

use crate::fleet::{DemoFleet, RunningCommand};

/// V4.3.1 answers 4016 where it has cancelled more than two jobs of one tenant: the jobs' own states say what became of them.
#[test]
fn an_internal_error_after_a_cancel_is_no_refusal() {
    let fleet = DemoFleet::serve("healthy");
    let effect = FaultEffect::CancelRefused { code: 4016, text: "Internal error".into() };
    let (name, cluster, tenant, server) = ("odd-cancel".to_owned(), None, None, None);
    fleet.ask(&ControlRequest::InjectFault {
        fault: InjectedFault { name, cluster, tenant, server, fixable: true, since: 0, effect },
    });
    fleet.ask(&ControlRequest::HoldPhase { cluster: None, tenant: "pay".into(), phase: "BACKUP_DATA_MAJOR".into() });
    let backup = RunningCommand::start(&fleet, &["backup", "demo/pay", "--mode", "full", "--yes", "--json"]);
    fleet.wait("pay", "task", "BACKUP_DATA_MAJOR");
    let task = fleet.json(&["tasks"]).exits(0).of_kind("task")[0]["task"].as_str().unwrap().to_owned();
    let cancelled = fleet.run(&["cancel", &task, "--yes"]).exits(23);
    let told = "answered with an error that may come after it was done, so the jobs' own states decide";
    assert!(cancelled.out.contains(told), "{}\n{}", cancelled.out, cancelled.err);
    assert!(!cancelled.out.contains("refused:"), "{}", cancelled.out);
    assert_eq!(backup.end().exits(23).verdict("demo/pay")["verdict"], "cancelled");
    let sent = fleet.statements();
    assert_eq!(sent.iter().filter(|text| text.contains("CANCEL BACKUP")).count(), 1, "{sent:?}");
}
