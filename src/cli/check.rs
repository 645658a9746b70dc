//! `obnow check TARGET`: preflight only.

use super::args::CheckArgs;
use super::{Exit, Output, render};
use crate::app::storage_check::inspection;
use crate::app::{AppContext, detect, dump_directory};
use crate::domain::choices::Choices;
use crate::domain::exit;
use crate::domain::facts::{Facts, TenantFacts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::preflight::{Check, checks_below_v4, cluster_checks, inspected_checks, tenant_checks};
use crate::domain::version::Method;

/// Runs every check and says whether a start would be refused.
pub(super) async fn run(context: &AppContext, say: &Output, args: &CheckArgs) -> Result<Exit, Fault> {
    let facts = detect::one(context, context.cluster(args.target.cluster())?).await?;
    let mut choices = Choices::new(vec![args.target.clone()], args.mode.into());
    choices = crate::app::choices_from_inventory::with_strategies(choices, context.cluster(args.target.cluster())?);
    choices = crate::app::tasks::with_last_storage(context, &facts, choices)?;
    let facts = dump_directory::with_dump_directory(facts, &choices);
    let tenants = tenants(&facts, args.target.tenant())?;
    say.line(&format!("{}  {}", facts.cluster.version.with_build(), facts.cluster.method_reason));
    let own = cluster_checks(&facts, &choices);
    let mut refusals: Vec<Check> = own.iter().filter(|check| check.refuses()).cloned().collect();
    render::checks(say, &own);
    render::checks(say, &checks_below_v4(&facts, &tenants, &choices));
    let looks = inspection::inspect_directories(context, &facts, &tenants, &choices).await?;
    choices.seen = looks.seen;
    let mut eligible = 0;
    for tenant in &tenants {
        let mut own = tenant_checks(&facts, tenant, &choices);
        own.extend(inspected_checks(&facts, tenant, &choices, &looks.unseen));
        render::checks(say, &own);
        match own.iter().find(|check| check.refuses()) {
            Some(check) => refusals.push(check.clone()),
            None => eligible += 1,
        }
    }
    let cluster_refuses = refusals.first().is_some_and(|check| check.target.tenant().is_none() && eligible > 0);
    match refusals.first() {
        Some(check) if eligible == 0 || cluster_refuses => Ok(exit::of_fault(&check.fault())),
        // A backup of the cluster would leave some out.
        Some(_) => Ok(Exit::MIXED),
        None => Ok(Exit::OK),
    }
}

fn tenants<'a>(facts: &'a Facts, name: Option<&str>) -> Result<Vec<&'a TenantFacts>, Fault> {
    match name {
        Some(name) => facts.tenant(name).map(|tenant| vec![tenant]).ok_or_else(|| {
            Fault::new(
                Cause::Usage,
                format!("There is no tenant {name} on {}.", facts.cluster.target),
                "The cluster does not list it.",
                "See the names with: obnow targets.",
            )
        }),
        None => Ok(facts
            .tenants
            .iter()
            .filter(|tenant| tenant.kind == TenantKind::User || facts.cluster.method == Method::Logical)
            .collect()),
    }
}
