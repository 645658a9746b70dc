//! What surrounds a backup: other programs that manage the cluster and the keys of encrypted data (R7), and what the backup
//! competes with (R15).

use super::facts::Known;

/// A program other than obnow that manages the cluster, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagingPlatform {
    /// The name of the program.
    pub name: String,
    /// What was read that shows it.
    pub signs: Vec<String>,
}

impl ManagingPlatform {
    /// Formats it: `OCP (obconfig_url is http://ocp:8080/services)`.
    #[must_use]
    pub fn told(&self) -> String {
        format!("{} ({})", self.name, self.signs.join("; "))
    }
}

/// What a tenant's backup competes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompetingLoad {
    /// The major compaction that is running, as a phrase; None: none is running.
    pub compaction: Known<Option<String>>,
    /// The settings that limit a backup, by name; None: the value was not read.
    pub settings: Vec<(&'static str, Option<String>)>,
}

impl CompetingLoad {
    /// Returns a load of which nothing was read, for this reason.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        Self { compaction: Known::NotChecked(why.to_owned()), settings: Vec::new() }
    }

    /// Formats all of it: `ha_low_thread_score is 0; no major compaction runs`.
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

/// The transparent encryption of a tenant's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransparentEncryption {
    /// `tde_method`, as the server prints it.
    pub method: String,
    /// An example of the statement that backs up the keys; None: this release has none.
    pub backup_keys: Option<String>,
}

impl TransparentEncryption {
    /// Returns what a restore needs in addition to the backup.
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
