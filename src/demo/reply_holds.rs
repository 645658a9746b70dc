//! Statements that a test holds in the fleet: the client waits for its reply until the test releases them. So a runner can be
//! stopped, or killed, exactly where a test wants it.

use serde::Serialize;

use super::clock::Micros;
use super::fleet::{ClientConnection, Fleet};
use super::server_model::Session;
use super::shared_fleet::SharedFleet;
use super::statement::Alter;

/// A rule for the statements to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyHold {
    /// The prefix of the statement, compared without case; empty: every statement.
    pub prefix: String,
    /// True: hold the reply after the execution. False: hold before the execution.
    pub applied: bool,
    /// The server executes the statement even if its client has disconnected, and lists the connection until then.
    #[serde(rename = "lingers")]
    pub outlives_client: bool,
}

/// A statement that is held.
#[derive(Debug, Clone, Serialize)]
pub struct HeldStatement {
    /// Its number, counted from 1.
    id: u64,
    /// The rule that holds it.
    hold: ReplyHold,
    /// The connection that waits, or waited.
    pub connection: u64,
    /// The endpoint it connected to.
    pub endpoint: usize,
    /// Since when.
    since: Micros,
    /// The statement to execute when its client has disconnected.
    #[serde(skip)]
    work: Option<Box<(Session, Alter)>>,
    /// The client has disconnected.
    orphaned: bool,
}

/// A waiting client; its drop removes the held statement, unless the rule says that the server goes on with it.
struct Waiter<'a> {
    model: &'a SharedFleet,
    id: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.model.update(|fleet| {
            for held in fleet.held_statements.iter_mut().filter(|held| held.id == self.id) {
                held.orphaned = true;
            }
            fleet.held_statements.retain(|held| held.id != self.id || held.hold.outlives_client);
        });
    }
}

impl SharedFleet {
    /// Holds the statement if a rule matches, until the test releases it.
    pub(super) async fn hold_reply(&self, session: &Session, text: &str, applied: bool, work: Option<&Alter>) {
        let mut changes = self.subscribe();
        let wanted = self.read(|fleet| {
            let begins = |hold: &&ReplyHold| {
                text.get(..hold.prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(&hold.prefix))
            };
            fleet.reply_holds.iter().find(|hold| hold.applied == applied && begins(hold)).cloned()
        });
        let Some(hold) = wanted else { return };
        let id = self.update(|fleet| {
            fleet.held_count += 1;
            let (id, since) = (fleet.held_count, fleet.now);
            let work = work.filter(|_| hold.outlives_client).map(|alter| Box::new((session.clone(), alter.clone())));
            let (connection, endpoint) = (session.connection, session.endpoint);
            fleet.held_statements.push(HeldStatement { id, hold, connection, endpoint, since, work, orphaned: false });
            id
        });
        let waiter = Waiter { model: self, id };
        while self.read(|fleet| fleet.held_statements.iter().any(|held| held.id == id)) {
            // The sender lives as long as the fleet.
            let _notified = changes.changed().await;
        }
        drop(waiter);
    }

    /// Releases the first statement that is held under this prefix, or with `all` every one and removes the rule. A statement
    /// whose client has disconnected is executed now. Returns how many were released.
    pub(super) fn release_held(&self, prefix: &str, all: bool) -> usize {
        let mut orphans = Vec::new();
        let passed = self.update(|fleet| {
            if all {
                fleet.reply_holds.retain(|hold| hold.prefix != prefix);
            }
            let mut count = 0;
            fleet.held_statements.retain(|held| {
                let passes = held.hold.prefix == prefix && (all || count == 0);
                count += usize::from(passes);
                if passes && held.orphaned {
                    orphans.push(held.clone());
                }
                !passes
            });
            count
        });
        for orphan in orphans {
            if let Some(work) = &orphan.work {
                // Nobody waits for its reply.
                let _outcome = self.execute_alter(&work.0, &work.1);
            }
            self.update(|fleet| fleet.connections.retain(|client| !is_same_connection(client, &orphan)));
        }
        passed
    }
}

fn is_same_connection(client: &ClientConnection, held: &HeldStatement) -> bool {
    client.id == held.connection && client.endpoint == held.endpoint
}

/// Returns whether the server still executes a statement of a connection whose client has disconnected.
pub(super) fn is_still_executing(fleet: &Fleet, endpoint: usize, connection: u64) -> bool {
    let is_own = |held: &&HeldStatement| held.connection == connection && held.endpoint == endpoint;
    fleet.held_statements.iter().filter(is_own).any(|held| held.hold.outlives_client)
}
