//! The footer of a plan: the command that makes the same one, where it was saved, and how it differs from a saved one.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::Common;
use super::output::OutputStyle;
use super::{Output, render};
use crate::domain::command_line::{quoted_command, shell};
use crate::domain::saved_plan::{Difference, FileDigest};
use crate::domain::step::StepKind;

/// The footer of a plan.
pub(super) struct PlanFooter<'a> {
    /// The command, quoted for a shell.
    pub(super) equivalent_command: String,
    /// The plan file it was made from.
    pub(super) compared: Option<PlanComparison<'a>>,
    /// The plan file it was saved to.
    pub(super) saved_as: Option<&'a Path>,
    /// The command that runs that file.
    pub(super) run_command: String,
}

/// A plan against the file it was made from.
pub(super) struct PlanComparison<'a> {
    /// The file.
    pub(super) file: &'a Path,
    /// When it was saved.
    pub(super) saved: Timestamp,
    /// What differs.
    pub(super) differences: Vec<Difference>,
    /// Whether the file is as it was saved.
    pub(super) digest: FileDigest,
}

/// The command that makes a plan, for a shell: `backup` and its words behind how this call reaches its cluster.
pub(super) fn quote_command(common: &Common, words: Vec<String>) -> String {
    let whole: Vec<String> = ["obnow".to_owned()].into_iter().chain(common.global_args()).chain(words).collect();
    shell(&whole)
}

/// The command that runs a plan file; empty where there is none.
pub(super) fn run_command(common: &Common, file: Option<&Path>) -> String {
    let words =
        |file: &Path| ["backup".to_owned()].into_iter().chain(quoted_command("--plan", file.display().to_string()));
    file.map_or_else(String::new, |file| quote_command(common, words(file).collect()))
}

impl PlanFooter<'_> {
    /// Adds its fields to those of the `plan` event.
    pub(super) fn fields(&self, plan: &mut Value) {
        plan["same_as"] = json!(self.equivalent_command);
        if let Some(PlanComparison { file, saved, differences: differs, digest }) = &self.compared {
            plan["plan_file"] = json!(file.display().to_string());
            plan["saved"] = json!(saved.to_string());
            plan["digest"] = json!(digest.word());
            plan["differs"] = differs
                .iter()
                .map(|difference| {
                    json!({"targets": difference.targets, "step": difference.step.map(StepKind::name),
                           "change": difference.change.word(), "text": difference.text})
                })
                .collect();
        }
        if let Some(path) = self.saved_as {
            plan["saved_as"] = json!(path.display().to_string());
        }
    }

    /// Prints the footer for a person.
    pub(super) fn lines(&self, say: &Output) {
        if let Some(PlanComparison { file, saved, differences: differs, digest }) = &self.compared {
            let (file, saved) = (file.display(), render::moment(*saved));
            if let Some(complaint) = digest.problem() {
                say.line(&format!("  {} {file}. {complaint}", say.paint(OutputStyle::Warn, "Not proven:")));
            }
            if differs.is_empty() && digest.problem().is_some() {
                say.line(&format!("  Nothing differs from what {file} shows, of {saved}."));
            } else if differs.is_empty() {
                say.line(&format!("  As it was saved in {file} at {saved}."));
            } else {
                say.line(&format!("  {} from {file}, saved at {saved}:", say.paint(OutputStyle::Warn, "Differs")));
                for difference in differs {
                    say.line(&format!("    {difference}"));
                }
            }
        }
        say.line(&format!("  Same as: {}", self.equivalent_command));
        if let Some(path) = self.saved_as {
            say.line(&format!("  Saved as {}, and not started. Run it with: {}", path.display(), self.run_command));
        }
    }
}
