//! The checks of a logical backup: what a dump can hold, what it changes and what it excludes.

use super::{CheckId, CheckList};
use crate::domain::choices::Choices;
use crate::domain::command_line::{quoted_command, shell};
use crate::domain::dump::{Catalogue, DumpDirectoryFacts, DumpDirectoryState, DumpFinding, abbreviated_list};
use crate::domain::facts::{ClusterFacts, Known};
use crate::domain::fault::Cause;
use crate::domain::format::size;

/// Returns what prevents a dump, and its remedy.
#[must_use]
pub fn in_the_way(found: &[DumpFinding]) -> (String, String) {
    let said = format!(
        "{} cannot be dumped so that they come back as they are: {}",
        things(found.len()),
        abbreviated_list(found)
    );
    let mut names: Vec<String> = found.iter().map(|finding| finding.object.table_name()).collect();
    names.dedup();
    let options: Vec<String> =
        names.iter().take(OPTIONS).map(|name| shell(&quoted_command("--exclude-table", name.clone()))).collect();
    let more = names.len().saturating_sub(OPTIONS);
    let more = if more == 0 { String::new() } else { format!(" and {more} more such options") };
    (said, format!("Mend them, or leave them out of the backup with {}{more}.", options.join(" ")))
}

/// The number of options that are written out.
const OPTIONS: usize = 20;

fn things(count: usize) -> String {
    if count == 1 { "1 thing".to_owned() } else { format!("{count} things") }
}

/// Adds the checks of what is dumped, and of the directory.
pub(super) fn cluster(sheet: &mut CheckList, cluster: &ClusterFacts, choices: &Choices) {
    what(sheet, cluster, choices);
    place(sheet, cluster);
}

fn what(sheet: &mut CheckList, cluster: &ClusterFacts, choices: &Choices) {
    let catalogue = match &cluster.dump {
        None => return,
        Some(Known::NotChecked(why)) => {
            let said = format!("what a dump cannot carry: {why}");
            return sheet.not_checked(CheckId::Dumpable, said, "It is looked at again before anything is started.");
        }
        Some(Known::Known(catalogue)) => catalogue,
    };
    dumpable(sheet, catalogue, choices);
    excluded(sheet, catalogue, choices);
    let changed: Vec<&DumpFinding> = catalogue.changed(&choices.exclude).collect();
    if changed.is_empty() {
        sheet.pass(CheckId::ExactValues, "every value comes back as it is");
    } else {
        sheet.warn(
            CheckId::ExactValues,
            format!("values lose digits in {}: {}", columns(changed.len()), abbreviated_list(&changed)),
            "Where the digits matter keep these tables by other means too, or store them as DOUBLE or DECIMAL.",
        );
    }
    let left_out = catalogue.left_out_words();
    if left_out.is_empty() {
        sheet.pass(CheckId::LeftOut, "no routine, trigger, event or sequence; users and rights are never in a dump");
    } else {
        sheet.warn(
            CheckId::LeftOut,
            format!("not in a dump: users and rights; {}", left_out.join("; ")),
            "Keep their definitions by other means.",
        );
    }
}

fn columns(count: usize) -> String {
    if count == 1 { "1 column".to_owned() } else { format!("{count} columns") }
}

fn dumpable(sheet: &mut CheckList, catalogue: &Catalogue, choices: &Choices) {
    let found = catalogue.blocking_objects(&choices.exclude);
    if !found.is_empty() {
        let (said, fix) = in_the_way(&found);
        return sheet.refuse(CheckId::Dumpable, Cause::Precondition, said, &fix);
    }
    let mut said = format!("{} tables and views, of types that were tried", catalogue.count(&choices.exclude));
    let computed: Vec<_> = catalogue.computed(&choices.exclude).collect();
    if !computed.is_empty() {
        said =
            format!("{said}; generated columns are computed anew when it is loaded: {}", abbreviated_list(&computed));
    }
    sheet.pass(CheckId::Dumpable, said);
}

fn excluded(sheet: &mut CheckList, catalogue: &Catalogue, choices: &Choices) {
    if choices.exclude.is_empty() {
        return;
    }
    let mut said = format!("left out as asked: {}", choices.exclude.words());
    let unknown: Vec<&String> = catalogue.unknown(&choices.exclude).collect();
    if !unknown.is_empty() {
        said = format!("{said}; not there: {}", abbreviated_list(&unknown));
    }
    if catalogue.reads.is_none() {
        said = format!("{said}; whether a view reads them is not known");
    }
    let mut fix = "Back these tables up by other means.".to_owned();
    match catalogue.pointing_to(&choices.exclude) {
        None => said = format!("{said}; whether a foreign key points to them is not known"),
        Some(keys) if keys.is_empty() => {}
        Some(keys) => {
            said = format!("{said}; foreign keys point to them: {}", abbreviated_list(&keys));
            fix = format!(
                "{fix} Restore them before these foreign keys are checked again, or leave out what points to them."
            );
        }
    }
    sheet.warn(CheckId::ExcludedTables, said, &fix);
}

fn place(sheet: &mut CheckList, cluster: &ClusterFacts) {
    let place = match &cluster.dump_directory {
        None => return,
        Some(Known::NotChecked(why)) => {
            return sheet.not_checked(CheckId::DumpDirectory, why.clone(), "See whether its storage answers: stat -f.");
        }
        Some(Known::Known(place)) => place,
    };
    // A directory of obnow's own is created with the rest of its state.
    if cluster.work.as_ref().is_some_and(|work| work.path == place.path) {
        return room(sheet, place);
    }
    let path = &place.path;
    let mount = "Mount the storage there first, if there is one; else go on, and this disk takes the backup.";
    match &place.state {
        DumpDirectoryState::Unfit(fault) => {
            let found = format!("{} {}", fault.what, fault.why);
            return sheet.refuse(CheckId::DumpDirectory, fault.cause, found, &fault.next);
        }
        DumpDirectoryState::There { empty: true } if place.on_root => sheet.warn(
            CheckId::DumpDirectory,
            format!("{path} is empty and on this host's root file system: perhaps its storage is not mounted"),
            mount,
        ),
        DumpDirectoryState::There { .. } if place.on_root => {
            sheet.pass(CheckId::DumpDirectory, format!("{path}, on this host's root file system"));
        }
        DumpDirectoryState::There { .. } => sheet.pass(CheckId::DumpDirectory, path.clone()),
        DumpDirectoryState::Missing { above } if place.on_root => sheet.warn(
            CheckId::DumpDirectory,
            format!(
                "{path} is missing: perhaps its storage is not mounted. It would be made in {above}, on this host's root file \
                 system"
            ),
            mount,
        ),
        DumpDirectoryState::Missing { above } => {
            let found = format!("{path} is missing: it is made in {above}");
            sheet.warn(CheckId::DumpDirectory, found, "Check its spelling.");
        }
    }
    room(sheet, place);
}

/// Checks that a dump of about the size of the last one fits.
fn room(sheet: &mut CheckList, place: &DumpDirectoryFacts) {
    let last = place.last.map(|bytes| format!("the last dump there has {}", size(bytes)));
    match (place.free, place.last) {
        (None, _) => sheet.not_checked(
            CheckId::FreeSpace,
            format!("the free space of {}: the system does not tell it", place.path),
            "See it with: df.",
        ),
        (Some(free), Some(bytes)) if free < bytes => sheet.warn(
            CheckId::FreeSpace,
            format!("{} free, and {}: the next one will hardly fit", size(free), last.unwrap_or_default()),
            "Free space there, or choose another directory.",
        ),
        (Some(free), _) => {
            let last = last.unwrap_or_else(|| "no dump of this target is there to compare with".to_owned());
            sheet.pass(CheckId::FreeSpace, format!("{} free, {last}", size(free)));
        }
    }
}
