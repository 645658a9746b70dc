//! Detection: reads the facts over an open connection.

use super::OceanBase;
use super::column_types::{self, UnreadableCell};
use super::competing_load::manager_user_filter;
use super::parse::{Parameters, by_tenant, upgrade_signs, whole_instance};
use super::release_profile::{BackupScope, ReleaseProfile, ViewId};
use super::rows;
use super::session::{Failure, Purpose, Row, TypedSession, number, text};
use super::view_reader::{Filter, FilterValue, LoginTenant, OptionalColumns, ViewQuery};
use crate::domain::diagnosis::foreign;
use crate::domain::facts::{ClusterFacts, Facts, JobFacts, Known, LoginFacts, Scope, ServerFacts, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::identity::Created;
use crate::domain::proof::ProofRule;
use crate::domain::scn::Scn;
use crate::domain::stall::ServerClock;
use crate::domain::version::{Detected, Engine, Method, Version};

/// Views with columns that only some releases have; they are discovered at run time.
const VIEWS_WITH_OPTIONAL_COLUMNS: [ViewId; 6] =
    [ViewId::Tenants, ViewId::Tasks, ViewId::Cluster, ViewId::SetLevels, ViewId::Sets, ViewId::Connections];

/// The configuration items a backup is planned from.
const PARAMETERS: [&str; 8] = [
    "cluster",
    "cluster_id",
    "enable_upgrade_mode",
    "min_observer_version",
    "archive_lag_target",
    "ha_low_thread_score",
    "tde_method",
    "obconfig_url",
];

/// Reads engine and version of a server.
///
/// # Errors
/// It is not an OceanBase, or it does not answer.
pub async fn identify<P: Purpose>(session: &mut TypedSession<P>) -> Result<Detected, Fault> {
    let comment = session.rows("SHOW VARIABLES LIKE 'version_comment'").await.map_err(|failure| failure.fault)?;
    let comment = comment.first().map(|row| text(row, "VALUE")).unwrap_or_default();
    Detected::read(&comment).or_else(|_| Detected::read(&session.version_text)).map_err(|_| {
        let says = if comment.is_empty() {
            session.version_text.clone()
        } else {
            format!("{} {comment}", session.version_text)
        };
        Fault::new(
            Cause::Unreachable,
            format!("{} is not an OceanBase.", session.endpoint),
            format!("It calls itself \"{}\".", foreign(&says)),
            "Name an observer or an OBProxy of an OceanBase cluster.",
        )
    })
}

/// Reads the tenant of the login from the server. Where the release accepts several SELECTs in one text, this harmless query
/// tests whether the connection does.
pub(super) async fn home<P: Purpose>(
    session: &mut TypedSession<P>,
    line: &ReleaseProfile,
) -> Result<LoginTenant, Fault> {
    let sql = "SELECT EFFECTIVE_TENANT_ID() AS ID, EFFECTIVE_TENANT() AS NAME";
    let rows = if line.accepts_multi_selects {
        session.query_testing_multi_statements(sql).await
    } else {
        session.rows(sql).await
    };
    let rows = rows.map_err(|failure| failure.fault)?;
    let row = rows.first().cloned().unwrap_or_default();
    let Some(id) = number(&row, "ID").filter(|id| *id > 0) else {
        // If it were taken for sys, the login of a tenant would be shown and queried wrongly.
        return Err(Fault::new(
            Cause::Server,
            format!("The tenant of the login at {} cannot be read.", session.endpoint),
            "It answers EFFECTIVE_TENANT_ID() with something that is no tenant's id.",
            "Check what answers at that endpoint; through a proxy, name an observer itself (port 2881).",
        ));
    };
    let scope = if id == 1 { Scope::Sys } else { Scope::Tenant };
    Ok(LoginTenant { scope, id, name: rows::word(&row, "NAME") })
}

impl OceanBase {
    /// Reads everything that a plan is made from.
    ///
    /// # Errors
    /// Unreachable, refused, not an OceanBase, or a view without the columns it must have.
    pub async fn detect(&mut self) -> Result<Facts, Fault> {
        self.unread = None;
        let facts = self.read_facts().await?;
        self.reject_unreadable(facts)
    }

    async fn read_facts(&mut self) -> Result<Facts, Fault> {
        self.ensure_session().await?;
        let detected = self.detected.ok_or_else(|| self.internal_fault("detection without a version"))?;
        let choice = detected.version.method();
        if choice.method == Method::Logical {
            return self.detect_logical(&detected, choice.reason.clone()).await;
        }
        if ReleaseProfile::for_version(&detected.version).is_none() {
            return Err(Fault::new(
                Cause::Precondition,
                format!("{} cannot be backed up with this release of obnow.", self.target),
                format!(
                    "It is {}, whose statements and views this release does not know.",
                    detected.version.with_build()
                ),
                "Use OCP, or the statements of that version's manual.",
            ));
        }
        let ServerClock { time_zone, ahead_ms: clock_ahead_ms } = self.read_clock().await?;
        // What the login may do comes first: a view that may not be read is explained by it.
        let login = self.login().await?;
        if self.columns.is_none() {
            self.columns = Some(self.find_columns().await?);
        }
        let home = self.home()?.clone();
        let parameters = self.parameters().await?;
        let (tenants, whole) = match self.line()?.backup_scope {
            BackupScope::PerTenant => (self.tenants(&parameters, &time_zone, None).await?, None),
            BackupScope::PerCluster(rules) => {
                let whole = self.read_cluster_backup_facts(rules, &parameters).await?;
                let tenants = self.read_cluster_tenants(&parameters, &whole, &time_zone, None).await?;
                let mut whole = whole.with_sets(&tenants);
                whole.without_gts = self.without_gts(&tenants).await;
                (tenants, Some(Box::new(whole)))
            }
        };
        let connection = [("ID", vec![FilterValue::Number(self.session()?.id)])];
        let [servers, upgrades, connection, logged_in] = self
            .read_together([
                (ViewId::Servers, &[], "ZONE, SVR_IP, SVR_PORT"),
                (ViewId::TenantJobs, &[("JOB_STATUS", vec![FilterValue::Text("INPROGRESS")])], ""),
                (ViewId::Connections, &connection, ""),
                (ViewId::Connections, &[manager_user_filter()], ""),
            ])
            .await?;
        let servers = self.servers(&servers?)?;
        let upgrading = self.upgrading(&parameters, &servers, upgrades);
        let through_proxy = self.is_direct_from_rows(connection).map(|direct| !direct);
        let running: Vec<JobFacts> = tenants.iter().flat_map(|tenant| tenant.running.iter().cloned()).collect();
        let managers = self.managers(&parameters, &running, logged_in);
        let cluster = ClusterFacts {
            target: self.target.clone(),
            environment: self.environment.clone(),
            endpoint: self.session()?.endpoint.clone(),
            server_name: parameters.one("cluster"),
            id: self.cluster_id(&parameters, &home),
            created: created(&home, &tenants),
            version: detected.version,
            edition: detected.edition,
            method: choice.method,
            method_reason: choice.reason.clone(),
            scope: home.scope,
            login,
            servers,
            upgrading,
            time_zone,
            clock_ahead_ms,
            backup_service: None,
            work: None,
            dump: None,
            dump_directory: None,
            proof: self.line()?.proof,
            through_proxy,
            cluster_backup: whole,
            managers,
        };
        Ok(Facts { at: super::now(), cluster, tenants })
    }

    async fn detect_logical(&mut self, detected: &Detected, method_reason: String) -> Result<Facts, Fault> {
        let ServerClock { time_zone, ahead_ms: clock_ahead_ms } = self.read_clock().await?;
        let dump = match super::super::dump::catalogue(self.session()?).await {
            Ok(known) => known,
            Err(fault) => {
                // A partial result may be left on the connection.
                self.drop_session();
                return Err(fault);
            }
        };
        let cluster = ClusterFacts {
            target: self.target.clone(),
            environment: self.environment.clone(),
            endpoint: self.session()?.endpoint.clone(),
            server_name: None,
            id: None,
            created: Known::NotChecked("an engine that is dumped has no cluster id".to_owned()),
            version: detected.version,
            edition: detected.edition,
            method: Method::Logical,
            method_reason,
            scope: Scope::Sys,
            login: LoginFacts {
                user: self.connection.user.clone(),
                tenant: String::new(),
                missing: Known::NotChecked("a dump finds out when it reads".to_owned()),
                grants: Vec::new(),
            },
            servers: Known::NotChecked(match detected.version.engine {
                Engine::Seekdb => "a single-node engine has no list of servers".to_owned(),
                Engine::OceanBase => "this line is only dumped, its servers are not looked at".to_owned(),
            }),
            upgrading: Known::NotChecked("a dump reads no sign of an upgrade".to_owned()),
            time_zone,
            clock_ahead_ms,
            backup_service: Some(super::super::dump::find_service(self.connection.mydumper.as_deref()).await),
            work: None,
            dump: Some(dump),
            dump_directory: None,
            proof: ProofRule::Never,
            through_proxy: None,
            cluster_backup: None,
            managers: Known::Known(Vec::new()),
        };
        Ok(Facts { at: super::now(), cluster, tenants: vec![whole_instance(detected.version)] })
    }

    pub(super) async fn parameters(&mut self) -> Result<Parameters, Fault> {
        let (line, home) = (self.line()?, self.home()?.clone());
        let columns = self.columns.clone().unwrap_or_default();
        let names: &[&str] = match line.backup_scope {
            BackupScope::PerTenant => &PARAMETERS,
            BackupScope::PerCluster(_) => &super::per_cluster::PARAMETERS,
        };
        let asked = super::view_reader::parameters(self.session()?, line, &home, &columns, names).await;
        match asked {
            Ok(rows) => Ok(Parameters::new(rows)),
            Err(failure) => {
                if !failure.answered {
                    self.lose_session(&failure.fault);
                }
                Err(self.explain_denied_view(failure, ViewId::Parameters).fault)
            }
        }
    }

    pub(super) async fn find_columns(&mut self) -> Result<OptionalColumns, Fault> {
        let mut found = OptionalColumns::default();
        let (line, home) = (self.line()?, self.home()?.clone());
        for (id, asked) in found.discover(self.session()?, line, &home, &VIEWS_WITH_OPTIONAL_COLUMNS).await {
            match asked {
                // Who may not see connections does without what they would tell.
                Err(failure) if id == ViewId::Connections && failure.answered => {}
                asked => asked.map_err(|failure| self.explain_denied_view(failure, id).fault)?,
            }
        }
        Ok(found)
    }

    /// Returns whether the release profile has a view for the scope of this login.
    pub(super) fn sees(&self, id: ViewId) -> Result<bool, Fault> {
        Ok(self.line()?.view(id, self.home()?.scope).is_some())
    }

    fn servers(&self, rows: &[Row]) -> Result<Known<Vec<ServerFacts>>, Fault> {
        if !self.sees(ViewId::Servers)? {
            return Ok(Known::NotChecked("the servers are seen from the sys tenant only".to_owned()));
        }
        let servers = rows
            .iter()
            .map(|row| ServerFacts {
                address: format!("{}:{}", rows::word(row, "SVR_IP"), rows::word(row, "SVR_PORT")),
                zone: rows::word(row, "ZONE"),
                status: rows::word(row, "STATUS").to_uppercase(),
                serving: rows::serving(row),
                build: rows::word(row, "BUILD_VERSION"),
            })
            .collect();
        Ok(Known::Known(servers))
    }

    /// Returns every sign of an upgrade. Mixed builds alone are reported by the check of builds.
    fn upgrading(
        &mut self,
        parameters: &Parameters,
        servers: &Known<Vec<ServerFacts>>,
        jobs: Result<Vec<Row>, Fault>,
    ) -> Known<Vec<String>> {
        let by_cluster = matches!(self.line().map(|line| line.backup_scope), Ok(BackupScope::PerCluster(_)));
        let mut signs = upgrade_signs(parameters, servers.get().filter(|_| by_cluster));
        let from_sys = self.home().is_ok_and(|home| home.scope == Scope::Sys);
        if signs.is_empty() && !from_sys {
            return Known::NotChecked("upgrade mode and upgrade jobs are seen from the sys tenant only".to_owned());
        }
        let modes = parameters.all("enable_upgrade_mode");
        // The value of every server counts, and an unreadable one means nothing.
        let off = !modes.is_empty() && modes.iter().all(|mode| mode.eq_ignore_ascii_case("false"));
        let versions = parameters.all("min_observer_version");
        let known = versions.iter().all(|version| version.parse::<Version>().is_ok());
        for (name, is_read) in [("enable_upgrade_mode", off), ("min_observer_version", known)] {
            if signs.is_empty() && !is_read {
                if from_sys {
                    self.not_read(name);
                }
                return Known::NotChecked(format!("{name} cannot be read"));
            }
        }
        match jobs {
            Ok(jobs) => {
                for job in jobs.iter().filter(|job| text(job, "JOB_TYPE").starts_with("UPGRADE")) {
                    let (id, kind) = (rows::word(job, "JOB_ID"), rows::word(job, "JOB_TYPE"));
                    signs.push(format!("job {id} {kind} is INPROGRESS"));
                }
            }
            Err(fault) if signs.is_empty() => return Known::NotChecked(format!("upgrade jobs: {}", fault.why)),
            Err(_) => {}
        }
        Known::Known(signs)
    }

    /// Returns the version of the cluster.
    pub(super) fn version(&self) -> Result<Version, Fault> {
        let detected = self.detected.ok_or_else(|| self.internal_fault("facts without a version"))?;
        Ok(detected.version)
    }

    /// Reads all running jobs, parent jobs included.
    pub(super) async fn running_jobs(&mut self) -> Result<Vec<JobFacts>, Fault> {
        if let BackupScope::PerCluster(_) = self.line()?.backup_scope {
            return self.read_cluster_jobs().await;
        }
        let jobs = self.read(ViewId::Jobs, &[], "JOB_ID").await?;
        self.jobs_with_tasks(&jobs).await
    }

    /// Parses the job rows of V4 and adds the running task of each job.
    pub(super) async fn jobs_with_tasks(&mut self, jobs: &[Row]) -> Result<Vec<JobFacts>, Fault> {
        let mut jobs: Vec<JobFacts> = jobs.iter().map(rows::job).collect::<Result<_, _>>()?;
        if !jobs.is_empty() {
            let tasks: Vec<Row> = self.read(ViewId::Tasks, &[], "TASK_ID").await?;
            let tasks = by_tenant(tasks)?;
            for job in &mut jobs {
                let mut own = tasks.get(&job.tenant_id).into_iter().flatten();
                let Some(row) = own.find(|row| rows::is_task_of(row, job)) else { continue };
                job.task = Some(rows::task(row));
                if job.result == 0 && job.comment.is_empty() {
                    // The job shows the error of its task only after it has ended.
                    (job.result, job.comment) = rows::trouble(row);
                }
            }
        }
        Ok(jobs)
    }

    /// Reads the facts of these tenants again, without those of the cluster.
    ///
    /// # Errors
    /// As [`OceanBase::detect`].
    pub async fn refresh_tenants(&mut self, ids: &[u64]) -> Result<Vec<TenantFacts>, Fault> {
        self.unread = None;
        let tenants = self.read_tenants(ids).await?;
        self.reject_unreadable(tenants)
    }

    async fn read_tenants(&mut self, ids: &[u64]) -> Result<Vec<TenantFacts>, Fault> {
        self.ensure_session().await?;
        let time_zone = self.time_zone().await?;
        let parameters = self.parameters().await?;
        if let BackupScope::PerCluster(rules) = self.line()?.backup_scope {
            let whole = self.read_cluster_backup_facts(rules, &parameters).await?;
            return self.read_cluster_tenants(&parameters, &whole, &time_zone, Some(ids)).await;
        }
        self.tenants(&parameters, &time_zone, Some(ids)).await
    }

    /// Reads a view of this cluster's release.
    pub(super) async fn read(&mut self, id: ViewId, filters: &[Filter<'_>], order: &str) -> Result<Vec<Row>, Fault> {
        self.try_read_view(id, filters, order).await.map_err(|failure| failure.fault)
    }

    /// Reads a view; the failure tells whether the server answered.
    pub(super) async fn try_read_view(
        &mut self,
        id: ViewId,
        filters: &[Filter<'_>],
        order: &str,
    ) -> Result<Vec<Row>, Failure> {
        let unasked = Failure::refused;
        let (line, home) = (self.line().map_err(unasked)?, self.home().map_err(unasked)?.clone());
        let columns = self.columns.clone().unwrap_or_default();
        let session = self.session().map_err(Failure::lost)?;
        let answer = super::view_reader::read(session, line, &home, &columns, (id, filters, order)).await;
        self.record_failure(id, answer)
    }

    /// Reads several views in the given order, in as few round trips as the servers allow.
    pub(super) async fn read_together<const N: usize>(
        &mut self,
        asked: [ViewQuery<'_>; N],
    ) -> Result<[Result<Vec<Row>, Fault>; N], Fault> {
        let (line, home) = (self.line()?, self.home()?.clone());
        let columns = self.columns.clone().unwrap_or_default();
        let ids = asked.map(|(id, ..)| id);
        let answers = super::view_reader::read_together(self.session()?, line, &home, &columns, asked).await;
        let mut ids = ids.into_iter();
        Ok(answers.map(|answer| match ids.next() {
            Some(id) => self.record_failure(id, answer).map_err(|failure| failure.fault),
            None => answer.map_err(|failure| failure.fault),
        }))
    }

    /// Records the failure of a result: the connection was lost, or a value was unreadable.
    fn record_failure(&mut self, id: ViewId, answer: Result<Vec<Row>, Failure>) -> Result<Vec<Row>, Failure> {
        let failure = match answer.and_then(|rows| self.reject_future(id, rows)) {
            Ok(rows) => return Ok(rows),
            Err(failure) => self.explain_denied_view(failure, id),
        };
        if !failure.answered {
            self.lose_session(&failure.fault);
        }
        if failure.unread {
            self.unread.get_or_insert_with(|| failure.fault.clone());
        }
        Err(failure)
    }

    /// Rejects a result with times after the server's clock, or after this host's clock until the server's was read.
    fn reject_future(&self, id: ViewId, rows: Vec<Row>) -> Result<Vec<Row>, Failure> {
        let here = super::now();
        let now = self.clock.as_ref().map_or_else(|| Scn::from_timestamp(here), |clock| clock.at(here));
        let Err(unread) = column_types::check_not_future(&rows, now) else { return Ok(rows) };
        let unasked = Failure::refused;
        let scope = self.home().map_err(unasked)?.scope;
        let view = self.line().map_err(unasked)?.view(id, scope).map_or("", |view| view.name.as_str());
        Err(Failure::unreadable(unread.fault(view)))
    }

    /// Returns the cluster's id. It is always listed for sys; a tenant may not see it.
    fn cluster_id(&mut self, parameters: &Parameters, home: &LoginTenant) -> Option<u64> {
        let listed = parameters.one("cluster_id");
        let id = listed.as_ref().and_then(|id| id.parse().ok());
        if id.is_none() && (listed.is_some() || home.scope == Scope::Sys) {
            self.not_read("cluster_id");
        }
        id
    }

    /// Records a parameter that a check or the cluster's identity needs and that is missing or invalid.
    pub(super) fn not_read(&mut self, parameter: &str) {
        let unread = UnreadableCell::parameter(parameter);
        self.unread.get_or_insert(unread);
    }

    /// Returns the facts only if every selected value was readable. What the server does not show is part of the facts; an
    /// unreadable value makes the detection fail.
    fn reject_unreadable<T>(&mut self, facts: T) -> Result<T, Fault> {
        self.unread.take().map_or(Ok(facts), Err)
    }
}

/// Returns when the tenant of the login was created.
fn created(home: &LoginTenant, tenants: &[TenantFacts]) -> Known<Created> {
    let own = tenants.iter().find(|tenant| tenant.id == home.id).and_then(|tenant| tenant.created);
    own.map_or_else(
        || Known::NotChecked(format!("the server does not say when the tenant {} was created", home.name)),
        |at| Known::Known(Created { tenant: home.id, at }),
    )
}
