//! The target picker: every cluster and tenant of the inventory, filling in as answers arrive.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::secret_prompt::{SecretPrompt, SecretPurpose};
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::last_good::LastGood;
use crate::domain::listing::{self, Row};
use crate::domain::target::TargetName;
use crate::domain::version::Method;
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{ClusterState, Draft, Model, Overlay, RequestId, Screen};
use crate::wizard::text_field::TextField;
use crate::wizard::update;

/// Rows of the list's own heading and of its last line.
pub const HEAD_ROWS: usize = 2;

/// A row, and what a filter looks for in it.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetRow {
    /// The row.
    pub row: Row,
    /// Its name in small letters.
    search_key: String,
}

impl TargetRow {
    /// A row of the list.
    #[must_use]
    pub fn new(row: Row) -> Self {
        let hay = row.target.to_string().to_lowercase();
        Self { row, search_key: hay }
    }
}

/// The list: which rows are shown, and which one has the focus.
#[derive(Debug, Clone, Default)]
pub struct TargetList {
    /// The rows that the filter lets through, as cluster and row.
    pub shown: Vec<(u32, u32)>,
    /// The place of the focused one among them.
    pub cursor: usize,
    /// The first one on the screen.
    pub top: usize,
    /// The text of the filter.
    pub filter: TextField,
    /// The filter is being typed.
    pub is_filtering: bool,
    /// The tenants that are marked, all of one cluster.
    pub marked: BTreeSet<TargetName>,
}

impl TargetList {
    /// Cluster and row that have the focus.
    #[must_use]
    pub fn focused(&self) -> Option<(usize, usize)> {
        self.shown.get(self.cursor).map(|(cluster, row)| (*cluster as usize, *row as usize))
    }

    /// Moves the window so that the focused row is in it.
    fn scroll(&mut self, rows: usize) {
        let rows = rows.saturating_sub(HEAD_ROWS).max(1);
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(rows), self.cursor);
    }
}

/// The keys of the screen.
pub const KEYS: [Binding; 6] = [
    Binding::new(&[Key::Enter], Action::Next, "next", "go on with the focused target, or with the marked ones", 8)
        .when(can_go_on),
    Binding::new(&[Key::Char(' ')], Action::Choose, "mark", "mark a tenant, to back up several of one cluster", 5)
        .when(can_mark),
    Binding::new(&[Key::Enter], Action::Filter, "keep the filter", "end typing the filter, and keep it", 8)
        .when(|model| Availability::ready_or_hidden(model.list.is_filtering)),
    Binding::new(&[Key::Char('/')], Action::Filter, "filter", "show only targets whose name has this in it", 7),
    Binding::new(&[Key::Char('r')], Action::Retry, "check again", "ask every cluster again", 6),
    Binding::new(&[Key::Esc], Action::Back, "clear", "clear the filter and the marks", 1).when(|model| {
        let clear = !model.list.filter.value().is_empty() || !model.list.marked.is_empty();
        Availability::ready_or(clear, "This is the first screen; q ends obnow.")
    }),
];

fn can_go_on(model: &Model) -> Availability {
    if model.list.is_filtering {
        return Availability::Hidden;
    }
    if !model.list.marked.is_empty() {
        return Availability::Ready;
    }
    match model.focused_row() {
        None => Availability::Unavailable("There is no target in the list.".to_owned()),
        Some((cluster, _)) if cluster.needs_password => Availability::Ready,
        Some((cluster, _)) => match &cluster.answer {
            None => Availability::Unavailable(format!("{} has not answered yet.", cluster.summary.name)),
            // The next screen shows every check, or all of what went wrong, which says more than one line can.
            Some(_) => Availability::Ready,
        },
    }
}

fn can_mark(model: &Model) -> Availability {
    match model.focused_row() {
        Some((_, row)) if row.target.tenant().is_none() => {
            Availability::Unavailable("Mark tenants; a cluster is backed up whole with Enter.".to_owned())
        }
        Some((_, row)) => match (&row.reason, model.list.marked.first()) {
            (Some(reason), _) => {
                Availability::Unavailable(format!("{} cannot be backed up now: {reason}.", row.target))
            }
            (None, Some(first)) if first.cluster() != row.target.cluster() => {
                Availability::Unavailable(format!("Marks are on {}; one task covers one cluster.", first.cluster()))
            }
            (None, _) => Availability::Ready,
        },
        None => Availability::Unavailable("There is no target in the list.".to_owned()),
    }
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(cursor) = update::next_position(action, model.list.cursor, model.list.shown.len(), page_rows(model)) {
        model.list.cursor = cursor;
        clamp_cursor(model);
        return Vec::new();
    }
    match action {
        Action::Next => next(model),
        Action::Choose => {
            let focused = model.focused_row().map(|(_, row)| row.target.clone());
            if let Some(target) = focused.filter(|target| !model.list.marked.remove(target)) {
                model.list.marked.insert(target);
            }
            model.list.cursor += 1;
            clamp_cursor(model);
            Vec::new()
        }
        Action::Filter => {
            model.list.is_filtering = true;
            Vec::new()
        }
        Action::Retry if matches!(model.inventory, Some(Err(_))) => update::initial_effects(model),
        Action::Retry => detect_all(model),
        Action::Back => {
            model.list.marked.clear();
            set_filter(model, TextField::default());
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn page_rows(model: &Model) -> usize {
    model.body_rows().saturating_sub(HEAD_ROWS + 1).max(1)
}

/// A key while the filter is typed; whether it was one for it.
pub fn type_filter(model: &mut Model, key: Key) -> bool {
    match key {
        Key::Enter => model.list.is_filtering = false,
        Key::Esc => {
            model.list.is_filtering = false;
            set_filter(model, TextField::default());
        }
        Key::Up | Key::Down | Key::PageUp | Key::PageDown => return false,
        _ => {
            let mut filter = model.list.filter.clone();
            if !filter.handle_key(key) {
                return false;
            }
            set_filter(model, filter);
        }
    }
    true
}

/// Pastes into the filter.
pub fn paste_filter(model: &mut Model, text: &str) {
    let mut filter = model.list.filter.clone();
    filter.paste(text);
    set_filter(model, filter);
}

fn set_filter(model: &mut Model, filter: TextField) {
    let (before, after) = (model.list.filter.value().to_lowercase(), filter.value().to_lowercase());
    model.list.filter = filter;
    if before == after {
        return;
    }
    let focused = focused_name(model);
    if after.starts_with(&before) {
        // What did not fit the shorter one does not fit this one either.
        let clusters = &model.clusters;
        model.list.shown.retain(|place| search_key(clusters, *place).is_some_and(|hay| hay.contains(&after)));
    } else {
        model.list.shown = matching_rows(&model.clusters, &after);
    }
    focus_on(model, focused.as_ref());
}

fn search_key(clusters: &[ClusterState], (cluster, row): (u32, u32)) -> Option<&str> {
    Some(&clusters.get(cluster as usize)?.rows.get(row as usize)?.search_key)
}

fn matching_rows(clusters: &[ClusterState], filter: &str) -> Vec<(u32, u32)> {
    let places =
        clusters.iter().zip(0_u32..).flat_map(|(cluster, at)| (0_u32..).zip(&cluster.rows).map(move |r| (at, r)));
    places
        .filter(|(_, (_, row))| filter.is_empty() || row.search_key.contains(filter))
        .map(|(cluster, (row, _))| (cluster, row))
        .collect()
}

fn focused_name(model: &Model) -> Option<TargetName> {
    model.focused_row().map(|(_, row)| row.target.clone())
}

/// Puts the focus back on the target that had it, where it is still shown.
fn focus_on(model: &mut Model, target: Option<&TargetName>) {
    let clusters = &model.clusters;
    let is_it = |(cluster, row): &(u32, u32)| {
        let found = clusters.get(*cluster as usize).and_then(|cluster| cluster.rows.get(*row as usize));
        found.map(|found| &found.row.target) == target
    };
    if let Some(cursor) = model.list.shown.iter().position(is_it).filter(|_| target.is_some()) {
        model.list.cursor = cursor;
    }
    clamp_cursor(model);
}

/// Keeps focus and window within the list.
pub fn clamp_cursor(model: &mut Model) {
    let rows = model.body_rows();
    model.list.scroll(rows);
}

/// The row of a cluster before it has answered.
fn placeholder_row(cluster: &ClusterState) -> Row {
    let state = match (cluster.needs_password, cluster.pending) {
        (true, _) => "password needed",
        (false, Some(_)) => "asking",
        (false, None) => "",
    };
    Row {
        target: cluster.summary.name.clone(),
        version: None,
        method: None,
        state: state.to_owned(),
        about: None,
        eligible: true,
        reason: None,
        last_good: None,
        whose: None,
        in_vain: None,
        running: false,
    }
}

/// Makes the rows of one cluster anew, and keeps the focus where it was.
pub fn refresh(model: &mut Model, at: usize) {
    let focused = focused_name(model);
    if !rebuild_rows(model, at) {
        return;
    }
    model.list.shown = matching_rows(&model.clusters, &model.list.filter.value().to_lowercase());
    focus_on(model, focused.as_ref());
}

/// Makes the rows of one cluster anew; whether they are of other targets now.
fn rebuild_rows(model: &mut Model, at: usize) -> bool {
    let rows = rows_of(model, at);
    let Some(cluster) = model.clusters.get_mut(at) else { return false };
    let same_targets = cluster.rows.iter().map(|row| &row.row.target).eq(rows.iter().map(|row| &row.row.target));
    if !same_targets && matches!(cluster.answer, Some(Ok(_))) {
        // A tenant that is gone is not backed up.
        let name = cluster.summary.name.cluster();
        model.list.marked.retain(|mark| mark.cluster() != name || rows.iter().any(|row| row.row.target == *mark));
    }
    cluster.rows = rows;
    !same_targets
}

/// The rows of a cluster, from what it answered.
fn rows_of(model: &Model, at: usize) -> Vec<TargetRow> {
    let Some(cluster) = model.clusters.get(at) else { return Vec::new() };
    let mut rows = match &cluster.answer {
        None => vec![placeholder_row(cluster)],
        Some(Ok(facts)) => listing::of_facts(facts),
        Some(Err(fault)) => vec![listing::unanswered(&cluster.summary.name, fault)],
    };
    for row in rows.iter_mut().filter(|row| row.method == Some(Method::Logical)) {
        row.last_good = last_dump(model, &row.target);
    }
    for row in &mut rows {
        let views = model.tasks.rows.iter().filter_map(|row| row.view.as_deref().ok());
        listing::mark_encryption(row, views);
    }
    rows.into_iter().map(TargetRow::new).collect()
}

/// The last restorable dump of an engine: the engine keeps no list of dumps, the tasks of this host do.
fn last_dump(model: &Model, target: &TargetName) -> Option<LastGood> {
    let views = model.tasks.rows.iter().filter_map(|row| row.view.as_ref().ok());
    views.into_iter().find_map(|view| listing::dump_of(view, target))
}

/// Makes every row anew, and keeps the focus where it was. What is shown is found once, not after each cluster.
pub fn refresh_all(model: &mut Model) {
    let focused = focused_name(model);
    for at in 0..model.clusters.len() {
        rebuild_rows(model, at);
    }
    model.list.shown = matching_rows(&model.clusters, &model.list.filter.value().to_lowercase());
    focus_on(model, focused.as_ref());
}

/// Asks every cluster whose password is known; those on the screen first.
pub fn detect_all(model: &mut Model) -> Vec<Effect> {
    let req = model.next_request_id();
    let on_screen: BTreeSet<u32> =
        model.list.shown.iter().skip(model.list.top).take(model.body_rows()).map(|(cluster, _)| *cluster).collect();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for (cluster, at) in model.clusters.iter_mut().zip(0_u32..).filter(|(cluster, _)| !cluster.needs_password) {
        cluster.pending = Some(req);
        let name = cluster.summary.name.cluster().to_owned();
        if on_screen.contains(&at) { first.push(name) } else { later.push(name) }
    }
    first.append(&mut later);
    refresh_unanswered(model);
    if first.is_empty() { Vec::new() } else { vec![Effect::Detect(req, first)] }
}

/// Asks one cluster.
pub fn detect_one(model: &mut Model, name: &str) -> Vec<Effect> {
    let req = model.next_request_id();
    let Some(cluster) = model.cluster_mut(name).filter(|cluster| !cluster.needs_password) else { return Vec::new() };
    cluster.pending = Some(req);
    vec![Effect::Detect(req, vec![name.to_owned()])]
}

/// Clusters that never answered say that they are asked; the others keep what they said.
fn refresh_unanswered(model: &mut Model) {
    let unanswered: Vec<usize> =
        (0..model.clusters.len()).filter(|at| model.clusters.get(*at).is_some_and(|c| c.answer.is_none())).collect();
    for at in unanswered {
        refresh(model, at);
    }
}

/// A cluster has answered, or has not.
pub fn handle_detected(model: &mut Model, req: RequestId, name: &str, facts: Result<Arc<Facts>, Fault>) -> Vec<Effect> {
    let Some(at) = model.cluster_indexes.get(name).copied() else {
        return Vec::new();
    };
    let Some(cluster) = model.clusters.get_mut(at).filter(|cluster| cluster.pending == Some(req)) else {
        return Vec::new();
    };
    cluster.pending = None;
    // A password that was typed and refused is asked for again.
    cluster.needs_password = cluster.summary.is_password_typed
        && matches!(&facts, Err(fault) if fault.cause == crate::domain::fault::Cause::Rights);
    cluster.answer = Some(facts);
    refresh(model, at);
    let mut effects = update::facts_changed(model, name);
    effects.extend(open_initial_target(model));
    effects
}

/// Goes on to the target that was named at the start, as soon as it is known.
pub fn open_initial_target(model: &mut Model) -> Vec<Effect> {
    let Some(named) = model.initial_target.clone().filter(|_| model.screen == Screen::Target) else {
        return Vec::new();
    };
    let target = complete_name(model, named);
    let Some(cluster) = model.cluster(target.cluster()) else {
        model.initial_target = None;
        model.notice = Some(format!("There is no cluster {} in the inventory.", target.cluster()));
        return Vec::new();
    };
    if cluster.needs_password {
        // The answers of others must not empty a field in which the password is being typed.
        let is_open = model.overlay.is_some();
        return if is_open { Vec::new() } else { ask_password(model, target.cluster().to_owned()) };
    }
    let Some(answer) = cluster.answer.clone() else { return Vec::new() };
    model.initial_target = None;
    focus_on(model, Some(&target));
    match answer {
        Err(fault) => {
            model.notice = Some(format!("{} {}", fault.what, fault.why));
            Vec::new()
        }
        Ok(facts) => {
            let is_there = target.tenant().is_none() || facts.tenants.iter().any(|t| facts.target(t) == target);
            if is_there {
                open_draft(model, vec![target])
            } else {
                model.notice = Some(format!("There is no tenant {target}."));
                Vec::new()
            }
        }
    }
}

/// Where there is one cluster alone, a tenant may be named without it.
fn complete_name(model: &Model, named: TargetName) -> TargetName {
    match (model.clusters.as_slice(), named.tenant()) {
        ([only], None) if only.summary.name != named => {
            TargetName::tenant_named(only.summary.name.cluster(), named.cluster()).unwrap_or(named)
        }
        _ => named,
    }
}

fn next(model: &mut Model) -> Vec<Effect> {
    if !model.list.marked.is_empty() {
        let targets = model.list.marked.iter().cloned().collect();
        return open_draft(model, targets);
    }
    let Some((cluster, row)) = model.focused_row() else { return Vec::new() };
    let (locked, name, target) =
        (cluster.needs_password, cluster.summary.name.cluster().to_owned(), row.target.clone());
    if locked { ask_password(model, name) } else { open_draft(model, vec![target]) }
}

/// Asks for the password of a cluster.
pub fn ask_password(model: &mut Model, name: String) -> Vec<Effect> {
    let Some(cluster) = model.cluster(&name) else { return Vec::new() };
    let refused = match &cluster.answer {
        Some(Err(fault)) => Some(fault.why.clone()),
        _ => None,
    };
    let what = format!("Password of {} on {name}", cluster.summary.user);
    model.overlay = Some(Overlay::SecretPrompt(Box::new(SecretPrompt::new(what, SecretPurpose::Login(name), refused))));
    Vec::new()
}

/// Goes on with these targets: with the draft that was begun for them, or with a new one.
pub fn open_draft(model: &mut Model, targets: Vec<TargetName>) -> Vec<Effect> {
    if let Some(draft) = model.draft.take() {
        model.drafts.insert(draft.targets.clone(), draft);
    }
    let draft = model.drafts.remove(&targets).unwrap_or_else(|| Draft::new(targets));
    let cluster = draft.cluster().to_owned();
    model.draft = Some(draft);
    super::mode::prefill(model);
    super::storage::prefill(model);
    super::detected::focus_worst_check(model);
    model.screen = Screen::Detected;
    // What was read an hour ago is shown, and read again.
    detect_one(model, &cluster)
}
