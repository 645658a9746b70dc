//! A statement to be sent. It never holds a secret: it holds the place where one belongs, so printing it is always safe.

use crate::domain::archive_dest::ArchiveDest;
use crate::domain::destination::Destination;
use crate::domain::fault::Fault;
use crate::domain::plan::{not_carried, unfit_to_encrypt};
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
    Value(ArchiveDest),
    /// The inside of a literal with the password that encrypts the backup.
    Encryption,
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
}

/// A statement with places for secrets.
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
        self.push_quoted(Part::Value(destination));
    }

    /// Appends a literal with the encryption password.
    pub(super) fn push_encryption_password(&mut self) {
        self.push_quoted(Part::Encryption);
    }

    fn push_quoted(&mut self, part: Part) {
        self.push("'");
        self.parts.push(part);
        self.push("'");
    }

    /// The text for the server. Only the session calls this.
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
                Part::Value(destination) => {
                    let key = key_for(&destination.location, secrets);
                    let value = destination.to_statement_value(key);
                    let value = value.map_err(|error| not_carried(&destination.location, &error))?;
                    text.push_str(&quoted_inside(value.expose()));
                }
                Part::Encryption => text.push_str(encryption_password(secrets)?),
            }
        }
        Ok(Secret::new(text))
    }
}

fn key_for<'a>(destination: &Destination, secrets: &'a Secrets) -> Option<&'a Secret> {
    secrets.access_key.as_ref().filter(|_| destination.needs_access_key())
}

fn encryption_password(secrets: &Secrets) -> Result<&str, Fault> {
    let why = match &secrets.encryption {
        Some(password) => match password.unfit_to_encrypt() {
            None => return Ok(password.expose()),
            Some(why) => why,
        },
        None => "It is missing",
    };
    Err(unfit_to_encrypt(why))
}

impl std::fmt::Display for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Uri(destination) => f.write_str(&quoted_inside(&destination.redacted_statement_uri()))?,
                Part::Value(destination) => f.write_str(&quoted_inside(&destination.redacted_statement_value()))?,
                Part::Encryption => f.write_str("***")?,
            }
        }
        Ok(())
    }
}
