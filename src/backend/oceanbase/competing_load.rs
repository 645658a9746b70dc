//! What a backup competes with: other managers of the cluster, transparent encryption, and the load of its tenants.

use std::collections::BTreeMap;

use super::OceanBase;
use super::parse::Parameters;
use super::rows::word;
use super::session::{Row, number, text};
use super::view_reader::{Filter, FilterValue};
use crate::domain::competing_load::{CompetingLoad, ManagingPlatform, TransparentEncryption};
use crate::domain::destination::printable_uri;
use crate::domain::facts::{JobFacts, Known, Scope};
use crate::domain::fault::Fault;
use crate::domain::sql::quoted_name;
use crate::domain::version::{Detected, Version};

/// The name of OCP for messages.
const OCP: &str = "OCP";

/// Users that managers create for themselves, with the manager's name.
const MANAGER_USERS: [(&str, &str); 1] = [("ocp_monitor", OCP)];

/// Prefixes of the descriptions of a manager's jobs, in lower case, with the manager's name.
const JOB_PREFIXES: [(&str, &str); 3] = [("ocp", OCP), ("obshell", "obshell"), ("ob-operator", "ob-operator")];

/// The first release that can back up the keys of transparent encryption (V4.2.1 source, `sql_parser_mysql_mode.y`).
const FIRST_WITH_BACKUP_KEY: Version = Version::oceanbase([4, 2, 1, 0], None);

/// Returns the filter for connections of those users.
pub(super) fn manager_user_filter() -> Filter<'static> {
    ("USER", MANAGER_USERS.iter().map(|(user, _)| FilterValue::Text(user)).collect())
}

impl OceanBase {
    /// Returns every sign of another manager: the parameter that OCP sets, sessions of its users (`logged_in`), descriptions of
    /// its jobs.
    pub(super) fn managers(
        &self,
        parameters: &Parameters,
        jobs: &[JobFacts],
        logged_in: Result<Vec<Row>, Fault>,
    ) -> Known<Vec<ManagingPlatform>> {
        let mut signs: Vec<(&str, String)> = Vec::new();
        for url in parameters.all("obconfig_url").iter().filter(|url| url.to_ascii_lowercase().contains("ocp")) {
            // The part after the question mark contains user names.
            signs.push((OCP, format!("obconfig_url is {}", printable_uri(url.split('?').next().unwrap_or_default()))));
        }
        for job in jobs {
            let mark = job.description.to_ascii_lowercase();
            if let Some((_, name)) = JOB_PREFIXES.iter().find(|(begins, _)| mark.starts_with(begins)) {
                signs.push((name, format!("job {} is called \"{}\"", job.job_id, job.description)));
            }
        }
        match logged_in {
            Ok(rows) => {
                for (user, name) in MANAGER_USERS {
                    if rows.iter().any(|row| text(row, "USER").eq_ignore_ascii_case(user)) {
                        signs.push((name, format!("the user {user} is logged in")));
                    }
                }
            }
            Err(fault) if signs.is_empty() => return Known::NotChecked(format!("who is logged in: {}", fault.why)),
            Err(_) => {}
        }
        if signs.is_empty() && !self.home().is_ok_and(|home| home.scope == Scope::Sys) {
            return Known::NotChecked("the signs of another manager are seen from the sys tenant only".to_owned());
        }
        let mut managers: Vec<ManagingPlatform> = Vec::new();
        for (name, sign) in signs {
            match managers.iter_mut().find(|manager| manager.name == name) {
                Some(manager) => manager.signs.push(sign),
                None => managers.push(ManagingPlatform { name: name.to_owned(), signs: vec![sign] }),
            }
        }
        Known::Known(managers)
    }
}

/// Returns the filter for running major compactions; it matches nothing where they do not matter.
pub(super) fn running_compactions(matters: bool) -> Filter<'static> {
    let words = if matters { ["COMPACTING", "VERIFYING"].map(FilterValue::Text).to_vec() } else { Vec::new() };
    ("STATUS", words)
}

/// Returns the running major compactions as text, by tenant.
pub(super) fn in_words(rows: &[Row]) -> BTreeMap<u64, String> {
    let told = |row: &Row| {
        let at = word(row, "START_TIME");
        let at = at.split('.').next().unwrap_or_default().to_owned();
        format!("a major compaction runs since {at} (server time), {}", word(row, "STATUS"))
    };
    rows.iter().filter_map(|row| Some((number(row, "TENANT_ID")?, told(row)))).collect()
}

/// Returns what a backup of this tenant competes with.
pub(super) fn load(
    parameters: &Parameters,
    running: &Result<BTreeMap<u64, String>, String>,
    tenant: u64,
) -> CompetingLoad {
    CompetingLoad {
        compaction: match running {
            Ok(running) => Known::Known(running.get(&tenant).cloned()),
            Err(why) => Known::NotChecked(why.clone()),
        },
        settings: vec![("ha_low_thread_score", parameters.of_tenant("ha_low_thread_score", tenant))],
    }
}

/// Parses `tde_method` (V4.0.0 to V4.3.1 source, `ob_parameter_seed.ipp`: none, internal, bkmi).
pub(super) fn transparent_encryption(
    parameters: &Parameters,
    detected: Option<&Detected>,
    (id, name): (u64, &str),
) -> Known<Option<TransparentEncryption>> {
    let Some(method) = parameters.of_tenant("tde_method", id) else {
        return Known::NotChecked("the server does not show tde_method of the tenant".to_owned());
    };
    if method.is_empty() || method.eq_ignore_ascii_case("none") {
        return Known::Known(None);
    }
    let backup_keys = detected.is_some_and(|detected| detected.version >= FIRST_WITH_BACKUP_KEY).then(|| {
        let tenant = quoted_name(name);
        format!("ALTER SYSTEM BACKUP KEY TENANT = {tenant} TO '<uri>' ENCRYPTED BY '<password>'")
    });
    Known::Known(Some(TransparentEncryption { method, backup_keys }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_beside_a_backup_is_what_was_read_of_it() {
        let cell = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let of_1002 = [cell("TENANT_ID", "1002"), cell("NAME", "ha_low_thread_score"), cell("VALUE", "4")];
        let parameters = Parameters::new(vec![of_1002.into_iter().collect()]);
        let running = Ok(BTreeMap::from([(1002, "a major compaction runs".to_owned())]));
        let told = |running, tenant| load(&parameters, running, tenant).told();
        assert_eq!(told(&running, 1002), "ha_low_thread_score is 4; a major compaction runs");
        assert_eq!(told(&running, 1004), "ha_low_thread_score was not read; no major compaction runs");
        let unread = Err("no right".to_owned());
        assert_eq!(told(&unread, 1002), "ha_low_thread_score is 4; whether a major compaction runs was not read");
    }
}
