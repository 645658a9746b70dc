//! A statement to be sent. It never holds a secret: it holds the place where one belongs, so printing it is always safe.

use crate::domain::secret::Secret;

/// Which secret belongs in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace {
    /// The access key of the storage.
    AccessKey,
    /// The password that encrypts the backup.
    Encryption,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Secret(SecretPlace),
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

impl Secrets {
    fn at(&self, place: SecretPlace) -> Option<&Secret> {
        match place {
            SecretPlace::AccessKey => self.access_key.as_ref(),
            SecretPlace::Encryption => self.encryption.as_ref(),
        }
    }
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

    /// Appends the place of a secret.
    pub(super) fn push_secret(&mut self, place: SecretPlace) {
        self.parts.push(Part::Secret(place));
    }

    /// The text for the server. Only the session calls this.
    ///
    /// # Errors
    /// The place whose secret is missing, or holds a character no literal may carry (a quote or a backslash).
    pub(super) fn wire_text(&self, secrets: &Secrets) -> Result<Secret, SecretPlace> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Secret(place) => {
                    let secret = secrets.at(*place).ok_or(*place)?;
                    if secret.expose().chars().any(|c| matches!(c, '\'' | '"' | '\\') || c.is_control()) {
                        return Err(*place);
                    }
                    text.push_str(secret.expose());
                }
            }
        }
        Ok(Secret::new(text))
    }
}

impl std::fmt::Display for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Secret(_) => f.write_str("***")?,
            }
        }
        Ok(())
    }
}

/// A name for a statement: in backticks, with backticks inside doubled.
#[must_use]
pub fn quoted_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A string literal; quotes are doubled and backslashes, which some SQL modes read as escapes, are doubled too.
#[must_use]
pub fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
