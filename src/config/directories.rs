//! The paths of the inventory and the state on this host, and the user and host names for the audit trail.

use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::domain::fault::{Cause, Fault};

/// The file and the directory that all other paths derive from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// The inventory: `$XDG_CONFIG_HOME/obnow/config.yaml`, or what `--config` names.
    pub config: PathBuf,
    /// The directory of journals, locks and audit trail: `$XDG_STATE_HOME/obnow`, or what `--state` names.
    pub state: PathBuf,
}

impl Directories {
    /// Returns the paths of the flags, and those of the XDG Base Directory Specification for a flag that is missing.
    ///
    /// # Errors
    /// A flag is missing and there is no home directory, or a relative path cannot be made absolute.
    pub fn find(config: Option<PathBuf>, state: Option<PathBuf>) -> Result<Self, Fault> {
        // The runner has another working directory than the process that starts it, and must find the same files.
        let (config, state) = (config.map(absolute).transpose()?, state.map(absolute).transpose()?);
        if let (Some(config), Some(state)) = (&config, &state) {
            return Ok(Self { config: config.clone(), state: state.clone() });
        }
        let xdg = Xdg::new().map_err(|error| {
            Fault::new(
                Cause::Usage,
                "obnow does not know where its files are.",
                format!("This process has no home directory: {error}."),
                "Set HOME, or give --config and --state.",
            )
        })?;
        Ok(Self::below_home(
            &xdg.config_dir(),
            &xdg.state_dir().unwrap_or_else(|| xdg.home_dir().join(".local/state")),
            config,
            state,
        ))
    }

    fn below_home(config_home: &Path, state_home: &Path, config: Option<PathBuf>, state: Option<PathBuf>) -> Self {
        Self {
            config: config.unwrap_or_else(|| config_home.join("obnow/config.yaml")),
            state: state.unwrap_or_else(|| state_home.join("obnow")),
        }
    }
}

/// Makes a path absolute.
fn absolute(path: PathBuf) -> Result<PathBuf, Fault> {
    if path.is_absolute() {
        return Ok(path);
    }
    std::path::absolute(&path).map_err(|error| {
        Fault::new(
            Cause::Usage,
            format!("The path {:?} cannot be used.", path.display().to_string()),
            format!("The system says: {error}."),
            "Write it from the root.",
        )
    })
}

/// Returns the user of this process, for the audit trail: `alice (uid 1000)`. The number is the system's; the name comes
/// from the environment and proves nothing.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the one place that reads who is logged in")]
pub fn who() -> String {
    let name = |key: &str| std::env::var(key).ok().filter(|name| !name.is_empty() && !name.contains(char::is_control));
    let uid = rustix::process::getuid().as_raw();
    let by = name("SUDO_USER").map(|name| format!(", sudo by {name}")).unwrap_or_default();
    match name("USER").or_else(|| name("LOGNAME")) {
        Some(name) => format!("{name} (uid {uid}{by})"),
        None => format!("uid {uid}{by}"),
    }
}

/// Returns the name of this host, for the audit trail.
#[must_use]
pub fn host() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown host".into())
}

#[cfg(test)]
mod tests;
