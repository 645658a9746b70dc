//! The model: everything the wizard knows. It is changed by [`super::update::update`] alone, and drawn by
//! [`super::view::view`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::effect::Typed;
use super::form::Text;
use super::screens::ask::Ask;
use super::screens::question::Question;
use super::screens::{confirm, connect, detected, mode, storage, target, task, tasks};
use crate::app::known::{Known, KnownCluster};
use crate::domain::choices::{Choices, Wanted};
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::Fault;
use crate::domain::last_storage::last_storage;
use crate::domain::listing::Row;
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;

/// The least a screen needs, in columns and rows.
pub const LEAST: (u16, u16) = (60, 16);

/// Rows around the body: header, way and rule above it, rule, help and keys below it.
pub const FRAME_ROWS: u16 = 6;

/// The number of a question; every answer carries it, and one to another question is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Req(pub u64);

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
    pub const WAY: [Self; 6] = [Self::Target, Self::Detected, Self::Storage, Self::Mode, Self::Confirm, Self::Task];

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
    Question(Box<Question>),
    /// A secret is asked for.
    Ask(Box<Ask>),
}

/// One cluster of the inventory, as far as it is known.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// What the inventory says.
    pub known: KnownCluster,
    /// What it answered last; kept while it is asked again.
    pub answer: Option<Result<Arc<Facts>, Fault>>,
    /// The question it is being asked.
    pub asking: Option<Req>,
    /// Its password must be typed first.
    pub locked: bool,
    /// Its rows in the list.
    pub rows: Vec<target::ListRow>,
}

impl Cluster {
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
    pub storage: storage::Storage,
    /// Full or incremental, and what belongs to it.
    pub mode: mode::Choice,
    /// The server may be sent secrets for its look at the storage.
    pub prove: bool,
    /// The passwords of older backup sets that go along.
    pub older_passwords: Vec<Text>,
}

impl Draft {
    /// A draft in which nothing was chosen yet.
    #[must_use]
    pub fn new(targets: Vec<TargetName>) -> Self {
        Self {
            targets,
            storage: storage::Storage::default(),
            mode: mode::Choice::default(),
            prove: false,
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
    pub fn is_touched(&self) -> bool {
        self.storage.is_typed() || self.mode != mode::Choice::default() || !self.older_passwords.is_empty()
    }

    /// What was typed of the secrets that a task needs.
    #[must_use]
    pub fn typed(&self) -> Typed {
        Typed {
            access_key: self.storage.access_key(),
            encryption: self.mode.encryption(),
            decryption: self.older_passwords.iter().filter_map(Text::as_secret).collect(),
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
    pub reach: Vec<String>,
    /// The target from the command line, until its screen can be opened.
    pub straight: Option<TargetName>,
    /// The screen that is shown.
    pub screen: Screen,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// One line for the person: why a key did nothing, or what came of it.
    pub notice: Option<String>,
    /// The question for the inventory, while it is read.
    pub opening: Option<Req>,
    /// What the inventory says, beside its clusters.
    pub inventory: Option<Result<Known, Fault>>,
    /// Its clusters.
    pub clusters: Vec<Cluster>,
    /// The index of each cluster by its name.
    pub places: HashMap<String, usize>,
    /// The list of targets.
    pub list: target::List,
    /// The backup that is being configured.
    pub draft: Option<Draft>,
    /// The drafts of other targets, kept for when they are chosen again.
    pub drafts: BTreeMap<Vec<TargetName>, Draft>,
    /// The preflight of the draft.
    pub preflight: detected::Preflight,
    /// The focused check of it.
    pub check: usize,
    /// The confirm screen.
    pub confirm: confirm::Confirm,
    /// The task that is watched.
    pub task: Option<Box<task::Watched>>,
    /// The tasks that were watched before, in their last seen state.
    pub left: Vec<Box<task::Watched>>,
    /// The question that begins to watch somebody else's backup, and the screen it was asked on.
    pub attaching: Option<(Req, Screen)>,
    /// The tasks of this host.
    pub tasks: tasks::List,
    /// The form of the first connection.
    pub connect: connect::Connect,
    /// The wizard ends.
    pub leaving: bool,
    /// The number of the last question.
    pub last_req: u64,
}

impl Model {
    /// A wizard that knows nothing yet.
    #[must_use]
    pub fn new(size: (u16, u16), zone: TimeZone) -> Self {
        Self {
            size,
            zone,
            demo: None,
            reach: Vec::new(),
            straight: None,
            screen: Screen::Target,
            overlay: None,
            notice: None,
            opening: None,
            inventory: None,
            clusters: Vec::new(),
            places: HashMap::new(),
            list: target::List::default(),
            draft: None,
            drafts: BTreeMap::new(),
            preflight: detected::Preflight::default(),
            check: 0,
            confirm: confirm::Confirm::default(),
            task: None,
            left: Vec::new(),
            attaching: None,
            tasks: tasks::List::default(),
            connect: connect::Connect::default(),
            leaving: false,
            last_req: 0,
        }
    }

    /// The number of the next question.
    pub fn next_req(&mut self) -> Req {
        self.last_req += 1;
        Req(self.last_req)
    }

    /// Rows of the body of a screen.
    #[must_use]
    pub fn body_rows(&self) -> usize {
        usize::from(self.size.1.saturating_sub(FRAME_ROWS))
    }

    /// Whether the terminal is too small for any screen.
    #[must_use]
    pub fn is_too_small(&self) -> bool {
        self.size.0 < LEAST.0 || self.size.1 < LEAST.1
    }

    /// The cluster of that name.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.get(*self.places.get(name)?)
    }

    /// The same, to change it.
    pub fn cluster_mut(&mut self, name: &str) -> Option<&mut Cluster> {
        self.clusters.get_mut(*self.places.get(name)?)
    }

    /// The cluster of the draft.
    #[must_use]
    pub fn chosen(&self) -> Option<&Cluster> {
        self.cluster(self.draft.as_ref()?.cluster())
    }

    /// The facts of the draft's cluster.
    #[must_use]
    pub fn facts(&self) -> Option<&Arc<Facts>> {
        self.chosen()?.facts()
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
        let chosen = self.chosen()?;
        let mut choices = Choices::new(draft.targets.clone(), draft.mode.mode);
        choices.fallbacks = self.fallbacks();
        choices.storage = draft.storage.wanted().ok()?;
        choices.seen = draft.storage.seen();
        choices.proven_archives = draft.storage.proven_archives();
        // The confirm screen says that it was suspended on purpose, and asks by being there.
        choices.resume_archive = self.tenants().into_iter().any(crate::domain::archiving::is_suspended);
        draft.mode.add_to(&mut choices, chosen);
        choices.proof.asked = draft.prove.then_some(true);
        choices.proof.decrypt = draft.older_passwords.iter().map(|_| SecretSource::Prompt).collect();
        Some(choices)
    }

    /// Where backups of the draft's targets go if the cluster itself names no destination, best first.
    #[must_use]
    pub fn fallbacks(&self) -> Vec<Wanted> {
        let mut fallbacks = self.chosen().map(|chosen| chosen.known.fallbacks.clone()).unwrap_or_default();
        if let (Some(draft), Some(facts), true) = (&self.draft, self.facts(), fallbacks.is_empty()) {
            let views = self.tasks.rows.iter().filter_map(|row| row.view.as_deref().ok());
            fallbacks.extend(last_storage(views, &facts.cluster, &draft.targets));
        }
        fallbacks
    }

    /// The row of the list that has the focus.
    #[must_use]
    pub fn focused_row(&self) -> Option<(&Cluster, &Row)> {
        let (cluster, row) = self.list.focused()?;
        let cluster = self.clusters.get(cluster)?;
        Some((cluster, &cluster.rows.get(row)?.row))
    }

    /// Whether a printable key is text now.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        match (&self.overlay, self.screen) {
            (Some(Overlay::Question(question)), _) => question.name.is_some(),
            (Some(Overlay::Ask(_)), _) => true,
            (None, Screen::Target) => self.list.filtering,
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
    watched.ticks().then(|| now.saturating_add(jiff::SignedDuration::from_secs(1)).unwrap_or(now))
}
