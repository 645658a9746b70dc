//! Reads the privileges of a login from SHOW GRANTS, and returns the missing ones with the statements that grant them.

use super::OceanBase;
use super::release_profile::ViewId;
use super::session::{Failure, Row};
use crate::domain::diagnosis::foreign;
use crate::domain::facts::{Known, LoginFacts, MissingGrant};
use crate::domain::fault::{Cause, Fault};
use crate::domain::sql::quoted_text;

#[cfg(test)]
mod tests;

/// The server's code for a denied SELECT.
const SELECT_DENIED: u32 = 1142;

/// A line of SHOW GRANTS: `GRANT a, b ON x.y TO ..`.
struct Grant {
    privileges: Vec<String>,
    on: String,
}

impl Grant {
    fn read(line: &str) -> Option<Self> {
        let upper = line.to_uppercase();
        let given = upper.strip_prefix("GRANT ")?;
        let (privileges, behind) = given.split_once(" ON ")?;
        let on = behind.split_once(" TO ").map_or(behind, |(on, _)| on);
        let privileges = privileges.split(',').map(|word| word.trim().to_owned()).collect();
        Some(Self { privileges, on: on.replace(['`', '\'', '"', ' '], "") })
    }

    fn covers(&self, privilege: &str, on: &[&str]) -> bool {
        let words = [privilege, "ALL", "ALL PRIVILEGES"];
        on.contains(&self.on.as_str()) && self.privileges.iter().any(|own| words.contains(&own.as_str()))
    }
}

/// Returns the privileges that a backup needs and these lines of SHOW GRANTS do not have. The grants of roles are not in them.
fn missing(lines: &[String], views: &[&str], who: &str) -> Known<Vec<MissingGrant>> {
    let grants: Vec<Grant> = lines.iter().filter_map(|line| Grant::read(line)).collect();
    let mut missing = Vec::new();
    if !grants.iter().any(|grant| grant.covers("ALTER SYSTEM", &["*.*"])) {
        missing.push(MissingGrant {
            privilege: "ALTER SYSTEM",
            statement: grant_alter_system_sql(who),
            seen_to_work: false,
        });
    }
    let reads = |view: &&str| {
        let own = format!("OCEANBASE.{view}");
        grants.iter().any(|grant| grant.covers("SELECT", &["*.*", "OCEANBASE.*", &own]))
    };
    if !views.iter().all(reads) {
        let privilege = "SELECT on oceanbase.*";
        missing.push(MissingGrant { privilege, statement: grant_select_sql(who), seen_to_work: true });
    }
    let a_role = |line: &&String| line.to_uppercase().starts_with("GRANT ") && Grant::read(line).is_none();
    match lines.iter().find(a_role) {
        Some(role) if !missing.is_empty() => {
            Known::NotChecked(format!("what its roles give it is not in SHOW GRANTS: {role}"))
        }
        _ => Known::Known(missing),
    }
}

fn grant_alter_system_sql(who: &str) -> String {
    format!("GRANT ALTER SYSTEM ON *.* TO {}", quoted_text(who))
}

fn grant_select_sql(who: &str) -> String {
    format!("GRANT SELECT ON oceanbase.* TO {}", quoted_text(who))
}

/// Returns the plain user name of `user@tenant#cluster` or `cluster:tenant:user`.
fn user_name(login: &str) -> &str {
    let own = login.split_once('@').map_or(login, |(user, _)| user);
    own.rsplit(':').next().unwrap_or(own)
}

impl OceanBase {
    /// Reads the privileges of the login and what a backup lacks.
    pub(super) async fn login(&mut self) -> Result<LoginFacts, Fault> {
        let (user, home) = (self.connection.user.clone(), self.home()?.clone());
        let line = self.line()?;
        let views: Vec<String> = ViewId::REQUIRED
            .into_iter()
            .filter_map(|id| line.view(id, home.scope))
            .map(|view| view.name.to_uppercase())
            .collect();
        let names: Vec<&str> = views.iter().map(String::as_str).collect();
        let asked = self.session()?.rows("SHOW GRANTS").await;
        let (missing, grants) = match asked {
            Ok(rows) => {
                let lines = lines(&rows);
                (missing(&lines, &names, user_name(&user)), lines)
            }
            Err(failure) if failure.answered => {
                (Known::NotChecked(format!("SHOW GRANTS is refused: {}", failure.fault.what)), Vec::new())
            }
            Err(failure) => return Err(failure.fault),
        };
        let login = LoginFacts { user, tenant: home.name, missing, grants };
        self.login = Some(login.clone());
        Ok(login)
    }

    /// Replaces the failure of a denied view by one with its name and the statement that grants it; other failures are returned
    /// as they are.
    pub(super) fn explain_denied_view(&self, failure: Failure, id: ViewId) -> Failure {
        if failure.fault.code != Some(SELECT_DENIED) {
            return failure;
        }
        let home = self.home.as_ref();
        let view = home.zip(self.line().ok()).and_then(|(home, line)| line.view(id, home.scope));
        let Some((home, view)) = home.zip(view) else { return failure };
        let user = &self.connection.user;
        // All missing privileges at once, so that they can be granted in one go.
        let mut give = vec![grant_select_sql(user_name(user))];
        let mut why = "A backup is planned, watched and proven from the server's own views".to_owned();
        if let Some(login) = &self.login {
            let missing = login.missing.get().into_iter().flatten();
            give.extend(missing.filter(|grant| !grant.seen_to_work).map(|grant| grant.statement.clone()));
            let has = if login.grants.is_empty() { "nothing".to_owned() } else { login.grants.join("; ") };
            why = format!("{why}; SHOW GRANTS has: {has}");
        }
        let fault = Fault::new(
            Cause::Rights,
            format!("The login {user} may not read oceanbase.{}.", view.name),
            format!("{why}."),
            format!("As root@{}: {};", home.name, give.join("; ")),
        );
        Failure { fault: fault.with_code(SELECT_DENIED).with_detail(failure.fault.what), ..failure }
    }
}

/// Returns the lines of SHOW GRANTS: its one column has no fixed name.
fn lines(rows: &[Row]) -> Vec<String> {
    rows.iter().filter_map(|row| row.first().as_deref().map(foreign)).collect()
}
