//! A Test of one of the destinations: what exactly was tested, what is known of it so far, and whether that still counts.

use super::destination_form::{AccessFields, DestinationForm, Field};
use crate::domain::storage_check::{StorageCheck, TestReport, TestResult, TestUpdate, TestedCheck};

/// Exactly what was tested. Any difference makes a Test void; going back to it makes it count again.
#[derive(Debug, Clone, PartialEq)]
pub enum TestInput {
    /// What was typed; `alone`: the log archive followed from it.
    Typed {
        /// The fields.
        form: DestinationForm,
        /// Id and key.
        access: AccessFields,
        /// Nothing else was given.
        alone: bool,
    },
    /// What followed from the typed data backup.
    Derived {
        /// Its fields.
        form: DestinationForm,
        /// Id and key.
        access: AccessFields,
    },
    /// What was found, as its URI.
    Detected(String),
}

impl TestInput {
    /// What is different now, as a person calls it; None: nothing. A field that the kind of storage does not have is no
    /// difference.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<String> {
        match (self, now) {
            (Self::Typed { form, access, alone }, Self::Typed { form: new, access: new_access, alone: new_alone }) => {
                let field = changed_field(form, access, new, new_access).map(str::to_owned);
                field.or_else(|| (alone != new_alone).then(|| "the log archive".to_owned()))
            }
            (Self::Derived { form, access }, Self::Derived { form: new, access: new_access }) => {
                changed_field(form, access, new, new_access).map(|field| format!("{field} of the data backup"))
            }
            (Self::Detected(uri), Self::Detected(new)) => (uri != new).then(|| "the destination".to_owned()),
            (Self::Typed { .. } | Self::Derived { .. } | Self::Detected(_), _) => Some("the source".to_owned()),
        }
    }
}

/// The first field that is different.
fn changed_field(
    old: &DestinationForm,
    old_access: &AccessFields,
    new: &DestinationForm,
    new_access: &AccessFields,
) -> Option<&'static str> {
    if old.kind != new.kind {
        return Some("Storage Type");
    }
    let differs = |field: &&Field| match field {
        Field::Addressing => old.path_style != new.path_style,
        field => old.text(old_access, **field) != new.text(new_access, **field),
    };
    new.kind.fields().iter().find(differs).map(|field| field.labels(new.kind).label)
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum TestProgress {
    /// It runs; with the check that is being made.
    Running(Option<StorageCheck>),
    /// It was ended by the person.
    Stopped,
    /// It has ended; with the report of the directory that is shown: the first that failed, else the last.
    Finished(Box<TestReport>),
}

/// A Test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestRun {
    /// What is tested.
    pub input: TestInput,
    /// The tenants whose directories are tested, one after the other; where one directory takes them all, the first.
    tenants: Vec<String>,
    /// The directories that have been tested, in that order.
    pub reports: Vec<TestReport>,
    /// What has ended so far of the directory that is shown.
    pub checks: Vec<TestedCheck>,
    /// How far it is.
    pub progress: TestProgress,
}

impl TestRun {
    /// A Test that begins.
    #[must_use]
    pub fn new(of: TestInput, tenants: Vec<String>) -> Self {
        Self { input: of, tenants, reports: Vec::new(), checks: Vec::new(), progress: TestProgress::Running(None) }
    }

    /// Whose directory is shown, as it reads behind a headline; empty where there is one directory.
    #[must_use]
    pub fn tenant_suffix(&self) -> String {
        let count = self.tenants.len();
        if count < 2 {
            return String::new();
        }
        let name = |at: usize| self.tenants.get(at).map_or("", String::as_str);
        let failed = self.reports.iter().filter(|report| !report.passed()).count();
        match (&self.progress, failed) {
            (TestProgress::Running(_) | TestProgress::Stopped, _) => {
                let at = self.reports.len();
                format!("; {}'s, {} of {count} tenants", name(at), at + 1)
            }
            (TestProgress::Finished(_), 0) => format!("; each of {count} tenants"),
            (TestProgress::Finished(_), 1) => format!("; {}'s alone, of {count} tenants", name(self.shown_report())),
            (TestProgress::Finished(_), failed) => {
                format!("; {}'s, the first of {failed} that failed, of {count} tenants", name(self.shown_report()))
            }
        }
    }

    /// The place of the report that is shown: what stops the person first, else what failed, else the last.
    fn shown_report(&self) -> usize {
        let first = |which: fn(&TestReport) -> bool| self.reports.iter().position(which);
        let stops = first(|report| !report.passed_but_for_owner()).or_else(|| first(|report| !report.passed()));
        stops.or_else(|| first(TestReport::asks_inside)).unwrap_or_else(|| self.reports.len().saturating_sub(1))
    }

    /// Records the start or the end of a check.
    pub fn record(&mut self, news: TestUpdate) {
        let TestProgress::Running(making) = &mut self.progress else { return };
        match news {
            TestUpdate::Begins(check) => *making = Some(check),
            TestUpdate::Ended(check) => {
                if *making == Some(check.check) {
                    *making = None;
                }
                self.checks.push(check);
                self.checks.sort_by_key(|check| check.check);
            }
        }
    }

    /// The Test of a directory has ended; whether it was the last one.
    pub fn finish_directory(&mut self, report: TestReport) -> bool {
        self.reports.push(report);
        let is_last = self.reports.len() >= self.tenants.len();
        let shown = self.reports.get(self.shown_report()).filter(|_| is_last).cloned();
        self.checks = shown.as_ref().map(|report| report.checks.clone()).unwrap_or_default();
        self.progress = shown.map_or(TestProgress::Running(None), |report| TestProgress::Finished(Box::new(report)));
        is_last
    }

    /// What is to be done by hand on every server, where nobody asked them.
    #[must_use]
    pub fn manual_commands(&self) -> Vec<String> {
        let TestProgress::Finished(_) = &self.progress else { return Vec::new() };
        let unasked = |report: &&TestReport| {
            report.check(StorageCheck::EveryServer).is_some_and(|check| check.result == TestResult::NotChecked)
        };
        let mut commands: Vec<String> = Vec::new();
        for command in self.reports.iter().filter(unasked).flat_map(|report| &report.by_hand) {
            if !commands.contains(command) {
                commands.push(command.clone());
            }
        }
        commands
    }
}

/// The status of the last Test for the present input.
#[derive(Debug, Clone, PartialEq)]
pub enum TestStatus<'a> {
    /// No Test was made.
    NotTested,
    /// It runs.
    Running(Option<StorageCheck>),
    /// It was ended.
    Stopped,
    /// The input changed after the Test; names the changed field.
    Outdated(String),
    /// Every check passed or was not made.
    Passed(&'a TestReport),
    /// At least one check failed.
    Failed(&'a TestReport),
}

/// Returns the status of the last Test for the present input.
#[must_use]
pub fn test_status<'a>(trial: Option<&'a TestRun>, now: &TestInput) -> TestStatus<'a> {
    let Some(trial) = trial else { return TestStatus::NotTested };
    match (&trial.progress, trial.input.difference(now)) {
        (TestProgress::Running(making), _) => TestStatus::Running(*making),
        (_, Some(changed)) => TestStatus::Outdated(changed),
        (TestProgress::Stopped, None) => TestStatus::Stopped,
        (TestProgress::Finished(report), None) if report.passed() => TestStatus::Passed(report),
        (TestProgress::Finished(report), None) => TestStatus::Failed(report),
    }
}
