//! `obnow test-storage`, and the same Test before a backup to a storage that was given by hand.

use std::collections::BTreeSet;

use serde_json::json;
use tokio::sync::mpsc;

use super::args::TestStorageArgs;
use super::output::OutputStyle;
use super::render::{clock, non_empty};
use super::{Exit, Output};
use crate::app::launch::TaskSecrets;
use crate::app::storage_check::subjects::{self, TestSubject};
use crate::app::storage_check::{ProbeProgram, run_test};
use crate::app::{AppContext, SecretFlag, SecretRequest, choices_from_inventory, detect};
use crate::domain::choices::{Choices, InspectedDirectory, Mode};
use crate::domain::diagnosis::foreign;
use crate::domain::fault::Fault;
use crate::domain::preflight::CheckId;
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::storage_check::{TestReport, TestResult, TestUpdate, TestedCheck};
use crate::domain::target::TargetName;
use crate::domain::template::DirKind;

/// Tests every directory that is meant.
pub(super) async fn run(context: &AppContext, say: &Output, args: &TestStorageArgs) -> Result<Exit, Fault> {
    let id = args.access_id.as_deref();
    let subjects = match &args.what {
        StorageArg::Uri(uri) => vec![subjects::from_uri(uri, id)?],
        StorageArg::Target(target) => {
            let cluster = context.cluster(target.cluster())?;
            let facts = detect::one(context, cluster).await?;
            let choices =
                choices_from_inventory::with_strategies(Choices::new(vec![target.clone()], Mode::Full), cluster);
            subjects::with_server_checks(subjects::from_target(&facts, target, &choices, id)?, &facts, cluster)
        }
    };
    let tester = ProbeProgram::current()?;
    let mut keys = AccessKeys { context, given: args.access_key_from.as_ref(), known: Vec::new() };
    let mut all_passed = true;
    let mut asks = false;
    for mut subject in subjects {
        subject.spec.may_probe_inside = args.write_inside;
        let key = keys.key_for(&subject).await?;
        let report = run_and_print(say, &tester, subject, key).await;
        all_passed &= report.passed();
        asks |= report.asks_inside();
    }
    if asks {
        say.note("Nothing was written: only the directory itself may be written to. To write there, test again with --write-inside.");
    }
    Ok(if all_passed { Exit::OK } else { Exit::STORAGE })
}

/// The argument of `test-storage`.
#[derive(Debug, Clone)]
pub enum StorageArg {
    /// A storage.
    Uri(String),
    /// The storages of a target.
    Target(TargetName),
}

/// Access keys, each read or asked for once.
struct AccessKeys<'a> {
    context: &'a AppContext,
    given: Option<&'a SecretSource>,
    known: Vec<(SecretSource, String, Secret)>,
}

impl AccessKeys<'_> {
    /// The server never shows a key, so one that nobody named is asked for.
    async fn key_for(&mut self, subject: &TestSubject) -> Result<Option<Secret>, Fault> {
        let destination = &subject.spec.destination;
        if !destination.needs_access_key() {
            return Ok(None);
        }
        let source = self.given.or(subject.access_key.as_ref()).cloned().unwrap_or(SecretSource::Prompt);
        let id = destination.attribute("access_id").unwrap_or_default().to_owned();
        // One line of standard input is one key, whoever's it is.
        let known = |(from, of, _): &&(SecretSource, String, Secret)| {
            *from == source && (*of == id || source == SecretSource::Stdin)
        };
        if let Some((_, _, key)) = self.known.iter().find(known) {
            return Ok(Some(key.clone()));
        }
        let what = format!("the access key of {}", destination.uri_without_attributes());
        let key = self.context.secret(&source, SecretRequest { what: &what, flag: SecretFlag::AccessKeyFrom }).await?;
        self.known.push((source, id, key.clone()));
        Ok(Some(key))
    }
}

/// The results of the Tests of a plan's directories.
pub(super) struct PlanTests {
    /// None failed, but for what is overridden.
    pub(super) passed: bool,
    /// What was seen of each.
    pub(super) seen: Vec<InspectedDirectory>,
    /// The log archives whose Test has passed on every server.
    pub(super) proven_archives: BTreeSet<String>,
}

/// Tests the directories of a plan, all of them, whatever one of them says.
pub(super) async fn test_plan(
    say: &Output,
    subjects: Vec<TestSubject>,
    secrets: &TaskSecrets,
    skip: &BTreeSet<CheckId>,
) -> Result<PlanTests, Fault> {
    let tester = ProbeProgram::current()?;
    let mut tests = PlanTests { passed: true, seen: Vec::new(), proven_archives: BTreeSet::new() };
    for subject in subjects {
        let key = secrets.access_key.clone().filter(|_| subject.spec.destination.needs_access_key());
        let (uri, kind) = (subject.spec.destination.uri_without_attributes(), subject.kind);
        let report = run_and_print(say, &tester, subject, key).await;
        tests.passed &= report.passed() || (skip.contains(&CheckId::Owner) && report.passed_but_for_owner());
        if kind == Some(DirKind::Clog) && report.passed_on_every_server() {
            tests.proven_archives.insert(uri.clone());
        }
        tests.seen.extend(report.seen().map(|seen| InspectedDirectory { uri, seen }));
    }
    Ok(tests)
}

/// One Test, each check said as it ends.
async fn run_and_print(say: &Output, tester: &ProbeProgram, subject: TestSubject, key: Option<Secret>) -> TestReport {
    let title = subject.title();
    let target = subject.target.clone();
    say.line(&say.paint(OutputStyle::Title, &format!("Test  {}", foreign(&title))));
    let (sender, mut news) = mpsc::unbounded_channel();
    let what = subject.spec.with_access_key(key);
    let uri = what.destination.to_string();
    let testing = async {
        let report = run_test(tester, what, Some(&sender)).await;
        drop(sender);
        report
    };
    let saying = async {
        while let Some(news) = news.recv().await {
            if let TestUpdate::Ended(check) = news {
                print_check(say, target.as_ref(), &uri, &check);
            }
        }
    };
    let (report, ()) = tokio::join!(testing, saying);
    say.line(&format!("  {}", report.headline(&clock(report.at))));
    if !report.by_hand.is_empty() && report.not_checked().iter().any(|what| what.starts_with("that every server")) {
        say.line("  By hand, on every server:");
        for command in &report.by_hand {
            say.line(&format!("      {}", foreign(command)));
        }
    }
    for check in report.checks.iter().filter(|check| check.result == TestResult::Fail) {
        if let Some(fault) = &check.fault {
            say.fault(fault);
        }
    }
    if let Some(left) = report.left_behind.as_ref().filter(|left| !named(&report, left)) {
        say.note(&format!("Left behind, or nobody knows: {}", foreign(left)));
    }
    report
}

/// Whether a fault has named the probe that is left.
fn named(report: &TestReport, left: &str) -> bool {
    report.checks.iter().filter_map(|check| check.fault.as_ref()).any(|fault| fault.what.contains(left))
}

fn print_check(say: &Output, target: Option<&TargetName>, uri: &str, check: &TestedCheck) {
    let fault = check.fault.as_ref();
    say.event(
        "test",
        json!({"target": target, "uri": foreign(uri), "check": check.check.name(), "result": check.result.word(), "ms": check.ms,
               "found": non_empty(&foreign(&check.found)), "code": fault.and_then(|fault| fault.code)}),
    );
    let (role, word) = match check.result {
        TestResult::Pass => (OutputStyle::Ok, "ok  "),
        TestResult::Fail => (OutputStyle::Fail, "FAIL"),
        TestResult::NotChecked => (OutputStyle::Dim, "-   "),
    };
    let ms = check.ms.map_or_else(String::new, |ms| format!("{ms} ms"));
    let found = match check.result {
        TestResult::NotChecked => format!("not checked: {}", check.found),
        TestResult::Pass | TestResult::Fail => check.found.clone(),
    };
    say.line(&format!("  {} {:<12} {ms:>8}  {}", say.paint(role, word), check.check.label(), foreign(&found)));
}
