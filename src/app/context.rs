//! Where a command works: inventory, state and secrets of this call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::backend::oceanbase::OceanBase;
use crate::backend::{Secrets, System};
use crate::config::inventory::{Cluster, Inventory, Limits};
use crate::config::rules::has_password;
use crate::config::{Directories, Resolver, SecretFlag, SecretRequest, load};
use crate::domain::connection;
use crate::domain::endpoint::{Endpoint, parse_endpoints};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::{Secret, SecretSource, short_note};
use crate::domain::target::TargetName;

/// The inventory, the state directory and the means to resolve secrets.
pub struct AppContext {
    /// Where files are.
    pub directories: Directories,
    /// What the inventory says; empty where there is none.
    pub inventory: Inventory,
    /// Whether an inventory file was found.
    pub has_inventory: bool,
    resolver: Resolver,
    /// Passwords that were asked for or read already: nobody is asked twice, and a pipe gives its line only once.
    passwords: Mutex<BTreeMap<String, Secret>>,
    /// What the short secrets are for, until a note about them is printed.
    short_secrets: std::sync::Mutex<BTreeSet<String>>,
    /// Passwords that were typed into a front end.
    typed_passwords: std::sync::Mutex<BTreeMap<String, Secret>>,
}

/// One cluster given on the command line instead of the inventory.
#[derive(Debug, Clone)]
pub struct DirectLogin {
    /// `host[:port]`, or several with commas between.
    pub host: String,
    /// `root@sys`.
    pub user: String,
    /// Where the password is to be found; None: it is asked for.
    pub password: Option<SecretSource>,
}

impl AppContext {
    /// Opens it.
    ///
    /// # Errors
    /// The inventory cannot be read or is wrong: then nothing else starts.
    pub fn open(config: Option<PathBuf>, state: Option<PathBuf>, direct: Option<&DirectLogin>) -> Result<Self, Fault> {
        let places = Directories::find(config, state)?;
        let (inventory, has_inventory) = match direct {
            Some(direct) => (single_cluster_inventory(direct)?, true),
            None => match load(&places.config)? {
                Some(inventory) => (inventory, true),
                None => (Inventory::default(), false),
            },
        };
        Ok(Self::from_parts(places, inventory, has_inventory))
    }

    /// A context with this inventory, wherever it comes from.
    pub(super) fn from_parts(places: Directories, inventory: Inventory, has_inventory: bool) -> Self {
        Self {
            directories: places,
            inventory,
            has_inventory,
            resolver: Resolver::here(),
            passwords: Mutex::default(),
            short_secrets: std::sync::Mutex::default(),
            typed_passwords: std::sync::Mutex::default(),
        }
    }

    /// Disables prompts on the terminal, for a front end that asks by itself.
    #[must_use]
    pub fn without_prompts(mut self) -> Self {
        self.resolver = Resolver::silent();
        self
    }

    /// Takes a password that was typed; it is kept until this process ends.
    pub fn give_password(&self, cluster: &str, password: Secret) {
        self.typed_passwords.lock().unwrap_or_else(PoisonError::into_inner).insert(cluster.to_owned(), password);
    }

    /// Makes the state directory where it is missing.
    ///
    /// # Errors
    /// It cannot be made, or others than this user may put something into it.
    pub fn ensure_state_directory(&self) -> Result<(), Fault> {
        crate::journal::state::ensure(&self.directories.state)
    }

    /// This instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        crate::journal::clock::now()
    }

    /// The cluster of that name.
    ///
    /// # Errors
    /// There is none, and which there are.
    pub fn cluster(&self, name: &str) -> Result<&Cluster, Fault> {
        self.inventory.clusters.iter().find(|cluster| cluster.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.inventory.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
            let (why, next) = if names.is_empty() {
                let why = format!("{} lists no cluster, or is not there.", self.directories.config.display());
                (why, "Write one with: obnow config init, or connect with --host and --user.".to_owned())
            } else {
                (format!("It lists: {}.", names.join(", ")), "Check the spelling.".to_owned())
            };
            Fault::new(Cause::Usage, format!("There is no cluster {name} in the inventory."), why, next)
        })
    }

    /// How a cluster is reached.
    #[must_use]
    pub fn connection(&self, cluster: &Cluster) -> connection::Connection {
        connection::Connection {
            endpoints: cluster.endpoints.iter().map(Endpoint::to_string).collect(),
            user: cluster.user.clone(),
            password: cluster.password.clone(),
            tls: cluster.tls.mode,
            ca: cluster.tls.ca.as_deref().map(absolute_path),
            mydumper: cluster.mydumper.as_deref().map(|path| {
                // A bare name is looked up on PATH.
                if path.components().count() > 1 { absolute_path(path) } else { path.display().to_string() }
            }),
            limits: connection_limits(&self.inventory.limits),
        }
    }

    /// The login's password; asked for where the inventory names no source.
    ///
    /// # Errors
    /// The source gives nothing, or nobody can be asked.
    pub async fn password(&self, cluster: &Cluster) -> Result<Secret, Fault> {
        let source = cluster.password.clone().unwrap_or(SecretSource::Prompt);
        let what = format!("the password of {} on {}", cluster.user, cluster.name);
        let typed = self.typed_passwords.lock().unwrap_or_else(PoisonError::into_inner).get(&cluster.name).cloned();
        if let Some(password) = typed {
            return Ok(password);
        }
        let mut known = self.passwords.lock().await;
        if let Some(password) = known.get(&cluster.name) {
            return Ok(password.clone());
        }
        let password = self.secret(&source, SecretRequest { what: &what, flag: SecretFlag::PasswordFrom }).await?;
        known.insert(cluster.name.clone(), password.clone());
        Ok(password)
    }

    /// Where the inventory says a cluster's password is; None: nothing is said.
    #[must_use]
    pub fn password_source(&self, cluster: &str) -> Option<SecretSource> {
        self.inventory.clusters.iter().find(|known| known.name == cluster)?.password.clone()
    }

    /// Completes a source that was written down as a marker: a command is in the inventory only.
    #[must_use]
    pub fn completed_source(&self, source: SecretSource, cluster: &str, tenant: Option<&str>) -> SecretSource {
        if !source.is_only_a_marker() {
            return source;
        }
        let known = self.inventory.clusters.iter().find(|known| known.name == cluster);
        let storage = known.and_then(|known| known.strategy_for(tenant)).map(|strategy| &strategy.storage);
        storage.and_then(|storage| storage.access_key.clone()).unwrap_or(SecretSource::Prompt)
    }

    /// Returns the interval between two polls.
    #[must_use]
    pub fn poll_interval(&self) -> std::time::Duration {
        self.inventory.limits.poll
    }

    /// Returns who makes this call: `alice (uid 1000) at host`.
    #[must_use]
    pub fn operator(&self) -> String {
        format!("{} at {}", crate::config::directories::who(), crate::config::directories::host())
    }

    /// A cluster as a target.
    ///
    /// # Errors
    /// Its name is none.
    pub fn target(&self, cluster: &Cluster) -> Result<TargetName, Fault> {
        TargetName::cluster_named(&cluster.name).map_err(|error| {
            let what = "A cluster's name cannot be used.";
            Fault::new(Cause::Usage, what, error.to_string(), "Rename it in the inventory.")
        })
    }

    /// A secret from its source.
    ///
    /// # Errors
    /// The source gives nothing, or nobody can be asked.
    pub async fn secret(&self, source: &SecretSource, asking: SecretRequest<'_>) -> Result<Secret, Fault> {
        let secret = self.resolver.resolve(source, asking).await?;
        if secret.is_short() {
            self.short_secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(asking.what.to_owned());
        }
        Ok(secret)
    }

    /// What is to be said of secrets that are short, once.
    pub fn take_short_secret_notes(&self) -> Vec<String> {
        let short = std::mem::take(&mut *self.short_secrets.lock().unwrap_or_else(PoisonError::into_inner));
        short.iter().map(|what| short_note(what)).collect()
    }

    /// Returns the server of a cluster with its password, not yet connected.
    ///
    /// # Errors
    /// The password cannot be had.
    pub async fn oceanbase(&self, cluster: &Cluster) -> Result<OceanBase, Fault> {
        let login = Some(self.password(cluster).await?);
        self.oceanbase_with_secrets(cluster, Secrets { login, ..Secrets::default() })
    }

    /// Returns the server of a cluster with these secrets, not yet connected.
    ///
    /// # Errors
    /// The cluster's name cannot be a target.
    pub(super) fn oceanbase_with_secrets(&self, cluster: &Cluster, secrets: Secrets) -> Result<OceanBase, Fault> {
        Ok(OceanBase::new(self.target(cluster)?, cluster.environment.clone(), self.connection(cluster), secrets))
    }
}

/// A path as it is meant here, for a runner that works in another directory.
fn absolute_path(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

/// Makes an inventory of one cluster, named after its first host.
fn single_cluster_inventory(direct: &DirectLogin) -> Result<Inventory, Fault> {
    let endpoints = parse_endpoints(&direct.host).map_err(|why| {
        Fault::new(
            Cause::Usage,
            "What --host says is no endpoint.",
            why,
            "Write --host host:port, or --host host:port,host:port.",
        )
    })?;
    if has_password(&direct.user) {
        return Err(Fault::new(
            Cause::Usage,
            "What --user says is no login.",
            "It holds a colon beside @, as where a password follows; it is not repeated here.",
            "Give the login alone, --user root@sys, and the password with --password-from.",
        ));
    }
    let cluster = Cluster {
        name: endpoints.first().map_or_else(String::new, |first| first.host.clone()),
        environment: None,
        endpoints,
        user: direct.user.clone(),
        password: direct.password.clone(),
        tls: crate::config::inventory::Tls::default(),
        mydumper: None,
        ssh: None,
        max_backup_age: None,
        strategies: Vec::new(),
    };
    Ok(Inventory { clusters: vec![cluster], ..Inventory::default() })
}

fn connection_limits(limits: &Limits) -> connection::Limits {
    let ms = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    connection::Limits {
        connect: ms(limits.connect),
        statement: ms(limits.statement),
        poll: ms(limits.poll),
        stall: ms(limits.stall),
        archive_wait: ms(limits.archive_wait),
        heartbeat: ms(limits.heartbeat),
        proof: ms(limits.proof),
    }
}

/// Returns the backend for the detected method.
#[must_use]
pub fn backend_for(server: OceanBase, method: crate::domain::version::Method) -> System {
    match method {
        crate::domain::version::Method::Physical => System::OceanBase(Box::new(server)),
        crate::domain::version::Method::Logical => {
            System::Dump(Box::new(crate::backend::dump::DumpSystem::new(server)))
        }
    }
}

/// No process of obnow leaves a core file: it would hold secrets.
///
/// # Errors
/// The system refuses, which it has no reason to.
pub fn disable_core_dumps() -> std::io::Result<()> {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(rustix::process::Resource::Core, none).map_err(std::io::Error::from)
}

/// The most files that this process lets itself open, where the system allows more.
const WANTED_FILE_LIMIT: u64 = 1_024;

/// The fewest open files with which it can work: the runtime, connections, journals, locks and the pipes of a runner.
const MIN_FILE_LIMIT: u64 = 64;

/// Raises this process's own limit of open files as far as it may be raised and is of use.
///
/// # Errors
/// What the system allows is not enough to work with.
pub fn raise_file_limit() -> Result<(), Fault> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let allowed = getrlimit(Resource::Nofile);
    let now = allowed.current.unwrap_or(u64::MAX);
    let wanted = WANTED_FILE_LIMIT.min(allowed.maximum.unwrap_or(u64::MAX));
    let raised = now >= wanted
        || setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: allowed.maximum }).is_ok();
    let most = if raised { now.max(wanted) } else { now };
    if most >= MIN_FILE_LIMIT {
        return Ok(());
    }
    Err(Fault::new(
        Cause::Usage,
        format!("obnow may open {most} files at once, and needs {MIN_FILE_LIMIT}."),
        "Connections, journals and locks are open files, and the system allows no more (RLIMIT_NOFILE).",
        format!("Raise the limit where it was set, then: ulimit -n {WANTED_FILE_LIMIT}. See it with: ulimit -Hn."),
    ))
}
