//! Where backups go: filled in by itself, or typed and tested.
//!
//! On V4 there are two parts, data backup and log archive; elsewhere there is one. A part is what was found until a person
//! edits it. A log archive that nobody edits follows a data backup that somebody did, unless the one tenant has its own,
//! which is kept, so that archiving is not interrupted.

use std::collections::BTreeSet;

use crate::domain::choices::{InspectedDirectory, RequestedStorage, StorageSource};
use crate::domain::destination::Destination;
use crate::domain::plan::ChosenDestination;
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::storage_check::TestReport;
use crate::domain::template::DirKind;
use crate::wizard::text_field::TextField;

pub mod destination_form;
pub mod detected;
mod keys;
pub mod test_run;
#[cfg(test)]
mod tests;
mod update;

pub use keys::KEYS;
pub use update::{
    first_destination, handle_action, handle_key, handle_paste, handle_test_news, handle_test_report, prefill,
};

use crate::wizard::model::RequestId;
use destination_form::{AccessFields, DestinationForm, DestinationLayout, Field};
use detected::DetectedDestination;
use test_run::{TestInput, TestRun, TestStatus, test_status};

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
pub struct DestinationPart {
    /// It is typed, and not as it was found.
    pub is_typed: bool,
    /// The person edited it.
    is_edited: bool,
    /// The form was filled in once: coming back to it loses nothing.
    is_initialized: bool,
    /// What is typed.
    pub form: DestinationForm,
    /// The fields that were left once: what is wrong with them is shown.
    visited: BTreeSet<Field>,
    /// The last Test.
    pub test_run: Option<TestRun>,
    /// What was found, for each tenant.
    pub detected: Vec<DetectedDestination>,
}

impl DestinationPart {
    /// Whether somebody names a destination for anyone.
    #[must_use]
    pub fn has_detected(&self) -> bool {
        self.detected.iter().any(|found| found.chosen.is_some())
    }
}

/// The storage part of a draft.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageScreen {
    /// What the target's line makes of a destination.
    pub layout: DestinationLayout,
    /// The part that is shown.
    pub part: DirKind,
    /// What has the focus.
    pub focus: Focus,
    /// The data backup; where there is one part, that one.
    pub data: DestinationPart,
    /// The log archive.
    pub archive: DestinationPart,
    /// Id and key, one for both.
    pub access: AccessFields,
    /// How far what does not fit is scrolled.
    pub scroll_offset: usize,
    /// The Test that runs, and of what.
    running_test: Option<(RequestId, DirKind)>,
    /// More than one tenant is backed up.
    has_several_tenants: bool,
}

impl Default for StorageScreen {
    fn default() -> Self {
        Self {
            layout: DestinationLayout::DataAndArchive,
            part: DirKind::Data,
            focus: Focus::Home,
            data: DestinationPart::default(),
            archive: DestinationPart::default(),
            access: AccessFields::default(),
            scroll_offset: 0,
            running_test: None,
            has_several_tenants: false,
        }
    }
}

impl StorageScreen {
    /// Whether something was typed.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.data.is_edited || self.archive.is_edited
    }

    /// Whether printable keys are text.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        matches!(self.focus, Focus::Field(field) if field.is_text())
    }

    /// Whether data and log each have a destination of their own.
    #[must_use]
    pub fn has_two_parts(&self) -> bool {
        self.layout == DestinationLayout::DataAndArchive
    }

    /// The parts there are.
    #[must_use]
    pub fn parts(&self) -> &'static [DirKind] {
        if self.has_two_parts() { &[DirKind::Data, DirKind::Clog] } else { &[DirKind::Data] }
    }

    /// One of them.
    #[must_use]
    pub fn destination_part(&self, part: DirKind) -> &DestinationPart {
        match part {
            DirKind::Data => &self.data,
            DirKind::Clog => &self.archive,
        }
    }

    fn destination_part_mut(&mut self, part: DirKind) -> &mut DestinationPart {
        match part {
            DirKind::Data => &mut self.data,
            DirKind::Clog => &mut self.archive,
        }
    }

    /// Whether more than one tenant gets directories of its own.
    #[must_use]
    pub fn is_for_several(&self) -> bool {
        self.data.detected.len() > 1
    }

    /// The log archive that the one tenant has and keeps, though the data backup is typed.
    #[must_use]
    pub fn kept_archive(&self) -> Option<&Destination> {
        self.own_archive().filter(|_| self.data.is_typed)
    }

    /// The log archive that the one tenant has and nobody edits.
    fn own_archive(&self) -> Option<&Destination> {
        match self.archive.detected.as_slice() {
            [DetectedDestination { chosen: Some(ChosenDestination { destination, source: None, .. }), .. }]
                if self.has_two_parts() && !self.archive.is_typed =>
            {
                Some(destination)
            }
            _ => None,
        }
    }

    /// Whether the log archive would follow from a data backup that is typed.
    fn archive_would_derive(&self) -> bool {
        self.has_two_parts() && !self.archive.is_typed && self.own_archive().is_none()
    }

    /// Whether the log archive follows from the data backup that is typed.
    #[must_use]
    pub fn is_archive_derived(&self) -> bool {
        self.data.is_typed && self.archive_would_derive()
    }

    /// What is wrong with a field of a part that is typed.
    #[must_use]
    pub fn validation_error(&self, part: DirKind, field: Field) -> Option<String> {
        let alone = part == DirKind::Data && self.is_archive_derived();
        self.destination_part(part).form.validation_error(
            field,
            &self.access,
            (self.layout, alone, self.has_several_tenants),
        )
    }

    /// Returns the validation error of a field that was left once.
    #[must_use]
    pub fn visible_error(&self, part: DirKind, field: Field) -> Option<String> {
        self.destination_part(part).visited.contains(&field).then(|| self.validation_error(part, field)).flatten()
    }

    /// The first field of a typed part with which something is wrong.
    fn first_invalid_field(&self, part: DirKind) -> Option<Field> {
        let side = self.destination_part(part);
        let mut fields = side.form.kind.fields().iter().copied().filter(|_| side.is_typed);
        fields.find(|field| self.validation_error(part, *field).is_some())
    }

    /// What was typed, as a choice; None where nothing was.
    ///
    /// # Errors
    /// What is typed is no destination: what is wrong with it.
    pub fn typed_storage(&self) -> Result<Option<RequestedStorage>, String> {
        let typed: Vec<DirKind> =
            self.parts().iter().copied().filter(|part| self.destination_part(*part).is_typed).collect();
        if typed.is_empty() {
            return Ok(None);
        }
        let wrong = typed.iter().find_map(|part| self.validation_error(*part, self.first_invalid_field(*part)?));
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        let uri = |part| typed.contains(&part).then(|| self.destination_part(part).form.uri(&self.access));
        let needs_key = typed.iter().any(|part| self.destination_part(*part).form.needs_access_key());
        Ok(Some(RequestedStorage {
            data: uri(DirKind::Data),
            archive: uri(DirKind::Clog).or_else(|| self.kept_archive().map(Destination::without_keys)),
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
        let wants = self
            .parts()
            .iter()
            .map(|part| self.destination_part(*part))
            .any(|side| side.is_typed && side.form.needs_access_key());
        self.access.key.as_secret().filter(|_| wants)
    }

    /// Whether nothing may go on before it passed a Test: what was typed, and what follows from it.
    #[must_use]
    pub fn must_pass_test(&self, part: DirKind) -> bool {
        self.destination_part(part).is_typed || (part == DirKind::Clog && self.is_archive_derived())
    }

    /// Returns the input of a Test of a part.
    #[must_use]
    pub fn test_input(&self, part: DirKind) -> TestInput {
        let access = self.access.clone();
        if self.destination_part(part).is_typed {
            // A path with variables is the same directory, whatever else is given.
            let is_base = !self.destination_part(part).form.directory.value().contains('{');
            let alone = part == DirKind::Data && is_base && self.is_archive_derived();
            return TestInput::Typed { form: self.destination_part(part).form.clone(), access, alone };
        }
        if part == DirKind::Clog && self.is_archive_derived() {
            return TestInput::Derived { form: self.data.form.clone(), access };
        }
        let first = self.destination_part(part).detected.iter().find_map(|found| found.chosen.as_ref());
        TestInput::Detected(first.map_or_else(String::new, |chosen| chosen.destination.to_string()))
    }

    /// Returns the status of a part's last Test for its present input.
    #[must_use]
    pub fn test_status(&self, part: DirKind) -> TestStatus<'_> {
        test_status(self.destination_part(part).test_run.as_ref(), &self.test_input(part))
    }

    /// What the Tests of what was typed could not check, for the confirm screen.
    #[must_use]
    pub fn unchecked_notes(&self) -> Vec<String> {
        let parts: Vec<DirKind> = self.parts().iter().copied().filter(|part| self.must_pass_test(*part)).collect();
        let mut all: Vec<(String, DirKind)> = Vec::new();
        for part in &parts {
            let TestStatus::Passed(_) = self.test_status(*part) else { continue };
            let unchecked = self.reports(*part).iter().flat_map(TestReport::not_checked);
            all.extend(unchecked.map(|text| (text.to_owned(), *part)));
        }
        let mut told: Vec<String> = Vec::new();
        for (text, part) in &all {
            let of_all = parts.iter().all(|part| all.contains(&(text.clone(), *part)));
            let text = if of_all { text.clone() } else { format!("{}: {text}", part_name(*part).to_lowercase()) };
            if !told.contains(&text) {
                told.push(text);
            }
        }
        told
    }

    /// What the last Tests have seen of the directories as they are now.
    #[must_use]
    pub fn seen_directories(&self) -> Vec<InspectedDirectory> {
        let of = |report: &TestReport| {
            let uri = Destination::parse_user(&report.uri).ok()?.uri_without_attributes();
            Some(InspectedDirectory { uri, seen: report.seen()? })
        };
        self.parts().iter().flat_map(|part| self.reports(*part)).filter_map(of).collect()
    }

    /// The reports of a part's last Test, each of one directory; none where it says nothing of what is there now.
    fn reports(&self, part: DirKind) -> &[TestReport] {
        match self.test_status(part) {
            TestStatus::Passed(_) | TestStatus::Failed(_) => {
                self.destination_part(part).test_run.as_ref().map_or(&[], |trial| trial.reports.as_slice())
            }
            TestStatus::NotTested | TestStatus::Running(_) | TestStatus::Stopped | TestStatus::Outdated(_) => &[],
        }
    }

    /// The log archive destinations whose Tests have passed on every server, without keys.
    #[must_use]
    pub fn proven_archives(&self) -> BTreeSet<String> {
        let proven = self.reports(DirKind::Clog).iter().filter(|report| report.passed_on_every_server());
        proven
            .filter_map(|report| Some(Destination::parse_server(&report.uri).ok()?.uri_without_attributes()))
            .collect()
    }

    /// What the Test of the shown part leaves to be done on every server.
    #[must_use]
    pub fn manual_commands(&self) -> Vec<String> {
        self.destination_part(self.part).test_run.as_ref().map(TestRun::manual_commands).unwrap_or_default()
    }

    /// Whether a Test runs.
    #[must_use]
    pub fn is_testing(&self) -> bool {
        self.running_test.is_some()
    }

    /// What can have the focus now, in order.
    #[must_use]
    pub fn focus_order(&self) -> Vec<Focus> {
        let side = self.destination_part(self.part);
        let mut stops = vec![Focus::Home, Focus::Edit];
        if side.is_typed {
            stops.push(Focus::Kind);
            stops.extend(side.form.kind.fields().iter().copied().map(Focus::Field));
        }
        stops.push(Focus::Test);
        stops
    }

    /// Whether Enter tests: on the button, until what is there has passed.
    fn enter_tests(&self) -> bool {
        self.focus == Focus::Test && !self.is_testing() && !matches!(self.test_status(self.part), TestStatus::Passed(_))
    }

    /// Whether Enter continues to the next screen.
    fn enter_continues(&self) -> bool {
        self.focus != Focus::Edit && !self.enter_tests()
    }

    /// The focused field's text.
    fn text_mut(&mut self) -> Option<&mut TextField> {
        match self.focus {
            Focus::Field(Field::AccessId) => Some(&mut self.access.id),
            Focus::Field(Field::AccessKey) => Some(&mut self.access.key),
            Focus::Field(field) => {
                let part = self.part;
                self.destination_part_mut(part).form.text_mut(field)
            }
            Focus::Home | Focus::Edit | Focus::Kind | Focus::Test => None,
        }
    }

    /// Moves the focus; what is left behind is looked at from now on.
    fn move_focus(&mut self, focus: Focus) {
        if let (Focus::Field(left), true) = (self.focus, self.focus != focus) {
            let part = self.part;
            self.destination_part_mut(part).visited.insert(left);
        }
        self.focus = focus;
        self.scroll_offset = 0;
    }

    /// Shows a part, with the focus there.
    fn show_part(&mut self, part: DirKind, focus: Focus) {
        if part != self.part {
            self.move_focus(Focus::Home);
        }
        self.part = part;
        self.move_focus(focus);
    }

    /// Takes in what was found.
    fn apply_detected(
        &mut self,
        (shape, several): (DestinationLayout, bool),
        data: Vec<DetectedDestination>,
        archive: Vec<DetectedDestination>,
    ) {
        let first = self.data.detected.is_empty();
        (self.layout, self.has_several_tenants) = (shape, several);
        self.data.detected = data;
        self.archive.detected = archive;
        let has_two = self.has_two_parts();
        // Where nobody names a destination it can only be typed; where somebody does now, and nothing was typed, it need not.
        fill_defaults(&mut self.data, true);
        let follows = self.data.is_typed;
        fill_defaults(&mut self.archive, has_two && !follows);
        if first && self.data.is_typed && self.focus == Focus::Home {
            self.focus = Focus::Field(Field::Directory);
        }
        if !self.parts().contains(&self.part) {
            self.part = DirKind::Data;
        }
        if !self.focus_order().contains(&self.focus) {
            self.focus = Focus::Home;
        }
    }
}

/// Selects typing for an unedited part only if no destination is detected and none is derived from the other part.
fn fill_defaults(side: &mut DestinationPart, is_needed: bool) {
    let chosen = side.is_typed && side.is_initialized;
    if !side.is_edited && !chosen {
        side.is_typed = is_needed && !side.has_detected();
    }
}

/// How a part is called.
#[must_use]
pub fn part_name(part: DirKind) -> &'static str {
    match part {
        DirKind::Data => "Data backup",
        DirKind::Clog => "Log archive",
    }
}
