//! Where backups go: filled in by itself, or typed and tested.
//!
//! On V4 there are two parts, data backup and log archive; elsewhere there is one. A part is what was found until a person
//! edits it. A log archive that nobody edits follows a data backup that somebody did, unless the one tenant has its own,
//! which is kept, so that archiving is not interrupted.

use std::collections::BTreeSet;

use crate::domain::choices::{SeenDirectory, StorageSource, Wanted};
use crate::domain::destination::Destination;
use crate::domain::plan::Chosen;
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::storage_test::TestReport;
use crate::domain::template::DirKind;
use crate::wizard::form::Text;

mod act;
pub mod form;
pub mod found;
mod keys;
#[cfg(test)]
mod tests;
pub mod trial;

pub use act::{act, destination, pasted, prefill, test_over, tested, typed};
pub use keys::KEYS;

use crate::wizard::model::Req;
use form::{Access, Field, Form, Shape};
use found::Found;
use trial::{Sheet, Standing, Trial, standing};

/// What has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// The title, with the two parts where there are two.
    #[default]
    Home,
    /// The button that begins or ends typing.
    Edit,
    /// The kind of storage.
    Kind,
    /// A field.
    Field(Field),
    /// The button that tests.
    Test,
}

/// One of the two destinations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// It is typed, and not as it was found.
    pub typed: bool,
    /// The person edited it.
    touched: bool,
    /// The form was filled in once: coming back to it loses nothing.
    begun: bool,
    /// What is typed.
    pub form: Form,
    /// The fields that were left once: what is wrong with them is shown.
    visited: BTreeSet<Field>,
    /// The last Test.
    pub trial: Option<Trial>,
    /// What was found, for each tenant.
    pub found: Vec<Found>,
}

impl Side {
    /// Whether somebody names a destination for anyone.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.found.iter().any(|found| found.chosen.is_some())
    }
}

/// The storage part of a draft.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// What the target's line makes of a destination.
    pub shape: Shape,
    /// The part that is shown.
    pub part: DirKind,
    /// What has the focus.
    pub focus: Focus,
    /// The data backup; where there is one part, that one.
    pub data: Side,
    /// The log archive.
    pub archive: Side,
    /// Id and key, one for both.
    pub access: Access,
    /// How far what does not fit is scrolled.
    pub scrolled: usize,
    /// The Test that runs, and of what.
    running: Option<(Req, DirKind)>,
    /// More than one tenant is backed up.
    several: bool,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            shape: Shape::Two,
            part: DirKind::Data,
            focus: Focus::Home,
            data: Side::default(),
            archive: Side::default(),
            access: Access::default(),
            scrolled: 0,
            running: None,
            several: false,
        }
    }
}

impl Storage {
    /// Whether something was typed.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.data.touched || self.archive.touched
    }

    /// Whether printable keys are text.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        matches!(self.focus, Focus::Field(field) if field.is_text())
    }

    /// Whether data and log each have a destination of their own.
    #[must_use]
    pub fn has_two_parts(&self) -> bool {
        self.shape == Shape::Two
    }

    /// The parts there are.
    #[must_use]
    pub fn parts(&self) -> &'static [DirKind] {
        if self.has_two_parts() { &[DirKind::Data, DirKind::Clog] } else { &[DirKind::Data] }
    }

    /// One of them.
    #[must_use]
    pub fn side(&self, part: DirKind) -> &Side {
        match part {
            DirKind::Data => &self.data,
            DirKind::Clog => &self.archive,
        }
    }

    fn side_mut(&mut self, part: DirKind) -> &mut Side {
        match part {
            DirKind::Data => &mut self.data,
            DirKind::Clog => &mut self.archive,
        }
    }

    /// Whether more than one tenant gets directories of its own.
    #[must_use]
    pub fn is_for_several(&self) -> bool {
        self.data.found.len() > 1
    }

    /// The log archive that the one tenant has and keeps, though the data backup is typed.
    #[must_use]
    pub fn kept(&self) -> Option<&Destination> {
        self.own_archive().filter(|_| self.data.typed)
    }

    /// The log archive that the one tenant has and nobody edits.
    fn own_archive(&self) -> Option<&Destination> {
        match self.archive.found.as_slice() {
            [Found { chosen: Some(Chosen { destination, source: None, .. }), .. }]
                if self.has_two_parts() && !self.archive.typed =>
            {
                Some(destination)
            }
            _ => None,
        }
    }

    /// Whether the log archive would follow from a data backup that is typed.
    fn would_follow(&self) -> bool {
        self.has_two_parts() && !self.archive.typed && self.own_archive().is_none()
    }

    /// Whether the log archive follows from the data backup that is typed.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        self.data.typed && self.would_follow()
    }

    /// What is wrong with a field of a part that is typed.
    #[must_use]
    pub fn complaint(&self, part: DirKind, field: Field) -> Option<String> {
        let alone = part == DirKind::Data && self.is_derived();
        self.side(part).form.complaint(field, &self.access, (self.shape, alone, self.several))
    }

    /// Returns the validation error of a field that was left once.
    #[must_use]
    pub fn shown_complaint(&self, part: DirKind, field: Field) -> Option<String> {
        self.side(part).visited.contains(&field).then(|| self.complaint(part, field)).flatten()
    }

    /// The first field of a typed part with which something is wrong.
    fn first_complaint(&self, part: DirKind) -> Option<Field> {
        let side = self.side(part);
        let mut fields = side.form.kind.fields().iter().copied().filter(|_| side.typed);
        fields.find(|field| self.complaint(part, *field).is_some())
    }

    /// What was typed, as a choice; None where nothing was.
    ///
    /// # Errors
    /// What is typed is no destination: what is wrong with it.
    pub fn wanted(&self) -> Result<Option<Wanted>, String> {
        let typed: Vec<DirKind> = self.parts().iter().copied().filter(|part| self.side(*part).typed).collect();
        if typed.is_empty() {
            return Ok(None);
        }
        let wrong = typed.iter().find_map(|part| self.complaint(*part, self.first_complaint(*part)?));
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        let uri = |part| typed.contains(&part).then(|| self.side(part).form.uri(&self.access));
        let needs_key = typed.iter().any(|part| self.side(*part).form.needs_access_key());
        Ok(Some(Wanted {
            data: uri(DirKind::Data),
            archive: uri(DirKind::Clog).or_else(|| self.kept().map(Destination::without_keys)),
            // Each URI says its own id: the one that is kept may have another.
            access_id: None,
            access_key: (needs_key && self.access.key.as_secret().is_some()).then_some(SecretSource::Prompt),
            source: StorageSource::Given,
            tenants: None,
        }))
    }

    /// The access key that was typed.
    #[must_use]
    pub fn access_key(&self) -> Option<Secret> {
        let wants =
            self.parts().iter().map(|part| self.side(*part)).any(|side| side.typed && side.form.needs_access_key());
        self.access.key.as_secret().filter(|_| wants)
    }

    /// Whether nothing may go on before it passed a Test: what was typed, and what follows from it.
    #[must_use]
    pub fn must_pass(&self, part: DirKind) -> bool {
        self.side(part).typed || (part == DirKind::Clog && self.is_derived())
    }

    /// Returns the input of a Test of a part.
    #[must_use]
    pub fn sheet(&self, part: DirKind) -> Sheet {
        let access = self.access.clone();
        if self.side(part).typed {
            // A path with variables is the same directory, whatever else is given.
            let is_base = !self.side(part).form.directory.value().contains('{');
            let alone = part == DirKind::Data && is_base && self.is_derived();
            return Sheet::Typed { form: self.side(part).form.clone(), access, alone };
        }
        if part == DirKind::Clog && self.is_derived() {
            return Sheet::Derived { form: self.data.form.clone(), access };
        }
        let first = self.side(part).found.iter().find_map(|found| found.chosen.as_ref());
        Sheet::Found(first.map_or_else(String::new, |chosen| chosen.destination.to_string()))
    }

    /// Returns the status of a part's last Test for its present input.
    #[must_use]
    pub fn standing(&self, part: DirKind) -> Standing<'_> {
        standing(self.side(part).trial.as_ref(), &self.sheet(part))
    }

    /// What the Tests of what was typed could not check, for the confirm screen.
    #[must_use]
    pub fn not_checked(&self) -> Vec<String> {
        let parts: Vec<DirKind> = self.parts().iter().copied().filter(|part| self.must_pass(*part)).collect();
        let mut all: Vec<(String, DirKind)> = Vec::new();
        for part in &parts {
            let Standing::Passed(_) = self.standing(*part) else { continue };
            let unchecked = self.reports(*part).iter().flat_map(TestReport::not_checked);
            all.extend(unchecked.map(|text| (text.to_owned(), *part)));
        }
        let mut told: Vec<String> = Vec::new();
        for (text, part) in &all {
            let of_all = parts.iter().all(|part| all.contains(&(text.clone(), *part)));
            let text = if of_all { text.clone() } else { format!("{}: {text}", name_of(*part).to_lowercase()) };
            if !told.contains(&text) {
                told.push(text);
            }
        }
        told
    }

    /// What the last Tests have seen of the directories as they are now.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenDirectory> {
        let of = |report: &TestReport| {
            let uri = Destination::parse_user(&report.uri).ok()?.bare();
            Some(SeenDirectory { uri, seen: report.seen()? })
        };
        self.parts().iter().flat_map(|part| self.reports(*part)).filter_map(of).collect()
    }

    /// The reports of a part's last Test, each of one directory; none where it says nothing of what is there now.
    fn reports(&self, part: DirKind) -> &[TestReport] {
        match self.standing(part) {
            Standing::Passed(_) | Standing::Failed(_) => {
                self.side(part).trial.as_ref().map_or(&[], |trial| trial.reports.as_slice())
            }
            Standing::Never | Standing::Running(_) | Standing::Stopped | Standing::Void(_) => &[],
        }
    }

    /// The log archive destinations whose Tests have passed on every server, without keys.
    #[must_use]
    pub fn proven_archives(&self) -> BTreeSet<String> {
        let proven = self.reports(DirKind::Clog).iter().filter(|report| report.passed_on_every_server());
        proven.filter_map(|report| Some(Destination::parse_server(&report.uri).ok()?.bare())).collect()
    }

    /// What the Test of the shown part leaves to be done on every server.
    #[must_use]
    pub fn by_hand(&self) -> Vec<String> {
        self.side(self.part).trial.as_ref().map(Trial::by_hand).unwrap_or_default()
    }

    /// Whether a Test runs.
    #[must_use]
    pub fn is_testing(&self) -> bool {
        self.running.is_some()
    }

    /// What can have the focus now, in order.
    #[must_use]
    pub fn stops(&self) -> Vec<Focus> {
        let side = self.side(self.part);
        let mut stops = vec![Focus::Home, Focus::Edit];
        if side.typed {
            stops.push(Focus::Kind);
            stops.extend(side.form.kind.fields().iter().copied().map(Focus::Field));
        }
        stops.push(Focus::Test);
        stops
    }

    /// Whether Enter tests: on the button, until what is there has passed.
    fn is_on_test(&self) -> bool {
        self.focus == Focus::Test && !self.is_testing() && !matches!(self.standing(self.part), Standing::Passed(_))
    }

    /// Whether Enter continues to the next screen.
    fn is_on_next(&self) -> bool {
        self.focus != Focus::Edit && !self.is_on_test()
    }

    /// The focused field's text.
    fn text_mut(&mut self) -> Option<&mut Text> {
        match self.focus {
            Focus::Field(Field::AccessId) => Some(&mut self.access.id),
            Focus::Field(Field::AccessKey) => Some(&mut self.access.key),
            Focus::Field(field) => {
                let part = self.part;
                self.side_mut(part).form.text_mut(field)
            }
            Focus::Home | Focus::Edit | Focus::Kind | Focus::Test => None,
        }
    }

    /// Moves the focus; what is left behind is looked at from now on.
    fn go_to(&mut self, focus: Focus) {
        if let (Focus::Field(left), true) = (self.focus, self.focus != focus) {
            let part = self.part;
            self.side_mut(part).visited.insert(left);
        }
        self.focus = focus;
        self.scrolled = 0;
    }

    /// Shows a part, with the focus there.
    fn show(&mut self, part: DirKind, focus: Focus) {
        if part != self.part {
            self.go_to(Focus::Home);
        }
        self.part = part;
        self.go_to(focus);
    }

    /// Applies the detected destinations.
    fn learn(&mut self, (shape, several): (Shape, bool), data: Vec<Found>, archive: Vec<Found>) {
        let first = self.data.found.is_empty();
        (self.shape, self.several) = (shape, several);
        self.data.found = data;
        self.archive.found = archive;
        let has_two = self.has_two_parts();
        // Where nobody names a destination it can only be typed; where somebody does now, and nothing was typed, it need not.
        settle(&mut self.data, true);
        let follows = self.data.typed;
        settle(&mut self.archive, has_two && !follows);
        if first && self.data.typed && self.focus == Focus::Home {
            self.focus = Focus::Field(Field::Directory);
        }
        if !self.parts().contains(&self.part) {
            self.part = DirKind::Data;
        }
        if !self.stops().contains(&self.focus) {
            self.focus = Focus::Home;
        }
    }
}

/// Selects typing for an unedited part only if no destination is detected and none is derived from the other part.
fn settle(side: &mut Side, is_needed: bool) {
    let chosen = side.typed && side.begun;
    if !side.touched && !chosen {
        side.typed = is_needed && !side.is_found();
    }
}

/// How a part is called.
#[must_use]
pub fn name_of(part: DirKind) -> &'static str {
    match part {
        DirKind::Data => "Data backup",
        DirKind::Clog => "Log archive",
    }
}
