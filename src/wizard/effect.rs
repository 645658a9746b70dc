//! The effects of the wizard as data; the effect runner starts them.

use std::sync::Arc;

use super::model::Req;
use super::screens::connect::Login;
use crate::app::task_secrets::Given;
use crate::app::test::TestOf;
use crate::domain::choices::Choices;
use crate::domain::facts::Facts;
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::target::TargetName;
use crate::domain::task::Prepared;

/// Secrets that were typed for a task.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The access key of the storage.
    pub access_key: Option<Secret>,
    /// The password that encrypts the backup.
    pub encryption: Option<Secret>,
    /// Passwords of older backup sets, for the server's look at the storage.
    pub decryption: Vec<Secret>,
}

impl From<Typed> for Given {
    fn from(Typed { access_key, encryption, decryption }: Typed) -> Self {
        Self { access_key, encryption, decryption, ..Self::default() }
    }
}

/// A directory to test.
#[derive(Debug, Clone)]
pub struct ToTest {
    /// The Test, with the access key where it was typed.
    pub what: TestOf,
    /// Where the access key is to be found, where it was not.
    pub key_from: Option<SecretSource>,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Read the inventory.
    Open(Req),
    /// Ask these clusters, in this order, each on its own.
    Detect(Req, Vec<String>),
    /// Keep a password that was typed.
    GivePassword(String, Secret),
    /// Try a connection that was typed.
    Try(Req, Box<Login>),
    /// Write it into the inventory, and read that again.
    Save(Req, Box<Login>),
    /// Use it without writing it anywhere.
    Use(Req, Box<Login>),
    /// Make the plan and what is shown of it.
    Prepare(Req, Arc<Facts>, Box<Choices>),
    /// Test these directories, one after the other.
    Test(Req, Vec<ToTest>),
    /// End the Test that runs.
    StopTest,
    /// Hand a confirmed plan to a runner.
    Launch(Req, Arc<Prepared>, Typed),
    /// Attach to a backup that was started outside of obnow, as a task of its own.
    Attach(Req, Arc<Facts>, TargetName),
    /// Go on with a task, after a major compaction where that is asked for.
    GoOn {
        /// The question.
        req: Req,
        /// The task.
        task: String,
        /// Perform a major compaction first.
        compact: bool,
        /// What was typed for it.
        typed: Typed,
    },
    /// Find out what a cancel of a task would hit.
    CancelQuestion(Req, String),
    /// Find out what a major compaction for a task would load.
    CompactQuestion(Req, String),
    /// Ask a task's runner to cancel.
    Cancel(Req, String),
    /// Follow a task; whatever was followed before is let go.
    Follow(Req, String),
    /// Follow nothing any more.
    Unfollow,
    /// List the tasks of this host.
    ListTasks(Req),
    /// Write a redacted report of a task.
    Report(Req, String),
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// Remove the causes of the embedded fleet that can be removed.
    Fix(Req),
    /// Stop, as the shell's job control has it.
    Suspend,
    /// End the wizard.
    Leave,
}
