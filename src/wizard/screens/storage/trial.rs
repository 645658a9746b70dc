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
    /// It has ended.
    Over(Box<TestReport>),
}

/// A Test.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What is tested.
    pub of: Sheet,
    /// Whose directory, where there are several tenants: its name, and how many there are.
    pub one_of: Option<(String, usize)>,
    /// What has ended so far.
    pub checks: Vec<TestedCheck>,
    /// How far it is.
    pub progress: Progress,
}

impl Trial {
    /// A Test that begins.
    #[must_use]
    pub fn begun(of: Sheet, one_of: Option<(String, usize)>) -> Self {
        Self { of, one_of, checks: Vec::new(), progress: Progress::Running(None) }
    }

    /// Takes news in.
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

    /// It has ended.
    pub fn end(&mut self, report: TestReport) {
        self.checks.clone_from(&report.checks);
        self.progress = Progress::Over(Box::new(report));
    }

    /// What is to be done by hand on every server, where nobody asked them.
    #[must_use]
    pub fn by_hand(&self) -> &[String] {
        let Progress::Over(report) = &self.progress else { return &[] };
        match report.check(StorageCheck::EveryServer).map(|check| check.result) {
            Some(TestResult::NotChecked) => &report.by_hand,
            Some(TestResult::Pass | TestResult::Fail) | None => &[],
        }
    }
}

/// What a Test says of the present values.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing<'a> {
    /// There was none.
    Never,
    /// It runs.
    Running(Option<StorageCheck>),
    /// It was ended.
    Stopped,
    /// It was of other values: what is different.
    Void(String),
    /// Nothing failed.
    Passed(&'a TestReport),
    /// Something did.
    Failed(&'a TestReport),
}

impl Standing<'_> {
    /// Whether the Test of what is there now wrote nothing, because only the directory itself may be written to.
    #[must_use]
    pub fn asks_inside(&self) -> bool {
        match self {
            Self::Passed(report) | Self::Failed(report) => report.asks_inside(),
            Self::Never | Self::Running(_) | Self::Stopped | Self::Void(_) => false,
        }
    }
}

/// What the last Test says of what is there now.
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
