//! Where backups go: what was found or typed, and what a Test says of it.

use ratatui::layout::Rect;

use super::field::{self, LABEL_WIDTH};
use super::lines::{Body, Help, Row};
use super::text::{fit, pad, width, wrap};
use super::theme::Role;
use crate::domain::destination::Destination;
use crate::domain::facts::Facts;
use crate::domain::format;
use crate::domain::plan::ChosenDestination;
use crate::domain::secret::{SHORT, SecretSource};
use crate::domain::template::DirKind;
use crate::wizard::model::Model;
use crate::wizard::screens::storage::destination_form::{DestinationLayout, Field, Kind};
use crate::wizard::screens::storage::detected::{DetectedDestination, source_label};
use crate::wizard::screens::storage::test_run::TestStatus;
use crate::wizard::screens::storage::{self, Focus, StorageScreen, part_name};

mod report;

/// Rows of a body in which there is room for what is said of a field that has not got the focus.
const MIN_ROWS_FOR_NOTES: usize = 18;

/// Draws it.
pub fn body(model: &Model, area: Rect) -> Body {
    let Some(draft) = &model.draft else { return Body::default() };
    let wide = usize::from(area.width);
    let sheet = StorageBody { model, storage: &draft.storage, wide };
    let (mut body, focused) = sheet.draw();
    body.help = sheet.help();
    scrolled(body, focused, &draft.storage, usize::from(area.height), wide)
}

/// The lines that fit, the focused ones among them, and how many more there are.
fn scrolled(mut body: Body, (first, last): (usize, usize), storage: &StorageScreen, room: usize, wide: usize) -> Body {
    let total = body.lines.len();
    let Some(last_top) = total.checked_sub(room).filter(|more| *more > 0) else { return body };
    let top = match storage.focus {
        Focus::Home => 0,
        // The result of a Test is what one wants to see of it.
        Focus::Test => first,
        // One line below is kept in sight, and one may be needed to say how many more there are.
        Focus::Edit | Focus::Kind | Focus::Field(_) => (last + 3).saturating_sub(room).min(first),
    };
    let mut top = (top + storage.scroll_offset).min(last_top);
    if storage.is_typing() {
        top = top.min(first);
    }
    let below = total.saturating_sub(top + room);
    let more = if below == 0 { 0 } else { below + 1 };
    let shown = if more == 0 { room } else { room.saturating_sub(1) };
    body.lines = body.lines.drain(..).skip(top).take(shown).collect();
    if more > 0 {
        let text = format!("{more} more lines: PgDn");
        body.push_text(Role::Disabled, format!("{text:>wide$}", wide = wide.saturating_sub(1)));
    }
    body.cursor = body.cursor.and_then(|(line, cell)| Some((line.checked_sub(top)?, cell)));
    body
}

/// What is drawn from.
struct StorageBody<'a> {
    model: &'a Model,
    storage: &'a StorageScreen,
    wide: usize,
}

impl StorageBody<'_> {
    /// All lines, and the first and the last of those that have the focus.
    fn draw(&self) -> (Body, (usize, usize)) {
        let mut body = Body::default();
        let part = self.storage.part;
        let side = self.storage.destination_part(part);
        let focus = self.storage.focus;
        let mut focused = (0, 0);
        body.push(self.title().with_focus(focus == Focus::Home));
        if focus == Focus::Edit {
            focused = (body.lines.len(), body.lines.len());
        }
        body.push(self.source().with_focus(focus == Focus::Edit));
        if side.is_typed {
            focused = self.form(&mut body, focused);
            self.used_as(&mut body);
        } else if part == DirKind::Clog && self.storage.is_archive_derived() {
            self.used_as(&mut body);
        } else {
            self.detected_rows(&mut body, &side.detected);
        }
        self.evidence(&mut body);
        if focus == Focus::Test {
            focused = (body.lines.len(), body.lines.len());
        }
        let standing = self.storage.test_status(part);
        let must_pass = self.storage.must_pass_test(part);
        let (role, text) = report::headline(&standing, side.test_run.as_ref(), must_pass, &self.model.zone);
        let button = (if focus == Focus::Test { Role::Focus } else { Role::Title }, "[ Test ]".to_owned());
        let mut lines = wrap(&text, self.wide.saturating_sub(LABEL_WIDTH + 1)).into_iter();
        body.push(Row::from_pieces(vec![
            (Role::Text, "   ".to_owned()),
            button,
            (Role::Text, " ".repeat(LABEL_WIDTH - 11)),
            (role, lines.next().unwrap_or_default()),
        ]));
        for line in lines {
            body.push_text(role, format!("{}{line}", " ".repeat(LABEL_WIDTH)));
        }
        let stale = matches!(standing, TestStatus::Outdated(_) | TestStatus::NotTested);
        if let Some(trial) = side.test_run.as_ref().filter(|_| !stale) {
            report::checks(&mut body, trial, self.wide);
        }
        (body, focused)
    }

    /// The title, and the parts there are.
    fn title(&self) -> Row {
        let mut pieces = vec![(Role::Title, " Storage Configuration  ".to_owned())];
        match self.storage.layout {
            DestinationLayout::DataAndArchive => {
                for part in self.storage.parts() {
                    let shown = *part == self.storage.part;
                    let mark = if shown { "[x]" } else { "[ ]" };
                    let role = if shown { Role::Title } else { Role::Text };
                    pieces.push((role, format!("  {mark} {}", part_name(*part))));
                }
            }
            DestinationLayout::ClusterWide => {
                pieces.push((Role::Text, "data and log, one for the whole cluster".to_owned()));
            }
            DestinationLayout::TenantBackup => pieces.push((Role::Text, "one directory, empty each time".to_owned())),
            DestinationLayout::DumpDirectory => {
                pieces.push((Role::Text, "a directory of this host, or of an object storage".to_owned()));
            }
        }
        Row::from_pieces(pieces)
    }

    /// Where it comes from, and the button that changes that.
    fn source(&self) -> Row {
        let part = self.storage.part;
        let side = self.storage.destination_part(part);
        let follows = part == DirKind::Clog && self.storage.data.is_typed;
        let (text, button) = if side.is_typed {
            let back = if follows { "[ as before ]" } else { "[ as found ]" };
            ("typed by hand".to_owned(), if side.has_detected() || follows { back } else { "" })
        } else if part == DirKind::Clog && self.storage.is_archive_derived() {
            ("follows the data backup".to_owned(), "[ edit ]")
        } else if part == DirKind::Clog && self.storage.kept_archive().is_some() {
            ("the cluster's own, which stays".to_owned(), "[ edit ]")
        } else {
            (source_label(&side.detected), "[ edit ]")
        };
        let room = self.wide.saturating_sub(LABEL_WIDTH + width(button) + 2);
        Row::from_pieces(vec![
            field::label("Source", false, false),
            (Role::Text, pad(&text, room.max(1))),
            (Role::Text, " ".to_owned()),
            (Role::Title, button.to_owned()),
        ])
    }

    /// The fields; first and last line of the focused one.
    fn form(&self, body: &mut Body, mut focused: (usize, usize)) -> (usize, usize) {
        let (storage, part) = (self.storage, self.storage.part);
        let form = &storage.destination_part(part).form;
        let begins = body.lines.len();
        self.kinds(body, form.kind);
        if storage.focus == Focus::Kind {
            focused = (begins, body.lines.len() - 1);
        }
        for field in form.kind.fields() {
            let has_focus = storage.focus == Focus::Field(*field);
            if has_focus {
                focused = (body.lines.len(), body.lines.len());
            }
            let wrong = storage.visible_error(part, *field).is_some();
            let label = field.labels(form.kind).label;
            if let Some(text) = form.text(&storage.access, *field) {
                field::draw(body, label, text, (has_focus, wrong), self.wide);
                focused = if self.full_error(body, *field) { (focused.0, body.lines.len() - 1) } else { focused };
                continue;
            }
            let on = |on: bool| if on { "(*)" } else { "( )" };
            let said = format!("{} virtual host  {} path style", on(!form.path_style), on(form.path_style));
            let row = Row::from_pieces(vec![field::label(label, has_focus, false), (Role::Text, said)]);
            body.push(row.with_focus(has_focus));
        }
        focused
    }

    /// What is wrong with the focused field, where the help line cannot hold all of it.
    fn full_error(&self, body: &mut Body, field: Field) -> bool {
        let complaint = self.storage.visible_error(self.storage.part, field);
        let complaint = complaint.filter(|_| self.storage.focus == Focus::Field(field));
        let Some(complaint) = complaint.filter(|said| width(said) > self.wide.saturating_sub(2)) else { return false };
        body.push_wrapped(Role::Fail, &complaint, LABEL_WIDTH, self.wide);
        true
    }

    /// The kinds of storage; those the version does not have, with the version that has them.
    fn kinds(&self, body: &mut Body, chosen: Kind) {
        let Some(facts) = self.model.facts() else { return };
        let has_focus = self.storage.focus == Focus::Kind;
        let mut choices = Vec::new();
        let mut refused: Vec<String> = Vec::new();
        for kind in Kind::ALL {
            let supported = kind.check_supported(facts);
            let mark = match (&supported, kind == chosen) {
                (_, true) => "(*)",
                (Ok(()), false) => "( )",
                (Err(_), false) => "(-)",
            };
            let role = if supported.is_ok() { Role::Text } else { Role::Disabled };
            choices.push((role, format!("{mark} {}", kind.label())));
            if let Err(why) = supported
                && !refused.contains(&why)
            {
                refused.push(why);
            }
        }
        field::choices(body, "Storage Type", has_focus, choices, self.wide);
        if !has_focus && self.model.body_rows() < MIN_ROWS_FOR_NOTES {
            return;
        }
        let room = self.wide.saturating_sub(LABEL_WIDTH + 1);
        for why in refused {
            for line in wrap(&why, room) {
                body.push_text(Role::Disabled, format!("{}{line}", " ".repeat(LABEL_WIDTH)));
            }
        }
    }

    /// The directory that comes of what is typed.
    fn used_as(&self, body: &mut Body) {
        let Some((chosen, tenant)) = storage::first_destination(self.model, self.storage.part) else { return };
        let (role, text) = match chosen {
            Ok(chosen) => (Role::Text, chosen.destination.uri_without_attributes()),
            Err(fault) => (Role::Fail, fault.why),
        };
        let label = if self.storage.is_for_several() { format!("for {}", tenant.name) } else { "used as".to_owned() };
        self.labeled_text(body, &label, role, &text);
    }

    /// A label and a text in as many lines as it needs.
    fn labeled_text(&self, body: &mut Body, label: &str, role: Role, text: &str) {
        for (at, line) in wrap(text, self.wide.saturating_sub(LABEL_WIDTH + 1)).into_iter().enumerate() {
            let label = field::label(if at == 0 { label } else { "" }, false, false);
            body.push(Row::from_pieces(vec![label, (role, line)]));
        }
    }

    /// What was found: of one tenant every part of it, of several where each goes.
    fn detected_rows(&self, body: &mut Body, found: &[DetectedDestination]) {
        if let [DetectedDestination { chosen: Some(chosen), .. }] = found {
            self.detected_destination(body, chosen);
            return;
        }
        for one in found {
            let (role, text) = match &one.chosen {
                Some(chosen) => (Role::Text, chosen.destination.uri_without_attributes()),
                None => (Role::Warn, "nobody names one".to_owned()),
            };
            let text = fit(&text, self.wide.saturating_sub(LABEL_WIDTH + 1));
            body.push(Row::from_pieces(vec![field::label(&one.tenant, false, false), (role, text)]));
        }
    }

    fn detected_destination(&self, body: &mut Body, chosen: &ChosenDestination) {
        let destination = &chosen.destination;
        let kind = Kind::of(destination);
        let label = |field: Field| field.labels(kind).label;
        self.labeled_text(body, "Storage Type", Role::Text, kind.label());
        self.labeled_text(body, label(Field::Directory), Role::Text, destination.path());
        for (field, key) in [(Field::Domain, "host"), (Field::Region, "s3_region"), (Field::AppId, "appid")] {
            if let Some(value) = destination.attribute(key) {
                self.labeled_text(body, label(field), Role::Text, value);
            }
        }
        if let Some(id) = destination.attribute("access_id") {
            self.labeled_text(body, label(Field::AccessId), Role::Text, &shorten_id(id));
        }
        if destination.needs_access_key() {
            self.labeled_text(body, label(Field::AccessKey), Role::Text, &key_source_text(chosen, destination));
        }
    }

    /// The server's own evidence that it can write there: the log that it archives.
    fn evidence(&self, body: &mut Body) {
        let (storage, part) = (self.storage, self.storage.part);
        if part != DirKind::Clog || storage.must_pass_test(part) || storage.is_for_several() {
            return;
        }
        let facts = self.model.facts();
        let tenant = facts.and_then(|facts| facts.tenant(&storage.archive.detected.first()?.tenant));
        let (Some(facts), Some(tenant)) = (facts, tenant) else { return };
        let own = tenant.archive.destination.is_some();
        if let Some(round) = tenant.archive.latest().filter(|_| own) {
            let behind = format::behind(tenant.archive.behind(facts.server_now()));
            let text = format!("{}, {behind}, by the server's own word", round.status);
            self.labeled_text(body, "Log archiving", Role::Text, &text);
        }
    }

    fn has_short_key(&self) -> bool {
        self.storage.access.key.as_secret().is_some_and(|key| key.is_short())
    }

    fn help(&self) -> Help {
        let (storage, part) = (self.storage, self.storage.part);
        let side = storage.destination_part(part);
        match storage.focus {
            Focus::Home if storage.has_two_parts() => {
                Help::of("Left, Right: data backup or log archive. Enter goes on.")
            }
            Focus::Home => Help::of("Enter goes on to the mode."),
            Focus::Edit if side.is_typed => Help::of("Enter goes back to what was there; what is typed is kept."),
            Focus::Edit if part == DirKind::Clog => {
                Help::of("Enter types another. A new log archive stops archiving and starts a new round.")
            }
            Focus::Edit => Help::of("Enter types another destination, which must pass a Test."),
            Focus::Kind => Help::of("Left and Right choose the kind of storage."),
            Focus::Field(field) => match storage.visible_error(part, field) {
                Some(complaint) => Help::error(complaint),
                None if field == Field::AccessKey && self.has_short_key() => Help::of(SHORT),
                None => Help::of(field.labels(side.form.kind).help),
            },
            Focus::Test => test_help(self.model.facts().map(AsRef::as_ref), &storage.test_status(part)),
        }
    }
}

fn test_help(facts: Option<&Facts>, standing: &TestStatus<'_>) -> Help {
    match standing {
        TestStatus::Failed(report) => match report.fault() {
            Some(fault) => Help::error(fault.next.clone()),
            None => Help::default(),
        },
        TestStatus::Passed(report) if report.asks_inside() => {
            Help::of("t writes the probe into the directory itself; Enter goes on without.")
        }
        TestStatus::Passed(_) => Help::of("Enter goes on; t tests again."),
        TestStatus::Running(_) => Help::of("Esc stops it; the probe is deleted either way."),
        TestStatus::NotTested | TestStatus::Stopped | TestStatus::Outdated(_) => {
            let name = facts.map_or("the cluster", |facts| facts.cluster.name());
            Help::of(format!("Writes, reads back, lists and deletes a probe of 1 MiB; changes nothing of {name}."))
        }
    }
}

/// A name long enough to be known by, not to be used.
fn shorten_id(id: &str) -> String {
    let count = id.chars().count();
    if count <= 8 {
        return id.to_owned();
    }
    let (head, tail): (String, String) = (id.chars().take(4).collect(), id.chars().skip(count - 2).collect());
    format!("{head}...{tail}")
}

/// Where the key is.
fn key_source_text(chosen: &ChosenDestination, destination: &Destination) -> String {
    match (&chosen.access_key, chosen.source) {
        (Some(SecretSource::Prompt) | None, Some(_)) => "asked for when it is needed".to_owned(),
        (Some(source), _) => format!("from {source}"),
        (None, None) if destination.masked().is_empty() => "none is shown by the cluster".to_owned(),
        (None, None) => "******** (not readable from the cluster; needed only to change it)".to_owned(),
    }
}
