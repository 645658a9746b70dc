//! A Test of one of the destinations: what exactly was tested, what is known of it so far, and whether that still counts.

use super::form::{Access, Field, Form};
use crate::domain::storage_test::{StorageCheck, TestNews, TestReport, TestResult, TestedCheck};

/// Exactly what was tested. Any difference makes a Test void; going back to it makes it count again.
#[derive(Debug, Clone, PartialEq)]
pub enum Sheet {
    /// What was typed; `alone`: the log archive followed from it.
    Typed {
        /// The fields.
        form: Form,
        /// Id and key.
        access: Access,
        /// Nothing else was given.
        alone: bool,
    },
    /// What followed from the typed data backup.
    Derived {
        /// Its fields.
        form: Form,
        /// Id and key.
        access: Access,
    },
    /// What was found, as its URI.
    Found(String),
}

impl Sheet {
    /// What is different now, as a person calls it; None: nothing. A field that the kind of storage does not have is no
    /// difference.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<String> {
        match (self, now) {
            (Self::Typed { form, access, alone }, Self::Typed { form: new, access: new_access, alone: new_alone }) => {
                let field = changed(form, access, new, new_access).map(str::to_owned);
                field.or_else(|| (alone != new_alone).then(|| "the log archive".to_owned()))
            }
            (Self::Derived { form, access }, Self::Derived { form: new, access: new_access }) => {
                changed(form, access, new, new_access).map(|field| format!("{field} of the data backup"))
            }
            (Self::Found(uri), Self::Found(new)) => (uri != new).then(|| "the destination".to_owned()),
            (Self::Typed { .. } | Self::Derived { .. } | Self::Found(_), _) => Some("the source".to_owned()),
        }
    }
}

/// The first field that is different.
fn changed(old: &Form, old_access: &Access, new: &Form, new_access: &Access) -> Option<&'static str> {
    if old.kind != new.kind {
        return Some("Storage Type");
    }
    let differs = |field: &&Field| match field {
        Field::Addressing => old.path_style != new.path_style,
        field => old.text(old_access, **field) != new.text(new_access, **field),
    };
    new.kind.fields().iter().find(differs).map(|field| field.words(new.kind).label)
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// It runs; with the check that is being made.
    Running(Option<StorageCheck>),
    /// It was ended by the person.
    Stopped,
    /// It has ended; with the report of the directory that is shown: the first that failed, else the last.
    Over(Box<TestReport>),
}

/// A Test.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What is tested.
    pub of: Sheet,
    /// The tenants whose directories are tested, one after the other; where one directory takes them all, the first.
    tenants: Vec<String>,
    /// The directories that have been tested, in that order.
    pub reports: Vec<TestReport>,
    /// What has ended so far of the directory that is shown.
    pub checks: Vec<TestedCheck>,
    /// How far it is.
    pub progress: Progress,
}

impl Trial {
    /// A Test that begins.
    #[must_use]
    pub fn begun(of: Sheet, tenants: Vec<String>) -> Self {
        Self { of, tenants, reports: Vec::new(), checks: Vec::new(), progress: Progress::Running(None) }
    }

    /// Whose directory is shown, as it reads behind a headline; empty where there is one directory.
    #[must_use]
    pub fn whose(&self) -> String {
        let count = self.tenants.len();
        if count < 2 {
            return String::new();
        }
        let name = |at: usize| self.tenants.get(at).map_or("", String::as_str);
        let failed = self.reports.iter().filter(|report| !report.passed()).count();
        match (&self.progress, failed) {
            (Progress::Running(_) | Progress::Stopped, _) => {
                let at = self.reports.len();
                format!("; {}'s, {} of {count} tenants", name(at), at + 1)
            }
            (Progress::Over(_), 0) => format!("; each of {count} tenants"),
            (Progress::Over(_), 1) => format!("; {}'s alone, of {count} tenants", name(self.shown())),
            (Progress::Over(_), failed) => {
                format!("; {}'s, the first of {failed} that failed, of {count} tenants", name(self.shown()))
            }
        }
    }

    /// The place of the report that is shown: what stops the person first, else what failed, else the last.
    fn shown(&self) -> usize {
        let first = |which: fn(&TestReport) -> bool| self.reports.iter().position(which);
        let stops = first(|report| !report.passed_but_for_owner()).or_else(|| first(|report| !report.passed()));
        stops.or_else(|| first(TestReport::asks_inside)).unwrap_or_else(|| self.reports.len().saturating_sub(1))
    }

    /// Records the start or the end of a check.
    pub fn hear(&mut self, news: TestNews) {
        let Progress::Running(making) = &mut self.progress else { return };
        match news {
            TestNews::Begins(check) => *making = Some(check),
            TestNews::Ended(check) => {
                if *making == Some(check.check) {
                    *making = None;
                }
                self.checks.push(check);
                self.checks.sort_by_key(|check| check.check);
            }
        }
    }

    /// The Test of a directory has ended; whether it was the last one.
    pub fn end(&mut self, report: TestReport) -> bool {
        self.reports.push(report);
        let is_last = self.reports.len() >= self.tenants.len();
        let shown = self.reports.get(self.shown()).filter(|_| is_last).cloned();
        self.checks = shown.as_ref().map(|report| report.checks.clone()).unwrap_or_default();
        self.progress = shown.map_or(Progress::Running(None), |report| Progress::Over(Box::new(report)));
        is_last
    }

    /// What is to be done by hand on every server, where nobody asked them.
    #[must_use]
    pub fn by_hand(&self) -> Vec<String> {
        let Progress::Over(_) = &self.progress else { return Vec::new() };
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
pub enum Standing<'a> {
    /// No Test was made.
    Never,
    /// It runs.
    Running(Option<StorageCheck>),
    /// It was ended.
    Stopped,
    /// The input changed after the Test; names the changed field.
    Void(String),
    /// Every check passed or was not made.
    Passed(&'a TestReport),
    /// At least one check failed.
    Failed(&'a TestReport),
}

/// Returns the status of the last Test for the present input.
#[must_use]
pub fn standing<'a>(trial: Option<&'a Trial>, now: &Sheet) -> Standing<'a> {
    let Some(trial) = trial else { return Standing::Never };
    match (&trial.progress, trial.of.difference(now)) {
        (Progress::Running(making), _) => Standing::Running(*making),
        (_, Some(changed)) => Standing::Void(changed),
        (Progress::Stopped, None) => Standing::Stopped,
        (Progress::Over(report), None) if report.passed() => Standing::Passed(report),
        (Progress::Over(report), None) => Standing::Failed(report),
    }
}
