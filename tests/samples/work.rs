//! Tests that old tasks are resumed: one whose runner has exited while its job runs is found, cancelled, and started again; one
//! that failed is retried.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use obnow::demo::control::ControlRequest;
use serde_json::Value;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, raw_sql};

use crate::fleet::{DemoFleet, RunningCommand, until};
use crate::support::{Sample, event, private, samples};

/// Scenarios whose samples were made after what was wrong there had been removed.
const MENDED: &[&str] = &["upgrading", "login-refused", "stalls"];

/// Sends a statement as the runner sent it, as often as the server needs to be ready for it.
fn say(fleet: &DemoFleet, cluster: &str, statement: &str) {
    let config: Value = serde_yaml::from_str(&std::fs::read_to_string(fleet.config()).unwrap()).unwrap();
    let entry = config["clusters"].as_array().unwrap().iter().find(|entry| entry["name"] == cluster).unwrap();
    let password = std::fs::read_to_string(entry["password"]["file"].as_str().unwrap()).unwrap();
    let login = MySqlConnectOptions::new()
        .username(entry["user"].as_str().unwrap())
        .password(password.trim())
        .ssl_mode(MySqlSslMode::Disabled)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut servers = entry["endpoints"].as_array().unwrap().iter().cycle();
    until(statement, || {
        // One whose answer was lost was said all the same.
        let all = fleet.ask(&ControlRequest::Statements);
        let said = |one: &Value| {
            same(one["text"].as_str().unwrap(), statement) && one["outcome"].as_str().unwrap().ends_with("done")
        };
        if all.as_array().unwrap().iter().any(said) {
            return Ok(());
        }
        let (host, port) = servers.next().unwrap().as_str().unwrap().rsplit_once(':').unwrap();
        let login = login.clone().host(host).port(port.parse().unwrap());
        let sent = async {
            let mut connection = login.connect().await?;
            raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await
        };
        let sent = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(1), sent).await });
        let why = sent
            .map_or_else(|_| "no answer".to_owned(), |sent| sent.map_or_else(|why| why.to_string(), |_| String::new()));
        Err(format!("{why}; {all}"))
    });
}

/// The fleet spells names in its own way.
fn same(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.chars().filter(|c| !"`'\"= ".contains(*c)).collect::<String>();
    bare(one) == bare(other)
}

/// Brings the fleet to where the journal has come: what was sent is sent.
fn brought_to(fleet: &DemoFleet, journal: &[Value]) {
    let cluster = journal[0]["prepared"]["plan"]["cluster"]["name"].as_str().unwrap();
    for intent in journal.iter().filter(|event| event["event"] == "intent") {
        let statements = intent["statements"].as_array().unwrap().iter().map(|statement| statement.as_str().unwrap());
        // A password is never in a journal; the job does without.
        for statement in statements.filter(|statement| !statement.starts_with("SET ENCRYPTION")) {
            say(fleet, cluster, statement);
        }
    }
}

/// Holds the jobs of a plan's tenants in their data.
fn hold(fleet: &DemoFleet, plan: &Value) {
    let state = fleet.ask(&ControlRequest::State);
    let known: Vec<&str> =
        state["clusters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    let named = plan["cluster"]["name"].as_str().unwrap();
    // An inventory names the cluster of a tenant's own login as it likes.
    let cluster = known.iter().find(|name| **name == named).unwrap_or(&known[0]);
    for target in plan["targets"].as_array().unwrap() {
        let tenant = target["tenant"]["name"].as_str().unwrap();
        let held = |phase: &&str| {
            let ask = ControlRequest::HoldPhase {
                cluster: Some((*cluster).into()),
                tenant: tenant.into(),
                phase: (*phase).into(),
            };
            fleet.try_ask(&ask).is_ok()
        };
        let phases = ["BACKUP_DATA_MAJOR", "BACKUP_USER_DATA", "BACKUP_DATA", "DOING"];
        assert!(phases.iter().filter(|phase| held(phase)).count() > 0, "{tenant} of {cluster} has other phases");
    }
}

/// Where the password of an encrypted one is.
fn secrets(fleet: &DemoFleet, sample: &Sample) -> Vec<String> {
    if sample.events()[0]["prepared"]["plan"]["choices"]["encrypt"].is_null() {
        return Vec::new();
    }
    let file = fleet.folder().join("encryption");
    private(&file, "a new password");
    vec!["--encrypt-from".to_owned(), format!("file:{}", file.display())]
}

fn retry<'a>(sample: &'a Sample, secrets: &'a [String]) -> Vec<&'a str> {
    let own = ["retry", &sample.id, "--yes", "--json"];
    own.into_iter().chain(secrets.iter().map(String::as_str)).collect()
}

/// Its runner is gone, its job runs: Retry finds it, cancel ends it, and another Retry makes a new one.
fn found_cancelled_and_made_anew(sample: &Sample, running: &str) {
    let fleet = DemoFleet::serve(&sample.scenario);
    if MENDED.contains(&sample.scenario.as_str()) {
        fleet.fix();
    }
    sample.put(&fleet, running);
    let secrets = secrets(&fleet, sample);
    let journal = fleet.state().join("tasks").join(format!("{}.jsonl", sample.id));
    let text = std::fs::read_to_string(&journal).unwrap();
    let before: Vec<Value> = text.lines().skip(1).map(event).collect();
    let plan = &before[0]["prepared"]["plan"];
    hold(&fleet, plan);
    brought_to(&fleet, &before);
    let starts = || {
        fleet
            .ask(&ControlRequest::Statements)
            .as_array()
            .unwrap()
            .iter()
            .filter(|said| {
                let text = said["text"].as_str().unwrap();
                text.starts_with("ALTER SYSTEM BACKUP ") && said["outcome"].as_str().unwrap().ends_with("done")
            })
            .count()
    };
    let started = starts();

    let found = RunningCommand::start(&fleet, &retry(sample, &secrets));
    until("the job to be waited for", || {
        let text = std::fs::read_to_string(&journal).unwrap();
        let new: Vec<Value> =
            text.lines().skip(1 + before.len()).filter_map(|line| serde_json::from_str(line).ok()).collect();
        let waits = |line: &Value| line["event"]["event"] == "waiting" && line["event"]["step"] == "wait_for_backup";
        if new.iter().any(waits) { Ok(()) } else { Err(format!("{new:#?}")) }
    });
    assert_eq!(starts(), started, "Retry sent a start, and the job runs");
    // Where some were left out from the beginning, the exit says so.
    let left_out = plan["left_out"].as_array().is_some_and(|left_out| !left_out.is_empty());
    let code = if left_out { 4 } else { 23 };
    let name = plan["cluster"]["name"].as_str().unwrap();
    // On production it is asked for.
    fleet.json(&["cancel", &sample.id, "--yes", "--confirm", name]).exits(code);
    let ended = found.end().exits(code);
    assert!(ended.of_kind("verdict").iter().all(|verdict| verdict["verdict"] == "cancelled"), "{}", ended.out);

    // Every cause is removed, and nothing is held.
    fleet.fix();
    let anew = RunningCommand::start(&fleet, &retry(sample, &secrets)).end();
    let good = anew.of_kind("verdict").iter().all(|verdict| verdict["verdict"] == "restorable");
    assert!(good && [0, 4].contains(&anew.code), "exits {}: {}{}", anew.code, anew.out, anew.err);
    assert_eq!(starts(), started + 1);
}

/// What ended without a good backup is tried again, and fails where it still must; where only the end was not known, it is
/// looked at again.
fn tried_again(sample: &Sample) {
    let fleet = DemoFleet::serve(&sample.scenario);
    sample.put(&fleet, &sample.whole());
    let open = sample.verdicts().iter().any(|(_, verdict, _)| verdict == "unknown");
    if open {
        brought_to(&fleet, &sample.events());
    }
    fleet.fix();
    if open {
        fleet.wait("pay", "history", "COMPLETED");
    }
    let still_fails = [
        ("no-full", "incremental"),
        ("silent-full", "incremental"),
        ("needs-compaction", "refused"),
        ("logical", "full"),
    ];
    let code = if still_fails.contains(&(sample.scenario.as_str(), sample.name.as_str())) { 15 } else { 0 };
    RunningCommand::start(&fleet, &retry(sample, &secrets(&fleet, sample))).end().exits(code);
}

/// The job of somebody else is watched again.
fn watched_again(sample: &Sample, running: &str) {
    let fleet = DemoFleet::serve(&sample.scenario);
    sample.put(&fleet, running);
    let again = RunningCommand::start(&fleet, &retry(sample, &[]));
    fleet.fix();
    assert!(again.end().exits(0).of_kind("verdict").iter().all(|verdict| verdict["verdict"] == "restorable"));
    assert_eq!(fleet.starts(), Vec::<String>::new());
}

fn worked_on(sample: &Sample) {
    match sample.while_it_ran() {
        Some((running, _)) if sample.name == "watched" => watched_again(sample, &running),
        Some((running, _)) if sample.name != "cancelled" => found_cancelled_and_made_anew(sample, &running),
        _ => tried_again(sample),
    }
}

#[test]
fn every_task_is_gone_on_with_cancelled_and_made_anew() {
    let (all, next) = (samples(), AtomicUsize::new(0));
    let failed = Mutex::new(Vec::new());
    // They wait more than they work.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(sample) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = format!("{}/{}", sample.scenario, sample.name);
                    if std::panic::catch_unwind(|| worked_on(sample)).is_err() {
                        failed.lock().unwrap().push(name);
                    }
                }
            });
        }
    });
    assert!(failed.lock().unwrap().is_empty(), "{failed:?}; what was wrong with them is above");
}
