//! Updates the storage screen from keys and answers.

use super::form::{Field, Form, Kind, Shape};
use super::found::{Found, covered, find, to_edit};
use super::trial::{Progress, Standing, Trial};
use super::{Focus, Storage, name_of};
use crate::app::test::TestOf;
use crate::domain::choices::{Choices, Mode};
use crate::domain::credential::credential;
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::Fault;
use crate::domain::plan::{Chosen, chosen_destination};
use crate::domain::storage_test::{TestNews, TestReport};
use crate::domain::template::DirKind;
use crate::domain::version::Method;
use crate::wizard::effect::{Effect, ToTest};
use crate::wizard::form::Text;
use crate::wizard::key::Key;
use crate::wizard::keymap::Action;
use crate::wizard::model::{Model, Req, Screen};

/// Rows that a page moves.
const PAGE: usize = 5;

/// Fills the form in from what is known, where nothing was typed.
pub fn prefill(model: &mut Model) {
    let (Some(facts), Some(draft)) = (model.facts().cloned(), &model.draft) else { return };
    let mut choices = Choices::new(draft.targets.clone(), draft.mode.mode);
    choices.fallbacks = model.fallbacks();
    let shape = shape(&facts, &choices);
    // Whether there is a base for an incremental is not what decides about the storage.
    let full = Choices { mode: Mode::Full, skip: draft.mode.skip.clone(), ..choices.clone() };
    let tenants = covered(&facts, model.tenants(), &full);
    let (data, archive) = match shape {
        Shape::Two => {
            let of = |kind| find(&facts, &tenants, &choices, kind);
            (of(DirKind::Data), of(DirKind::Clog))
        }
        // One directory takes them all.
        Shape::One | Shape::Tenants | Shape::Folder => {
            let first = tenants.get(..1).unwrap_or_default();
            (find(&facts, first, &choices, DirKind::Data), Vec::new())
        }
    };
    let several = tenants.len() > 1;
    if let Some(draft) = &mut model.draft {
        draft.storage.learn((shape, several), data, archive);
    }
}

fn shape(facts: &Facts, choices: &Choices) -> Shape {
    let of_cluster = choices.targets.iter().any(|target| target.tenant().is_none());
    match (facts.cluster.method, facts.cluster.whole.is_some()) {
        (Method::Logical, _) => Shape::Folder,
        (Method::Physical, false) => Shape::Two,
        (Method::Physical, true) if of_cluster => Shape::One,
        (Method::Physical, true) => Shape::Tenants,
    }
}

/// The directory that a backup of the draft would use for a part, and whose it is.
type Directory<'a> = (Result<Chosen, Fault>, &'a TenantFacts);

/// Those of the tenants in their order, one after the other; None while what is typed cannot be used, or nobody has answered.
fn destinations(model: &Model, part: DirKind) -> Option<impl Iterator<Item = Directory<'_>>> {
    let storage = &model.draft.as_ref()?.storage;
    let (facts, choices) = (model.facts()?, model.choices()?);
    let tenants = storage.data.found.iter().filter_map(|found| facts.tenant(&found.tenant));
    let several = storage.is_for_several();
    Some(tenants.map(move |tenant| (chosen_destination(facts, tenant, &choices, part, several), tenant)))
}

/// The first of them.
#[must_use]
pub fn destination(model: &Model, part: DirKind) -> Option<Directory<'_>> {
    destinations(model, part)?.next()
}

/// Does what a key means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(draft) = &mut model.draft else { return Vec::new() };
    let storage = &mut draft.storage;
    match action {
        Action::NextField | Action::PreviousField => {
            let stops = storage.stops();
            let at = stops.iter().position(|stop| *stop == storage.focus).unwrap_or(0);
            let step = if action == Action::NextField { 1 } else { stops.len() - 1 };
            let focus = stops.get((at + step) % stops.len()).copied().unwrap_or_default();
            storage.go_to(focus);
            Vec::new()
        }
        Action::Choose | Action::Right => choose(model, true, action == Action::Choose),
        Action::Left => choose(model, false, false),
        Action::PageDown => {
            storage.scrolled += PAGE;
            Vec::new()
        }
        Action::PageUp => {
            storage.scrolled = storage.scrolled.saturating_sub(PAGE);
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
        Action::Copy => vec![Effect::Copy(storage.by_hand().join("\n"))],
        _ => Vec::new(),
    }
}

/// Goes on, or to what must be done first.
fn next(model: &mut Model) {
    let Some(draft) = &mut model.draft else { return };
    let storage = &mut draft.storage;
    if let Some(complaint) = look_at(storage) {
        model.notice = Some(complaint);
        return;
    }
    if let Some((part, notice)) = unnamed(storage) {
        storage.show(part, Focus::Edit);
        model.notice = Some(notice);
        return;
    }
    if storage.is_testing() {
        model.notice = Some("The Test runs; Esc stops it.".to_owned());
        return;
    }
    let standings = storage.parts().iter().copied().filter(|part| storage.must_pass(*part));
    let undone = standings.map(|part| (part, storage.standing(part))).find_map(|(part, standing)| {
        let name = name_of(part);
        Some((
            part,
            match standing {
                Standing::Passed(_) => return None,
                Standing::Never | Standing::Stopped | Standing::Running(_) => {
                    format!("{name}: not tested. Enter tests it; it must pass.")
                }
                Standing::Void(changed) => format!("{name}: not tested since {changed} changed. Enter tests it."),
                // Whose directory it is, a person may know better: the plan asks for the name.
                Standing::Failed(report) if report.passed_but_for_owner() => return None,
                Standing::Failed(_) => format!("{name}: the Test failed. Mend that; Enter tests again."),
            },
        ))
    });
    match undone {
        None => model.screen = Screen::Mode,
        Some((part, notice)) => {
            storage.show(part, Focus::Test);
            model.notice = Some(notice);
        }
    }
}

/// Goes to the first field with which something is wrong, and says what.
fn look_at(storage: &mut Storage) -> Option<String> {
    let first = storage.parts().iter().find_map(|part| Some((*part, storage.first_complaint(*part)?)));
    let (part, field) = first?;
    let complaint = storage.complaint(part, field);
    let side = storage.side_mut(part);
    side.visited.extend(side.form.kind.fields());
    storage.show(part, Focus::Field(field));
    complaint
}

/// A part in which a tenant has no destination.
fn unnamed(storage: &Storage) -> Option<(DirKind, String)> {
    storage.parts().iter().filter(|part| !storage.must_pass(**part)).find_map(|part| {
        let none = storage.side(*part).found.iter().find(|found| found.chosen.is_none())?;
        let name = name_of(*part);
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
            storage.scrolled = 0;
        }
        Focus::Kind => change_kind(model, forward),
        Focus::Field(Field::Addressing) => {
            let side = storage.side_mut(part);
            side.form.path_style = !side.form.path_style;
            side.touched = true;
        }
        Focus::Edit if pressed => edit(model),
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
    let side = draft.storage.side_mut(part);
    let count = Kind::ALL.len();
    let at = Kind::ALL.iter().position(|kind| *kind == side.form.kind).unwrap_or(0);
    let mut passed_over = None;
    for step in 1..=count {
        let place = (if forward { at + step } else { at + count - step }) % count;
        let Some(kind) = Kind::ALL.get(place).copied() else { continue };
        match kind.supported(&facts) {
            Ok(()) => {
                side.touched |= side.form.kind != kind;
                side.form.kind = kind;
                break;
            }
            Err(why) => passed_over = passed_over.or(Some(why)),
        }
    }
    model.notice = passed_over;
}

/// Starts typing, with the detected destination as the initial value; or returns to that. The typed values are kept.
fn edit(model: &mut Model) {
    let Some(draft) = &model.draft else { return };
    let storage = &draft.storage;
    let (part, derived) = (storage.part, storage.is_derived());
    let side = storage.side(part);
    if side.typed {
        let follows = part == DirKind::Clog && storage.data.typed;
        if !side.is_found() && !follows {
            model.notice = Some("Nobody else names a destination: it must be typed.".to_owned());
            return;
        }
    }
    let begin = (!side.typed && !side.begun).then(|| {
        if part == DirKind::Clog && derived {
            Some((following(&storage.data.form), None))
        } else {
            from_found(model, part)
        }
    });
    let Some(draft) = &mut model.draft else { return };
    let storage = &mut draft.storage;
    if let Some(Some((form, id))) = begin {
        storage.side_mut(part).form = form;
        if storage.access.id.value().is_empty() {
            storage.access.id = Text::new(&id.unwrap_or_default());
        }
    }
    let side = storage.side_mut(part);
    side.typed = !side.typed;
    side.begun = true;
    let focus = if side.typed { Focus::Field(Field::Directory) } else { Focus::Edit };
    storage.go_to(focus);
}

/// The form of a log archive that followed from the data backup, as it is now.
fn following(data: &Form) -> Form {
    let mut form = data.clone();
    let path = form.directory.value().trim().trim_end_matches('/').to_owned();
    let more = match (path.contains('{'), path.contains("{kind}")) {
        (false, _) => "/{cluster_id}/{tenant_id}/{kind}",
        (true, false) => "/{kind}",
        (true, true) => "",
    };
    form.directory = Text::new(&format!("{path}{more}"));
    form
}

/// The form of what was found, and the id its URI has.
fn from_found(model: &Model, part: DirKind) -> Option<(Form, Option<String>)> {
    let storage = &model.draft.as_ref()?.storage;
    let found: &[Found] = &storage.side(part).found;
    let (destination, path) = to_edit(model, found, (part, part == DirKind::Data && storage.would_follow()))?;
    let mut form = Form::of(&destination);
    form.directory = Text::new(&path);
    Some((form, destination.attribute("access_id").map(str::to_owned)))
}

/// Tests the shown part.
fn test(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = &mut model.draft else { return Vec::new() };
    if draft.storage.is_testing() {
        model.notice = Some("A Test runs already; Esc stops it.".to_owned());
        return Vec::new();
    }
    if let Some(complaint) = look_at(&mut draft.storage) {
        model.notice = Some(complaint);
        return Vec::new();
    }
    let part = draft.storage.part;
    let (tenants, directories) = match to_test(model, part) {
        Ok(all) => all,
        Err(why) => {
            model.notice = Some(why);
            return Vec::new();
        }
    };
    let req = model.next_req();
    let Some(draft) = &mut model.draft else { return Vec::new() };
    let trial = Trial::begun(draft.storage.sheet(part), tenants);
    draft.storage.side_mut(part).trial = Some(trial);
    draft.storage.running = Some((req, part));
    draft.storage.go_to(Focus::Test);
    vec![Effect::Test(req, directories)]
}

/// Every directory of a part that is to be tested, and whose each is, in the same order.
///
/// # Errors
/// One of them cannot be used, or nobody has answered: what is said of it.
fn to_test(model: &Model, part: DirKind) -> Result<(Vec<String>, Vec<ToTest>), String> {
    let unanswered = || "The cluster has not answered yet.".to_owned();
    let facts = model.facts().ok_or_else(unanswered)?;
    let storage = &model.draft.as_ref().ok_or_else(unanswered)?.storage;
    let ssh_user = model.chosen().and_then(|cluster| cluster.known.ssh_user.as_deref());
    // A Test that asked whether it may write there is made again: that is the answer, for each directory by itself.
    let asked: Vec<bool> = match (storage.standing(part), &storage.side(part).trial) {
        (Standing::Passed(_) | Standing::Failed(_), Some(trial)) => {
            trial.reports.iter().map(TestReport::asks_inside).collect()
        }
        _ => Vec::new(),
    };
    let (mut tenants, mut directories) = (Vec::new(), Vec::new());
    for (chosen, tenant) in destinations(model, part).ok_or_else(unanswered)? {
        let chosen = chosen.map_err(|fault| format!("{} {}", fault.what, fault.why))?;
        let needs_key = chosen.destination.needs_access_key();
        let key = storage.access.key.as_secret().filter(|_| needs_key && storage.must_pass(part));
        let key_from = chosen.access_key.filter(|_| needs_key && key.is_none());
        let what = test_of(facts, tenant, storage.shape, part, chosen.destination);
        let mut what = if storage.must_pass(part) { what.to_be_set(facts) } else { what };
        what.inside = asked.get(directories.len()).is_some_and(|asked| *asked);
        directories.push(ToTest { what: what.with_access_key(key).with_servers(facts, ssh_user), key_from });
        tenants.push(tenant.name.clone());
    }
    if directories.is_empty() { Err(unanswered()) } else { Ok((tenants, directories)) }
}

/// The Test of a directory, as the target's line will use it.
fn test_of(facts: &Facts, tenant: &TenantFacts, shape: Shape, part: DirKind, destination: Destination) -> TestOf {
    match shape {
        Shape::Two | Shape::Tenants => TestOf::of_tenant(facts, tenant, part, destination),
        Shape::One | Shape::Folder => TestOf::of_cluster(facts, destination),
    }
}

/// Ends the Test that runs.
fn stop(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = &mut model.draft else { return Vec::new() };
    let Some((_, part)) = draft.storage.running.take() else { return Vec::new() };
    if let Some(trial) = &mut draft.storage.side_mut(part).trial {
        trial.progress = Progress::Stopped;
    }
    vec![Effect::StopTest]
}

/// A key while text is typed; whether it was one for it.
pub fn typed(model: &mut Model, key: Key) -> bool {
    let Some(draft) = &mut model.draft else { return false };
    change(&mut draft.storage, |text| text.key(key)).unwrap_or(false)
}

/// Changes the focused text, and notes whether anything became different.
fn change<T>(storage: &mut Storage, with: impl FnOnce(&mut Text) -> T) -> Option<T> {
    let text = storage.text_mut()?;
    let before = text.value().to_owned();
    let done = with(text);
    let touched = before != text.value();
    let part = storage.part;
    storage.side_mut(part).touched |= touched;
    Some(done)
}

/// Pastes into the focused field. A whole URI fills in every field it speaks of.
pub fn pasted(model: &mut Model, text: &str) {
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
        let _ = change(storage, |field| field.paste(text));
        return;
    }
    let read = Destination::parse_user(text);
    let refused = match (&read, facts) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(read), Some(facts)) => Kind::of(read).supported(&facts).err(),
        (Ok(_), None) => None,
    };
    match (read, refused) {
        (Ok(read), None) => {
            if let Some(id) = read.attribute("access_id") {
                storage.access.id = Text::new(id);
            }
            let part = storage.part;
            let side = storage.side_mut(part);
            side.form = Form::of(&read);
            side.touched = true;
        }
        (_, refused) => model.notice = refused,
    }
}

/// The draft that asked for a Test; it may lie aside meanwhile.
fn asked(model: &mut Model, req: Req) -> Option<(&mut Storage, DirKind)> {
    let drafts = model.draft.iter_mut().chain(model.drafts.values_mut());
    drafts.map(|draft| &mut draft.storage).find_map(|storage| match storage.running {
        Some((running, part)) if running == req => Some((storage, part)),
        Some(_) | None => None,
    })
}

/// A check of the Test begins or has ended.
pub fn tested(model: &mut Model, req: Req, news: TestNews) -> Vec<Effect> {
    if let Some((storage, part)) = asked(model, req)
        && let Some(trial) = &mut storage.side_mut(part).trial
    {
        trial.hear(news);
    }
    Vec::new()
}

/// The Test of a directory has ended.
pub fn test_over(model: &mut Model, req: Req, report: TestReport) -> Vec<Effect> {
    if let Some((storage, part)) = asked(model, req)
        && storage.side_mut(part).trial.as_mut().is_none_or(|trial| trial.end(report))
    {
        storage.running = None;
    }
    Vec::new()
}
