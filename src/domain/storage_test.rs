//! The Test of a storage: its checks, what each found, and what a directory must be for the server to take it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::destination::{Destination, StorageKind};
use super::fault::{Cause, Fault};
use super::template::DirKind;

mod expected;
mod format_file;
mod servers;
#[cfg(test)]
mod tests;

pub use expected::{Contents, Expected, Fit, Listed, OfTenant, Seen, Used, by_hand, judge, sole_use};
#[cfg(test)]
pub(crate) use format_file::written as written_format;
pub use format_file::{FORMAT_FILE, FormatFile};
pub use servers::{ServerSays, is_remote, judge_servers, script};

/// How much a Test writes, in bytes: a probe of real size.
pub const PROBE_BYTES: usize = 1 << 20;

/// A check of a storage Test. The order is the one they are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageCheck {
    /// The host's name has an address.
    Resolve,
    /// Somebody listens there.
    Connect,
    /// The connection is encrypted, and by whom it should be.
    Tls,
    /// The storage knows the access id and key.
    Credentials,
    /// A probe of [`PROBE_BYTES`] can be written.
    Write,
    /// It comes back as it was written.
    ReadBack,
    /// It is listed.
    List,
    /// It can be deleted.
    Delete,
    /// How far the storage's clock is from this host's.
    Clock,
    /// How much room is left.
    FreeSpace,
    /// The directory is empty or this tenant's own, as the server wants it (9080, 9081).
    Directory,
    /// Nobody else of the cluster uses it.
    SoleUse,
    /// A folder is on a mount, and of what.
    Mount,
    /// Every server reaches it.
    EveryServer,
}

impl StorageCheck {
    /// All checks, in the order they are shown.
    pub const ALL: [Self; 14] = [
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::Credentials,
        Self::Write,
        Self::ReadBack,
        Self::List,
        Self::Delete,
        Self::Clock,
        Self::FreeSpace,
        Self::Directory,
        Self::SoleUse,
        Self::Mount,
        Self::EveryServer,
    ];

    /// The checks that are part of every Test of this kind of storage, in the order they are shown.
    pub fn of(kind: StorageKind) -> impl Iterator<Item = Self> {
        let is_file = kind == StorageKind::File;
        Self::ALL.into_iter().filter(move |check| match check {
            Self::Resolve | Self::Connect | Self::Tls | Self::Credentials => !is_file,
            Self::FreeSpace | Self::Mount => is_file,
            Self::Write
            | Self::ReadBack
            | Self::List
            | Self::Delete
            | Self::Clock
            | Self::Directory
            | Self::SoleUse
            | Self::EveryServer => true,
        })
    }

    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Credentials => "credentials",
            Self::Write => "write",
            Self::ReadBack => "read_back",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Clock => "clock",
            Self::FreeSpace => "free_space",
            Self::Directory => "directory",
            Self::SoleUse => "sole_use",
            Self::Mount => "mount",
            Self::EveryServer => "every_server",
        }
    }

    /// The word of its row on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Credentials => "credentials",
            Self::Write => "write 1 MiB",
            Self::ReadBack => "read back",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Clock => "clock",
            Self::FreeSpace => "free space",
            Self::Directory => "directory",
            Self::SoleUse => "sole use",
            Self::Mount => "mount",
            Self::EveryServer => "every server",
        }
    }
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestResult {
    /// In order.
    Pass,
    /// Not: a backup would not get there.
    Fail,
    /// Nobody could look.
    NotChecked,
}

impl TestResult {
    /// The word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotChecked => "not_checked",
        }
    }
}

/// One check with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedCheck {
    /// Which check.
    pub check: StorageCheck,
    /// What came of it.
    pub result: TestResult,
    /// How long it took, in milliseconds; None where nothing was done for it.
    pub ms: Option<u64>,
    /// What was found, in a few words; of what was not checked, what and why, as it reads behind "not checked: ".
    pub found: String,
    /// The three sentences of a failure.
    pub fault: Option<Fault>,
    /// What of the directory other checks hang on, where it was looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// It was not made because only the directory itself may be written to: whoever tests is asked whether it may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_inside: bool,
}

impl TestedCheck {
    /// A check that is in order.
    #[must_use]
    pub fn pass(check: StorageCheck, ms: Option<u64>, found: impl Into<String>) -> Self {
        Self { check, result: TestResult::Pass, ms, found: found.into(), fault: None, seen: None, asks_inside: false }
    }

    /// A check that failed; found is what its fault says happened.
    #[must_use]
    pub fn fail(check: StorageCheck, ms: Option<u64>, fault: Fault) -> Self {
        Self {
            check,
            result: TestResult::Fail,
            ms,
            found: fault.what.clone(),
            fault: Some(fault),
            seen: None,
            asks_inside: false,
        }
    }

    /// A check that nobody could make; `found` reads behind "not checked: ".
    #[must_use]
    pub fn not_checked(check: StorageCheck, found: impl Into<String>) -> Self {
        Self {
            check,
            result: TestResult::NotChecked,
            ms: None,
            found: found.into(),
            fault: None,
            seen: None,
            asks_inside: false,
        }
    }
}

/// What a Test says while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestNews {
    /// This check is being made.
    Begins(StorageCheck),
    /// This check has ended.
    Ended(TestedCheck),
}

/// A whole Test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// What was tested, without a key.
    pub uri: String,
    /// Every check, in the order they are shown.
    pub checks: Vec<TestedCheck>,
    /// When it ended, by this host's clock.
    pub at: Timestamp,
    /// The probe that could not be deleted, or that nobody knows to be deleted.
    pub left_behind: Option<String>,
    /// What to do by hand on each server for what this host cannot test: commands, without secrets.
    pub by_hand: Vec<String>,
}

impl TestReport {
    /// What was seen of the directory; None: it was not looked into.
    #[must_use]
    pub fn seen(&self) -> Option<Seen> {
        self.checks.iter().find_map(|check| check.seen)
    }

    /// Whether a probe may lie nowhere but in the directory itself, so that nothing was written.
    #[must_use]
    pub fn asks_inside(&self) -> bool {
        self.checks.iter().any(|check| check.asks_inside)
    }

    /// Whether what is left behind lies in the directory itself, which the server refuses for it (9080).
    #[must_use]
    pub fn is_in_the_way(&self) -> bool {
        let bare = self.uri.split('?').next().unwrap_or_default();
        let directory = bare.strip_prefix("file://").unwrap_or(bare);
        let left = self.left_behind.as_deref().and_then(|left| left.rsplit_once('/'));
        left.is_some_and(|(folder, _)| folder == directory)
    }

    /// Whether nothing failed but what is overridden: that the directory is in doubt.
    #[must_use]
    pub fn passed_but_for_owner(&self) -> bool {
        let doubted = |check: &TestedCheck| check.seen.is_some_and(|seen| seen.doubted);
        self.checks.iter().all(|check| check.result != TestResult::Fail || doubted(check))
    }

    /// Whether nothing failed. What was not checked does not count; it is listed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.count(TestResult::Fail) == 0
    }

    /// Whether it passed, on every server too: what an archive needs whose binding stops the tenant's writes.
    #[must_use]
    pub fn passed_on_every_server(&self) -> bool {
        let every = self.check(StorageCheck::EveryServer);
        self.passed() && every.is_some_and(|check| check.result == TestResult::Pass)
    }

    /// How many checks had this result.
    #[must_use]
    pub fn count(&self, result: TestResult) -> usize {
        self.checks.iter().filter(|check| check.result == result).count()
    }

    /// What came of one check, where it was part of this Test.
    #[must_use]
    pub fn check(&self, check: StorageCheck) -> Option<&TestedCheck> {
        self.checks.iter().find(|tested| tested.check == check)
    }

    /// The first failure.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.checks.iter().find_map(|check| check.fault.as_ref())
    }

    /// What was not checked, each as it reads behind "not checked: ". One reason may stand for several checks.
    #[must_use]
    pub fn not_checked(&self) -> Vec<&str> {
        let mut unchecked: Vec<&str> = Vec::new();
        for check in self.checks.iter().filter(|check| check.result == TestResult::NotChecked) {
            if !unchecked.contains(&check.found.as_str()) {
                unchecked.push(&check.found);
            }
        }
        unchecked
    }

    /// The one line beside the button: `passed at 03:31:02: 7 of 7`; `at` is the time as the caller shows it.
    #[must_use]
    pub fn headline(&self, at: &str) -> String {
        let (passed, failed) = (self.count(TestResult::Pass), self.count(TestResult::Fail));
        match (passed, failed) {
            (0, 0) => format!("not checked at {at}: nothing could be tested from here"),
            (_, 0) if self.check(StorageCheck::Write).is_some_and(|check| check.result == TestResult::NotChecked) => {
                format!("nothing was written at {at}: {passed} other checks passed")
            }
            (_, 0) => format!("passed at {at}: {passed} of {passed}"),
            _ => {
                let failures = self.checks.iter().filter(|check| check.result == TestResult::Fail);
                let labels: Vec<&str> = failures.map(|check| check.check.label()).collect();
                format!("failed at {at}: {}; {passed} of {} passed", labels.join(", "), passed + failed)
            }
        }
    }
}
