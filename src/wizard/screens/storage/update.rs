//! Updates the storage screen from keys and answers.

use super::destination_form::{DestinationForm, DestinationLayout, Field, Kind};
use super::detected::{DetectedDestination, covered_tenants, find_destinations, initial_form};
use super::test_run::{TestProgress, TestRun, TestStatus};
use super::{Focus, StorageScreen, part_name};
use crate::app::storage_check::TestSpec;
use crate::domain::choices::{Choices, Mode};
use crate::domain::credential::credential;
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::Fault;
use crate::domain::plan::{ChosenDestination, chosen_destination};
use crate::domain::storage_check::{TestReport, TestUpdate};
use crate::domain::template::DirKind;
use crate::domain::version::Method;
use crate::wizard::effect::{DirectoryTest, Effect};
use crate::wizard::key::Key;
use crate::wizard::keymap::Action;
use crate::wizard::model::{Model, RequestId, Screen};
use crate::wizard::text_field::TextField;

/// Rows that a page moves.
const PAGE_ROWS: usize = 5;

/// Fills the form in from what is known, where nothing was typed.
pub fn prefill(model: &mut Model) {
    let (Some(facts), Some(draft)) = (model.facts().cloned(), &model.draft) else { return };
    let mut choices = Choices::new(draft.targets.clone(), draft.mode.mode);
    choices.fallbacks = model.fallbacks();
    let shape = destination_layout(&facts, &choices);
    // Whether there is a base for an incremental is not what decides about the storage.
    let full = Choices { mode: Mode::Full, skip: draft.mode.skip.clone(), ..choices.clone() };
    let tenants = covered_tenants(&facts, model.tenants(), &full);
    let (data, archive) = match shape {
        DestinationLayout::DataAndArchive => {
            let of = |kind| find_destinations(&facts, &tenants, &choices, kind);
            (of(DirKind::Data), of(DirKind::Clog))
        }
        // One directory takes them all.
        DestinationLayout::ClusterWide | DestinationLayout::TenantBackup | DestinationLayout::DumpDirectory => {
            let first = tenants.get(..1).unwrap_or_default();
            (find_destinations(&facts, first, &choices, DirKind::Data), Vec::new())
        }
    };
    let several = tenants.len() > 1;
    if let Some(draft) = &mut model.draft {
        draft.storage.apply_detected((shape, several), data, archive);
    }
}

fn destination_layout(facts: &Facts, choices: &Choices) -> DestinationLayout {
    let of_cluster = choices.targets.iter().any(|target| target.tenant().is_none());
    match (facts.cluster.method, facts.cluster.cluster_backup.is_some()) {
        (Method::Logical, _) => DestinationLayout::DumpDirectory,
        (Method::Physical, false) => DestinationLayout::DataAndArchive,
        (Method::Physical, true) if of_cluster => DestinationLayout::ClusterWide,
        (Method::Physical, true) => DestinationLayout::TenantBackup,
    }
}

/// The directory that a backup of the draft would use for a part, and whose it is.
type ChosenDirectory<'a> = (Result<ChosenDestination, Fault>, &'a TenantFacts);

/// Those of the tenants in their order, one after the other; None while what is typed cannot be used, or nobody has answered.
fn destinations(model: &Model, part: DirKind) -> Option<impl Iterator<Item = ChosenDirectory<'_>>> {
    let storage = &model.draft.as_ref()?.storage;
    let (facts, choices) = (model.facts()?, model.choices()?);
    let tenants = storage.data.detected.iter().filter_map(|found| facts.tenant(&found.tenant));
    let several = storage.is_for_several();
    Some(tenants.map(move |tenant| (chosen_destination(facts, tenant, &choices, part, several), tenant)))
}

/// The first of them.
#[must_use]
pub fn first_destination(model: &Model, part: DirKind) -> Option<ChosenDirectory<'_>> {
    destinations(model, part)?.next()
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(draft) = &mut model.draft else { return Vec::new() };
    let storage = &mut draft.storage;
    match action {
        Action::NextField | Action::PreviousField => {
            let stops = storage.focus_order();
            let at = stops.iter().position(|stop| *stop == storage.focus).unwrap_or(0);
            let step = if action == Action::NextField { 1 } else { stops.len() - 1 };
            let focus = stops.get((at + step) % stops.len()).copied().unwrap_or_default();
            storage.move_focus(focus);
            Vec::new()
        }
        Action::Choose | Action::Right => choose(model, true, action == Action::Choose),
        Action::Left => choose(model, false, false),
        Action::PageDown => {
            storage.scroll_offset += PAGE_ROWS;
            Vec::new()
        }
        Action::PageUp => {
            storage.scroll_offset = storage.scroll_offset.saturating_sub(PAGE_ROWS);
            Vec::new()
        }
        Action::Test => test(model),
        Action::Cancel => stop(model),
        Action::Back => {
            model.screen = Screen::Detected;
            Vec::new()
        }
        Action::Next => {
            next(model);
            Vec::new()
        }
        Action::Copy => vec![Effect::Copy(storage.manual_commands().join("\n"))],
        _ => Vec::new(),
    }
}

/// Goes on, or to what must be done first.
fn next(model: &mut Model) {
    let Some(draft) = &mut model.draft else { return };
    let storage = &mut draft.storage;
    if let Some(complaint) = focus_first_error(storage) {
        model.notice = Some(complaint);
        return;
    }
    if let Some((part, notice)) = missing_destination(storage) {
        storage.show_part(part, Focus::Edit);
        model.notice = Some(notice);
        return;
    }
    if storage.is_testing() {
        model.notice = Some("The Test runs; Esc stops it.".to_owned());
        return;
    }
    let standings = storage.parts().iter().copied().filter(|part| storage.must_pass_test(*part));
    let undone = standings.map(|part| (part, storage.test_status(part))).find_map(|(part, standing)| {
        let name = part_name(part);
        Some((
            part,
            match standing {
                TestStatus::Passed(_) => return None,
                TestStatus::NotTested | TestStatus::Stopped | TestStatus::Running(_) => {
                    format!("{name}: not tested. Enter tests it; it must pass.")
                }
                TestStatus::Outdated(changed) => format!("{name}: not tested since {changed} changed. Enter tests it."),
                // Whose directory it is, a person may know better: the plan asks for the name.
                TestStatus::Failed(report) if report.passed_but_for_owner() => return None,
                TestStatus::Failed(_) => format!("{name}: the Test failed. Mend that; Enter tests again."),
            },
        ))
    });
    match undone {
        None => model.screen = Screen::Mode,
        Some((part, notice)) => {
            storage.show_part(part, Focus::Test);
            model.notice = Some(notice);
        }
    }
}

/// Goes to the first field with which something is wrong, and says what.
fn focus_first_error(storage: &mut StorageScreen) -> Option<String> {
    let first = storage.parts().iter().find_map(|part| Some((*part, storage.first_invalid_field(*part)?)));
    let (part, field) = first?;
    let complaint = storage.validation_error(part, field);
    let side = storage.destination_part_mut(part);
    side.visited.extend(side.form.kind.fields());
    storage.show_part(part, Focus::Field(field));
    complaint
}

/// A part in which a tenant has no destination.
fn missing_destination(storage: &StorageScreen) -> Option<(DirKind, String)> {
    storage.parts().iter().filter(|part| !storage.must_pass_test(**part)).find_map(|part| {
        let none = storage.destination_part(*part).detected.iter().find(|found| found.chosen.is_none())?;
        let name = part_name(*part);
        Some((*part, format!("{name}: none for {}. Enter types one for all.", none.tenant)))
    })
}

/// Left, Right or Space on what has the focus.
fn choose(model: &mut Model, forward: bool, pressed: bool) -> Vec<Effect> {
    let Some(draft) = &mut model.draft else { return Vec::new() };
    let storage = &mut draft.storage;
    let part = storage.part;
    match storage.focus {
        Focus::Home if storage.has_two_parts() => {
            storage.part = match part {
                DirKind::Data => DirKind::Clog,
                DirKind::Clog => DirKind::Data,
            };
            storage.scroll_offset = 0;
        }
        Focus::Kind => change_kind(model, forward),
        Focus::Field(Field::Addressing) => {
            let side = storage.destination_part_mut(part);
            side.form.path_style = !side.form.path_style;
            side.is_edited = true;
        }
        Focus::Edit if pressed => toggle_typing(model),
        Focus::Test if pressed => return test(model),
        Focus::Home | Focus::Edit | Focus::Test | Focus::Field(_) => {}
    }
    Vec::new()
}

/// To the next kind the target can be backed up to; one that is passed over says why.
fn change_kind(model: &mut Model, forward: bool) {
    let Some(facts) = model.facts().cloned() else { return };
    let Some(draft) = &mut model.draft else { return };
    let part = draft.storage.part;
    let side = draft.storage.destination_part_mut(part);
    let count = Kind::ALL.len();
    let at = Kind::ALL.iter().position(|kind| *kind == side.form.kind).unwrap_or(0);
    let mut passed_over = None;
    for step in 1..=count {
        let place = (if forward { at + step } else { at + count - step }) % count;
        let Some(kind) = Kind::ALL.get(place).copied() else { continue };
        match kind.check_supported(&facts) {
            Ok(()) => {
                side.is_edited |= side.form.kind != kind;
                side.form.kind = kind;
                break;
            }
            Err(why) => passed_over = passed_over.or(Some(why)),
        }
    }
    model.notice = passed_over;
}

/// Starts typing, with the detected destination as the initial value; or returns to that. The typed values are kept.
fn toggle_typing(model: &mut Model) {
    let Some(draft) = &model.draft else { return };
    let storage = &draft.storage;
    let (part, derived) = (storage.part, storage.is_archive_derived());
    let side = storage.destination_part(part);
    if side.is_typed {
        let follows = part == DirKind::Clog && storage.data.is_typed;
        if !side.has_detected() && !follows {
            model.notice = Some("Nobody else names a destination: it must be typed.".to_owned());
            return;
        }
    }
    let begin = (!side.is_typed && !side.is_initialized).then(|| {
        if part == DirKind::Clog && derived {
            Some((derived_archive_form(&storage.data.form), None))
        } else {
            form_from_detected(model, part)
        }
    });
    let Some(draft) = &mut model.draft else { return };
    let storage = &mut draft.storage;
    if let Some(Some((form, id))) = begin {
        storage.destination_part_mut(part).form = form;
        if storage.access.id.value().is_empty() {
            storage.access.id = TextField::new(&id.unwrap_or_default());
        }
    }
    let side = storage.destination_part_mut(part);
    side.is_typed = !side.is_typed;
    side.is_initialized = true;
    let focus = if side.is_typed { Focus::Field(Field::Directory) } else { Focus::Edit };
    storage.move_focus(focus);
}

/// The form of a log archive that followed from the data backup, as it is now.
fn derived_archive_form(data: &DestinationForm) -> DestinationForm {
    let mut form = data.clone();
    let path = form.directory.value().trim().trim_end_matches('/').to_owned();
    let more = match (path.contains('{'), path.contains("{kind}")) {
        (false, _) => "/{cluster_id}/{tenant_id}/{kind}",
        (true, false) => "/{kind}",
        (true, true) => "",
    };
    form.directory = TextField::new(&format!("{path}{more}"));
    form
}

/// The form of what was found, and the id its URI has.
fn form_from_detected(model: &Model, part: DirKind) -> Option<(DestinationForm, Option<String>)> {
    let storage = &model.draft.as_ref()?.storage;
    let found: &[DetectedDestination] = &storage.destination_part(part).detected;
    let (destination, path) =
        initial_form(model, found, (part, part == DirKind::Data && storage.archive_would_derive()))?;
    let mut form = DestinationForm::of(&destination);
    form.directory = TextField::new(&path);
    Some((form, destination.attribute("access_id").map(str::to_owned)))
}

/// Tests the shown part.
fn test(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = &mut model.draft else { return Vec::new() };
    if draft.storage.is_testing() {
        model.notice = Some("A Test runs already; Esc stops it.".to_owned());
        return Vec::new();
    }
    if let Some(complaint) = focus_first_error(&mut draft.storage) {
        model.notice = Some(complaint);
        return Vec::new();
    }
    let part = draft.storage.part;
    let (tenants, directories) = match directory_tests(model, part) {
        Ok(all) => all,
        Err(why) => {
            model.notice = Some(why);
            return Vec::new();
        }
    };
    let req = model.next_request_id();
    let Some(draft) = &mut model.draft else { return Vec::new() };
    let trial = TestRun::new(draft.storage.test_input(part), tenants);
    draft.storage.destination_part_mut(part).test_run = Some(trial);
    draft.storage.running_test = Some((req, part));
    draft.storage.move_focus(Focus::Test);
    vec![Effect::Test(req, directories)]
}

/// Every directory of a part that is to be tested, and whose each is, in the same order.
///
/// # Errors
/// One of them cannot be used, or nobody has answered: what is said of it.
fn directory_tests(model: &Model, part: DirKind) -> Result<(Vec<String>, Vec<DirectoryTest>), String> {
    let unanswered = || "The cluster has not answered yet.".to_owned();
    let facts = model.facts().ok_or_else(unanswered)?;
    let storage = &model.draft.as_ref().ok_or_else(unanswered)?.storage;
    let ssh_user = model.chosen_cluster().and_then(|cluster| cluster.summary.ssh_user.as_deref());
    // A Test that asked whether it may write there is made again: that is the answer, for each directory by itself.
    let asked: Vec<bool> = match (storage.test_status(part), &storage.destination_part(part).test_run) {
        (TestStatus::Passed(_) | TestStatus::Failed(_), Some(trial)) => {
            trial.reports.iter().map(TestReport::asks_inside).collect()
        }
        _ => Vec::new(),
    };
    let (mut tenants, mut directories) = (Vec::new(), Vec::new());
    for (chosen, tenant) in destinations(model, part).ok_or_else(unanswered)? {
        let chosen = chosen.map_err(|fault| format!("{} {}", fault.what, fault.why))?;
        let needs_key = chosen.destination.needs_access_key();
        let key = storage.access.key.as_secret().filter(|_| needs_key && storage.must_pass_test(part));
        let key_from = chosen.access_key.filter(|_| needs_key && key.is_none());
        let what = test_spec(facts, tenant, storage.layout, part, chosen.destination);
        let mut what = if storage.must_pass_test(part) { what.with_statement_check(facts) } else { what };
        what.may_probe_inside = asked.get(directories.len()).is_some_and(|asked| *asked);
        directories.push(DirectoryTest { spec: what.with_access_key(key).with_servers(facts, ssh_user), key_from });
        tenants.push(tenant.name.clone());
    }
    if directories.is_empty() { Err(unanswered()) } else { Ok((tenants, directories)) }
}

/// The Test of a directory, as the target's line will use it.
fn test_spec(
    facts: &Facts,
    tenant: &TenantFacts,
    shape: DestinationLayout,
    part: DirKind,
    destination: Destination,
) -> TestSpec {
    match shape {
        DestinationLayout::DataAndArchive | DestinationLayout::TenantBackup => {
            TestSpec::for_tenant(facts, tenant, part, destination)
        }
        DestinationLayout::ClusterWide | DestinationLayout::DumpDirectory => TestSpec::for_cluster(facts, destination),
    }
}

/// Ends the Test that runs.
fn stop(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = &mut model.draft else { return Vec::new() };
    let Some((_, part)) = draft.storage.running_test.take() else { return Vec::new() };
    if let Some(trial) = &mut draft.storage.destination_part_mut(part).test_run {
        trial.progress = TestProgress::Stopped;
    }
    vec![Effect::StopTest]
}

/// A key while text is typed; whether it was one for it.
pub fn handle_key(model: &mut Model, key: Key) -> bool {
    let Some(draft) = &mut model.draft else { return false };
    edit_focused_text(&mut draft.storage, |text| text.handle_key(key)).unwrap_or(false)
}

/// Changes the focused text, and notes whether anything became different.
fn edit_focused_text<T>(storage: &mut StorageScreen, with: impl FnOnce(&mut TextField) -> T) -> Option<T> {
    let text = storage.text_mut()?;
    let before = text.value().to_owned();
    let done = with(text);
    let touched = before != text.value();
    let part = storage.part;
    storage.destination_part_mut(part).is_edited |= touched;
    Some(done)
}

/// Pastes into the focused field. A whole URI fills in every field it speaks of.
pub fn handle_paste(model: &mut Model, text: &str) {
    let facts = model.facts().cloned();
    let Some(draft) = &mut model.draft else { return };
    let storage = &mut draft.storage;
    let is_for_a_key = storage.focus == Focus::Field(Field::AccessKey);
    if !is_for_a_key && credential(text).is_some() {
        let refused = "What was pasted has a key or a login in it and was not used: the key has a field of its own.";
        model.notice = Some(refused.to_owned());
        return;
    }
    if storage.focus != Focus::Field(Field::Directory) || !text.contains("://") {
        let _ = edit_focused_text(storage, |field| field.paste(text));
        return;
    }
    let read = Destination::parse_user(text);
    let refused = match (&read, facts) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(read), Some(facts)) => Kind::of(read).check_supported(&facts).err(),
        (Ok(_), None) => None,
    };
    match (read, refused) {
        (Ok(read), None) => {
            if let Some(id) = read.attribute("access_id") {
                storage.access.id = TextField::new(id);
            }
            let part = storage.part;
            let side = storage.destination_part_mut(part);
            side.form = DestinationForm::of(&read);
            side.is_edited = true;
        }
        (_, refused) => model.notice = refused,
    }
}

/// The draft that asked for a Test; it may lie aside meanwhile.
fn storage_under_test(model: &mut Model, req: RequestId) -> Option<(&mut StorageScreen, DirKind)> {
    let drafts = model.draft.iter_mut().chain(model.drafts.values_mut());
    drafts.map(|draft| &mut draft.storage).find_map(|storage| match storage.running_test {
        Some((running, part)) if running == req => Some((storage, part)),
        Some(_) | None => None,
    })
}

/// A check of the Test begins or has ended.
pub fn handle_test_news(model: &mut Model, req: RequestId, news: TestUpdate) -> Vec<Effect> {
    if let Some((storage, part)) = storage_under_test(model, req)
        && let Some(trial) = &mut storage.destination_part_mut(part).test_run
    {
        trial.record(news);
    }
    Vec::new()
}

/// The Test of a directory has ended.
pub fn handle_test_report(model: &mut Model, req: RequestId, report: TestReport) -> Vec<Effect> {
    if let Some((storage, part)) = storage_under_test(model, req)
        && storage.destination_part_mut(part).test_run.as_mut().is_none_or(|trial| trial.finish_directory(report))
    {
        storage.running_test = None;
    }
    Vec::new()
}
