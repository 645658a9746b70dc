//! Describes a failure on the server: the explained code, the server that reported it, and the exact search command for its log.

use super::{Comment, explain, foreign};
use crate::domain::fault::{Cause, Fault};

/// Returns the fault of a job, a task or an event of the server. `what` names what failed, `result` is the code without its sign
/// (0: none; a code in `comment` is used then), and `comment` is the server's own text.
#[must_use]
pub fn server_fault(result: u64, comment: &str, what: &str) -> Fault {
    let parsed = Comment::parse(comment);
    let code = u32::try_from(result).ok().filter(|code| *code != 0).or_else(|| parsed.as_ref().and_then(|c| c.code));
    let words = parsed.as_ref().map_or_else(|| foreign(comment), |comment| comment.text.clone().unwrap_or_default());
    let mut fault = if let Some(code) = code {
        let explained = explain(i64::from(code), &words);
        Fault { what: what.to_owned(), why: format!("{} {}", explained.what, explained.why), ..explained }
    } else {
        let said = if words.is_empty() { "nothing".to_owned() } else { format!("\"{words}\"") };
        let next = "Search the server's log for the job, and retry once the cause is gone.";
        Fault::new(Cause::Server, what, format!("The server gives no code and says {said}."), next)
    };
    if let Some(comment) = &parsed {
        fault = located(fault, comment);
    }
    fault.with_detail(foreign(comment))
}

/// Adds the server that reported the fault and the exact search command for its log, as far as each is known.
#[must_use]
pub fn located(mut fault: Fault, comment: &Comment) -> Fault {
    let place = comment.place();
    if !place.is_empty() {
        fault.why = format!("{} It says so on {place}.", fault.why);
    }
    if let Some(grep) = comment.grep() {
        fault.next = format!("{} In its log: {grep}", fault.next);
    }
    fault
}

/// Returns whether a server has refused a full backup for want of a major freeze younger than its archive round (V2.2.60 to
/// V3.1.2, maybe V3.2: 9040 with this text).
#[must_use]
pub fn asks_for_compaction(refusal: &Fault) -> bool {
    refusal.code == Some(9040) && refusal.what.contains("need major freeze first")
}
