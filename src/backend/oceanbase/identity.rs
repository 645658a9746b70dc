//! Verifies on every connection of a task that it leads to the confirmed cluster and tenants, before any result is trusted. An
//! endpoint of another cluster is skipped, and the next one is tried.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use super::column_types::needed;
use super::release_profile::{ReleaseProfile, TENANT_ID, ViewId};
use super::rows;
use super::session::{Failure, Purpose, Row, TypedSession, number, seconds, text};
use super::view_reader::{self, FilterValue, LoginTenant, OptionalColumns};
use super::{OceanBase, detect, parse};
use crate::domain::fault::{Cause, Fault};
use crate::domain::identity::{Created, another_creation};
use crate::domain::plan::{Plan, TargetPlan, TenantIdentity};
use crate::domain::version::{Detected, Method};

/// The identity of the confirmed cluster and tenants.
pub(super) struct ConfirmedIdentity {
    cluster: Option<u64>,
    created: Option<Created>,
    tenants: Vec<TenantIdentity>,
}

/// A connection whose other end was identified.
pub(super) struct VerifiedSession<P: Purpose> {
    pub(super) session: TypedSession<P>,
    pub(super) detected: Detected,
    pub(super) home: Option<LoginTenant>,
    /// Endpoints that accepted the login and then did not answer.
    pub(super) mute: Vec<String>,
    /// Endpoints that closed the connection on a text of several queries.
    pub(super) one_at_a_time: Vec<String>,
}

impl OceanBase {
    /// Requires connections from now on to lead to the cluster and tenants of this plan.
    pub fn expect(&mut self, plan: &Plan) {
        let tenants = plan.targets.iter().map(|target| target.tenant.clone()).collect();
        self.expected = Some(ConfirmedIdentity { cluster: plan.cluster.id, created: plan.cluster.created, tenants });
    }

    /// Opens a connection to the confirmed cluster, with one time limit for all endpoints ([`Limits::connect_deadline`]).
    ///
    /// # Errors
    /// No endpoint answers, or only endpoints of another cluster do.
    ///
    /// [`Limits::connect_deadline`]: crate::domain::connection::Limits::connect_deadline
    pub(super) async fn connect_verified<P: Purpose>(&self) -> Result<VerifiedSession<P>, Fault> {
        let limit = self.connection.limits.connect_deadline();
        timeout(limit, self.connect_first_match()).await.unwrap_or_else(|_| Err(self.connect_timeout_fault(limit)))
    }

    /// Returns the fault of endpoints that did not answer within their common limit.
    fn connect_timeout_fault(&self, limit: Duration) -> Fault {
        let (count, limit) = (self.connection.endpoints.len(), seconds(limit));
        let endpoints =
            if count == 1 { "Its endpoint has".to_owned() } else { format!("None of its {count} endpoints has") };
        let not = if count == 1 { " not" } else { "" };
        Fault::new(
            Cause::Unreachable,
            format!("{} cannot be reached.", self.target),
            format!(
                "{endpoints}{not} answered as it within {limit}, which all have together: twice limits.connect and \
                 limits.statement."
            ),
            "Check the endpoints, the servers' state and the firewall between this host and them.",
        )
    }

    async fn connect_first_match<P: Purpose>(&self) -> Result<VerifiedSession<P>, Fault> {
        let mut left = self.connection.clone();
        // Broken endpoints come last, the latest at the end: otherwise one that accepts the login and then does not answer would
        // be chosen every time.
        left.endpoints.sort_by_key(|endpoint| self.broken.iter().position(|broken| broken == endpoint));
        let mut foreign: Option<Fault> = None;
        let mut silent: Option<Fault> = None;
        let mut mute = Vec::new();
        let mut one_at_a_time = self.one_at_a_time.clone();
        loop {
            let mut session = match TypedSession::<P>::open_or_failed_endpoint(&left, self.secrets.login.as_ref()).await
            {
                Ok(session) => session,
                // The login worked before: an endpoint that refuses it now is another cluster, or the login was changed.
                Err((at, refused))
                    if refused.cause == Cause::Rights && self.home.is_some() && left.endpoints.len() > 1 =>
                {
                    left.endpoints.retain(|endpoint| *endpoint != at);
                    foreign.get_or_insert(refused);
                    continue;
                }
                Err((_, fault)) => {
                    let fault = silent.filter(|_| fault.cause == Cause::Unreachable).unwrap_or(fault);
                    return Err(foreign.map_or(fault.clone(), |foreign| no_matching_endpoint(foreign, &fault)));
                }
            };
            if one_at_a_time.contains(&session.endpoint) {
                session.disable_multi_statements();
            }
            match self.verify_identity(&mut session).await {
                Ok((detected, home, None)) => {
                    return Ok(VerifiedSession { session, detected, home, mute, one_at_a_time });
                }
                Ok((.., Some(why))) => {
                    foreign.get_or_insert(other_cluster(&session.endpoint, why));
                }
                Err(_) if session.was_lost_testing_multi_statements() => {
                    // It gets no text of several queries again.
                    one_at_a_time.push(session.endpoint);
                    continue;
                }
                Err(fault) if fault.cause == Cause::Unreachable => {
                    silent.get_or_insert(fault);
                    mute.push(session.endpoint.clone());
                }
                Err(refused) => return Err(refused),
            }
            left.endpoints.retain(|endpoint| *endpoint != session.endpoint);
            if left.endpoints.is_empty() {
                return Err(match (foreign, silent) {
                    (Some(foreign), Some(silent)) => no_matching_endpoint(foreign, &silent),
                    (Some(fault), None) | (None, Some(fault)) => fault,
                    (None, None) => self.internal_fault("nobody is left, and nobody was asked"),
                });
            }
        }
    }

    /// Reads the identity of the server of a new connection, and why it is not the confirmed one.
    async fn verify_identity<P: Purpose>(
        &self,
        session: &mut TypedSession<P>,
    ) -> Result<(Detected, Option<LoginTenant>, Option<String>), Fault> {
        let detected = detect::identify(session).await?;
        session.apply_statement_limit().await?;
        let line = ReleaseProfile::for_version(&detected.version)
            .filter(|_| detected.version.method().method == Method::Physical);
        let home = match line {
            Some(line) => Some(detect::home(session, line).await?),
            None => None,
        };
        let foreign = self.identity_mismatch(session, line.zip(home.as_ref())).await?;
        Ok((detected, home, foreign))
    }

    /// Returns why this is not the confirmed cluster; `None` where it is.
    async fn identity_mismatch<P: Purpose>(
        &self,
        session: &mut TypedSession<P>,
        at: Option<(&ReleaseProfile, &LoginTenant)>,
    ) -> Result<Option<String>, Fault> {
        let Some(expected) = &self.expected else { return Ok(None) };
        let Some((line, home)) = at else {
            return Ok(Some("It is of a kind that has no physical backup.".to_owned()));
        };
        if let Some(before) = self.home.as_ref().filter(|before| *before != home) {
            return Ok(Some(format!(
                "The login belongs to tenant {} there, and to {} before.",
                home.name, before.name
            )));
        }
        if let Some(confirmed) = expected.cluster {
            let found =
                view_reader::parameters(session, line, home, &OptionalColumns::default(), &["cluster_id"]).await;
            let found = found.map_err(|failure| failure.fault)?;
            let id = found.first().and_then(|row| number(row, "VALUE"));
            if id != Some(confirmed) {
                let id = id.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
                return Ok(Some(format!("Its cluster id is {id}, and {confirmed} was confirmed.")));
            }
        }
        let tenants = expected.tenants.iter().map(|tenant| tenant.id);
        let ids = (TENANT_ID, tenants.chain([home.id]).map(FilterValue::Number).collect());
        let found = read_rows(session, line, home, (ViewId::Tenants, &[ids], "")).await?;
        if let Some(why) = another_creation(expected.created, created(home, line, &found)) {
            return Ok(Some(why));
        }
        let rows: BTreeMap<u64, &Row> = found.iter().filter_map(|row| Some((number(row, TENANT_ID)?, row))).collect();
        let name_of = |id: u64| rows.get(&id).map(|row| text(row, "TENANT_NAME"));
        // Where the creation time is not known, the tenants tell clusters of one id apart. A single missing tenant may have been
        // dropped; the steps report that.
        let wrong = |tenant: &&TenantIdentity| name_of(tenant.id).is_some_and(|name| name != tenant.name);
        if let Some(tenant) = expected.tenants.iter().find(wrong) {
            let name = rows.get(&tenant.id).map(|row| rows::word(row, "TENANT_NAME")).unwrap_or_default();
            return Ok(Some(format!("Its tenant {} is called {name}, and {} was confirmed.", tenant.id, tenant.name)));
        }
        if !expected.tenants.is_empty() && expected.tenants.iter().all(|tenant| name_of(tenant.id).is_none()) {
            let ids: Vec<String> = expected.tenants.iter().map(|tenant| tenant.id.to_string()).collect();
            return Ok(Some(format!("It has no tenant {}, which was confirmed.", ids.join(" or "))));
        }
        Ok(None)
    }
}

impl OceanBase {
    /// Reads the current roles of the targets' tenants, by tenant id.
    pub(super) async fn roles(&mut self, targets: &[&TargetPlan]) -> Result<Vec<(u64, String)>, Fault> {
        let ids = (TENANT_ID, targets.iter().map(|target| FilterValue::Number(target.tenant.id)).collect());
        let rows = self.read(ViewId::Tenants, &[ids], "").await?;
        rows.iter().map(|row| Ok((needed(row, TENANT_ID)?, parse::role_of(row).word().to_owned()))).collect()
    }
}

/// Returns a note where a tenant's role changed since the backup was confirmed.
pub(super) fn role_change(target: &TargetPlan, role: &str) -> Option<String> {
    let (tenant, was) = (&target.tenant.name, &target.tenant.role);
    (was != role).then(|| format!("{tenant} was {was} when this was confirmed, and is {role} now"))
}

/// Returns when the tenant of a connection was created.
fn created(home: &LoginTenant, line: &ReleaseProfile, tenants: &[Row]) -> Option<Created> {
    let column = line.view(ViewId::Tenants, home.scope)?.time_columns.first()?;
    let own = tenants.iter().find(|row| number(row, TENANT_ID) == Some(home.id))?;
    Some(Created { tenant: home.id, at: rows::unix_time(own, column)? })
}

async fn read_rows<P: Purpose>(
    session: &mut TypedSession<P>,
    line: &ReleaseProfile,
    home: &LoginTenant,
    question: (ViewId, &[view_reader::Filter<'_>], &str),
) -> Result<Vec<Row>, Fault> {
    let answer = view_reader::read(session, line, home, &OptionalColumns::default(), question).await;
    answer.map_err(|failure: Failure| failure.fault)
}

/// Returns the fault of an endpoint that belongs to another cluster.
pub(super) fn other_cluster(endpoint: &str, why: String) -> Fault {
    Fault::new(
        Cause::Precondition,
        format!("{endpoint} is not the cluster that was confirmed."),
        why,
        "Check the endpoints of this cluster in the inventory.",
    )
}

/// Returns the fault where one endpoint is another cluster and the rest did not answer: those may still answer later.
fn no_matching_endpoint(foreign: Fault, silent: &Fault) -> Fault {
    Fault { cause: silent.cause, why: format!("{} And {}", foreign.why, silent.what), ..foreign }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

    use super::*;
    use crate::backend::Secrets;
    use crate::domain::connection::{Connection, Limits, TlsMode};

    /// Each of them accepts a connection and never sends anything.
    #[tokio::test]
    async fn all_endpoints_together_have_one_limit() {
        let servers: Vec<_> = (0..4).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let limits =
            Limits { connect: 400, statement: 100, poll: 1, stall: 1, archive_wait: 1, heartbeat: 1, proof: 1 };
        let connection = Connection {
            endpoints: servers.iter().map(|server| server.local_addr().unwrap().to_string()).collect(),
            user: "root@sys".into(),
            password: None,
            tls: TlsMode::Off,
            ca: None,
            mydumper: None,
            limits,
        };
        let cluster = OceanBase::new("prod".parse().unwrap(), None, connection, Secrets::default());
        let Err(fault) = cluster.connect_verified::<super::super::session::Writing>().await else {
            panic!("nobody answers")
        };
        assert_eq!((fault.cause, fault.what.as_str()), (Cause::Unreachable, "prod cannot be reached."));
        assert!(fault.why.starts_with("None of its 4 endpoints has answered as it within 1 s, "), "{}", fault.why);
    }
}
