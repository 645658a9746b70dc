//! Checks whether the statements of a plan can carry its secrets, before the plan is shown, handed over, tested or run, so that
//! nothing is stopped for a statement that cannot be rendered.

use super::{Action, Plan};
use crate::domain::destination::{AccessKeyError, Destination, DestinationError};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;
use crate::domain::version::Version;

/// The secrets that statements carry, as far as they are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct StatementSecrets<'a> {
    /// The access key of the storage.
    pub access_key: Option<&'a Secret>,
    /// The password that encrypts the backup.
    pub encryption: Option<&'a Secret>,
    /// The passwords of the sets that the storage proof reads.
    pub decryption: &'a [Secret],
}

impl Plan {
    /// Checks that every statement of the plan can carry these secrets. A secret that is not known yet is not judged.
    ///
    /// # Errors
    /// A usage fault that names what is wrong, and repeats no secret.
    pub fn can_carry(&self, secrets: StatementSecrets<'_>) -> Result<(), Fault> {
        // Only the numbers count, and they precede the build.
        let version: Option<Version> = self.cluster.version.parse().ok();
        let mut actions = self.targets.iter().flat_map(|target| &target.steps).flat_map(|step| &step.actions);
        actions.try_for_each(|action| action.can_carry(version.as_ref(), secrets))
    }
}

impl Action {
    /// Checks that the statements of the action can carry these secrets to a server of that version. Where the version is not
    /// known, destinations are not judged.
    ///
    /// # Errors
    /// As [`Plan::can_carry`].
    pub fn can_carry(&self, version: Option<&Version>, secrets: StatementSecrets<'_>) -> Result<(), Fault> {
        let at = |destination: &Destination| can_carry_to(destination, version, secrets);
        match self {
            Self::SetDataDestination { destination, .. } => at(destination),
            Self::SetArchiveDestination { destination, .. } => {
                let key = key_of(&destination.location, secrets);
                let carried = version.map_or(Ok(()), |version| destination.carried_by(version, key));
                carried.map_err(|error| not_carried(&destination.location, &error))
            }
            Self::StartBackup { encrypt, to, .. } => {
                let password = secrets.encryption.filter(|_| encrypt.is_some());
                if let Some(why) = password.and_then(Secret::unfit_to_encrypt) {
                    return Err(unfit_to_encrypt(why));
                }
                to.as_ref().map_or(Ok(()), |to| at(&to.destination))
            }
            Self::ProveOnStorage { data, log, access_key, decrypt } => {
                if !decrypt.is_empty() {
                    can_decrypt(secrets)?;
                }
                // A proof that needs no secret and cannot be rendered stops nothing.
                if access_key.is_none() {
                    return Ok(());
                }
                at(data)?;
                log.as_ref().map_or(Ok(()), at)
            }
            Self::SetArchiveLagTarget { .. }
            | Self::StopArchiving
            | Self::StartArchiving
            | Self::ResumeArchiving
            | Self::Compact
            // This host writes and uploads a dump: no statement carries its directory or its key.
            | Self::StartDump { .. }
            | Self::Upload { .. } => Ok(()),
        }
    }
}

/// Checks that a statement to a server of that version can carry a destination with its access key.
///
/// # Errors
/// A usage fault that repeats no secret.
pub fn can_carry_to(
    destination: &Destination,
    version: Option<&Version>,
    secrets: StatementSecrets<'_>,
) -> Result<(), Fault> {
    let carried = version.map_or(Ok(()), |version| destination.carried_by(version, key_of(destination, secrets)));
    carried.map_err(|error| not_carried(destination, &error))
}

/// Checks that a statement can carry the passwords of sets.
///
/// # Errors
/// A usage fault that repeats no secret.
pub fn can_decrypt(secrets: StatementSecrets<'_>) -> Result<(), Fault> {
    secrets.decryption.iter().find_map(Secret::unfit_to_encrypt).map_or(Ok(()), |why| Err(unfit_to_decrypt(why)))
}

fn key_of<'a>(destination: &Destination, secrets: StatementSecrets<'a>) -> Option<&'a Secret> {
    secrets.access_key.filter(|_| destination.needs_access_key())
}

/// Returns the fault of a destination, or of its access key, that no statement can carry.
#[must_use]
pub fn not_carried(destination: &Destination, error: &DestinationError) -> Fault {
    let bare = destination.uri_without_attributes();
    let (what, next) = match error.access_key_error() {
        Some(AccessKeyError::Missing) => (
            format!("The access key of {bare} is missing."),
            "Give it with --access-key-from env:NAME, file:PATH or stdin.",
        ),
        Some(AccessKeyError::Unfit) => {
            (format!("The access key of {bare} cannot be used."), "Give that one with --access-key-from.")
        }
        None => (format!("{bare} cannot be used as a destination."), "Correct it and try again."),
    };
    Fault::new(Cause::Usage, what, error.to_string(), next)
}

/// Returns the fault of an encryption password that no statement can carry; `why` without a full stop.
#[must_use]
pub fn unfit_to_encrypt(why: &str) -> Fault {
    let next = "Give another one with --encrypt-from.";
    Fault::new(Cause::Usage, "The encryption password cannot be used.", format!("{why}."), next)
}

/// Returns the fault of a backup set's password that no statement can carry; `why` without a full stop.
#[must_use]
pub fn unfit_to_decrypt(why: &str) -> Fault {
    let next = "Give another one with --decrypt-from.";
    Fault::new(Cause::Usage, "A password of a backup set cannot be used.", format!("{why}."), next)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;
    use crate::domain::choices::{Mode, StorageSource};
    use crate::domain::plan::plan;
    use crate::domain::samples::{choose, cluster, tenant, wanted};
    use crate::domain::secret::SecretSource;

    const CANARY: &str = "CANARY-7f3a";

    fn moving() -> Plan {
        let mut choices = choose(&["prod/pay"], Mode::Full);
        let mut storage = wanted(Some("oss://b/p?host=h&access_id=i"), None, StorageSource::Given);
        storage.access_key = Some(SecretSource::Env("KEY".into()));
        choices.storage = Some(storage);
        choices.encrypt = Some(SecretSource::Env("PW".into()));
        plan(&cluster(vec![tenant(1002, "pay")]), &choices).unwrap()
    }

    #[test]
    fn a_key_that_no_statement_can_carry_is_found_before_anything_is_sent() {
        let plan = moving();
        let judged = |key: &str| {
            let key = Secret::new(key.to_owned());
            plan.can_carry(StatementSecrets { access_key: Some(&key), ..StatementSecrets::default() })
        };
        assert_eq!(judged("abc/+=xyz"), Ok(()));
        let long = "k".repeat(300);
        for unfit in ["a&b", "a b", "a'b", "a\"b", "a\\b", "a\tb", "a\u{7f}b", "\u{feff}ab", "ab\r", long.as_str()] {
            let fault = judged(&format!("{unfit}{CANARY}")).unwrap_err();
            assert_eq!(
                (fault.cause, fault.what.as_str()),
                (Cause::Usage, "The access key of oss://b/p/77/1002/clog cannot be used.")
            );
            assert!(!format!("{fault:?}").contains(CANARY), "{fault:?}");
        }
        assert_eq!(plan.can_carry(StatementSecrets::default()), Ok(()), "what is not known is not judged");
    }

    #[test]
    fn an_encryption_password_is_judged_with_it() {
        let plan = moving();
        let judged = |password: &str| {
            let password = Secret::new(password.to_owned());
            plan.can_carry(StatementSecrets { encryption: Some(&password), ..StatementSecrets::default() })
        };
        assert_eq!(judged("pa ss & word"), Ok(()));
        for unfit in ["", "a'b", "a\"b", "a`b", "a\\b", "a\nb"] {
            let fault = judged(unfit).unwrap_err();
            assert_eq!(fault.what, "The encryption password cannot be used.", "{unfit:?}");
        }
    }

    #[test]
    fn a_password_of_older_sets_is_judged_with_it() {
        let look = Action::ProveOnStorage {
            data: Destination::parse_user("file:///b/data").unwrap(),
            log: None,
            access_key: None,
            decrypt: vec![SecretSource::Env("OLD".into())],
        };
        let judged = |password: &str| {
            let passwords = [Secret::new("fine".to_owned()), Secret::new(password.to_owned())];
            look.can_carry(None, StatementSecrets { decryption: &passwords, ..StatementSecrets::default() })
        };
        assert_eq!(judged("pa ss & word"), Ok(()));
        for unfit in ["", "a'b", "a\\b"] {
            let fault = judged(unfit).unwrap_err();
            assert_eq!(fault.what, "A password of a backup set cannot be used.", "{unfit:?}");
        }
    }
}
