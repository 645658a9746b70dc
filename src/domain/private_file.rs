//! The owner and mode that a file or directory of obnow must have before it is used.

/// The owner and mode of a file or directory, and the user of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMetadata {
    /// The user id of its owner.
    pub owner: u32,
    /// The user id of this process.
    pub user: u32,
    /// Its mode bits.
    pub mode: u32,
}

/// Why a file or directory is not used, and what to do next; one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionProblem {
    /// Why.
    pub why: String,
    /// What to do next.
    pub next: String,
}

impl FileMetadata {
    /// Returns what is wrong where others than the owner may do what the bits of `forbidden` allow; `does` says what that is
    /// ("write"), `mode` is the argument of chmod that corrects it. `None`: it may be used.
    ///
    /// Everyone uses what belongs to root, which may do everything anyway; nobody uses what belongs to another user, least of all
    /// root.
    #[must_use]
    pub fn permission_problem(
        self,
        shown: &str,
        (forbidden, does): (u32, &str),
        mode: &str,
    ) -> Option<PermissionProblem> {
        if self.owner != self.user && self.owner != 0 {
            return Some(PermissionProblem {
                why: format!("It belongs to the user with the uid {}, and this is uid {}.", self.owner, self.user),
                next: format!(
                    "Name another, or work as its owner; if it is yours all the same: chown {} {shown}",
                    self.user
                ),
            });
        }
        (self.mode & forbidden != 0).then(|| PermissionProblem {
            why: format!("Others than its owner may {does} it: its mode is {:04o}.", self.mode & 0o7777),
            next: format!("Run: chmod {mode} {shown}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ones_own_or_roots_is_used() {
        let met =
            |owner, user, mode| FileMetadata { owner, user, mode }.permission_problem("/s", (0o022, "write"), "go-w");
        for fine in [met(0, 0, 0o40700), met(7, 7, 0o40755), met(0, 7, 0o100_600)] {
            assert_eq!(fine, None);
        }
        for (owner, user) in [(7, 0), (7, 8)] {
            let why = met(owner, user, 0o40700).map(|complaint| complaint.why).unwrap_or_default();
            assert_eq!(why, format!("It belongs to the user with the uid 7, and this is uid {user}."));
        }
        let open = met(7, 7, 0o40777);
        assert_eq!(
            open,
            Some(PermissionProblem {
                why: "Others than its owner may write it: its mode is 0777.".to_owned(),
                next: "Run: chmod go-w /s".to_owned()
            })
        );
    }
}
