//! The processes of this host as `/proc` shows them, told apart from those that had the same number before.

/// One process of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// It ended and waits for its parent to notice, which an orphan's may never do.
    pub is_over: bool,
    /// The leader of its group.
    pub group: u32,
    /// When it started, in clock ticks since the boot: with its number it names one process of this boot.
    pub start_ticks: u64,
}

impl Process {
    /// Returns the process of that number; `Lost` where there is none, or the system does not say.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is a name in parentheses and may hold anything; state is the third, group the fifth, start the 22nd.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let is_over = matches!(fields.next()?, "Z" | "X");
        let group = fields.nth(1)?.parse().ok()?;
        Some(Self { is_over, group, start_ticks: fields.nth(16)?.parse().ok()? })
    }

    /// Returns every process of this host.
    pub fn all() -> impl Iterator<Item = Self> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
        entries.filter_map(|entry| Self::of(entry.file_name().to_str()?.parse().ok()?))
    }
}

/// Returns the id of this host's boot; empty where the system does not say.
#[must_use]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// Returns when a living process started: the boot of the host, and the clock ticks since. `Lost`: there is none of that number.
#[must_use]
pub fn started(pid: u32) -> Option<String> {
    let process = Process::of(pid)?;
    (!process.is_over).then(|| format!("{}+{}", boot_id(), process.start_ticks))
}

/// The numbering of processes that this process sees: containers on one host have their own.
fn numbering() -> Option<String> {
    Some(std::fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.to_owned())
}

/// What tells this process apart from every other: its start, and the numbering of its number. None: the system does not say.
#[must_use]
pub fn mark() -> Option<String> {
    Some(format!("{} {}", started(std::process::id())?, numbering()?))
}

/// Whether the process of that number and mark lives; None where that cannot be seen from here: it is of another host, of an
/// earlier boot, or of another container.
#[must_use]
pub fn lives(pid: u32, mark: &str) -> Option<bool> {
    let (its_start, its_numbering) = mark.split_once(' ')?;
    let (its_boot, _) = its_start.split_once('+')?;
    if its_boot != boot_id() || Some(its_numbering) != numbering().as_deref() {
        return None;
    }
    Some(started(pid).as_deref() == Some(its_start))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;

    #[test]
    fn this_process_is_read_from_proc() {
        let own = Process::of(std::process::id()).unwrap();
        assert!(own.start_ticks > 0 && own.group > 0 && !own.is_over);
        assert!(Process::all().any(|process| process == own));
        assert_eq!(Process::of(0), None);
        assert_eq!(boot_id().len(), 36);
    }

    #[test]
    fn a_process_is_known_by_its_start_where_its_number_can_be_seen() {
        let (me, mark) = (std::process::id(), mark().unwrap());
        assert_eq!(lives(me, &mark), Some(true));
        let (start, numbering) = mark.split_once(' ').unwrap();
        let (boot, ticks) = start.split_once('+').unwrap();
        // The same number, given to a later process.
        assert_eq!(lives(me, &format!("{boot}+{ticks}1 {numbering}")), Some(false));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(lives(pid, &mark), Some(false));
        for elsewhere in [format!("other+{ticks} {numbering}"), format!("{start} pid:[1]"), String::new()] {
            assert_eq!(lives(me, &elsewhere), None, "{elsewhere}");
        }
    }
}
