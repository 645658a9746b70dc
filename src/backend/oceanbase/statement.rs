//! A statement to be sent. It never contains a secret, only the position of one, so printing it is always safe.

use crate::domain::archive_dest::ArchiveDest;
use crate::domain::destination::Destination;
use crate::domain::fault::Fault;
use crate::domain::plan::{not_carried, unfit_to_decrypt, unfit_to_encrypt};
use crate::domain::secret::Secret;
use crate::domain::sql::quoted_inside;

#[cfg(test)]
mod tests;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The inside of a literal with a destination's URI.
    Uri(Destination),
    /// The inside of a literal with the value of a log archive destination.
    ArchiveDestination(ArchiveDest),
    /// The inside of a literal with the password that encrypts the backup.
    EncryptionPassword,
    /// The inside of a literal with the decryption password of that index.
    DecryptionPassword(usize),
    /// A value that is read from the server before sending, and its placeholder in a plan.
    ServerValue {
        value: String,
        planned: &'static str,
    },
}

/// The secrets of one task, resolved for the statements that need them.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The login's password.
    pub login: Option<Secret>,
    /// The access key of the storage.
    pub access_key: Option<Secret>,
    /// The password that encrypts the backup.
    pub encryption: Option<Secret>,
    /// The passwords that decrypt sets for a storage proof.
    pub decryption: Vec<Secret>,
}

/// A statement with placeholders for secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statement {
    parts: Vec<Part>,
}

impl Statement {
    /// Appends text as it is.
    pub(super) fn push(&mut self, text: &str) {
        if let Some(Part::Text(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else if !text.is_empty() {
            self.parts.push(Part::Text(text.to_owned()));
        }
    }

    /// Appends a literal with a destination.
    pub(super) fn push_uri(&mut self, destination: Destination) {
        self.push_quoted(Part::Uri(destination));
    }

    /// Appends a literal with the value of a log archive destination.
    pub(super) fn push_archive_value(&mut self, destination: ArchiveDest) {
        self.push_quoted(Part::ArchiveDestination(destination));
    }

    /// Appends a literal with the encryption password.
    pub(super) fn push_encryption_password(&mut self) {
        self.push_quoted(Part::EncryptionPassword);
    }

    /// Appends a literal with several destinations, a comma between them.
    pub(super) fn push_uris(&mut self, destinations: impl IntoIterator<Item = Destination>) {
        self.push("'");
        for (place, destination) in destinations.into_iter().enumerate() {
            if place > 0 {
                self.push(",");
            }
            self.parts.push(Part::Uri(destination));
        }
        self.push("'");
    }

    /// Appends this many literals with decryption passwords.
    pub(super) fn push_decryption_passwords(&mut self, count: usize) {
        for place in 0..count {
            if place > 0 {
                self.push(", ");
            }
            self.push_quoted(Part::DecryptionPassword(place));
        }
    }

    /// Appends a value that is read from the server; `planned` is its placeholder in a plan.
    pub(super) fn push_server_value(&mut self, value: String, planned: &'static str) {
        self.parts.push(Part::ServerValue { value, planned });
    }

    /// Returns the text as it was confirmed, with the plan's placeholders for values that are read from the server.
    #[must_use]
    pub fn as_confirmed(&self) -> String {
        self.text_with(|_, planned| planned)
    }

    /// Returns the text without secrets; `choose` selects value or placeholder of a value that is read from the server.
    fn text_with<'a>(&'a self, choose: impl Fn(&'a str, &'a str) -> &'a str) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Uri(destination) => text.push_str(&quoted_inside(&destination.redacted_statement_uri())),
                Part::ArchiveDestination(destination) => {
                    text.push_str(&quoted_inside(&destination.redacted_statement_value()));
                }
                Part::EncryptionPassword | Part::DecryptionPassword(_) => text.push_str("***"),
                Part::ServerValue { value, planned } => text.push_str(choose(value, planned)),
            }
        }
        text
    }

    fn push_quoted(&mut self, part: Part) {
        self.push("'");
        self.parts.push(part);
        self.push("'");
    }

    /// Returns the text for the server. Only the session calls this.
    ///
    /// # Errors
    /// A secret that is missing or that no literal can carry.
    pub(super) fn wire_text(&self, secrets: &Secrets) -> Result<Secret, Fault> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Uri(destination) => {
                    let uri = destination
                        .to_statement_uri(key_for(destination, secrets))
                        .map_err(|error| not_carried(destination, &error))?;
                    text.push_str(&quoted_inside(uri.expose()));
                }
                Part::ArchiveDestination(destination) => {
                    let key = key_for(&destination.location, secrets);
                    let value = destination.to_statement_value(key);
                    let value = value.map_err(|error| not_carried(&destination.location, &error))?;
                    text.push_str(&quoted_inside(value.expose()));
                }
                Part::EncryptionPassword => {
                    text.push_str(password(secrets.encryption.as_ref(), unfit_to_encrypt)?);
                }
                Part::DecryptionPassword(place) => {
                    let given = secrets.decryption.get(*place);
                    text.push_str(password(given, unfit_to_decrypt)?);
                }
                Part::ServerValue { value, .. } => text.push_str(value),
            }
        }
        Ok(Secret::from_shared(text))
    }
}

fn key_for<'a>(destination: &Destination, secrets: &'a Secrets) -> Option<&'a Secret> {
    secrets.access_key.as_ref().filter(|_| destination.needs_access_key())
}

/// Returns a password for a literal; refuses one that servers parse in more than one way (R11).
fn password(secret: Option<&Secret>, refused: impl Fn(&str) -> Fault) -> Result<&str, Fault> {
    match secret.map(|password| (password, password.unfit_to_encrypt())) {
        Some((password, None)) => Ok(password.expose()),
        Some((_, Some(why))) => Err(refused(why)),
        None => Err(refused("It is missing")),
    }
}

impl std::fmt::Display for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text_with(|value, _| value))
    }
}
