//! The processes of this host, told apart from those that had the same number before.

/// When a living process started: the boot of the host, and the clock ticks since. None: there is none of that number.
pub(super) fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state ppid ..; the name may hold spaces and brackets. The start is the 22nd field.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let ticks = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| format!("{}+{ticks}", boot()))
}

/// The boot of this host; empty where the system does not say.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
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
    if its_boot != boot() || Some(its_numbering) != numbering().as_deref() {
        return None;
    }
    Some(started(pid).as_deref() == Some(its_start))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;

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
