//! The mode screen: full or incremental, and its options.

use std::collections::BTreeSet;

use super::{confirm, detected};
use crate::domain::choices::{Choices, CompactionChoice, Mode, NoFullPolicy};
use crate::domain::dump::ExcludedTables;
use crate::domain::incremental_base::incremental_base;
use crate::domain::plan::{CompactionOutlook, compaction_outlook, plus_archivelog};
use crate::domain::preflight::{Check, CheckId, tenant_checks};
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::version::Method;
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Binding};
use crate::wizard::model::{ClusterState, Model, Screen};
use crate::wizard::text_field::TextField;

/// A line of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModeLine {
    /// Full Backup.
    Full,
    /// Incremental Backup.
    Incremental,
    /// What becomes of tenants without a usable full.
    NoFull,
    /// PLUS ARCHIVELOG.
    PlusArchivelog,
    /// Encrypt with a password.
    Encrypt,
    /// The password.
    Password,
    /// The password again.
    RepeatPassword,
    /// A needed major compaction.
    Compact,
}

/// The choices of the mode screen.
#[derive(Debug, Clone)]
pub struct ModeChoices {
    /// Full or incremental.
    pub mode: Mode,
    /// Tenants without a usable full.
    pub no_full: NoFullPolicy,
    /// Add the log.
    pub plus_archivelog: bool,
    /// Encrypt.
    pub encrypt: bool,
    /// The password.
    pub password: TextField,
    /// The password again.
    pub repeated_password: TextField,
    /// Whether a needed compaction may be run; None: as the strategy says.
    pub compact: Option<CompactionChoice>,
    /// Checks that are overridden.
    pub skip: BTreeSet<CheckId>,
    /// Tables that a dump leaves out.
    pub exclude: ExcludedTables,
    /// The line that has the focus.
    pub focus: ModeLine,
}

impl Default for ModeChoices {
    fn default() -> Self {
        Self {
            mode: Mode::Full,
            no_full: NoFullPolicy::Fail,
            plus_archivelog: false,
            encrypt: false,
            password: TextField::new_secret(),
            repeated_password: TextField::new_secret(),
            compact: None,
            skip: BTreeSet::new(),
            exclude: ExcludedTables::default(),
            focus: ModeLine::Full,
        }
    }
}

/// The focus is no choice.
impl PartialEq for ModeChoices {
    fn eq(&self, other: &Self) -> bool {
        (self.mode, self.no_full, self.plus_archivelog, self.encrypt, self.compact)
            == (other.mode, other.no_full, other.plus_archivelog, other.encrypt, other.compact)
            && (&self.password, &self.repeated_password) == (&other.password, &other.repeated_password)
            && (&self.skip, &self.exclude) == (&other.skip, &other.exclude)
    }
}

impl ModeChoices {
    /// Whether printable keys are text.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        matches!(self.focus, ModeLine::Password | ModeLine::RepeatPassword)
    }

    /// What is wrong with the passwords; None: nothing, or none is asked for.
    #[must_use]
    pub fn validation_error(&self) -> Option<String> {
        let (password, again) = (self.password.value(), self.repeated_password.value());
        if !self.encrypt {
            None
        } else if password.is_empty() {
            Some("The password is empty. Type one, or switch encryption off.".to_owned())
        } else if let Some(why) = self.encryption().and_then(|password| password.unfit_to_encrypt()) {
            Some(format!("{why}. Choose another password."))
        } else if password != again {
            Some("The two passwords differ. Type the same one twice.".to_owned())
        } else {
            None
        }
    }

    /// The encryption password, where one is chosen.
    #[must_use]
    pub fn encryption(&self) -> Option<Secret> {
        if self.encrypt { self.password.as_secret() } else { None }
    }

    /// Adds them to the choices of a plan.
    pub fn add_to(&self, choices: &mut Choices, cluster: &ClusterState) {
        choices.no_full = self.no_full;
        choices.plus_archivelog = self.plus_archivelog;
        choices.encrypt = self.encrypt.then_some(SecretSource::Prompt);
        choices.compact = self.compaction(choices, cluster);
        choices.skip.clone_from(&self.skip);
        choices.exclude.clone_from(&self.exclude);
    }

    /// What is done about a needed compaction: what was chosen, else what the strategy says, else nothing.
    fn compaction(&self, choices: &Choices, cluster: &ClusterState) -> CompactionChoice {
        let tenant = choices.targets.first().and_then(|target| target.tenant());
        self.compact.or_else(|| cluster.summary.compaction(tenant)).unwrap_or(CompactionChoice::Never)
    }
}

/// The keys of the screen.
pub const KEYS: [Binding; 3] = [
    Binding::new(&[Key::Enter], Action::Next, "next", "go on to Confirm", 8),
    Binding::new(&[Key::Char(' ')], Action::Choose, "choose", "choose the focused line", 7),
    Binding::new(&[Key::Esc], Action::Back, "back", "back to the storage; what was chosen stays", 7),
];

/// Why a mode cannot be chosen at all; None: it can.
#[must_use]
pub fn disabled_reason(model: &Model, line: ModeLine) -> Option<String> {
    let logical = model.facts().is_some_and(|facts| facts.cluster.method == Method::Logical);
    match line {
        ModeLine::Incremental if logical => Some("a logical backup is full only".to_owned()),
        ModeLine::Incremental => full_only_reason(model),
        ModeLine::PlusArchivelog if logical => Some("a logical backup is one instant and has no log".to_owned()),
        ModeLine::PlusArchivelog => {
            let facts = model.facts()?;
            plus_archivelog(&facts.cluster.version).err().map(str::to_owned)
        }
        ModeLine::Encrypt if logical => Some("a logical backup is written in clear".to_owned()),
        ModeLine::Compact => no_compaction_reason(model),
        ModeLine::Full | ModeLine::NoFull | ModeLine::Encrypt | ModeLine::Password | ModeLine::RepeatPassword => None,
    }
}

/// Why these targets are backed up full only.
#[must_use]
pub fn full_only_reason(model: &Model) -> Option<String> {
    let facts = model.facts()?;
    let choices = Choices::new(model.draft.as_ref()?.targets.clone(), Mode::Incremental);
    let checks = model.tenants().into_iter().flat_map(|tenant| tenant_checks(facts, tenant, &choices));
    let refused = |check: &Check| check.check == CheckId::Mode && check.refuses();
    checks.into_iter().find(refused).map(|check| check.found)
}

/// Why no compaction will be needed.
fn no_compaction_reason(model: &Model) -> Option<String> {
    match draft_compaction_outlook(model)? {
        CompactionOutlook::NotNeeded(why) => Some(why),
        CompactionOutlook::Needed(_) | CompactionOutlook::IfAsked | CompactionOutlook::NotChecked(_) => None,
    }
}

/// What is to be expected of a compaction before the backup.
#[must_use]
pub fn draft_compaction_outlook(model: &Model) -> Option<CompactionOutlook> {
    let facts = model.facts()?;
    let not_needed = |why: &str| Some(CompactionOutlook::NotNeeded(why.to_owned()));
    match (facts.cluster.method, &facts.cluster.cluster_backup) {
        (Method::Logical, _) => not_needed("not needed for a logical backup"),
        (Method::Physical, None) => not_needed("not needed on V4"),
        (Method::Physical, Some(whole)) => Some(compaction_outlook(facts, whole, &model.choices()?)),
    }
}

/// The tenants that have no usable full on the destination the cluster has.
#[must_use]
pub fn tenants_without_full(model: &Model) -> Vec<(String, String)> {
    let (Some(facts), Some(choices)) = (model.facts(), model.choices()) else { return Vec::new() };
    let missing = model.tenants().into_iter().filter_map(|tenant| {
        let wanted = crate::domain::plan::wanted_data_destination(facts, tenant, &choices);
        incremental_base(tenant, wanted.as_ref()).err().map(|why| (tenant.name.clone(), why))
    });
    missing.collect()
}

/// The lines that are there now.
#[must_use]
pub fn visible_lines(model: &Model) -> Vec<ModeLine> {
    let Some(draft) = &model.draft else { return Vec::new() };
    let mut lines = vec![ModeLine::Full, ModeLine::Incremental];
    if draft.mode.mode == Mode::Incremental && model.tenants().len() > 1 {
        lines.push(ModeLine::NoFull);
    }
    lines.extend([ModeLine::PlusArchivelog, ModeLine::Encrypt]);
    if draft.mode.encrypt {
        lines.extend([ModeLine::Password, ModeLine::RepeatPassword]);
    }
    lines.push(ModeLine::Compact);
    lines
}

/// A draft begins with what the strategy says.
pub fn prefill(model: &mut Model) {
    if let Some(draft) = &mut model.draft
        && draft.mode.is_typing()
    {
        draft.mode.focus = ModeLine::Full;
    }
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    let lines = visible_lines(model);
    let Some(draft) = &mut model.draft else { return Vec::new() };
    let at = lines.iter().position(|line| *line == draft.mode.focus).unwrap_or(0);
    let focus = |at: usize| lines.get(at % lines.len().max(1)).copied().unwrap_or(ModeLine::Full);
    match action {
        Action::NextField => draft.mode.focus = focus(at + 1),
        Action::PreviousField => draft.mode.focus = focus(at + lines.len() - 1),
        Action::Choose | Action::Right | Action::Left => {
            choose(model);
            detected::refresh(model);
        }
        Action::Back => model.screen = Screen::Storage,
        Action::Next => return next(model),
        _ => {}
    }
    Vec::new()
}

fn choose(model: &mut Model) {
    let Some(line) = model.draft.as_ref().map(|draft| draft.mode.focus) else { return };
    if let Some(why) = disabled_reason(model, line) {
        model.notice = Some(format!("That cannot be chosen: {why}."));
        return;
    }
    let strategy = model.choices().map_or(CompactionChoice::Never, |choices| choices.compact);
    let Some(draft) = &mut model.draft else { return };
    let choice = &mut draft.mode;
    match line {
        ModeLine::Full => choice.mode = Mode::Full,
        ModeLine::Incremental => choice.mode = Mode::Incremental,
        ModeLine::NoFull => {
            choice.no_full = match choice.no_full {
                NoFullPolicy::Fail => NoFullPolicy::Full,
                NoFullPolicy::Full => NoFullPolicy::Skip,
                NoFullPolicy::Skip => NoFullPolicy::Fail,
            };
        }
        ModeLine::PlusArchivelog => choice.plus_archivelog = !choice.plus_archivelog,
        ModeLine::Encrypt => choice.encrypt = !choice.encrypt,
        ModeLine::Compact => {
            choice.compact = Some(match choice.compact.unwrap_or(strategy) {
                CompactionChoice::Auto => CompactionChoice::Never,
                CompactionChoice::Never => CompactionChoice::Auto,
            });
        }
        ModeLine::Password | ModeLine::RepeatPassword => {}
    }
}

fn next(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = &mut model.draft else { return Vec::new() };
    if let Some(complaint) = draft.mode.validation_error() {
        if !draft.mode.is_typing() {
            draft.mode.focus = ModeLine::Password;
        }
        model.notice = Some(complaint);
        return Vec::new();
    }
    confirm::open(model)
}

/// A key while a password is typed; whether it was one for it.
pub fn handle_key(model: &mut Model, key: Key) -> bool {
    let Some(draft) = &mut model.draft else { return false };
    match draft.mode.focus {
        ModeLine::Password => draft.mode.password.handle_key(key),
        ModeLine::RepeatPassword => draft.mode.repeated_password.handle_key(key),
        _ => false,
    }
}

/// Pastes into a password.
pub fn handle_paste(model: &mut Model, text: &str) {
    let Some(draft) = &mut model.draft else { return };
    match draft.mode.focus {
        ModeLine::Password => draft.mode.password.paste(text),
        ModeLine::RepeatPassword => draft.mode.repeated_password.paste(text),
        _ => {}
    }
}
