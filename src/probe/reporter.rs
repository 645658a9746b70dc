//! Reports the checks of a probe, each with its duration.

use crate::domain::fault::Fault;
use crate::domain::storage_check::{Contents, Expected, Fit, OwnerFinding, StorageCheck, TestedCheck, assess_owner};

use super::{ProbeContext, ProbeEvent};

/// Why no probe is written to a foreign directory.
pub(super) const FOREIGN_DIRECTORY: &str = "whether anything can be written: the directory is not one for this backup, and nothing is written to it or beside it";

/// A check that has started.
pub(super) struct CheckRun {
    check: StorageCheck,
    since: tokio::time::Instant,
}

impl CheckRun {
    fn elapsed_ms(&self) -> Option<u64> {
        u64::try_from(self.since.elapsed().as_millis()).ok()
    }
}

impl ProbeContext<'_> {
    pub(super) fn begin(&mut self, check: StorageCheck) -> CheckRun {
        (self.tell)(ProbeEvent::CheckStarted(check));
        CheckRun { check, since: tokio::time::Instant::now() }
    }

    pub(super) fn pass(&mut self, made: &CheckRun, found: impl Into<String>) {
        (self.tell)(ProbeEvent::CheckEnded(TestedCheck::pass(made.check, made.elapsed_ms(), found)));
    }

    /// Ends the check of a directory's contents and returns whether the server will accept it.
    pub(super) fn judged(&mut self, made: &CheckRun, shown: &str, expected: &Expected, contents: &Contents) -> Fit {
        let tested = match assess_owner(shown, expected, contents) {
            Ok(Ok(found)) => TestedCheck::pass(made.check, made.elapsed_ms(), found),
            Ok(Err(unknown)) => TestedCheck::not_checked(made.check, unknown),
            Err(fault) => TestedCheck::fail(made.check, made.elapsed_ms(), *fault),
        };
        let seen = OwnerFinding::of(shown, expected, contents);
        (self.tell)(ProbeEvent::CheckEnded(TestedCheck { seen: Some(seen), ..tested }));
        seen.fit
    }

    pub(super) fn fail(&mut self, made: &CheckRun, fault: Fault) {
        (self.tell)(ProbeEvent::CheckEnded(TestedCheck::fail(made.check, made.elapsed_ms(), fault)));
    }

    /// Ends a check that could not be completed.
    pub(super) fn could_not(&mut self, made: &CheckRun, why: impl Into<String>) {
        self.skip(&[made.check], &why.into());
    }

    /// Ends checks whose probe can only be written into the directory itself, which the user must allow first.
    pub(super) fn asks_inside(&mut self, checks: &[StorageCheck], why: &str) {
        let found = format!(
            "whether anything can be written: {why}. A probe in the directory itself that cannot be removed would make the server \
             refuse it (9080), so that is asked first"
        );
        for check in checks {
            let tested = TestedCheck { asks_inside: true, ..TestedCheck::not_checked(*check, found.as_str()) };
            (self.tell)(ProbeEvent::CheckEnded(tested));
        }
    }

    /// Reports checks as not checked, all for one reason.
    pub(super) fn skip(&mut self, checks: &[StorageCheck], why: &str) {
        for check in checks {
            (self.tell)(ProbeEvent::CheckEnded(TestedCheck::not_checked(*check, why)));
        }
    }
}
