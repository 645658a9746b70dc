//! The model: everything the wizard knows. It is changed by [`super::update::update`] alone, and drawn by
//! [`super::view::view`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::effect::TypedSecrets;
use super::screens::confirm_dialog::ConfirmDialog;
use super::screens::secret_prompt::SecretPrompt;
use super::screens::{confirm, connect, detected, mode, storage, target, task, tasks};
use super::text_field::TextField;
use crate::app::inventory_summary::{ClusterSummary, InventorySummary};
use crate::domain::choices::{Choices, RequestedStorage};
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::Fault;
use crate::domain::last_storage::last_storage;
use crate::domain::listing::Row;
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;

/// The least a screen needs, in columns and rows.
pub const MIN_SIZE: (u16, u16) = (60, 16);

/// Rows around the body: header, way and rule above it, rule, help and keys below it.
pub const FRAME_ROWS: u16 = 6;

/// The number of a question; every answer carries it, and one to another question is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Screen {
    /// The first connection, where there is no inventory.
    Connect,
    /// What to back up.
    Target,
    /// Version, method and preflight of it.
    Detected,
    /// Where backups go.
    Storage,
    /// Full or incremental.
    Mode,
    /// Back up Now.
    Confirm,
    /// A task as it runs.
    Task,
    /// The tasks of this host.
    Tasks,
}

impl Screen {
    /// The screens of the way to a backup, in order.
    pub const STEPS: [Self; 6] = [Self::Target, Self::Detected, Self::Storage, Self::Mode, Self::Confirm, Self::Task];

    /// How it is called on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "Connection",
            Self::Target => "Target",
            Self::Detected => "Detected",
            Self::Storage => "Storage",
            Self::Mode => "Mode",
            Self::Confirm => "Confirm",
            Self::Task => "Task",
            Self::Tasks => "Tasks",
        }
    }
}

/// What lies over a screen and takes the keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// The keys of the screen, and what it is for; scrolled by so many rows.
    Help(usize),
    /// A question that must be answered.
    Confirm(Box<ConfirmDialog>),
    /// A secret is asked for.
    SecretPrompt(Box<SecretPrompt>),
}

/// One cluster of the inventory, as far as it is known.
#[derive(Debug, Clone)]
pub struct ClusterState {
    /// What the inventory says.
    pub summary: ClusterSummary,
    /// What it answered last; kept while it is asked again.
    pub answer: Option<Result<Arc<Facts>, Fault>>,
    /// The question it is being asked.
    pub pending: Option<RequestId>,
    /// Its password must be typed first.
    pub needs_password: bool,
    /// Its rows in the list.
    pub rows: Vec<target::TargetRow>,
}

impl ClusterState {
    /// Its facts, where it answered.
    #[must_use]
    pub fn facts(&self) -> Option<&Arc<Facts>> {
        self.answer.as_ref()?.as_ref().ok()
    }
}

/// What is being made up: a target and the choices for it. It outlives the screens.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What to back up: one cluster, or tenants of one cluster.
    pub targets: Vec<TargetName>,
    /// Where backups go.
    pub storage: storage::StorageScreen,
    /// Full or incremental, and what belongs to it.
    pub mode: mode::ModeChoices,
    /// The server may be sent secrets for its look at the storage.
    pub may_send_proof_secrets: bool,
    /// The passwords of older backup sets that go along.
    pub older_passwords: Vec<TextField>,
}

impl Draft {
    /// A draft in which nothing was chosen yet.
    #[must_use]
    pub fn new(targets: Vec<TargetName>) -> Self {
        Self {
            targets,
            storage: storage::StorageScreen::default(),
            mode: mode::ModeChoices::default(),
            may_send_proof_secrets: false,
            older_passwords: Vec::new(),
        }
    }

    /// The cluster of its targets.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.targets.first().map_or("", TargetName::cluster)
    }

    /// Whether something was typed or chosen that would be lost.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.storage.is_edited() || self.mode != mode::ModeChoices::default() || !self.older_passwords.is_empty()
    }

    /// What was typed of the secrets that a task needs.
    #[must_use]
    pub fn typed_secrets(&self) -> TypedSecrets {
        TypedSecrets {
            access_key: self.storage.access_key(),
            encryption: self.mode.encryption(),
            decryption: self.older_passwords.iter().filter_map(TextField::as_secret).collect(),
        }
    }
}

/// The wizard.
#[derive(Debug)]
pub struct Model {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The zone of this host, for times of day.
    pub zone: TimeZone,
    /// The scenario, where this is an embedded fleet; its causes can be removed with a key.
    pub demo: Option<String>,
    /// The global arguments with which another call of obnow reaches the same clusters.
    pub global_args: Vec<String>,
    /// The target from the command line, until its screen can be opened.
    pub initial_target: Option<TargetName>,
    /// The screen that is shown.
    pub screen: Screen,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// One line for the person: why a key did nothing, or what came of it.
    pub notice: Option<String>,
    /// The question for the inventory, while it is read.
    pub inventory_request: Option<RequestId>,
    /// What the inventory says, beside its clusters.
    pub inventory: Option<Result<InventorySummary, Fault>>,
    /// Its clusters.
    pub clusters: Vec<ClusterState>,
    /// The index of each cluster by its name.
    pub cluster_indexes: HashMap<String, usize>,
    /// The list of targets.
    pub list: target::TargetList,
    /// The backup that is being configured.
    pub draft: Option<Draft>,
    /// The drafts of other targets, kept for when they are chosen again.
    pub drafts: BTreeMap<Vec<TargetName>, Draft>,
    /// The preflight of the draft.
    pub preflight: detected::Preflight,
    /// The focused check of it.
    pub focused_check: usize,
    /// The confirm screen.
    pub confirm: confirm::ConfirmScreen,
    /// The task that is watched.
    pub task: Option<Box<task::WatchedTask>>,
    /// The tasks that were watched before, in their last seen state.
    pub previous_tasks: Vec<Box<task::WatchedTask>>,
    /// The question that begins to watch somebody else's backup, and the screen it was asked on.
    pub attach_request: Option<(RequestId, Screen)>,
    /// The tasks of this host.
    pub tasks: tasks::TaskList,
    /// The form of the first connection.
    pub connect: connect::ConnectScreen,
    /// The wizard ends.
    pub is_leaving: bool,
    /// The number of the last question.
    pub last_request_id: u64,
}

impl Model {
    /// A wizard that knows nothing yet.
    #[must_use]
    pub fn new(size: (u16, u16), zone: TimeZone) -> Self {
        Self {
            size,
            zone,
            demo: None,
            global_args: Vec::new(),
            initial_target: None,
            screen: Screen::Target,
            overlay: None,
            notice: None,
            inventory_request: None,
            inventory: None,
            clusters: Vec::new(),
            cluster_indexes: HashMap::new(),
            list: target::TargetList::default(),
            draft: None,
            drafts: BTreeMap::new(),
            preflight: detected::Preflight::default(),
            focused_check: 0,
            confirm: confirm::ConfirmScreen::default(),
            task: None,
            previous_tasks: Vec::new(),
            attach_request: None,
            tasks: tasks::TaskList::default(),
            connect: connect::ConnectScreen::default(),
            is_leaving: false,
            last_request_id: 0,
        }
    }

    /// The number of the next question.
    pub fn next_request_id(&mut self) -> RequestId {
        self.last_request_id += 1;
        RequestId(self.last_request_id)
    }

    /// Rows of the body of a screen.
    #[must_use]
    pub fn body_rows(&self) -> usize {
        usize::from(self.size.1.saturating_sub(FRAME_ROWS))
    }

    /// Whether the terminal is too small for any screen.
    #[must_use]
    pub fn is_too_small(&self) -> bool {
        self.size.0 < MIN_SIZE.0 || self.size.1 < MIN_SIZE.1
    }

    /// The cluster of that name.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&ClusterState> {
        self.clusters.get(*self.cluster_indexes.get(name)?)
    }

    /// The same, to change it.
    pub fn cluster_mut(&mut self, name: &str) -> Option<&mut ClusterState> {
        self.clusters.get_mut(*self.cluster_indexes.get(name)?)
    }

    /// The cluster of the draft.
    #[must_use]
    pub fn chosen_cluster(&self) -> Option<&ClusterState> {
        self.cluster(self.draft.as_ref()?.cluster())
    }

    /// The facts of the draft's cluster.
    #[must_use]
    pub fn facts(&self) -> Option<&Arc<Facts>> {
        self.chosen_cluster()?.facts()
    }

    /// The user tenants the draft is about; on an engine without tenants, the engine itself.
    #[must_use]
    pub fn tenants(&self) -> Vec<&TenantFacts> {
        let (Some(draft), Some(facts)) = (&self.draft, self.facts()) else { return Vec::new() };
        let asked = |tenant: &&TenantFacts| {
            draft.targets.iter().any(|target| target.tenant().is_none() || *target == facts.target(tenant))
        };
        let logical = facts.cluster.method == crate::domain::version::Method::Logical;
        let user = |tenant: &&TenantFacts| logical || tenant.kind == crate::domain::facts::TenantKind::User;
        facts.tenants.iter().filter(user).filter(asked).collect()
    }

    /// The draft's choices; None while something of it cannot be used.
    #[must_use]
    pub fn choices(&self) -> Option<Choices> {
        let draft = self.draft.as_ref()?;
        let chosen = self.chosen_cluster()?;
        let mut choices = Choices::new(draft.targets.clone(), draft.mode.mode);
        choices.fallbacks = self.fallbacks();
        choices.storage = draft.storage.typed_storage().ok()?;
        choices.seen = draft.storage.seen_directories();
        choices.proven_archives = draft.storage.proven_archives();
        // The confirm screen says that it was suspended on purpose, and asks by being there.
        choices.resume_archive = self.tenants().into_iter().any(crate::domain::archiving::is_suspended);
        draft.mode.add_to(&mut choices, chosen);
        choices.proof.asked = draft.may_send_proof_secrets.then_some(true);
        choices.proof.decrypt = draft.older_passwords.iter().map(|_| SecretSource::Prompt).collect();
        Some(choices)
    }

    /// Where backups of the draft's targets go if the cluster itself names no destination, best first.
    #[must_use]
    pub fn fallbacks(&self) -> Vec<RequestedStorage> {
        let mut fallbacks = self.chosen_cluster().map(|chosen| chosen.summary.fallbacks.clone()).unwrap_or_default();
        if let (Some(draft), Some(facts), true) = (&self.draft, self.facts(), fallbacks.is_empty()) {
            let views = self.tasks.rows.iter().filter_map(|row| row.view.as_deref().ok());
            fallbacks.extend(last_storage(views, &facts.cluster, &draft.targets));
        }
        fallbacks
    }

    /// The row of the list that has the focus.
    #[must_use]
    pub fn focused_row(&self) -> Option<(&ClusterState, &Row)> {
        let (cluster, row) = self.list.focused()?;
        let cluster = self.clusters.get(cluster)?;
        Some((cluster, &cluster.rows.get(row)?.row))
    }

    /// Whether a printable key is text now.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        match (&self.overlay, self.screen) {
            (Some(Overlay::Confirm(question)), _) => question.name.is_some(),
            (Some(Overlay::SecretPrompt(_)), _) => true,
            (None, Screen::Target) => self.list.is_filtering,
            (None, Screen::Storage) => self.draft.as_ref().is_some_and(|draft| draft.storage.is_typing()),
            (None, Screen::Mode) => self.draft.as_ref().is_some_and(|draft| draft.mode.is_typing()),
            (None, Screen::Connect) => self.connect.is_typing(),
            (Some(Overlay::Help(_)), _) | (None, Screen::Detected | Screen::Confirm | Screen::Task | Screen::Tasks) => {
                false
            }
        }
    }
}

/// When something on the screen changes by itself: only a task that runs has a clock.
#[must_use]
pub fn next_wake(model: &Model, now: Timestamp) -> Option<Timestamp> {
    let watched = model.task.as_ref().filter(|_| model.screen == Screen::Task && model.overlay.is_none())?;
    watched.is_live().then(|| now.saturating_add(jiff::SignedDuration::from_secs(1)).unwrap_or(now))
}
