//! What is around a backup: who else manages the cluster and the keys of encrypted data (R7), and what the backup competes
//! with (R15).

use super::facts::Known;

/// A program that manages the cluster beside obnow, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// What it is called.
    pub name: String,
    /// What was seen of it.
    pub signs: Vec<String>,
}

impl Manager {
    /// `OCP (obconfig_url is http://ocp:8080/services)`.
    #[must_use]
    pub fn told(&self) -> String {
        format!("{} ({})", self.name, self.signs.join("; "))
    }
}

/// What a backup of a tenant competes with, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The major compaction that runs, in words; None: none runs.
    pub compaction: Known<Option<String>>,
    /// The settings that limit a backup, by name; None: not read.
    pub settings: Vec<(&'static str, Option<String>)>,
}

impl Load {
    /// Nothing was read, for this reason.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        Self { compaction: Known::NotChecked(why.to_owned()), settings: Vec::new() }
    }

    /// All of it: `ha_low_thread_score is 0; no major compaction runs`.
    #[must_use]
    pub fn told(&self) -> String {
        let setting = |(name, value): &(&'static str, Option<String>)| match value {
            Some(value) => format!("{name} is {value}"),
            None => format!("{name} was not read"),
        };
        let compaction = match &self.compaction {
            Known::Known(Some(running)) => running.clone(),
            Known::Known(None) => "no major compaction runs".to_owned(),
            Known::NotChecked(_) => "whether a major compaction runs was not read".to_owned(),
        };
        self.settings.iter().map(setting).chain([compaction]).collect::<Vec<_>>().join("; ")
    }
}

/// Transparent encryption of a tenant's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransparentEncryption {
    /// `tde_method`, as the server prints it.
    pub method: String,
    /// The statement that backs the keys up, to be adapted; None: this release has none.
    pub backup_keys: Option<String>,
}

impl TransparentEncryption {
    /// What a restore needs beside the backup.
    #[must_use]
    pub fn needed(&self) -> String {
        let how = match &self.backup_keys {
            Some(statement) => format!("back them up, for example with {statement}"),
            None => "keep those of its key service".to_owned(),
        };
        format!(
            "transparent encryption is on (tde_method is {}): a restore needs its keys, which are not in the backup; {how}",
            self.method
        )
    }
}
