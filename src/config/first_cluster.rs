//! The first cluster of an inventory that does not exist yet: only the required fields, and no password.

use std::path::Path;

use serde::Serialize;

use super::inventory::{Cluster, Inventory, Tls};
use super::inventory_file::FILE_LABEL;
use super::values::login;
use super::{inventory_file, private_file, rules};
use crate::domain::endpoint::Endpoint;
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::SecretSource;

const HEAD: &str = "# Written by obnow. It holds no password: that is asked for, unless `password` says where it is found, for example\n\
                    #   password: {env: NAME}   # or {file: PATH} (mode 0600), {command: \"pass show ob/prod\"}, or none: it has none\n";

/// What must be known of a cluster to write it into an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstCluster {
    /// The name of the cluster in obnow.
    pub name: String,
    /// The environment, which colours the header. With `prod`, effects that interrupt are confirmed by typing the target's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The endpoints at which it is reached.
    pub endpoints: Vec<Endpoint>,
    /// The user to log in as: `root@sys`.
    pub user: String,
    /// [`SecretSource::NoPassword`], where the login is known to have none; otherwise None.
    #[serde(serialize_with = "login::serialize", skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
}

impl FirstCluster {
    /// Returns an inventory of this one cluster.
    #[must_use]
    pub fn inventory(self) -> Inventory {
        let cluster = Cluster {
            name: self.name,
            environment: self.environment,
            endpoints: self.endpoints,
            user: self.user,
            password: self.password,
            tls: Tls::default(),
            mydumper: None,
            ssh: None,
            max_backup_age: None,
            strategies: Vec::new(),
        };
        Inventory { clusters: vec![cluster], ..Inventory::default() }
    }

    /// Returns the rule that it breaks: the field, and one sentence without a full stop. None: it breaks none.
    #[must_use]
    pub fn validate(&self) -> Option<(String, String)> {
        let (path, why) = rules::check(&self.clone().inventory()).err()?;
        Some((path.trim_start_matches("clusters[0].").to_owned(), why))
    }

    /// Writes the inventory to a new file, with mode 0600. A file with exactly this text is left as it is.
    ///
    /// # Errors
    /// Another file of that name exists, and is never overwritten; or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Fault> {
        #[derive(Serialize)]
        struct Whole<'a> {
            clusters: [&'a FirstCluster; 1],
        }
        let yaml = serde_yaml::to_string(&Whole { clusters: [self] }).map_err(|error| {
            let why = format!("The writer says: {error}.");
            Fault::new(Cause::Internal, "The inventory cannot be written as YAML.", why, "Report it.")
        })?;
        let text = format!("{HEAD}{yaml}");
        inventory_file::parse(&text, path)?;
        if private_file::read(path, FILE_LABEL)?.is_some_and(|there| there.as_slice() == text.as_bytes()) {
            return Ok(());
        }
        private_file::write_new(path, FILE_LABEL, &text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn first(name: &str) -> FirstCluster {
        FirstCluster {
            name: name.to_owned(),
            environment: Some("prod".to_owned()),
            endpoints: vec!["db1".parse().unwrap()],
            user: "root@sys".to_owned(),
            password: None,
        }
    }

    #[test]
    fn the_first_cluster_becomes_a_private_file_that_reads_back_as_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/config.yaml");
        first("prod-hz").write(&path).unwrap();
        let read = inventory_file::load(&path).unwrap();
        assert_eq!(read, Some(first("prod-hz").inventory()));
        let mode = std::fs::metadata(&path).map(|data| data.permissions().mode() & 0o7777);
        assert_eq!(mode.ok(), Some(0o600));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            text.ends_with("- name: prod-hz\n  environment: prod\n  endpoints:\n  - db1:2881\n  user: root@sys\n"),
            "{text}"
        );
    }

    #[test]
    fn a_login_without_a_password_is_saved_as_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        let without = FirstCluster { password: Some(SecretSource::NoPassword), ..first("a") };
        without.write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(text.ends_with("  user: root@sys\n  password: none\n"), "{text}");
        assert_eq!(inventory_file::load(&path).unwrap(), Some(without.inventory()));
    }

    #[test]
    fn another_file_is_never_overwritten_and_the_same_one_is_no_fault() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        first("a").write(&path).unwrap();
        let before = std::fs::read(&path).unwrap_or_default();
        assert_eq!(first("a").write(&path), Ok(()), "it says exactly this already");
        let fault = first("b").write(&path).err().map(|fault| fault.why);
        assert_eq!(fault.as_deref(), Some("A file of that name exists, and is never overwritten."));
        assert_eq!(std::fs::read(&path).unwrap_or_default(), before);
    }

    #[test]
    fn what_breaks_a_rule_is_named_by_its_field() {
        let field = |first: FirstCluster| first.validate().map(|(field, _)| field);
        assert_eq!(field(first("prod-hz")), None);
        assert_eq!(field(first("prod hz")).as_deref(), Some("name"));
        assert_eq!(field(FirstCluster { user: " ".to_owned(), ..first("a") }).as_deref(), Some("user"));
    }
}
