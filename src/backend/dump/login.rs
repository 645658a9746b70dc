//! The login of a dump as an option file that exists only in memory: it is passed on standard input, never in argv or on disk.

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use zeroize::Zeroizing;

use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;

/// The longest line, in bytes; the library that reads the file accepts 4095.
const MAX_LINE_BYTES: usize = 4000;

/// Endpoint, user and password of a dump.
#[derive(Debug, Clone)]
pub struct Login {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The user, with tenant and cluster where the server requires them.
    pub user: String,
    /// The password; empty where there is none.
    pub password: Secret,
    /// True where the inventory insists on TLS.
    pub requires_tls: bool,
}

impl Login {
    /// Returns the sealed option file: user, password, and the settings of the dump's own sessions. The limits of the server
    /// (`ob_query_timeout` is 10 s by default and covers reading a whole table) are raised for these sessions only; `sql_mode`
    /// is emptied, since `NO_BACKSLASH_ESCAPES` would break the quoting in the files.
    pub(super) fn option_file(&self, limit: Duration) -> Result<File, Fault> {
        let text = self.option_text(limit)?;
        let memory = memfd_create("login", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(|error| handover_fault(&std::io::Error::from(error).to_string()))?;
        let mut file = File::from(memory);
        file.write_all(text.as_bytes()).map_err(|error| handover_fault(&error.to_string()))?;
        fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)
            .map_err(|error| handover_fault(&std::io::Error::from(error).to_string()))?;
        Ok(file)
    }

    fn option_text(&self, limit: Duration) -> Result<Zeroizing<String>, Fault> {
        let limit = limit.as_micros();
        let mut text = Zeroizing::new(String::with_capacity(2 * MAX_LINE_BYTES));
        text.push_str("[mydumper]\n");
        push_option(&mut text, "user", &self.user)?;
        if !self.password.is_empty() {
            push_option(&mut text, "password", self.password.expose())?;
        }
        let sessions = format!(
            "SET SESSION sql_mode = '', ob_query_timeout = {limit}, ob_trx_timeout = {limit}, ob_trx_idle_timeout = {limit}"
        );
        push_option(&mut text, "init-command", &sessions)?;
        Ok(text)
    }
}

fn push_option(text: &mut String, name: &str, value: &str) -> Result<(), Fault> {
    if value.len() > MAX_LINE_BYTES / 2 || value.chars().any(char::is_control) {
        return Err(handover_fault(&format!("the {name} is too long or has control characters")));
    }
    text.push_str(name);
    text.push_str("=\"");
    for c in value.chars() {
        if matches!(c, '\\' | '"' | '\'') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push_str("\"\n");
    Ok(())
}

fn handover_fault(why: &str) -> Fault {
    Fault::new(
        Cause::Internal,
        "The login could not be handed to mydumper.",
        format!("{why}."),
        "Use a plain user and password of fewer than 2000 bytes, then retry.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;

    use super::*;

    fn login(password: &str) -> Login {
        let password = Secret::new(password.to_owned());
        Login { host: "h".into(), port: 2881, user: "root@sys#c".into(), password, requires_tls: false }
    }

    #[test]
    fn option_values_are_escaped() {
        let text = login("a\"b\\c'd#").option_text(Duration::from_secs(3)).unwrap();
        assert!(text.contains("password=\"a\\\"b\\\\c\\'d#\"\n"), "{}", text.as_str());
        assert!(text.contains("ob_query_timeout = 3000000"), "{}", text.as_str());
        assert!(login("a\n[x]").option_text(Duration::from_secs(3)).is_err());
        assert!(login(&"x".repeat(3000)).option_text(Duration::from_secs(3)).is_err());
        assert!(!login("").option_text(Duration::from_secs(3)).unwrap().contains("password"));
    }

    #[test]
    fn option_file_is_rereadable_and_sealed() {
        let file = login("secret").option_file(Duration::from_secs(3)).unwrap();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        for _ in 0..2 {
            let mut text = String::new();
            File::open(&path).unwrap().read_to_string(&mut text).unwrap();
            assert!(text.starts_with("[mydumper]\n"));
        }
        assert!((&file).write_all(b"x").is_err());
    }
}
