//! The Test of a storage: its checks, what each found, and what a directory must be for the server to take it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::destination::{Destination, StorageKind};
use super::fault::{Cause, Fault};
use super::template::DirKind;

mod format_file;
mod ownership;
mod servers;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use format_file::written as written_format;
pub use format_file::{FORMAT_FILE, FormatFile};
pub use ownership::{
    Contents, DestinationUse, Expected, Fit, ListedMedia, OwnerFinding, TenantDirectory, assess_owner, by_hand,
    sole_use,
};
pub use servers::{ServerReply, assess_servers, is_remote, script};

/// The size of the probe that a Test writes, in bytes: 1 MiB, as large as a real file.
pub const PROBE_BYTES: usize = 1 << 20;

/// A check of a storage Test. The order of the variants is the one in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageCheck {
    /// The host's name resolves to an address.
    Resolve,
    /// A service accepts connections there.
    Connect,
    /// The connection is encrypted, and the certificate is the host's.
    Tls,
    /// The storage accepts the access id and key.
    Credentials,
    /// A probe of [`PROBE_BYTES`] can be written.
    Write,
    /// The probe reads back as it was written.
    ReadBack,
    /// The probe is listed.
    List,
    /// The probe can be deleted.
    Delete,
    /// The difference between the storage's clock and this host's.
    Clock,
    /// How much space is free.
    FreeSpace,
    /// The directory is empty or this tenant's own, as the server requires (9080, 9081).
    Directory,
    /// No other destination of the cluster uses the directory.
    SoleUse,
    /// Whether a folder is on a mount, and of which file system.
    Mount,
    /// Every server of the cluster reaches it.
    EveryServer,
}

impl StorageCheck {
    /// All checks, in the order in which they are shown.
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

    /// Returns the checks that are part of every Test of this kind of storage, in the order in which they are shown.
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

    /// Returns the name in JSON.
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

    /// Returns the label of its row on screen.
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

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestResult {
    /// The check passed.
    Pass,
    /// The check failed: a backup to this storage would fail.
    Fail,
    /// The check could not be made.
    NotChecked,
}

impl TestResult {
    /// Returns the word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotChecked => "not_checked",
        }
    }
}

/// One check and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedCheck {
    /// The check.
    pub check: StorageCheck,
    /// The result.
    pub result: TestResult,
    /// How long it took, in milliseconds; None where nothing had to be done.
    pub ms: Option<u64>,
    /// What was found, as a short phrase; for a check that was not made, what and why, as the text after "not checked: ".
    pub found: String,
    /// The fault of a failed check.
    pub fault: Option<Fault>,
    /// What other checks need to know of the directory, where its contents were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<OwnerFinding>,
    /// Whether it was not made because a probe can be written only into the directory itself, so that the user is asked first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_inside: bool,
}

impl TestedCheck {
    /// Returns a check that passed.
    #[must_use]
    pub fn pass(check: StorageCheck, ms: Option<u64>, found: impl Into<String>) -> Self {
        Self { check, result: TestResult::Pass, ms, found: found.into(), fault: None, seen: None, asks_inside: false }
    }

    /// Returns a check that failed; `found` becomes what the fault says happened.
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

    /// Returns a check that could not be made; `found` is the text after "not checked: ".
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

/// An event of a running Test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestUpdate {
    /// This check has begun.
    Begins(StorageCheck),
    /// This check has ended.
    Ended(TestedCheck),
}

/// The complete result of a Test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// The URI that was tested, without a key.
    pub uri: String,
    /// Every check, in the order in which they are shown.
    pub checks: Vec<TestedCheck>,
    /// When it ended, by this host's clock.
    pub at: Timestamp,
    /// The probe that was not deleted, or that may not have been.
    pub left_behind: Option<String>,
    /// The commands to run by hand on each server for what this host cannot test, without secrets.
    pub by_hand: Vec<String>,
}

impl TestReport {
    /// Returns what was found of the directory; None: its contents were not read.
    #[must_use]
    pub fn seen(&self) -> Option<OwnerFinding> {
        self.checks.iter().find_map(|check| check.seen)
    }

    /// Whether a probe can be written only into the directory itself, so that nothing was written.
    #[must_use]
    pub fn asks_inside(&self) -> bool {
        self.checks.iter().any(|check| check.asks_inside)
    }

    /// Whether the probe that was left behind is in the directory itself: then the server refuses the directory (9080).
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        let bare = self.uri.split('?').next().unwrap_or_default();
        let directory = bare.strip_prefix("file://").unwrap_or(bare);
        let left = self.left_behind.as_deref().and_then(|left| left.rsplit_once('/'));
        left.is_some_and(|(folder, _)| folder == directory)
    }

    /// Whether nothing failed except a directory in doubt, which `--skip owner` overrides.
    #[must_use]
    pub fn passed_but_for_owner(&self) -> bool {
        let doubted = |check: &TestedCheck| check.seen.is_some_and(|seen| seen.doubted);
        self.checks.iter().all(|check| check.result != TestResult::Fail || doubted(check))
    }

    /// Whether nothing failed. Checks that were not made do not count; they are listed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.count(TestResult::Fail) == 0
    }

    /// Whether it passed, on every server too: required for an archive whose binding stops the tenant's writes.
    #[must_use]
    pub fn passed_on_every_server(&self) -> bool {
        let every = self.check(StorageCheck::EveryServer);
        self.passed() && every.is_some_and(|check| check.result == TestResult::Pass)
    }

    /// Returns how many checks had this result.
    #[must_use]
    pub fn count(&self, result: TestResult) -> usize {
        self.checks.iter().filter(|check| check.result == result).count()
    }

    /// Returns one check with its result; None: it was not part of this Test.
    #[must_use]
    pub fn check(&self, check: StorageCheck) -> Option<&TestedCheck> {
        self.checks.iter().find(|tested| tested.check == check)
    }

    /// Returns the fault of the first check that failed.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.checks.iter().find_map(|check| check.fault.as_ref())
    }

    /// Returns what was not checked, each as the text after "not checked: ". Checks that share a reason appear once.
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

    /// Returns the one line beside the button: `passed at 03:31:02: 7 of 7`; `at` is the time as the caller formats it.
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
