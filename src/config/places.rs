//! Where the inventory and the state live on this host, and who uses it.

use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::domain::fault::{Cause, Fault};

/// The file and the directory everything else hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The inventory: `$XDG_CONFIG_HOME/obnow/config.yaml`, or what `--config` names.
    pub config: PathBuf,
    /// Journals, locks, audit: `$XDG_STATE_HOME/obnow`, or what `--state` names.
    pub state: PathBuf,
}

impl Places {
    /// What the flags name, else the places of the XDG Base Directory Specification.
    ///
    /// # Errors
    /// A flag is missing and there is no home directory to stand in for it.
    pub fn find(config: Option<PathBuf>, state: Option<PathBuf>) -> Result<Self, Fault> {
        // The runner works in another directory than its face, and must mean the same files.
        let (config, state) = (config.map(whole).transpose()?, state.map(whole).transpose()?);
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
        Ok(Self::under(
            &xdg.config_dir(),
            &xdg.state_dir().unwrap_or_else(|| xdg.home_dir().join(".local/state")),
            config,
            state,
        ))
    }

    fn under(config_home: &Path, state_home: &Path, config: Option<PathBuf>, state: Option<PathBuf>) -> Self {
        Self {
            config: config.unwrap_or_else(|| config_home.join("obnow/config.yaml")),
            state: state.unwrap_or_else(|| state_home.join("obnow")),
        }
    }
}

/// A path from the root.
fn whole(path: PathBuf) -> Result<PathBuf, Fault> {
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

/// Who runs this process, for the audit trail: `alice (uid 1000)`. The number is the system's, the name only what the
/// environment says.
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

/// The name of this host, for the audit trail.
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
