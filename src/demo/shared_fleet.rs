//! The fleet behind the wire half: one state under one lock, advanced to the present at every access.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::accounts;
use super::alter::{self, Issuer, server_error};
use super::clock::{self, Micros};
use super::fault_injection::{ClusterFaults, FaultEffect};
use super::fleet::{ClientConnection, Cluster, Fleet, ReceivedStatement, Tenant};
use super::release_line::Feature;
use super::reply_holds;
use super::server_model::{Account, Endpoint, Greeting, ReplyOutcome, ServerModel, Session};
use super::simulation::{self, archive};
use super::sql_text;
use super::statement::{Alter, Preview, Row, ServerError, Value};
use super::stored_backups;
use super::view_rows::{self, ViewContext};

/// `ob_query_timeout` of a session that has not set it, in microseconds.
const QUERY_TIMEOUT: i64 = 10_000_000;

/// A fleet that is being served, shared by its connections.
#[derive(Debug)]
pub struct SharedFleet {
    fleet: Mutex<Fleet>,
    changed: watch::Sender<()>,
}

/// Whether an endpoint listens, and how often its connections were cut.
pub type EndpointState = (bool, u64);

impl SharedFleet {
    /// Returns the fleet as a shared one.
    #[must_use]
    pub fn new(fleet: Fleet) -> Self {
        Self { fleet: Mutex::new(fleet), changed: watch::Sender::new(()) }
    }

    /// Locks the fleet and advances it to the present.
    fn lock_at_present(&self) -> MutexGuard<'_, Fleet> {
        // A panic elsewhere leaves a fleet that is still good enough to be read.
        let mut fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        simulation::advance(&mut fleet, clock::now());
        fleet
    }

    /// Reads the fleet at the present time.
    pub fn read<T>(&self, question: impl FnOnce(&Fleet) -> T) -> T {
        question(&self.lock_at_present())
    }

    /// Changes the fleet, and wakes whoever waits for a change.
    pub fn update<T>(&self, change: impl FnOnce(&mut Fleet) -> T) -> T {
        let answer = change(&mut self.lock_at_present());
        self.changed.send_replace(());
        answer
    }

    /// Returns a receiver that is notified of every change by a caller; transitions in time do not notify.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Waits until `question` returns a value, or the time limit has passed. It sleeps until somebody changes the fleet or the
    /// next transition is due.
    pub async fn wait_until<T>(&self, within: Duration, mut question: impl FnMut(&Fleet) -> Option<T>) -> Option<T> {
        let deadline = tokio::time::Instant::now() + within;
        let mut changes = self.subscribe();
        loop {
            let (answer, due) = self.read(|fleet| (question(fleet), next_transition(fleet)));
            if answer.is_some() || tokio::time::Instant::now() >= deadline {
                return answer;
            }
            let left = due.map(|due| due - clock::now() + 1000).and_then(|left| u64::try_from(left).ok());
            let wake = tokio::time::Instant::now() + left.map_or(within, Duration::from_micros);
            tokio::select! {
                // The sender is a field of this struct, so there is always one.
                _notified = changes.changed() => {}
                () = tokio::time::sleep_until(wake.min(deadline)) => {}
            }
        }
    }

    /// Returns whether the endpoint should listen now, and how often its connections were cut.
    #[must_use]
    pub fn endpoint_state(&self, endpoint: Endpoint) -> EndpointState {
        self.read(|fleet| {
            let Some(port) = fleet.endpoints.get(endpoint) else { return (false, 0) };
            let faults = ClusterFaults { all: &fleet.faults, cluster: &fleet.clusters[port.cluster].name };
            (!faults.has_effect(&FaultEffect::PortRefuses, Some(port.server)), port.restarts)
        })
    }

    pub(super) fn execute_alter(&self, session: &Session, alter: &Alter) -> ReplyOutcome {
        let text = sql_text::render(alter);
        self.update(|fleet| {
            let lost = take_lost_reply(fleet, &text);
            let Some(cluster) = fleet.endpoints.get(session.endpoint).map(|port| port.cluster) else {
                return ReplyOutcome::ConnectionLost;
            };
            let result = match lost {
                Some(false) => None,
                _ => Some(
                    accounts::may_alter(&fleet.clusters[cluster], &session.account)
                        .and_then(|()| alter::execute(fleet, issuer_of(session, cluster, fleet.now), alter)),
                ),
            };
            if let (Some(Ok(())), Alter::Backup { .. }, Some(password)) = (&result, alter, &session.encryption) {
                record_password(&mut fleet.clusters[cluster], session, password);
            }
            let done = match &result {
                None => "lost before it was applied".to_owned(),
                Some(Ok(())) => "done".to_owned(),
                Some(Err(error)) => format!("refused {} {}", error.code, error.message),
            };
            let outcome = if lost == Some(true) { format!("lost after it was applied: {done}") } else { done };
            fleet.statements.push(ReceivedStatement {
                at: fleet.now,
                cluster: fleet.clusters[cluster].name.clone(),
                connection: session.connection,
                tenant: session.account.tenant.clone(),
                text,
                outcome,
            });
            match result {
                _ if lost.is_some() => ReplyOutcome::ConnectionLost,
                Some(Err(error)) => ReplyOutcome::Refused(error),
                _ => ReplyOutcome::Done,
            }
        })
    }

    /// Delays the reply to an accepted BACKUP if a fault asks for it; returns 4012 if that exceeds `ob_query_timeout`.
    async fn delay_reply(&self, session: &Session, alter: &Alter) -> ReplyOutcome {
        let slow = self.with_context(session, |context| {
            let faults = ClusterFaults { all: &context.fleet.faults, cluster: &context.cluster.name };
            faults.slow_start().map(|milliseconds| (milliseconds, context.fleet.speed))
        });
        let Some((milliseconds, speed)) = slow.flatten().filter(|_| matches!(alter, Alter::Backup { .. })) else {
            return ReplyOutcome::Done;
        };
        let limit =
            session.variables.get("ob_query_timeout").and_then(|text| text.parse().ok()).unwrap_or(QUERY_TIMEOUT);
        let delay = (milliseconds * 1000).min(limit);
        let delay = u64::try_from(delay).unwrap_or_default() / u64::from(speed);
        tokio::time::sleep(Duration::from_micros(delay)).await;
        if milliseconds * 1000 > limit {
            ReplyOutcome::Refused(server_error(4012, "Timeout"))
        } else {
            ReplyOutcome::Done
        }
    }

    fn with_context<T>(&self, session: &Session, question: impl FnOnce(&ViewContext<'_>) -> T) -> Option<T> {
        self.read(|fleet| {
            let port = fleet.endpoints.get(session.endpoint)?;
            let zone = session.variables.get("time_zone").unwrap_or(&fleet.time_zone);
            let zone = if zone.eq_ignore_ascii_case("SYSTEM") { &fleet.system_time_zone } else { zone };
            let tenant_id = i64::try_from(session.account.tenant_id).unwrap_or_default();
            Some(question(&ViewContext { fleet, cluster: &fleet.clusters[port.cluster], tenant_id, zone }))
        })
    }
}

/// Records the encryption password of the job that was just started.
fn record_password(cluster: &mut Cluster, session: &Session, password: &str) {
    let tenant_id = i64::try_from(session.account.tenant_id).unwrap_or_default();
    let newest = cluster.jobs.iter().rev().find(|job| job.initiator_tenant_id == tenant_id);
    if let Some(job_id) = newest.map(|job| job.id) {
        cluster.stored_backups.record_password(tenant_id, job_id, password);
    }
}

fn issuer_of(session: &Session, cluster: usize, at: Micros) -> Issuer {
    let tenant_id = i64::try_from(session.account.tenant_id).unwrap_or_default();
    Issuer { cluster, tenant_id, encrypted: session.encryption.is_some(), at }
}

/// Returns the next time at which the state changes by itself.
fn next_transition(fleet: &Fleet) -> Option<Micros> {
    let tenants = fleet.clusters.iter().flat_map(|cluster| &cluster.tenants);
    let checkpoint = tenants.filter_map(|tenant| archive::next_checkpoint(tenant, fleet.speed, fleet.now)).min();
    checkpoint.into_iter().chain(simulation::next_due(fleet)).min()
}

/// Takes the lost reply that matches this statement; returns whether the statement is executed all the same.
fn take_lost_reply(fleet: &mut Fleet, text: &str) -> Option<bool> {
    let begins = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let index = fleet.lost_replies.iter().position(|drop| begins(&drop.prefix))?;
    Some(fleet.lost_replies.remove(index).applied)
}

fn is_alter(statement: &str) -> bool {
    statement.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("alter"))
}

/// Splits `user@tenant#cluster`, of which only the user is required.
fn split_user_name(name: &str) -> (&str, &str, Option<&str>) {
    let (rest, cluster) = name.split_once('#').map_or((name, None), |(rest, cluster)| (rest, Some(cluster)));
    let (user, tenant) = rest.split_once('@').unwrap_or((rest, "sys"));
    (user, tenant, cluster)
}

/// Returns the error of a login with a cluster's name before V4, where only a proxy accepts it.
fn cluster_name_refused(cluster: &Cluster, named: &str) -> ServerError {
    if named == cluster.name {
        server_error(5160, "invalid tenant name specified in connection string")
    } else {
        server_error(4666, format!("cluster name does not match to '{named}'"))
    }
}

fn find_login_tenant<'a>(cluster: &'a Cluster, tenant: &str) -> Result<&'a Tenant, ServerError> {
    let found = cluster.tenant(tenant).filter(|tenant| tenant.tenant_type() != "META" && !tenant.recycled);
    let unknown = || server_error(5160, "invalid tenant name specified in connection string");
    let found = found.ok_or_else(unknown)?;
    if found.mode == "ORACLE" {
        return Err(server_error(1235, "Oracle tenant for current client driver is not supported"));
    }
    Ok(found)
}

impl ServerModel for SharedFleet {
    fn greeting(&self, endpoint: Endpoint) -> Greeting {
        self.read(|fleet| {
            let Some(port) = fleet.endpoints.get(endpoint) else { return Greeting::Unresponsive };
            let cluster = &fleet.clusters[port.cluster];
            let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
            if faults.has_effect(&FaultEffect::Unresponsive, Some(port.server)) {
                Greeting::Unresponsive
            } else {
                // Before V4 the handshake has a fixed version.
                let version = view_rows::version_texts(cluster).0;
                Greeting::Version(if cluster.line.is_legacy() { "5.7.25".to_owned() } else { version })
            }
        })
    }

    fn login(
        &self,
        endpoint: Endpoint,
        user_name: &str,
        proves: &dyn Fn(&str) -> bool,
    ) -> Result<Account, ServerError> {
        let (user, tenant, named) = split_user_name(user_name);
        let denied =
            || server_error(1045, format!("Access denied for user '{user}'@'127.0.0.1' (using password: YES)"));
        self.read(|fleet| {
            let port = fleet.endpoints.get(endpoint).ok_or_else(denied)?;
            let cluster = &fleet.clusters[port.cluster];
            // The older lines have another SQLSTATE for it.
            let state = if cluster.line.is_legacy() { "42000" } else { "28000" };
            let denied = || ServerError { state, ..denied() };
            let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
            if let Some(named) = named.filter(|_| cluster.line.is_legacy()) {
                return Err(cluster_name_refused(cluster, named));
            }
            let tenant = find_login_tenant(cluster, tenant)?;
            let elsewhere = named.is_some_and(|named| named != cluster.name);
            let refused = faults.has_effect(&FaultEffect::LoginRefused, Some(port.server));
            let known = accounts::user_exists(cluster, user, &tenant.name);
            if elsewhere || refused || !known || !proves(accounts::password(cluster, user, &tenant.name)) {
                return Err(denied());
            }
            let tenant_id = u64::try_from(tenant.id).unwrap_or_default();
            Ok(Account { user: user.to_owned(), tenant: tenant.name.clone(), tenant_id })
        })
    }

    fn line(&self, endpoint: Endpoint) -> String {
        self.read(|fleet| {
            let port = fleet.endpoints.get(endpoint);
            port.map_or_else(String::new, |port| fleet.clusters[port.cluster].line.key.to_owned())
        })
    }

    fn may_read(&self, session: &Session, view: &str) -> Result<(), ServerError> {
        let may = |context: &ViewContext<'_>| {
            let faults = ClusterFaults { all: &context.fleet.faults, cluster: &context.cluster.name };
            accounts::may_read(context.cluster, faults, &session.account, view)
        };
        self.with_context(session, may).unwrap_or(Ok(()))
    }

    fn rows(&self, session: &Session, view: &str) -> Result<Vec<Row>, ServerError> {
        self.with_context(session, |context| view_rows::rows(context, view)).unwrap_or_else(|| Ok(Vec::new()))
    }

    fn variable(&self, session: &Session, name: &str) -> Option<Value> {
        let (version, ob_version, comment) =
            self.with_context(session, |context| view_rows::version_texts(context.cluster))?;
        let text = |value: &str| Some(Value::Text(value.to_owned()));
        let (legacy, no_ob_version) = self.with_context(session, |context| {
            let line = context.cluster.line;
            (line.is_legacy(), !line.has(Feature::ObVersionFunction))
        })?;
        match name {
            "version()" | "@@version" => Some(Value::Text(version)),
            "ob_version()" if no_ob_version => None,
            "ob_version()" => Some(Value::Text(ob_version)),
            "@@ob_timestamp_service" if legacy => {
                let local = |context: &ViewContext<'_>| {
                    context.cluster.tenant_by_id(context.tenant_id).is_some_and(|own| own.local_timestamps)
                };
                text(if self.with_context(session, local)? { "LTS" } else { "GTS" })
            }
            "@@ob_trx_timeout" if legacy => Some(Value::Integer(100_000_000)),
            "@@version_comment" => Some(Value::Text(comment)),
            "@@ob_query_timeout" => Some(Value::Integer(QUERY_TIMEOUT.into())),
            "@@ob_trx_timeout" => Some(Value::Integer(86_400_000_000)),
            "@@max_allowed_packet" => Some(Value::Integer(16_777_216)),
            "@@autocommit" | "@@lower_case_table_names" => Some(Value::Integer(1)),
            "@@time_zone" => text(&self.read(|fleet| fleet.time_zone.clone())),
            "@@system_time_zone" => text(&self.read(|fleet| fleet.system_time_zone.clone())),
            "@@ob_compatibility_mode" => text("MYSQL"),
            "@@character_set_client" | "@@character_set_connection" | "@@character_set_results" => text("utf8mb4"),
            "@@tx_isolation" | "@@transaction_isolation" => text("READ-COMMITTED"),
            "@@sql_mode" => text("STRICT_ALL_TABLES,NO_ZERO_IN_DATE"),
            _ => None,
        }
    }

    fn grants(&self, session: &Session) -> Vec<String> {
        self.with_context(session, |context| accounts::grant_lines(context.cluster, &session.account))
            .unwrap_or_default()
    }

    fn parameters(&self, session: &Session, tenant: Option<&str>) -> Vec<(String, String)> {
        let values = self.with_context(session, |context| {
            let own = context.cluster.tenant_by_id(context.tenant_id);
            let named = tenant.filter(|_| context.tenant_id == 1).map(|name| context.cluster.tenant(name));
            view_rows::parameter_values(context, named.unwrap_or(own))
        });
        values.unwrap_or_default()
    }

    fn server_parameters(&self, session: &Session) -> Option<Vec<(String, u16, String, String)>> {
        let shown = |context: &ViewContext<'_>| {
            let all = view_rows::legacy::parameters(context).into_iter();
            let rows = all.map(|one| (one.zone, one.port, one.name.to_owned(), one.value)).collect();
            context.cluster.line.is_legacy().then_some(rows)
        };
        self.with_context(session, shown)?
    }

    fn restore_preview(
        &self,
        session: &Session,
        preview: &Preview,
    ) -> Result<Vec<Vec<(&'static str, Value)>>, ServerError> {
        self.with_context(session, |context| stored_backups::preview_rows(context, preview, &session.decryption))
            .unwrap_or_else(|| Ok(Vec::new()))
    }

    async fn alter(&self, session: &Session, alter: Alter) -> ReplyOutcome {
        self.hold_reply(session, &sql_text::render(&alter), false, Some(&alter)).await;
        let outcome = self.execute_alter(session, &alter);
        let outcome = if outcome == ReplyOutcome::Done { self.delay_reply(session, &alter).await } else { outcome };
        self.hold_reply(session, &sql_text::render(&alter), true, None).await;
        outcome
    }

    fn before_reply(&self, session: &Session, statement: &str) -> impl Future<Output = ReplyOutcome> + Send {
        // The replies of ALTER SYSTEM are handled in `alter`, where they can be lost before or after the execution.
        let lost = !is_alter(statement) && self.read(|fleet| !fleet.lost_replies.is_empty()) && {
            self.update(|fleet| take_lost_reply(fleet, statement.trim_start())).is_some()
        };
        let mut fleet = self.lock_at_present();
        let own =
            |client: &&mut ClientConnection| client.id == session.connection && client.endpoint == session.endpoint;
        if let Some(client) = fleet.connections.iter_mut().find(own) {
            client.user.clone_from(&session.account.user);
            client.tenant.clone_from(&session.account.tenant);
        }
        drop(fleet);
        async move {
            if lost {
                return ReplyOutcome::ConnectionLost;
            }
            if !is_alter(statement) {
                self.hold_reply(session, statement.trim_start(), true, None).await;
            }
            ReplyOutcome::Done
        }
    }

    fn connection_changed(&self, endpoint: Endpoint, connection: u64, open: bool) {
        self.update(|fleet| {
            let since = fleet.now;
            if open {
                fleet.connections_opened += 1;
                let (user, tenant) = (String::new(), String::new());
                fleet.connections.push(ClientConnection { id: connection, endpoint, user, tenant, since });
            } else if !reply_holds::is_still_executing(fleet, endpoint, connection) {
                fleet.connections.retain(|client| client.id != connection || client.endpoint != endpoint);
            }
        });
    }
}
