//! The arguments. Everything here is also the reference of `obnow --help`.
#![allow(
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    reason = "these comments are printed as they are, and a flag is a bool"
)]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::choices;
use crate::domain::command_line::quoted_command;
use crate::domain::preflight::CheckId;
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;

/// Back up Now for OceanBase: decides, starts exactly once, watches, explains and proves.
#[derive(Debug, Parser)]
#[command(name = "obnow", version, max_term_width = 100)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// The target the wizard goes straight in to: cluster or cluster/tenant
    #[arg(long, value_name = "TARGET", value_parser = parse_target)]
    pub target: Option<TargetName>,
    /// What to do; without a command the wizard.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The inventory [default: $XDG_CONFIG_HOME/obnow/config.yaml]
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Where journals, locks and the audit trail are [default: $XDG_STATE_HOME/obnow]
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Work on an embedded OceanBase fleet instead
    #[arg(long, global = true, value_name = "SCENARIO", num_args = 0..=1, require_equals = true, default_missing_value = "fleet")]
    pub demo: Option<String>,
    /// One JSON object a line on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Colours beside the words
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// One cluster instead of the inventory: observers or OBProxy, tried in turn
    #[arg(long, global = true, value_name = "HOST[:PORT][,HOST[:PORT]...]")]
    pub host: Option<String>,
    /// Its user [default: root@sys]
    #[arg(long, global = true, value_name = "USER", requires = "host")]
    pub user: Option<String>,
    /// Where its password is: env:NAME, file:PATH or stdin, or none where it has no password; asked for when absent
    #[arg(long, global = true, value_name = "SRC", value_parser = parse_login_source)]
    pub password_from: Option<SecretSource>,
    /// What --state named before a fleet took its place.
    #[arg(skip)]
    pub demo_root: Option<PathBuf>,
}

impl Common {
    /// The words that lead another call to the same clusters.
    #[must_use]
    pub fn global_args(&self) -> Vec<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let (config, state) = match &self.demo {
            // The fleet has an inventory and a state of its own.
            Some(_) => (None, path(&self.demo_root)),
            None => (path(&self.config), path(&self.state)),
        };
        let mut words: Vec<String> = self.demo.iter().map(|scenario| format!("--demo={scenario}")).collect();
        let source = self.password_from.as_ref().map(SecretSource::word);
        let options = [
            ("--config", config),
            ("--state", state),
            ("--host", self.host.clone()),
            ("--user", self.user.clone()),
            ("--password-from", source),
        ];
        words.extend(options.into_iter().filter_map(|(name, value)| Some(quoted_command(name, value?))).flatten());
        words
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What can be backed up, and when it last was
    Targets,
    /// Preflight of a target; changes nothing
    Check(CheckArgs),
    /// Test a storage, or every storage of a target; changes nothing and leaves nothing behind
    TestStorage(TestStorageArgs),
    /// Let the server look at the storage for the last good backup; starts no backup
    Prove(ProveArgs),
    /// Back up now
    Backup(Box<BackupArgs>),
    /// The tasks of this host
    Tasks,
    /// Follow a task, or the newest task of a target, to its end
    Watch(WatchArgs),
    /// Go on with a task from its failed step
    Retry(RetryArgs),
    /// Stop a task's backup on the server
    Cancel(CancelArgs),
    /// Write a redacted report of a task, for a ticket
    Report(ReportArgs),
    /// The inventory
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Try it on an embedded OceanBase fleet
    Demo(DemoArgs),
    /// The runner of a task; obnow starts it by itself
    #[command(hide = true)]
    RunTask(RunTaskArgs),
    /// The probe of a storage Test; obnow starts it by itself
    #[command(hide = true)]
    RunProbe,
}

/// `obnow check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// cluster or cluster/tenant
    #[arg(value_parser = parse_target)]
    pub target: TargetName,
    /// The mode to check for
    #[arg(long, value_name = "MODE", default_value = "full")]
    pub mode: ModeArg,
}

/// `obnow test-storage`.
#[derive(Debug, Args)]
pub struct TestStorageArgs {
    /// cluster or cluster/tenant, for its destinations; or the URI of a storage, without a key in it
    #[arg(value_name = "TARGET|URI", value_parser = parse_storage)]
    pub what: super::StorageArg,
    /// Write into the directory itself, where nothing beside it may be written to
    #[arg(long)]
    pub write_inside: bool,
    /// Access id of the storage
    #[arg(long, value_name = "ID")]
    pub access_id: Option<String>,
    /// Where the access key is: env:NAME, file:PATH or stdin; asked for when absent
    #[arg(long, value_name = "SRC", value_parser = parse_source)]
    pub access_key_from: Option<SecretSource>,
}

/// `obnow prove`.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// cluster, for each of its tenants, or cluster/tenant
    #[arg(value_parser = parse_target)]
    pub target: TargetName,
    /// Access id of the storage
    #[arg(long, value_name = "ID")]
    pub access_id: Option<String>,
    /// Where the access key is: env:NAME, file:PATH or stdin; asked for when absent. It goes to the server, whose audit and
    /// logs may keep it
    #[arg(long, value_name = "SRC", value_parser = parse_source)]
    pub access_key_from: Option<SecretSource>,
    /// Where a password of backup sets in that directory is; once for each
    #[arg(long, value_name = "SRC", value_parser = parse_source)]
    pub decrypt_from: Vec<SecretSource>,
}

/// What a plan file says itself. Only where its secrets are may be named anew beside it.
const CHOICE_ARGS: [&str; 14] = [
    "targets",
    "mode",
    "storage",
    "archive_storage",
    "access_id",
    "compact",
    "plus_archivelog",
    "no_full",
    "skip",
    "exclude_table",
    "prove",
    "no_proof",
    "decrypt_from",
    "resume_archive",
];

/// `obnow backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// cluster, or tenants of one cluster as cluster/tenant
    #[arg(required_unless_present = "plan", value_parser = parse_target)]
    pub targets: Vec<TargetName>,
    /// Run a plan that was saved: planned again, with what differs, and refused where cluster, tenant or version is another.
    /// Beside it no choice is made, but --encrypt-from and --access-key-from may name their sources anew
    #[arg(long, value_name = "FILE", conflicts_with_all = CHOICE_ARGS)]
    pub plan: Option<PathBuf>,
    /// Data backup mode
    #[arg(long, value_name = "MODE")]
    pub mode: Option<ModeArg>,
    /// Storage of the data backup, or a base for both destinations; without a key in it
    #[arg(long, value_name = "URI")]
    pub storage: Option<String>,
    /// Storage of the log archive
    #[arg(long, value_name = "URI")]
    pub archive_storage: Option<String>,
    /// Access id of the storage
    #[arg(long, value_name = "ID")]
    pub access_id: Option<String>,
    /// Where the access key is: env:NAME, file:PATH or stdin
    #[arg(long, value_name = "SRC", value_parser = parse_source)]
    pub access_key_from: Option<SecretSource>,
    /// Whether a needed major compaction may be run
    #[arg(long, value_name = "WHEN")]
    pub compact: Option<CompactArg>,
    /// Add the log, so that the set alone restores to its own end
    #[arg(long)]
    pub plus_archivelog: bool,
    /// Encrypt with a password from: env:NAME, file:PATH or stdin; the server writes it in clear into its observer.log
    #[arg(long, value_name = "SRC", value_parser = parse_source)]
    pub encrypt_from: Option<SecretSource>,
    /// Tenants without a usable full, when an incremental is asked for
    #[arg(long, value_name = "WAY", default_value = "fail")]
    pub no_full: NoFullArg,
    /// Override a failed check, where that is allowed
    #[arg(long, value_name = "CHECK", value_parser = parse_check)]
    pub skip: Vec<CheckId>,
    /// Let log archiving that somebody suspended go on; without a terminal to ask on nothing else does
    #[arg(long)]
    pub resume_archive: bool,
    /// The name that a question on prod asks for: of the target, or of the cluster where there are several
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Leave a table or view out of a logical backup; may be given several times
    #[arg(long, value_name = "DB.TABLE")]
    pub exclude_table: Vec<String>,
    /// In the end let the server look at the storage, also where that needs secrets: the access key and the passwords go to the
    /// server, whose audit and logs may keep them
    #[arg(long)]
    pub prove: bool,
    /// Leave out the server's look at the storage
    #[arg(long, conflicts_with = "prove")]
    pub no_proof: bool,
    /// Where a password of older backup sets in that directory is, for --prove; once for each
    #[arg(long, value_name = "SRC", value_parser = parse_source, requires = "prove")]
    pub decrypt_from: Vec<SecretSource>,
    /// Print the plan and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Save the plan to a new file for --plan, and stop like --dry-run
    #[arg(long, value_name = "FILE", conflicts_with_all = ["yes", "detach"])]
    pub save_plan: Option<PathBuf>,
    /// Answer every yes-or-no question with yes
    #[arg(long)]
    pub yes: bool,
    /// Start, and leave the task to itself
    #[arg(long)]
    pub detach: bool,
    /// While another backup runs there, wait for its end, at most this long: 90s, 30m, 2h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub wait_lock: Option<std::time::Duration>,
}

/// `obnow watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// A task (its id, or how it begins) or a target
    pub what: String,
}

/// `obnow retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The task: its id, or how it begins
    pub task: String,
    /// Perform the major compaction that the backup needs first; it may affect the business
    #[arg(long)]
    pub compact: bool,
    /// Where the access key of the storage is
    #[arg(long, value_name = "SRC", value_parser = parse_source)]
    pub access_key_from: Option<SecretSource>,
    /// Where the encryption password is
    #[arg(long, value_name = "SRC", value_parser = parse_source)]
    pub encrypt_from: Option<SecretSource>,
    /// The cluster's name, which a major compaction on prod asks for
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Answer every yes-or-no question with yes
    #[arg(long)]
    pub yes: bool,
}

/// `obnow cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The task: its id, or how it begins
    pub task: String,
    /// The name that the question asks for: the cluster's on prod, the target's where somebody else started the backup
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Answer every yes-or-no question with yes
    #[arg(long)]
    pub yes: bool,
}

/// `obnow report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The task: its id, or how it begins
    pub task: String,
}

/// `obnow config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write a commented example where there is none
    Init,
    /// Print the inventory as it is understood, without secrets
    Show,
}

/// `obnow demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// What to show
    #[arg(long, value_name = "SCENARIO", default_value = "fleet")]
    pub scenario: String,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
    /// Serve the fleet in this process
    #[arg(long, conflicts_with_all = ["list", "stop", "fix", "reset"])]
    pub serve: bool,
    /// End the fleet
    #[arg(long)]
    pub stop: bool,
    /// Remove the causes that can be removed
    #[arg(long)]
    pub fix: bool,
    /// Forget everything the fleet and its tasks left
    #[arg(long)]
    pub reset: bool,
    /// How many times faster the servers work
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub speed: u32,
    /// The port of the first server; the others follow
    #[arg(long, value_name = "N", requires = "serve")]
    pub port: Option<u16>,
    /// End when standard input is closed
    #[arg(long, requires = "serve")]
    pub until_eof: bool,
}

/// `obnow run-task`.
#[derive(Debug, Args)]
pub struct RunTaskArgs {
    /// The task
    pub task: String,
}

/// Data backup mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Everything
    Full,
    /// What changed since the last good set
    Incremental,
}

impl From<ModeArg> for choices::Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Full => Self::Full,
            ModeArg::Incremental => Self::Incremental,
        }
    }
}

/// Whether a needed compaction may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompactArg {
    /// If the backup needs one
    Auto,
    /// Never
    Never,
}

impl From<CompactArg> for choices::CompactionChoice {
    fn from(compact: CompactArg) -> Self {
        match compact {
            CompactArg::Auto => Self::Auto,
            CompactArg::Never => Self::Never,
        }
    }
}

/// For tenants without a usable full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NoFullArg {
    /// Their step fails
    Fail,
    /// They get a full
    Full,
    /// They are left out
    Skip,
}

impl From<NoFullArg> for choices::NoFullPolicy {
    fn from(way: NoFullArg) -> Self {
        match way {
            NoFullArg::Fail => Self::Fail,
            NoFullArg::Full => Self::Full,
            NoFullArg::Skip => Self::Skip,
        }
    }
}

fn parse_target(text: &str) -> Result<TargetName, String> {
    text.parse::<TargetName>().map_err(|error| error.to_string())
}

/// A URI is looked at where it is used: no message of the arguments may repeat it.
fn parse_storage(text: &str) -> Result<super::StorageArg, String> {
    if text.contains("://") {
        Ok(super::StorageArg::Uri(text.to_owned()))
    } else {
        parse_target(text).map(super::StorageArg::Target)
    }
}

fn parse_check(text: &str) -> Result<CheckId, String> {
    CheckId::parse(text).ok_or_else(|| {
        let names: Vec<&str> = CheckId::ALL.iter().map(|check| check.name()).collect();
        format!("there is no check of that name; there are: {}", names.join(", "))
    })
}

/// The longest wait for another backup.
const MAX_WAIT: std::time::Duration = std::time::Duration::from_hours(30 * 24);

fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    match crate::app::parse_duration(text)? {
        long if long > MAX_WAIT => Err("nothing is waited for longer than 30d".to_owned()),
        duration => Ok(duration),
    }
}

fn parse_login_source(text: &str) -> Result<SecretSource, String> {
    SecretSource::of_login(text).map_err(|why| format!("{why}; a secret itself is never an argument"))
}

fn parse_source(text: &str) -> Result<SecretSource, String> {
    SecretSource::from_word(text).map_err(|why| format!("{why}; a secret itself is never an argument"))
}
