//! The effects of the wizard as data; the effect runner starts them.

use std::sync::Arc;

use super::model::RequestId;
use super::screens::connect::Login;
use crate::app::storage_check::TestSpec;
use crate::app::task_secrets::SecretOverrides;
use crate::domain::choices::Choices;
use crate::domain::facts::Facts;
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::target::TargetName;
use crate::domain::task::Prepared;

/// Secrets that were typed for a task.
#[derive(Debug, Clone, Default)]
pub struct TypedSecrets {
    /// The access key of the storage.
    pub access_key: Option<Secret>,
    /// The password that encrypts the backup.
    pub encryption: Option<Secret>,
    /// Passwords of older backup sets, for the server's look at the storage.
    pub decryption: Vec<Secret>,
}

impl From<TypedSecrets> for SecretOverrides {
    fn from(TypedSecrets { access_key, encryption, decryption }: TypedSecrets) -> Self {
        Self { access_key, encryption, decryption, ..Self::default() }
    }
}

/// A directory to test.
#[derive(Debug, Clone)]
pub struct DirectoryTest {
    /// The Test, with the access key where it was typed.
    pub spec: TestSpec,
    /// Where the access key is to be found, where it was not.
    pub key_from: Option<SecretSource>,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Read the inventory.
    OpenInventory(RequestId),
    /// Ask these clusters, in this order, each on its own.
    Detect(RequestId, Vec<String>),
    /// Keep a password that was typed.
    GivePassword(String, Secret),
    /// Try a connection that was typed.
    TryConnection(RequestId, Box<Login>),
    /// Write it into the inventory, and read that again.
    SaveConnection(RequestId, Box<Login>),
    /// Use it without writing it anywhere.
    UseConnection(RequestId, Box<Login>),
    /// Make the plan and what is shown of it.
    Prepare(RequestId, Arc<Facts>, Box<Choices>),
    /// Test these directories, one after the other.
    Test(RequestId, Vec<DirectoryTest>),
    /// End the Test that runs.
    StopTest,
    /// Hand a confirmed plan to a runner.
    Launch(RequestId, Arc<Prepared>, TypedSecrets),
    /// Attach to a backup that was started outside of obnow, as a task of its own.
    Attach(RequestId, Arc<Facts>, TargetName),
    /// Go on with a task, after a major compaction where that is asked for.
    Resume {
        /// The question.
        req: RequestId,
        /// The task.
        task: String,
        /// Perform a major compaction first.
        compact: bool,
        /// What was typed for it.
        typed: TypedSecrets,
    },
    /// Find out what a cancel of a task would hit.
    CancelQuestion(RequestId, String),
    /// Find out what a major compaction for a task would load.
    CompactQuestion(RequestId, String),
    /// Ask a task's runner to cancel.
    Cancel(RequestId, String),
    /// Follow a task; whatever was followed before is let go.
    Follow(RequestId, String),
    /// Follow nothing any more.
    Unfollow,
    /// List the tasks of this host.
    ListTasks(RequestId),
    /// Write a redacted report of a task.
    Report(RequestId, String),
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// Remove the causes of the embedded fleet that can be removed.
    FixDemo(RequestId),
    /// Stop, as the shell's job control has it.
    Suspend,
    /// End the wizard.
    Quit,
}
